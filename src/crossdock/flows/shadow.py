"""Which of a route's orders and customers are sent, and which are only compared: shadow, canary, live. Pure.

What was decided once for an order stays: its promise remembers it, and all that follows (payments, refunds,
cancellations) is decided by that. For a new order its own key decides, so that every road comes to one answer, and a
larger share only adds orders. A customer is decided upon in the same way, by itself: it has many orders. A guest is
part of its order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from crossdock.contract.flow import Known
from crossdock.contract.shadow import SHADOW

Mode = Literal["live", "shadow", "canary"]
BUCKETS = 1_000_000


def is_live(key: str, mode: Mode, percent: Decimal, live_from: datetime | None, created_at: datetime) -> bool:
    """Of a new order. `live_from`: orders that were placed before are another integration's."""
    return _takes(key, mode, percent) and (live_from is None or created_at >= live_from)


def is_anothers(told: Sequence[Known]) -> bool:
    """Of a customer, by all that was promised of it at one target: whether nothing of it was ever to be sent there."""
    return bool(told) and all(is_shadow(one.memo) for one in told)


def is_compared(key: str, told: Sequence[Known], options: Mapping[str, Any]) -> bool:
    """Of a customer at one target: who had it first keeps it; of a new one its own key decides, by a route's options.

    When a customer came is not asked (`live_from`): it comes back, and an order ends.
    """
    if told:
        return is_anothers(told)
    return not _takes(key, mode_of(options), Decimal(options.get("canary", 0)))


def mode_of(options: Mapping[str, Any]) -> Mode:
    """Of a route."""
    mode: Mode = options.get("mode", "live")
    return mode


def _takes(key: str, mode: Mode, percent: Decimal) -> bool:
    return mode == "live" or (mode == "canary" and share_of(key) < percent)


def share_of(key: str) -> Decimal:
    """From 0 to below 100, evenly spread, the same for ever: an order is in a canary of more percent than this."""
    number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") % BUCKETS
    return Decimal(number) * 100 / BUCKETS


def is_shadow(memo: Mapping[str, str]) -> bool:
    """Whether a promise is only compared."""
    return SHADOW in memo


__all__ = ["Mode", "is_anothers", "is_compared", "is_live", "is_shadow", "mode_of", "share_of"]
