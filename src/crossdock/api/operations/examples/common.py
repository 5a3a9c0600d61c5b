"""What several pages' examples have in common."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from crossdock.operations.money import AtRisk, Money

AT = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
EARLIER = AT - timedelta(minutes=4)
AT_RISK = AtRisk(money=[Money(currency="EUR", amount=Decimal("1249.90"), orders=12)], orders=12, counted=12)
RECORD = {"id": "42", "number": "000000123", "note": "corrected by hand"}
WHY = {"why": "the ERP is being upgraded"}

__all__ = [
    "AT",
    "AT_RISK",
    "EARLIER",
    "RECORD",
    "WHY",
]
