"""Invoices, shipments, credit memos and cancellations: what may be done to an order, and what doing it changes.

Each `*_plan` looks at the order and says what would be done, or why not; each `make_*` does it without looking again.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from crossdock.model.base import Record
from crossdock.sandbox.amounts import ZERO
from crossdock.sandbox.booking import adjust, book_invoice, book_memo, book_row, document_amounts
from crossdock.sandbox.rows import Row, plain
from crossdock.sandbox.shares import COMPENSATION, PREFIXES, TAX, asked_for, counting, head, number, row_part

SOURCES = frozenset({"default", "wh_rome", "wh_milan"})
NO_INVOICE = (
    "Invoice Document Validation Error(s):\nThe invoice can't be created without products. Add products and try again."
    "\nThe order does not allow an invoice to be created."
)
NO_SHIPMENT = (
    "Shipment Document Validation Error(s):\nThe order does not allow a shipment to be created.\n"
    "You can't create a shipment without products."
)
NO_PRODUCTS = "Shipment Document Validation Error(s):\nYou can't create a shipment without products."
ON_HOLD = "Shipment Document Validation Error(s):\nA shipment cannot be created when an order has a status of holded"
NO_REFUND = "Creditmemo Document Validation Error(s):\nA creditmemo can not be created for this order."
TOO_MUCH = "Creditmemo Document Validation Error(s):\nThe quantity to refund must not be greater than was invoiced."
CLOSED = frozenset({"canceled", "closed", "complete", "holded"})


class Refused(Record, frozen=True, kw_only=True):
    """Why not, in the store's words: HTTP 400."""

    message: str


class Plan(Record, frozen=True, kw_only=True):
    """What to do: item_id -> quantity, and the rest of the body."""

    quantities: dict[int, int]
    told: dict[str, Any] = {}


def invoice_plan(order: Row, told: dict[str, Any]) -> Plan | Refused:
    """Of all that is open, or of what is asked for, cut to what is open."""
    wanted = asked_for(order, told.get("items"))
    open_now = {
        one["item_id"]: one["qty_ordered"] - one["qty_invoiced"] - one["qty_canceled"] for one in order["items"]
    }
    quantities = _within(order, wanted, open_now)
    refused = order["state"] in CLOSED or not any(quantities.values())
    return Refused(message=NO_INVOICE) if refused else Plan(quantities=quantities, told=told)


def ship_plan(order: Row, told: dict[str, Any]) -> Plan | Refused:
    """Parents ship for their children; a quantity above the open one is cut (both recorded)."""
    if order["state"] == "holded":
        return Refused(message=ON_HOLD)
    tops = [one for one in order["items"] if "parent_item_id" not in one and not one["is_virtual"]]
    open_now = {one["item_id"]: one["qty_ordered"] - one["qty_shipped"] - one["qty_canceled"] for one in tops}
    wanted = {int(one.get("order_item_id", 0)): int(one.get("qty", 0)) for one in told.get("items") or ()}
    if wanted and wanted.keys() <= {one["item_id"] for one in order["items"]} - open_now.keys():
        return Refused(message=NO_PRODUCTS)
    quantities = {item: min(open_now[item], wanted.get(item, 0) if wanted else open_now[item]) for item in open_now}
    if order["state"] in {"canceled", "closed"} or not any(quantities.values()):
        return Refused(message=NO_SHIPMENT)
    if source_of(told) not in SOURCES:
        return Refused(message="Could not save a shipment, see error log for details")
    return Plan(quantities={item: quantity for item, quantity in quantities.items() if quantity}, told=told)


def refund_plan(order: Row, told: dict[str, Any], *, unchecked: bool = False) -> Plan | Refused:
    """Of all that is invoiced and not refunded yet, or of what is asked for."""
    wanted = asked_for(order, told.get("items"))
    open_now = {one["item_id"]: one["qty_invoiced"] - one["qty_refunded"] for one in order["items"]}
    if wanted and not unchecked and any(wanted[item] > open_now.get(item, 0) for item in wanted):
        return Refused(message=TOO_MUCH)
    quantities = dict(wanted) if wanted and unchecked else _within(order, wanted, open_now)
    if not unchecked and (order["state"] in {"canceled", "closed", "holded"} or not number(order, "total_paid")):
        return Refused(message=NO_REFUND)
    if not any(quantities.values()) and not told.get("arguments"):
        return Refused(message=NO_REFUND)
    return Plan(quantities=quantities, told=told)


