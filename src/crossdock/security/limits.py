"""How often: a bucket for each caller, and never more than so many buckets. Pure: the time comes in."""

from __future__ import annotations

from collections import OrderedDict

MOST = 10_000


class Limiter:
    """`per_minute` at most, as many at once; 0 is without limit. For one thread.

    Of more than `most` callers those that came longest ago are forgotten: their buckets are full again.
    """

    def __init__(self, per_minute: int, *, most: int = MOST) -> None:
        self._most = most
        self._size = float(per_minute)
        self._rate = per_minute / 60
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, caller: str, now: float) -> float:
        """0 where it may go on; else in how many seconds it may come again. `now` in seconds of a steady clock."""
        if not self._rate:
            return 0
        left, seen = self._buckets.pop(caller, (self._size, now))
        left = min(self._size, left + max(0.0, now - seen) * self._rate)
        wait = 0.0 if left >= 1 else (1 - left) / self._rate
        self._buckets[caller] = (left if wait else left - 1, now)
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        return wait

    def __len__(self) -> int:
        return len(self._buckets)
