"""What happened to an order after it was placed."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from crossdock.model.base import Record
from crossdock.model.money import ZERO


class ChangeKind(StrEnum):
    """The changes that an ERP may want to hear of."""

    HOLD = "hold"
    UNHOLD = "unhold"
    CANCEL = "cancel"
    PAYMENT = "payment"


class OrderChange(Record, frozen=True, kw_only=True):
    """One change of one order. `paid` is the total captured so far, in `currency` (for PAYMENT)."""

    kind: ChangeKind
    order_id: str
    order_number: str
    occurred_at: datetime
    currency: str = ""
    paid: Decimal = ZERO
    transaction_id: str = ""


class Acknowledgement(Record, frozen=True, kw_only=True):
    """The target's number for what a source sent, on its way back to that source."""

    subject_id: str  # the source's own id of the order
    number: str  # the source's number that people read
    external_id: str  # what the target calls it
    target: str  # the connection that has it now