def source_of(told: Mapping[str, Any]) -> str:
    """The source that a shipment is taken from; `default` where none is named, even where the stock has it not."""
    arguments = told.get("arguments") or {}
    return str((arguments.get("extension_attributes") or {}).get("source_code", "default"))


def make_invoice(order: Row, plan: Plan, entity: int, stamp: str) -> Row:
    """The first one of an order carries the whole shipping."""
    rows = [row for row in counting(order) if plan.quantities.get(row["item_id"])]
    place = {"parent_id": entity}
    made = head(order, entity, stamp) | {
        "can_void_flag": 0,
        "total_qty": sum(plan.quantities[r["item_id"]] for r in rows),
    }
    made["items"] = [
        row_part(row, row["qty_invoiced"], plan.quantities[row["item_id"]], place | {"entity_id": entity * 1000 + n})
        for n, row in enumerate(rows, 1)
    ]
    made["comments"] = _comments(plan.told, entity, stamp)
    for prefix in PREFIXES:
        open_shipping = number(order, f"{prefix}shipping_amount") - number(order, f"{prefix}shipping_invoiced")
        first = f"{prefix}shipping_invoiced" not in order
        document_amounts(made, order, prefix, open_shipping if first else ZERO, compensated=False)
        book_invoice(order, made, prefix)
    for row in order["items"]:
        row["qty_invoiced"] += plan.quantities.get(row["item_id"], 0)
        if row["qty_invoiced"]:
            for prefix in PREFIXES:
                row.setdefault(f"{prefix}discount_tax_compensation_invoiced", 0)
    for row, part in zip(rows, made["items"], strict=True):
        book_row(row, part, "invoiced", "row_invoiced")
        row["weee_tax_applied"] = "[]"
    settle_state(order)
    return made


def make_shipment(order: Row, plan: Plan, entity: int, stamp: str) -> Row:
    """With its tracks; moves the order on."""
    rows = [row for row in order["items"] if row["item_id"] in plan.quantities]
    place = {"order_id": order["entity_id"], "parent_id": entity, "created_at": stamp, "updated_at": stamp}
    none = {"weight": None, "qty": None, "description": None}
    for row in rows:
        row["qty_shipped"] += plan.quantities[row["item_id"]]
    settle_state(order)
    copied = ("name", "price", "product_id", "sku", "weight")
    return {
        "billing_address_id": order["billing_address_id"],
        "shipping_address_id": 2 * order["entity_id"] - 1,
        "created_at": stamp,
        "updated_at": stamp,
        "entity_id": entity,
        "increment_id": f"{entity:09}",
        "order_id": order["entity_id"],
        "packages": [],
        "store_id": order["store_id"],
        "total_qty": sum(plan.quantities.values()),
        "items": [
            {name: row[name] for name in copied if name in row}
            | {"entity_id": entity * 1000 + n, "parent_id": entity, "order_item_id": row["item_id"]}
            | {"qty": plan.quantities[row["item_id"]]}
            for n, row in enumerate(rows, 1)
        ],
        "tracks": [
            place | none | {"entity_id": entity * 1000 + n} | track
            for n, track in enumerate(plan.told.get("tracks") or (), 1)
        ],
        "comments": _comments(plan.told, entity, stamp),
        "extension_attributes": {"source_code": source_of(plan.told)},
    }


