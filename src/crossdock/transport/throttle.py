"""How fast a connection may be used: token bucket, adaptive concurrency (AIMD), circuit breaker.

The three are values: each step gives a new one, and time (seconds, any monotonic clock) comes in. `Gate` holds one of
each behind a lock.
"""

from __future__ import annotations

import threading
from enum import StrEnum
from typing import Literal

import msgspec

from crossdock.model.base import Record

Outcome = Literal["ok", "slow", "busy", "failed"]
replace = msgspec.structs.replace


class BreakerOptions(Record, frozen=True, kw_only=True):
    """Opens after `failures` in a row, for `cooldown` seconds, doubled each time the probe fails, up to `longest`."""

    failures: int = 5
    cooldown: float = 10.0
    longest: float = 600.0


class Bucket(Record, frozen=True, kw_only=True):
    """A token bucket: `rate` a second, at most `burst` saved up. `rate` None never runs dry."""

    rate: float | None
    burst: int
    tokens: float
    at: float = 0.0

    def filled(self, now: float) -> Bucket:
        """With what dripped in since; a clock that went back adds nothing."""
        if self.rate is None:
            return replace(self, tokens=float(self.burst), at=now)
        gained = max(0.0, now - self.at) * self.rate
        return replace(self, tokens=min(float(self.burst), self.tokens + gained), at=max(self.at, now))

    def spent(self) -> Bucket:
        """With one token less."""
        return self if self.rate is None else replace(self, tokens=self.tokens - 1)

    def wait(self) -> float:
        """Seconds until there is a token."""
        return 0.0 if self.rate is None or self.tokens >= 1 else (1 - self.tokens) / self.rate


class Aimd(Record, frozen=True, kw_only=True):
    """A concurrency limit that grows by one per round of successes and falls at once on trouble, never below one."""

    most: int
    limit: float

    def after(self, outcome: Outcome) -> Aimd:
        """ok: a little more; slow: a little less; busy (429, lock time-out): half. A failure says nothing of load."""
        if outcome == "ok":
            return replace(self, limit=min(float(self.most), self.limit + 1 / max(1.0, self.limit)))
        if outcome == "failed":
            return self
        return replace(self, limit=max(1.0, self.limit * (0.5 if outcome == "busy" else 0.9)))


class BreakerState(StrEnum):
    """CLOSED lets through, OPEN nothing, HALF_OPEN one probe."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Breaker(Record, frozen=True, kw_only=True):
    """A circuit breaker."""

    options: BreakerOptions
    state: BreakerState = BreakerState.CLOSED
    failures: int = 0
    until: float = 0.0
    cooldown: float = 0.0

    def at(self, now: float) -> Breaker:
        """Half open once the cooldown is over."""
        if self.state is BreakerState.OPEN and now >= self.until:
            return replace(self, state=BreakerState.HALF_OPEN)
        return self

    def after(self, outcome: Outcome, now: float) -> Breaker:
        """Any answer of the other side closes it, a busy one too; failures open it."""
        if outcome != "failed":
            return Breaker(options=self.options)
        if self.state is BreakerState.OPEN:
            return self  # one that was under way when it opened
        failures = self.failures + 1
        if self.state is BreakerState.CLOSED and failures < self.options.failures:
            return replace(self, failures=failures)
        pause = min(self.options.longest, self.cooldown * 2 or self.options.cooldown)
        return replace(self, state=BreakerState.OPEN, failures=failures, until=now + pause, cooldown=pause)


class Gate:
    """What one connection may do now; safe between threads. Every `acquire` that was granted wants one `report`."""

    def __init__(
        self,
        *,
        rate: float | None = None,
        burst: int = 10,
        concurrency: int = 8,
        breaker: BreakerOptions | None = None,
    ) -> None:
        self._lock = threading.Lock()
        self._bucket = Bucket(rate=rate, burst=max(1, burst), tokens=float(max(1, burst)))
        self._aimd = Aimd(most=max(1, concurrency), limit=float(max(1, concurrency)))
        self._breaker = Breaker(options=breaker or BreakerOptions())
        self._running = 0

    def acquire(self, now: float) -> bool:
        """Takes one permit, if there is one."""
        with self._lock:
            if self._free(now) < 1:
                return False
            self._running += 1
            self._bucket = self._bucket.spent()
            return True

    def permits(self, now: float) -> int:
        """How many could be taken now."""
        with self._lock:
            return self._free(now)

    def retry_in(self, now: float) -> float:
        """Seconds until asking again makes sense; 0 when there is a permit, or only a running one is in the way."""
        with self._lock:
            self._free(now)
            if self._breaker.state is BreakerState.OPEN:
                return max(0.0, self._breaker.until - now)
            return self._bucket.wait()

    def report(self, outcome: Outcome, now: float) -> None:
        """Gives a permit back and learns from how it went."""
        with self._lock:
            self._running = max(0, self._running - 1)
            self._aimd = self._aimd.after(outcome)
            self._breaker = self._breaker.at(now).after(outcome, now)

    @property
    def state(self) -> BreakerState:
        """The breaker's state, as of the last call."""
        return self._breaker.state

    @property
    def failures(self) -> int:
        """In a row, up to now."""
        return self._breaker.failures

    @property
    def limit(self) -> int:
        """How many may run at a time just now."""
        return int(self._aimd.limit)

    def _free(self, now: float) -> int:
        self._breaker = self._breaker.at(now)
        self._bucket = self._bucket.filled(now)
        if self._breaker.state is BreakerState.OPEN:
            return 0
        most = 1 if self._breaker.state is BreakerState.HALF_OPEN else int(self._aimd.limit)
        free = most - self._running
        return max(0, free if self._bucket.rate is None else min(free, int(self._bucket.tokens)))
