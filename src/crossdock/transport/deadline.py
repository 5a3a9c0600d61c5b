"""Until when the attempt of this thread may talk to the outside.

A worker's claim ends at a known moment, and another worker may then take over: it looks whether the effect is there,
and sends if it is not. So nothing of the first attempt may be under way any more: every request asks here how long it
has.
"""

from __future__ import annotations

import time
from contextvars import ContextVar

_ENDS: ContextVar[float | None] = ContextVar("ends", default=None)


def end_in(seconds: float | None) -> None:
    """From now on in this thread; None: no end but the request's own deadlines."""
    _ENDS.set(None if seconds is None else time.monotonic() + seconds)


def remaining() -> float | None:
    """Seconds left, below zero when it is over; None without an end."""
    ends = _ENDS.get()
    return None if ends is None else ends - time.monotonic()
