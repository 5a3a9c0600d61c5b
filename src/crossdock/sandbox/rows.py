"""Order rows as REST sends them: parents, children, and the row totals that are already net of their discount."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from crossdock.sandbox.amounts import NOTHING, Amounts

Row = dict[str, Any]


class Money(NamedTuple):
    """The same in the order's currency and in the store's base currency."""

    order: Amounts
    base: Amounts


class Product(NamedTuple):
    """What is sold."""

    number: int
    sku: str
    name: str
    kind: str
    weight: Decimal = Decimal("1.2")


FREE = Money(NOTHING, NOTHING)


def plain(value: Any) -> Any:
    """Numbers as PHP writes them: 10, 10.5, never 10.00. Works through dicts and lists."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else value.normalize()
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


def row(product: Product, quantity: int, place: Row) -> Row:
    """What every row has, money aside. `place`: item_id, order_id, store_id, created_at."""
    made = {
        "amount_refunded": 0,
        "base_amount_refunded": 0,
        "base_discount_invoiced": 0,
        "base_row_invoiced": 0,
        "base_tax_invoiced": 0,
        "discount_invoiced": 0,
        "free_shipping": 0,
        "is_qty_decimal": 0,
        "is_virtual": int(product.kind == "virtual"),
        "name": product.name,
        "no_discount": 0,
        "product_id": product.number,
        "product_type": product.kind,
        "qty_canceled": 0,
        "qty_invoiced": 0,
        "qty_ordered": quantity,
        "qty_refunded": 0,
        "qty_shipped": 0,
        "quote_item_id": place["item_id"],
        "row_invoiced": 0,
        "row_weight": 0 if product.kind == "virtual" else product.weight * quantity,
        "sku": product.sku,
        "tax_invoiced": 0,
        "updated_at": place["created_at"],
        "extension_attributes": {"itemized_taxes": []},
        **place,
    }
    return made if product.kind == "virtual" else made | {"weight": product.weight}


def priced(made: Row, money: Money, *, rate: Decimal, percent: Decimal) -> Row:
    """The row with its own money."""
    return (
        made
        | _amounts("", money.order)
        | _amounts("base_", money.base)
        | {
            "discount_percent": percent,
            "tax_percent": rate,
            **({"applied_rule_ids": "1"} if percent else {}),
            "discount_tax_compensation_amount": money.order.compensation,
            "base_discount_tax_compensation_amount": money.base.compensation,
        }
    )


def unpriced(made: Row) -> Row:
    """The child of a configurable or of a bundle with a fixed price: its parent has the money."""
    zeros = "price base_price row_total base_row_total row_total_incl_tax base_row_total_incl_tax tax_amount "
    zeros += "base_tax_amount discount_amount base_discount_amount discount_percent tax_percent original_price"
    return made | dict.fromkeys(zeros.split(), 0) | {"row_weight": 0}


def summed(made: Row, children: Sequence[Money], quantity: int) -> Row:
    """The parent of a dynamic bundle: repeats its children's sum, but without their discounts, tax rate, compensation.

    Its row so stays gross while the children's are net: who counts both, or only the parent, is wrong.
    """
    told: Row = {"discount_percent": 0}
    for prefix, amounts in (("", [one.order for one in children]), ("base_", [one.base for one in children])):
        net = sum((one.net for one in amounts), Decimal(0))
        tax = sum((one.tax for one in amounts), Decimal(0))
        gross = sum((one.gross for one in amounts), Decimal(0))
        told |= {
            f"{prefix}price": (net / quantity).quantize(Decimal("0.01")),
            f"{prefix}original_price": (net / quantity).quantize(Decimal("0.01")),
            f"{prefix}price_incl_tax": (gross / quantity).quantize(Decimal("0.01")),
            f"{prefix}row_total": net,
            f"{prefix}row_total_incl_tax": net + tax,
            f"{prefix}tax_amount": tax,
            f"{prefix}discount_amount": 0,
        }
    return made | told


def _amounts(prefix: str, amounts: Amounts) -> Row:
    return {
        f"{prefix}price": amounts.price,
        f"{prefix}original_price": amounts.price,
        f"{prefix}price_incl_tax": amounts.price_with_tax,
        f"{prefix}discount_amount": amounts.discount,
        f"{prefix}tax_amount": amounts.tax,
        f"{prefix}row_total": max(Decimal(0), amounts.net - amounts.discount),
        f"{prefix}row_total_incl_tax": max(Decimal(0), amounts.due),
    }
