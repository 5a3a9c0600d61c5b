"""A shadow beside an ERP of each of these kinds, whole: what another hand has put there is seen field by field."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from crossdock.app import Crossdock
from crossdock.contract.message import Message
from crossdock.contract.shadow import Fate
from crossdock.flows import FLOWS, LOOKS, ORDERS
from crossdock.flows.expansion import expand
from crossdock.model.change import ChangeKind, OrderChange
from crossdock.model.order import Order
from crossdock.sandbox.erps import oracle_fusion, sap_b1, sap_s4
from crossdock.sandbox.faults import NONE
from crossdock.settings import Settings
from crossdock.storage.shadows import ShadowFilter
from tests.databases import sqlite_url
from tests.material import needs_shared
from tests.recorded_server import serve
from tests.walk.world import Shop, recorded, settings, settled, until

pytestmark = needs_shared
SHADOW = {"eligibility": {"*": "always"}, "mode": "shadow", "shadow_patience_s": 0}


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """A stand-in, what its connection needs for cancellations, its words for a quantity, and the methods it was asked with."""

    made: Callable[[int, Any], Any]
    more: dict[str, Any] = {}
    fields: set[str]
    asked: Callable[[Any], list[str]]


KINDS: Mapping[str, Kind] = {
    "sap_s4": Kind(
        made=sap_s4.StandIn,
        more={"blocks": {"rejection": "61"}},
        fields={"to_Item[].RequestedQuantity", "to_Item[].to_PricingElement.PMP0.ConditionRateValue"},
        asked=lambda server: [method for method, _, _ in server.seen],
    ),
    "sap_b1": Kind(
        made=sap_b1.StandIn,
        fields={"DocumentLines[].Quantity"},
        asked=lambda server: [one.method for one in server.seen],
    ),
    "oracle_fusion": Kind(
        made=oracle_fusion.StandIn,
        more={"cancel": {"reason": "web"}},
        fields={"lines[].OrderedQuantity", "lines[].charges.QP_SALE_PRICE.PricedQuantity"},
        asked=lambda server: [one.method for one in server.requests],
    ),
}


@pytest.fixture
def shop() -> Iterator[tuple[Shop, str]]:
    shop = Shop()
    with serve(shop.answer) as server:
        yield shop, server.url


@pytest.fixture(params=[*KINDS])
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


@pytest.fixture
def erp(kind: Kind) -> Iterator[Any]:
    server = kind.made(1, NONE)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def crossdock(shop: tuple[Shop, str], kind: Kind, erp: Any, tmp_path: Path) -> Iterator[Crossdock]:
    tables = settings(tmp_path, shop[1], erp.url, sqlite_url(tmp_path)).model_dump(mode="json", exclude_defaults=True)
    tables["connections"]["erp"] = {**erp.table(), **kind.more, "flows": ["orders", "cancellations"]}
    tables["routes"][0]["options"] = SHADOW
    running = Crossdock(Settings(**tables))
    running.start()
    yield running
    running.stop()


def order_of(crossdock: Crossdock, name: str) -> Order:
    """As a look would see it."""
    raw = json.dumps({"order": recorded(name), "credit_memos": []}).encode()
    seen = Message(id="m", source="store", flow="looks", subject="1", occurred_at=datetime.now(UTC), payload=raw)
    return expand(crossdock.connections.source("store", LOOKS).parse(seen).order, "parent")


def with_more(order: Order) -> Order:
    """Pieces for the same money, of its first line."""
    first, *others = order.lines
    return msgspec.structs.replace(order, lines=(msgspec.structs.replace(first, quantity=first.quantity + 1), *others))


def fates(crossdock: Crossdock, flow: str) -> dict[str, Fate]:
    return {one.reference: one.fate for one in crossdock.store.shadows.listed(ShadowFilter()) if one.flow == flow}


def test_what_another_hand_put_there_is_seen_field_by_field(
    shop: tuple[Shop, str], kind: Kind, erp: Any, crossdock: Crossdock
) -> None:
    """One as we would have sent it, one with more pieces, one not at all; then the first is cancelled on both sides."""
    same, other, missing = "001_smoke", "061_addr_us", "011_bundle_dyn_a"
    numbers = {name: recorded(name)["increment_id"] for name in (same, other, missing)}
    glue = crossdock.connections.by_name["erp"]
    orders = {name: order_of(crossdock, name) for name in (same, other)}
    glue.sink(ORDERS).put(orders[same], "glue:1")
    glue.sink(ORDERS).put(with_more(orders[other]), "glue:2")
    before = len(kind.asked(erp))

    ids = {name: shop[0].add(recorded(name)) for name in numbers}
    until(lambda: len(fates(crossdock, "orders")) == 3 and settled(crossdock))

    assert fates(crossdock, "orders") == {
        numbers[same]: Fate.EQUAL,
        numbers[other]: Fate.DIFFERENT,
        numbers[missing]: Fate.MISSING,
    }
    (unlike,) = [one for one in crossdock.store.shadows.listed(ShadowFilter()) if one.fate is Fate.DIFFERENT]
    assert {*unlike.fields} == kind.fields
    assert {*kind.asked(erp)[before:]} == {"GET"}

    change = OrderChange(
        kind=ChangeKind.CANCEL,
        order_id=str(ids[same]),
        order_number=numbers[same],
        occurred_at=datetime.now(UTC),
    )
    glue.sink(FLOWS["cancellations"]).put(change, "glue:1")
    before = len(kind.asked(erp))
    shop[0].touch(ids[same], state="canceled", status="canceled")
    until(lambda: numbers[same] in fates(crossdock, "cancellations") and settled(crossdock))
    assert fates(crossdock, "cancellations") == {numbers[same]: Fate.EQUAL}
    assert {*kind.asked(erp)[before:]} == {"GET"}
    assert shop[0].comments == {}
