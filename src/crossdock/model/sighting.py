"""What a look at an order showed."""

from __future__ import annotations

from crossdock.model.base import Record
from crossdock.model.order import Order
from crossdock.model.refund import Refund


class Sighting(Record, frozen=True, kw_only=True):
    """An order as its source has it now, with its credit memos."""

    order: Order
    refunds: tuple[Refund, ...] = ()
    cancelled_by: tuple[str, ...] = ()  # connections whose ERP asked for the cancellation, through Crossdock
    guest: str = ""  # who a guest is, as a keyed hash, where guests become customers
