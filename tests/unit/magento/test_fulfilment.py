"""The bodies of ship, invoice and refund, over orders as a real store sent them."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from crossdock.errors import NotOpen, Rejected
from crossdock.magento.mapping import fulfilment as mapping
from crossdock.magento.mapping import marks
from crossdock.magento.mapping.wire import decode
from crossdock.model.fulfilment import CreditMemo, FulfilledLine, Invoice, OrderUpdate, Shipment
from tests.material import SHARED, needs_shared

ABOUT: dict[str, Any] = {"number": "X-1", "origin": "erp", "order_id": "1", "order_number": "000000001"}


def order(name: str) -> dict[str, Any]:
    return decode((SHARED / "magento" / "orders" / f"{name}.json").read_bytes())


def quantities(body: dict[str, Any]) -> dict[int, Decimal]:
    return {line["order_item_id"]: line["qty"] for line in body["items"]}


@needs_shared
def test_all_that_is_open_is_told_line_by_line_and_never_left_to_the_store() -> None:
    found = order("007_simples_a")
    body = mapping.ship_body(found, Shipment(**ABOUT, place="wh_milan"))
    assert quantities(body) == {row["item_id"]: row["qty_ordered"] for row in found["items"]}
    assert body["arguments"]["extension_attributes"]["source_code"] == "wh_milan"


@needs_shared
def test_a_configurables_child_is_counted_on_its_parent() -> None:
    found = order("009_configurable_a")
    parent, child = found["items"][:2]
    line = FulfilledLine(line=str(child["item_id"]), quantity=Decimal(1))
    body = mapping.ship_body(found, Shipment(**ABOUT, place="wh_milan", lines=(line,)))
    assert quantities(body) == {parent["item_id"]: 1}


@needs_shared
def test_the_parts_of_whole_bundles_ship_as_the_bundle() -> None:
    found = order("011_bundle_dyn_a")
    bundle = next(row for row in found["items"] if row["product_type"] == "bundle")
    parts = [row for row in found["items"] if row.get("parent_item_id") == bundle["item_id"]]
    lines = tuple(FulfilledLine(line=str(row["item_id"]), quantity=Decimal(row["qty_ordered"])) for row in parts)
    body = mapping.ship_body(found, Shipment(**ABOUT, place="wh_milan", lines=lines))
    assert quantities(body) == {bundle["item_id"]: bundle["qty_ordered"]}


@needs_shared
def test_more_than_is_open_is_refused() -> None:
    found = order("004_simple_3333")
    row = found["items"][0]
    for wanted in (row["qty_ordered"] + 1, Decimal("0.5") + row["qty_ordered"]):
        line = FulfilledLine(sku=row["sku"].lower(), quantity=Decimal(wanted))
        with pytest.raises(Rejected, match="is wanted"):
            mapping.ship_body(found, Shipment(**ABOUT, place="wh_milan", lines=(line,)))
    with pytest.raises(Rejected, match="no line"):
        mapping.invoice_body(found, Invoice(**ABOUT, lines=(FulfilledLine(line="1", quantity=Decimal(1)),)))


@needs_shared
def test_virtual_goods_are_not_shipped() -> None:
    with pytest.raises(Rejected, match="nothing of the order is open"):
        mapping.ship_body(order("018_virtual_a"), Shipment(**ABOUT, place="wh_milan"))


def paid(found: dict[str, Any]) -> dict[str, Any]:
    rows = [row | {"qty_invoiced": row["qty_ordered"]} for row in found["items"]]
    return found | {"base_total_paid": found["base_grand_total"], "items": rows}


@needs_shared
@pytest.mark.parametrize("name", ["007_simples_a", "028_cp_PCT10_a", "094_incl_mix_a", "011_bundle_dyn_a"])
def test_a_whole_order_can_be_given_back_and_not_a_cent_of_adjustment_more(name: str) -> None:
    found = paid(order(name))
    body = mapping.refund_body(found, CreditMemo(**ABOUT))
    assert body["items"] == [], "all that is open"
    with pytest.raises(Rejected, match="captured"):
        mapping.refund_body(found, CreditMemo(**ABOUT, adjustment_positive=Decimal("0.50")))
    with pytest.raises(Rejected, match="of shipping"):
        mapping.refund_body(found, CreditMemo(**ABOUT, shipping=Decimal(10_000)))


@needs_shared
def test_what_may_yet_be_invoiced_may_yet_be_given_back() -> None:
    open_still = order("007_simples_a")
    first = open_still["items"][0]
    line = FulfilledLine(sku=first["sku"], quantity=Decimal(first["qty_ordered"]))
    for memo in (CreditMemo(**ABOUT), CreditMemo(**ABOUT, lines=(line,))):
        with pytest.raises(NotOpen):
            mapping.refund_body(open_still, memo)
    gone = paid(open_still)
    gone["items"] = [row | {"qty_refunded": row["qty_ordered"]} for row in gone["items"]]
    for memo in (CreditMemo(**ABOUT), CreditMemo(**ABOUT, lines=(line,))):
        with pytest.raises(Rejected) as told:
            mapping.refund_body(gone, memo)
        assert not isinstance(told.value, NotOpen), "no change of the order lets this be done"


def test_a_mark_is_known_again_and_names_its_origin() -> None:
    memo = CreditMemo(**ABOUT, comment="as agreed (by phone)")
    text = marks.comment_of(memo)
    assert text == "as agreed (by phone) | ERP credit memo X-1 (crossdock erp)"
    assert marks.origin_of(text, "credit memo") == "erp"
    assert marks.origin_of(text, "cancel") == ""
    assert marks.origin_of("ERP credit memo X-1", "credit memo") == ""
    update = OrderUpdate(**ABOUT, action="cancel")  # type: ignore[arg-type]  # as its JSON has it
    assert marks.origin_of(marks.mark(update, "cancel"), "cancel") == "erp"


@needs_shared
def test_a_body_says_what_the_recorded_calls_said() -> None:
    recorded = json.loads((SHARED / "magento/recordings/order_ship_with_source_code.json").read_text())["request_body"]
    found = order("007_simples_a")
    line = FulfilledLine(line=str(found["items"][0]["item_id"]), quantity=Decimal(1))
    body = mapping.ship_body(found, Shipment(**ABOUT, place="wh_rome", lines=(line,)))
    assert body["arguments"] == recorded["arguments"]
    assert body["items"][0].keys() == recorded["items"][0].keys()