def make_memo(order: Row, plan: Plan, entity: int, stamp: str) -> Row:
    """Offline. Shipping and adjustments as the body's `arguments` say; all open shipping where they say nothing."""
    arguments = plan.told.get("arguments") or {}
    rows = [row for row in counting(order) if plan.quantities.get(row["item_id"])]
    made = head(order, entity, stamp) | {"comments": _comments(plan.told, entity, stamp)}
    made["items"] = [
        row_part(row, row["qty_refunded"], plan.quantities[row["item_id"]], {"parent_id": entity, "base_cost": None})
        | {"entity_id": entity * 1000 + n}
        for n, row in enumerate(rows, 1)
    ]
    rate = number(order, "base_to_order_rate") or Decimal(1)
    for prefix in PREFIXES:
        open_shipping = number(order, f"{prefix}shipping_amount") - number(order, f"{prefix}shipping_refunded")
        told = arguments.get("shipping_amount")
        # the body speaks in the base currency
        asked = open_shipping if told is None else Decimal(str(told)) * (1 if prefix else rate)
        document_amounts(made, order, prefix, min(open_shipping, asked), compensated=True)
        adjust(made, prefix, arguments, Decimal(1) if prefix else rate)
        book_memo(order, made, prefix)
    for row in order["items"]:
        row["qty_refunded"] += plan.quantities.get(row["item_id"], 0)
    for row, part in zip(rows, made["items"], strict=True):
        book_row(row, part, "refunded", "amount_refunded")
    if number(order, "total_refunded") >= number(order, "total_paid"):
        order |= {"state": "closed", "status": "closed"}
    return made


def cancel(order: Row) -> bool:
    """What is not invoiced is cancelled; total_due stays what it was (recorded). False where nothing can be."""
    left = {one["item_id"]: one["qty_ordered"] - one["qty_invoiced"] - one["qty_canceled"] for one in counting(order)}
    if order["state"] in CLOSED or not any(left.values()):
        return False
    for prefix in PREFIXES:
        for name in ("subtotal", "tax", "shipping", "discount"):
            whole = number(order, f"{prefix}{name}" if name == "subtotal" else f"{prefix}{name}_amount")
            order[f"{prefix}{name}_canceled"] = plain(abs(whole - number(order, f"{prefix}{name}_invoiced")))
        order[f"{prefix}total_canceled"] = plain(
            number(order, f"{prefix}grand_total") - number(order, f"{prefix}total_paid")
        )
    for row in order["items"]:
        row["qty_canceled"] = row["qty_ordered"] - row["qty_invoiced"]
        row["tax_canceled"] = plain(number(row, TAX) - number(row, "tax_invoiced"))
        row["discount_tax_compensation_canceled"] = plain(number(row, COMPENSATION))
    if number(order, "total_paid"):
        settle_state(order)
    else:
        order |= {"state": "canceled", "status": "canceled"}
    return True


def refresh_shipping(order: Row) -> None:
    """The shipping assignment repeats what the order says of its shipping."""
    repeated = ("shipping_invoiced", "shipping_canceled", "shipping_refunded", "shipping_tax_refunded")
    told = order["extension_attributes"]["shipping_assignments"][0]["shipping"]["total"]
    for prefix in PREFIXES:
        told |= {f"{prefix}{name}": order[f"{prefix}{name}"] for name in repeated if f"{prefix}{name}" in order}


def settle_state(order: Row) -> None:
    """Complete when everything is invoiced and shipped, else in work."""
    tops = [one for one in order["items"] if "parent_item_id" not in one]
    shipped = all(one["is_virtual"] or one["qty_shipped"] + one["qty_canceled"] >= one["qty_ordered"] for one in tops)
    paid = all(one["qty_invoiced"] + one["qty_canceled"] >= one["qty_ordered"] for one in counting(order))
    state = "complete" if shipped and paid else "processing"
    order |= {"state": state, "status": state}


def _comments(told: Mapping[str, Any], entity: int, stamp: str) -> list[Row]:
    comment = told.get("comment") or {}
    if not (comment and told.get("appendComment")):
        return []
    made = {"is_customer_notified": 0, "parent_id": entity, "is_visible_on_front": 0, "created_at": stamp}
    return [made | {"comment": comment.get("comment", ""), "entity_id": entity * 1000 + 1}]


def _within(order: Row, wanted: dict[int, int] | None, open_now: dict[int, int]) -> dict[int, int]:
    known = {one["item_id"] for one in order["items"]}
    if wanted is None:
        return {item: quantity for item, quantity in open_now.items() if quantity > 0}
    return {item: min(quantity, open_now[item]) for item, quantity in wanted.items() if item in known}
