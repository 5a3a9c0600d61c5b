"""A credit memo."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from crossdock.model.base import Record
from crossdock.model.money import ZERO, LineAmounts, Totals


class RefundLine(Record, frozen=True, kw_only=True):
    """What was given back of one order line; `order_line_id` is the line's own id in the order."""

    id: str
    order_line_id: str
    sku: str
    quantity: Decimal
    amounts: LineAmounts = LineAmounts()
    base_amounts: LineAmounts = LineAmounts()


class Refund(Record, frozen=True, kw_only=True):
    """One credit memo of one order."""

    id: str
    number: str
    order_id: str
    order_number: str = ""
    created_at: datetime
    lines: tuple[RefundLine, ...] = ()
    totals: Totals
    base_totals: Totals
    adjustment_positive: Decimal = ZERO
    adjustment_negative: Decimal = ZERO
    origin: str = ""  # the connection whose ERP made it, where Crossdock carried it to the store
