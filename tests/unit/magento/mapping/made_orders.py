"""Orders as a Magento store would send them, made for tests: stored first, then spoiled the way REST spoils them.

The store's own figures are kept beside (`Made.gross`), so that what the mapping finds can be compared with the truth.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

ZERO = Decimal(0)
cents = st.integers(0, 50_000).map(lambda number: Decimal(number) / 100)
small = st.integers(0, 900).map(lambda number: Decimal(number) / 100)
KINDS = ("simple", "virtual", "configurable", "fixed", "dynamic")


@dataclass
class Made:
    """`sent` is the order's JSON; `gross` and `net` are the store's own rows, by item id and currency prefix."""

    sent: dict[str, Any]
    gross: dict[tuple[str, int], Decimal] = field(default_factory=dict)
    net: dict[tuple[str, int], Decimal] = field(default_factory=dict)

    @property
    def raw(self) -> bytes:
        return encode(self.sent)


def encode(sent: Any) -> bytes:
    return json.dumps(_numbers(sent)).encode()


def _numbers(value: Any) -> Any:
    if isinstance(value, Decimal):
        return (
            int(value) if value == value.to_integral_value() else float(value)
        )  # at most 4 decimals: its text is exact
    if isinstance(value, dict):
        return {name: _numbers(one) for name, one in value.items()}
    return [_numbers(one) for one in value] if isinstance(value, list) else value


def _name(prefix: str, key: str) -> str:
    odd = {
        "weee_tax_applied_row_amount": "base_weee_tax_applied_row_amnt",
        "shipping_discount_tax_compensation_amount": "base_shipping_discount_tax_compensation_amnt",
    }
    return odd.get(key, f"{prefix}{key}") if prefix else key


@st.composite
def row_money(draw: st.DrawFn, prefix: str, quantity: int) -> tuple[dict[str, Decimal], Decimal, Decimal]:
    """One row in one currency as sent, with the true gross and net."""
    gross = draw(cents)
    wholly = draw(st.booleans())
    compensation = draw(small)
    discount = gross + compensation if wholly else min(draw(cents), gross)
    tax = ZERO if wholly else draw(small)
    compensation = compensation if wholly else (draw(small) if discount else ZERO)
    piece = draw(small)
    fpt = piece * quantity
    net = gross - discount
    inside = piece if prefix else fpt  # REST adds one piece's in the base currency
    taxed = net + tax + compensation + inside
    sent = {
        "price": (gross / quantity).quantize(Decimal("0.0001")),
        "row_total": max(ZERO, net),
        "row_total_incl_tax": max(ZERO, taxed),
        "discount_amount": discount,
        "tax_amount": tax,
        "discount_tax_compensation_amount": compensation,
        "weee_tax_applied_amount": piece,
        "weee_tax_applied_row_amount": fpt,
    }
    return {_name(prefix, key): value for key, value in sent.items()}, gross, net


@st.composite
def orders(draw: st.DrawFn) -> Made:
    made = Made(sent={})
    items: list[dict[str, Any]] = []
    for _ in range(draw(st.integers(1, 4))):
        items += draw(_block(made, len(items) + 1))
    fpt_in_subtotal = draw(st.booleans())
    made.sent = {
        "entity_id": 7,
        "increment_id": "000000007",
        "state": "new",
        "status": "pending",
        "created_at": "2026-11-23 05:38:35",
        "updated_at": "2026-11-23 05:38:36",
        "order_currency_code": "USD",
        "base_currency_code": "EUR",
        "billing_address": {"firstname": "A", "lastname": "B", "country_id": "IT"},
        "payment": {"method": "checkmo"},
        "items": items,
        "extension_attributes": {},
    }
    for prefix in ("", "base_"):
        made.sent |= draw(_header(made, items, prefix, fpt_in_subtotal))
    return made


@st.composite
def _block(draw: st.DrawFn, made: Made, first: int) -> list[dict[str, Any]]:
    """A product's rows: one, a configurable pair, or a bundle with two parts."""
    kind = draw(st.sampled_from(KINDS))
    shape = {"configurable": 1, "fixed": 2, "dynamic": 2}.get(kind, 0)
    product = "bundle" if kind in {"fixed", "dynamic"} else kind
    top = _row(first, product, draw(st.integers(1, 5)))
    children = [
        _row(first + 1 + n, "simple", draw(st.integers(1, 5))) | {"parent_item_id": first} for n in range(shape)
    ]
    counting = children if kind == "dynamic" else [top]
    for row in counting:
        for prefix in ("", "base_"):
            sent, gross, net = draw(row_money(prefix, int(row["qty_ordered"])))
            row.update(sent)
            made.gross[prefix, row["item_id"]] = gross
            made.net[prefix, row["item_id"]] = net
    if kind == "dynamic":
        children[0]["price"] = children[0]["price"] or Decimal("0.01")  # a part with a price is what makes it dynamic
        for key in ("price", "row_total", "row_total_incl_tax", "tax_amount"):
            for prefix in ("", "base_"):
                top[f"{prefix}{key}"] = sum((child[f"{prefix}{key}"] for child in children), ZERO)
    return [top, *children]


def _row(item_id: int, kind: str, quantity: int) -> dict[str, Any]:
    return {"item_id": item_id, "sku": f"S{item_id}", "product_type": kind, "qty_ordered": quantity}


@st.composite
def _header(
    draw: st.DrawFn, made: Made, items: list[dict[str, Any]], prefix: str, fpt_in_subtotal: bool
) -> dict[str, Decimal]:
    counting = [row for row in items if (prefix, row["item_id"]) in made.gross]

    def total(key: str) -> Decimal:
        return sum((row[_name(prefix, key)] for row in counting), ZERO)

    fpt = total("weee_tax_applied_row_amount")
    gross = sum((made.gross[prefix, row["item_id"]] for row in counting), ZERO)
    shipping = draw(cents)
    shipping_discount = min(draw(small), shipping)
    shipping_tax, shipping_compensation = draw(small), draw(small)
    subtotal = gross + fpt if fpt_in_subtotal else gross
    discount = -(total("discount_amount") + shipping_discount)
    tax = total("tax_amount") + shipping_tax
    compensation = total("discount_tax_compensation_amount")
    grand = gross + fpt + discount + tax + compensation + shipping + shipping_compensation
    sent = {
        "subtotal": subtotal,
        "discount_amount": discount,
        "tax_amount": tax,
        "discount_tax_compensation_amount": compensation,
        "shipping_amount": shipping,
        "shipping_discount_amount": shipping_discount,
        "shipping_tax_amount": shipping_tax,
        "shipping_discount_tax_compensation_amount": shipping_compensation,
        "grand_total": grand,
        "total_due": grand,
    }
    return {_name(prefix, key): value for key, value in sent.items()}
