"""A sale in the few words that both what would be made and what is there can be told in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from crossdock.erp.tryton.mapping import Lookups, reference_of
from crossdock.erp.tryton.sales import Sale, Sales
from crossdock.erp.tryton.settings import TrytonSettings
from crossdock.flows.parts import Amounts, Priced, expected
from crossdock.model.order import Order


def shown_order(
    order: Order,
    lines: Sequence[Priced],
    lookups: Lookups,
    code_of: Callable[[Priced], str],
    settings: TrytonSettings,
) -> dict[str, Any]:
    """As it would be made; products by Tryton's ids. Pure."""
    told = [
        {"product": lookups.products[code_of(line)].id, "quantity": line.quantity, "unit_price": line.unit_price}
        for line in lines
    ]
    return _told(reference_of(order.number, settings), expected(order), told)


def shown_sale(order: Order, sales: Sales, sale: Sale, settings: TrytonSettings) -> dict[str, Any]:
    """As it is there. Raises DeliveryError."""
    told = [
        {
            "product": row.get("product"),
            "quantity": Decimal(str(row.get("quantity") or 0)),
            "unit_price": row.get("unit_price"),
        }
        for row in sales.lines(sale)
    ]
    return _told(reference_of(order.number, settings), sale.amounts, told)  # it was found by this reference


def _told(reference: str, amounts: Amounts, lines: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "reference": reference,
        "untaxed_amount": amounts.untaxed,
        "tax_amount": amounts.tax,
        "total_amount": amounts.total,
        "lines": list(lines),
    }


__all__ = ["shown_order", "shown_sale"]
