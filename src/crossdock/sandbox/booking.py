"""The totals of invoices and credit memos, and what they leave in the order's own amounts."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from crossdock.sandbox.amounts import ZERO
from crossdock.sandbox.rows import Row, plain
from crossdock.sandbox.shares import COMPENSATION, DISCOUNT, PREFIXES, TAX, bump, number, shipping_part, total


def document_amounts(made: Row, order: Row, prefix: str, shipping: Decimal, *, compensated: bool) -> None:
    """grand_total = subtotal + discount + tax + compensation + shipping (+ its compensation, which memos add in)."""
    ship, rows = shipping_part(order, prefix, shipping), made["items"]
    subtotal = total(rows, f"{prefix}row_total")
    discount = -(total(rows, f"{prefix}{DISCOUNT}") + ship[DISCOUNT])
    tax = total(rows, f"{prefix}{TAX}") + ship[TAX]
    own = total(rows, f"{prefix}{COMPENSATION}")
    told = {
        "subtotal": subtotal,
        "subtotal_incl_tax": total(rows, f"{prefix}row_total_incl_tax"),
        DISCOUNT: discount,
        TAX: tax,
        COMPENSATION: own + (ship[COMPENSATION] if compensated else ZERO),
        "shipping_amount": shipping,
        "shipping_incl_tax": shipping + ship[TAX],
        "shipping_tax_amount": ship[TAX],
        "grand_total": subtotal + discount + tax + own + shipping + ship[COMPENSATION],
    }
    made |= {f"{prefix}{name}": plain(amount) for name, amount in told.items()}
    if not compensated:
        short = "base_shipping_discount_tax_compensation_amnt" if prefix else f"shipping_{COMPENSATION}"
        made[short] = plain(ship[COMPENSATION])


def adjust(made: Row, prefix: str, arguments: Mapping[str, Any], rate: Decimal) -> None:
    """Puts the body's adjustments into a credit memo."""
    plus, minus = (number(arguments, f"adjustment_{name}") * rate for name in ("positive", "negative"))
    made[f"{prefix}adjustment"] = plain(plus - minus)
    if plus or minus:
        made |= {f"{prefix}adjustment_positive": plain(plus), f"{prefix}adjustment_negative": plain(minus)}
    bump(made, f"{prefix}grand_total", plus - minus)


def book_invoice(order: Row, made: Row, prefix: str) -> None:
    """What the order then says of an invoice."""
    for name, theirs in (
        ("subtotal", "subtotal"),
        ("tax", TAX),
        ("discount", DISCOUNT),
        ("shipping", "shipping_amount"),
    ):
        bump(order, f"{prefix}{name}_invoiced", number(made, f"{prefix}{theirs}"))
    bump(order, f"{prefix}discount_tax_compensation_invoiced", number(made, f"{prefix}{COMPENSATION}"))
    for name in ("total_invoiced", "total_paid"):
        bump(order, f"{prefix}{name}", number(made, f"{prefix}grand_total"))
    due = number(order, f"{prefix}grand_total") - number(order, f"{prefix}total_paid")
    order |= {f"{prefix}total_due": plain(due), "base_total_invoiced_cost": 0}
    bump(order["payment"], f"{prefix}amount_paid", number(made, f"{prefix}grand_total"))
    bump(order["payment"], f"{prefix}shipping_captured", number(made, f"{prefix}shipping_amount"))


def book_memo(order: Row, made: Row, prefix: str) -> None:
    """What the order then says of a credit memo."""
    names = (("subtotal", "subtotal"), ("tax", TAX), ("discount", DISCOUNT), ("shipping", "shipping_amount"))
    for name, theirs in (*names, ("shipping_tax", "shipping_tax_amount")):
        bump(order, f"{prefix}{name}_refunded", number(made, f"{prefix}{theirs}"))
    bump(order, f"{prefix}discount_tax_compensation_refunded", number(made, f"{prefix}{COMPENSATION}"))
    for name in ("total_refunded", "total_offline_refunded"):
        bump(order, f"{prefix}{name}", number(made, f"{prefix}grand_total"))
    for name in ("adjustment_positive", "adjustment_negative"):
        bump(order, f"{prefix}{name}", number(made, f"{prefix}{name}"))
    bump(order["payment"], f"{prefix}amount_refunded", number(made, f"{prefix}grand_total"))
    bump(order["payment"], f"{prefix}shipping_refunded", number(made, f"{prefix}shipping_amount"))


def book_row(row: Row, part: Row, verb: str, whole: str) -> None:
    """What an order's row then says of its part. `verb`: invoiced or refunded; `whole`: its name of the row's sum."""
    for prefix in PREFIXES:
        bump(row, f"{prefix}{whole}", number(part, f"{prefix}row_total"))
        for name, theirs in (("tax", TAX), ("discount", DISCOUNT), ("discount_tax_compensation", COMPENSATION)):
            bump(row, f"{prefix}{name}_{verb}", number(part, f"{prefix}{theirs}"))
