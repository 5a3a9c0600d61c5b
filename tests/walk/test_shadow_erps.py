"""A shadow beside another integration, at ERPs that show an order field by field."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from crossdock.app import Crossdock
from crossdock.contract.message import Message
from crossdock.contract.shadow import Fate
from crossdock.delivery.records import State
from crossdock.flows import LOOKS, ORDERS
from crossdock.flows.expansion import expand
from crossdock.operations import shadow
from crossdock.sandbox.erps import dynamics_bc, dynamics_fo, netsuite
from crossdock.sandbox.faults import NONE
from crossdock.settings import Settings
from crossdock.storage.shadows import ShadowFilter
from tests.material import needs_shared
from tests.recorded_server import serve
from tests.walk.world import Shop, recorded, settings, settled, until

pytestmark = needs_shared
SAME, OTHER, MISSING = "001_smoke", "007_simples_a", "011_bundle_dyn_a"
Act = Callable[[Callable[[Any], Any]], Any]


class Place:
    """An ERP that stands in. `field`: what `dearer` changes there; `follows`: a state of an order and its flow."""

    field: str
    flows: tuple[str, ...] = ("orders",)
    follows = ("", "")

    def __init__(self) -> None:
        self.erp: Any

    def stock(self, skus: set[str]) -> None:
        """What another integration sold, it has."""

    def dearer(self, nth: int) -> None:
        """The first goods of order nth."""
        raise NotImplementedError

    def follow(self) -> None:
        """By hand, what `follows` says."""
        raise NotImplementedError

    def made(self) -> list[int]:
        """Everything that was ever made there."""
        raise NotImplementedError


class Netsuite(Place):
    field = "item.items[].rate"
    flows = ("orders", "cancellations")
    follows = ("canceled", "cancellations")

    def __init__(self) -> None:
        self.erp = netsuite.StandIn(1, NONE)

    def dearer(self, nth: int) -> None:
        def act(account: Any) -> None:
            [*account.records.kept["salesOrder"].values()][nth]["item"]["items"][0]["rate"] += 1

        self.erp.do(act)

    def follow(self) -> None:
        def act(account: Any) -> None:
            for order in account.records.kept["salesOrder"].values():
                for line in order["item"]["items"]:
                    line["isClosed"] = True

        self.erp.do(act)

    def made(self) -> list[int]:
        return self.erp.do(lambda account: [len(rows) for rows in account.records.kept.values()])  # type: ignore[no-any-return]


class BusinessCentral(Place):
    field = "salesOrderLines[].unitPrice"

    def __init__(self) -> None:
        self.erp = dynamics_bc.StandIn(1, NONE)

    def stock(self, skus: set[str]) -> None:
        self.erp._server.do(lambda books: [books.add_item(sku) for sku in skus])

    def dearer(self, nth: int) -> None:
        self.erp._server.do(lambda books: books.tables["salesOrders"][nth]["_lines"][0].update(unitPrice=1))

    def made(self) -> list[int]:
        return self.erp._server.do(lambda books: [len(rows) for rows in books.tables.values()])  # type: ignore[no-any-return]


class FinanceAndOperations(BusinessCentral):
    field = "lines[].SalesPrice"
    flows = ("orders", "holds")
    follows = ("holded", "holds")

    def __init__(self) -> None:
        self.erp = dynamics_fo.StandIn(1, NONE)

    def dearer(self, nth: int) -> None:
        def act(books: Any) -> None:
            number = books.tables["SalesOrderHeadersV2"][nth]["SalesOrderNumber"]
            lines = books.tables["SalesOrderLinesV2"]
            next(one for one in lines if one["SalesOrderNumber"] == number)["SalesPrice"] = 1

        self.erp._server.do(act)

    def follow(self) -> None:
        self.erp._server.do(
            lambda books: [one.update(IsSalesProcessingStopped="Yes") for one in books.tables["SalesOrderHeadersV2"]]
        )


PLACES = (Netsuite, BusinessCentral, FinanceAndOperations)


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    made: Place = request.param()
    made.erp.start()
    yield made
    made.erp.stop()


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def crossdock(place: Place, shop: Shop, tmp_path: Path) -> Iterator[Crossdock]:
    with serve(shop.answer) as served:
        told = settings(tmp_path, served.url, "http://127.0.0.1:9").model_dump(mode="json", exclude_defaults=True)
        told["connections"]["erp"] = {**place.erp.table(), "reads": {}, "flows": place.flows}
        options = {"eligibility": {"*": "always"}, "mode": "shadow", "shadow_patience_s": 0}
        told["routes"] = [{"source": "store", "target": "erp", "options": options}]
        made = Crossdock(Settings(**told))
        made.start()
        try:
            yield made
        finally:
            made.stop()


def by_the_old_glue(crossdock: Crossdock, place: Place, name: str) -> None:
    """Another integration has put it there, under a key of its own."""
    raw = json.dumps({"order": recorded(name), "credit_memos": []}).encode()
    seen = Message(id="m", source="store", flow="looks", subject="1", occurred_at=datetime.now(UTC), payload=raw)
    order = expand(crossdock.connections.source("store", LOOKS).parse(seen).order, "parent")
    place.stock({line.sku for line in order.lines})
    crossdock.connections.by_name["erp"].sink(ORDERS).put(order, f"v1:glue:order:{order.id}:place")


def test_a_shadow_says_which_field_another_integration_filled_otherwise(
    crossdock: Crossdock, place: Place, shop: Shop
) -> None:
    by_the_old_glue(crossdock, place, SAME)
    by_the_old_glue(crossdock, place, OTHER)
    place.dearer(1)
    before = place.made()
    for name in (SAME, OTHER, MISSING):
        shop.add(recorded(name))
    shadows = crossdock.store.shadows
    until(lambda: len([*shadows.listed(ShadowFilter())]) == 3 and settled(crossdock))
    called = {name: recorded(name)["increment_id"] for name in (SAME, OTHER, MISSING)}
    found = {one.reference: one.fate for one in shadows.listed(ShadowFilter())}
    assert found == {called[SAME]: Fate.EQUAL, called[OTHER]: Fate.DIFFERENT, called[MISSING]: Fate.MISSING}
    assert [(one.field, one.count) for one in shadow.report(shadows, ShadowFilter()).fields] == [(place.field, 1)]
    assert place.made() == before
    assert {state for flow, _, state in crossdock.store.counts() if flow == "orders"} == {State.SHADOWED}


@pytest.mark.parametrize("place", [one for one in PLACES if one.follows[0]], indirect=True)
@pytest.mark.parametrize("by_hand", [True, False])
def test_what_follows_an_order_is_compared_too(
    crossdock: Crossdock, place: Place, shop: Shop, *, by_hand: bool
) -> None:
    by_the_old_glue(crossdock, place, SAME)
    number = shop.add(recorded(SAME))
    shadows, (state, flow) = crossdock.store.shadows, place.follows
    until(lambda: len([*shadows.listed(ShadowFilter())]) == 1 and settled(crossdock))
    if by_hand:
        place.follow()
    shop.touch(number, state=state, status=state)
    until(lambda: (flow, "erp", State.SHADOWED) in crossdock.store.counts() and settled(crossdock))
    found = {one.flow: one.fate for one in shadows.listed(ShadowFilter())}
    assert found == {"orders": Fate.EQUAL, flow: Fate.EQUAL if by_hand else Fate.MISSING}
