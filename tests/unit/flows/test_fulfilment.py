"""How an ERP's document is read, and what the look at it promises."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crossdock.contract.flow import Route
from crossdock.contract.message import Message
from crossdock.errors import MappingError
from crossdock.flows import fulfilment
from crossdock.model.fulfilment import CreditMemo, Resolved, Shipment

OPTIONS = {"warehouses": {"MI": "wh_milan", "RM": "wh_rome"}}
GOOD: dict[str, Any] = {"number": "SH-1", "order": "000000007", "warehouse": "MI"}


def looked(flow: str, document: dict[str, Any], flows: frozenset[str] | None = None) -> tuple[Any, ...]:
    message = Message(
        id="x", source="erp", flow="fulfilments", subject="x", occurred_at=datetime(2026, 1, 1, tzinfo=UTC)
    )
    found = Resolved(flow=flow, store="shop", order_id="7", order_number="000000007", document=document)
    route = Route(source="erp", target="shop", flows=flows or frozenset({flow}), states={"inventory": OPTIONS})
    return fulfilment.look(message, found, (), (route,))


def test_parcels_wait_beside_their_order_where_nothing_waits_for_them() -> None:
    (duty,) = looked("tracks", GOOD | {"tracks": [{"number": "1Z9"}]})
    assert duty.lane == "shop:order:7:tracks:SH-1"


def test_a_document_walks_in_the_lane_of_its_order_at_the_store() -> None:
    (duty,) = looked("shipments", GOOD)
    assert (duty.target, duty.lane, duty.subject) == ("shop", "shop:order:7", "7")
    assert duty.key == "v1:erp:shipments:SH-1:make"
    record = msgspec.json.decode(duty.payload or b"", type=Shipment)
    assert (record.place, record.order_id, record.origin) == ("wh_milan", "7", "erp")


def test_a_shipment_from_two_places_is_two_duties_with_keys_of_their_own() -> None:
    lines = [{"sku": "A", "qty": 1}, {"sku": "A", "qty": 2, "warehouse": "RM"}]
    duties = looked("shipments", GOOD | {"lines": lines})
    assert [duty.key for duty in duties] == [
        "v1:erp:shipments:SH-1:make:wh_milan",
        "v1:erp:shipments:SH-1:make:wh_rome",
    ]


def test_a_flow_that_no_route_takes_is_a_skip_with_its_reason() -> None:
    (duty,) = looked("shipments", GOOD, frozenset({"invoices"}))
    assert duty.payload is None
    assert duty.reason


def test_the_same_parcels_in_another_order_are_the_same_message_and_effect() -> None:
    one, other = ([{"number": name} for name in names] for names in (("T1", "T2"), ("T2", "T1")))
    raw = {"number": "SH-1", "order": "7"}
    assert fulfilment.message_id("shop", "tracks", raw | {"tracks": one}) == fulfilment.message_id(
        "shop", "tracks", raw | {"tracks": other}
    )
    assert [duty.key for duty in looked("tracks", raw | {"tracks": one})] == [
        duty.key for duty in looked("tracks", raw | {"tracks": other})
    ]


@pytest.mark.parametrize(
    ("flow", "change", "field"),
    [
        ("shipments", {"number": None}, "number"),
        ("shipments", {"number": "x" * 101}, "number"),
        ("shipments", {"order": " "}, "order"),
        ("shipments", {"warehouse": "default"}, "warehouse"),
        ("shipments", {"warehouse": None}, "warehouse"),
        ("shipments", {"lines": {}}, None),
        ("shipments", {"lines": [3]}, "lines"),
        ("shipments", {"lines": [{"qty": 1}]}, "lines[0].line"),
        ("shipments", {"lines": [{"sku": "A", "qty": 0}]}, "lines[0].qty"),
        ("shipments", {"lines": [{"sku": "A", "qty": "1.00001"}]}, "lines[0].qty"),
        ("shipments", {"lines": [{"sku": "A", "qty": 1.5}]}, "lines[0].qty"),
        ("shipments", {"lines": [{"sku": "A", "qty": "NaN"}]}, "lines[0].qty"),
        ("shipments", {"lines": [{"sku": "A", "qty": "1E+30"}]}, "lines[0].qty"),
        ("shipments", {"lines": [{"sku": "A", "qty": True}]}, "lines[0].qty"),
        ("shipments", {"tracks": [{"carrier": "ups"}]}, "number"),
        ("shipments", {"notify": "yes"}, "notify"),
        ("tracks", {}, "tracks"),
        ("invoices", {"capture": 1}, "capture"),
        ("credit_memos", {"shipping": "-1"}, "shipping"),
        ("credit_memos", {"adjustment_positive": "x"}, "adjustment_positive"),
        ("order_updates", {"action": "delete"}, "action"),
        ("order_updates", {"action": "comment"}, "comment"),
    ],
)
def test_nothing_is_guessed(flow: str, change: dict[str, Any], field: str | None) -> None:
    if field is None:  # an empty table is no lines: all that is open
        assert fulfilment.read(flow, GOOD | change, "erp", OPTIONS)
        return
    with pytest.raises(MappingError) as told:
        fulfilment.read(flow, GOOD | change, "erp", OPTIONS)
    assert told.value.field == field


def test_money_keeps_its_decimals() -> None:
    raw = GOOD | {"shipping": "4.90", "adjustment_negative": Decimal("0.10")}
    (memo,) = fulfilment.read("credit_memos", raw, "erp", OPTIONS)
    assert isinstance(memo, CreditMemo)
    assert (str(memo.shipping), str(memo.adjustment_negative)) == ("4.90", "0.10")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.decimals(allow_nan=True),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
NAMES = ("number", "order", "warehouse", "lines", "tracks", "qty", "sku", "shipping", "action", "comment", "notify")


@settings(suppress_health_check=[HealthCheck.too_slow])  # the first draw builds the strategy
@given(flow=st.sampled_from(sorted(fulfilment.KINDS)), raw=st.dictionaries(st.sampled_from(NAMES), JSON, max_size=8))
def test_whatever_comes_is_read_or_refused_by_name(flow: str, raw: dict[str, Any]) -> None:
    told = "read"
    try:
        records = fulfilment.read(flow, raw, "erp", OPTIONS)
    except MappingError as error:
        told = error.field
    else:
        assert records
        assert all(record.number and record.order_number for record in records)
    assert told
