"""Parts of an order's money, for invoices and credit memos: so cut that all parts together are exactly the whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from crossdock.sandbox.amounts import ZERO, cents
from crossdock.sandbox.rows import Row, plain

PREFIXES = ("", "base_")
TAX, DISCOUNT, COMPENSATION = "tax_amount", "discount_amount", "discount_tax_compensation_amount"
Quantities = Mapping[int, int]


def number(row: Mapping[str, Any], name: str) -> Decimal:
    """An amount that may be left out."""
    return Decimal(str(row.get(name) or 0))


def bump(row: Row, name: str, amount: Decimal) -> None:
    """Adds to an amount that may be left out."""
    row[name] = plain(number(row, name) + amount)


def counting(order: Row) -> list[Row]:
    """Rows that carry money: not the parent of a dynamic bundle, not the children of anything else."""
    parents = {one["parent_item_id"] for one in order["items"] if one.get("parent_item_id") and one["price"]}
    return [
        one for one in order["items"] if one["item_id"] not in parents and ("parent_item_id" not in one or one["price"])
    ]


def asked_for(order: Row, told: Any) -> dict[int, int] | None:
    """item_id -> quantity out of a body's `items`; a bundle's parent stands for its children. None: nothing told."""
    if not isinstance(told, list) or not told:
        return None
    wanted = {int(one.get("order_item_id", 0)): int(one.get("qty", 0)) for one in told}
    for child in [one for one in order["items"] if one.get("parent_item_id") in wanted]:
        parent = child["parent_item"]
        each = child["qty_ordered"] // parent["qty_ordered"]
        wanted.setdefault(child["item_id"], wanted[parent["item_id"]] * each)
    return wanted


def row_part(row: Row, done: int, quantity: int, entity: Row) -> Row:
    """One row of an invoice or a credit memo: `quantity` of it, after `done` have gone before. Gross, unlike orders."""
    made = {name: row[name] for name in ("name", "product_id", "sku", "price", "base_price")}
    made |= {name: row[name] for name in ("price_incl_tax", "base_price_incl_tax") if name in row}
    made |= entity | {"order_item_id": row["item_id"], "qty": quantity}
    for prefix in PREFIXES:
        amounts = {
            "row_total": number(row, f"{prefix}row_total") + number(row, f"{prefix}{DISCOUNT}"),
            TAX: number(row, f"{prefix}{TAX}"),
            DISCOUNT: number(row, f"{prefix}{DISCOUNT}"),
            COMPENSATION: number(row, f"{prefix}{COMPENSATION}"),
        }
        cut = {name: _cut(whole, done, quantity, row["qty_ordered"]) for name, whole in amounts.items()}
        gross = cut["row_total"] + cut[TAX] + cut[COMPENSATION]
        # a discount of nothing is left out (recorded)
        made |= {f"{prefix}{name}": plain(part) for name, part in cut.items() if part or name != DISCOUNT}
        made[f"{prefix}row_total_incl_tax"] = plain(gross)
    return made


def shipping_part(order: Row, prefix: str, amount: Decimal) -> dict[str, Decimal]:
    """So much of the shipping price, with its part of tax, discount and compensation."""
    whole = number(order, f"{prefix}shipping_amount")
    short = "base_shipping_discount_tax_compensation_amnt" if prefix else f"shipping_{COMPENSATION}"
    share = amount / whole if whole else ZERO
    names = {TAX: "shipping_tax_amount", DISCOUNT: "shipping_discount_amount"}
    parts = {name: cents(number(order, f"{prefix}{theirs}") * share) for name, theirs in names.items()}
    return parts | {COMPENSATION: cents(number(order, short) * share), "amount": amount}


def total(rows: Iterable[Row], name: str) -> Decimal:
    """Of all rows."""
    return sum((number(one, name) for one in rows), ZERO)


def head(order: Row, entity: int, stamp: str) -> Row:
    """What an invoice and a credit memo take over from their order."""
    names = [
        "base_currency_code",
        "global_currency_code",
        "order_currency_code",
        "store_currency_code",
        "base_to_global_rate",
        "base_to_order_rate",
        "store_to_base_rate",
        "store_to_order_rate",
        "store_id",
        "billing_address_id",
    ]
    made = {name: order[name] for name in names} | {
        "entity_id": entity,
        "increment_id": f"{entity:09}",
        "order_id": order["entity_id"],
        "created_at": stamp,
        "updated_at": stamp,
        "state": 2,
        "comments": [],
    }
    return made if order["is_virtual"] else made | {"shipping_address_id": 2 * order["entity_id"] - 1}


def _cut(whole: Decimal, done: int, quantity: int, ordered: int) -> Decimal:
    return cents(whole * (done + quantity) / ordered) - cents(whole * done / ordered)
