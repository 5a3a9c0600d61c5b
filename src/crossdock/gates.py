"""A gate for each target, as its capabilities say: how fast, how many at a time, and not while it does not answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from crossdock.connections import Connections
from crossdock.contract.capabilities import Capabilities
from crossdock.delivery.records import Verdict
from crossdock.transport.throttle import BreakerState, Gate

SLOW_SECONDS = 20.0
BUSY_CODES = frozenset({"rate-limited", "temporary"})
FAILED_CODES = frozenset({"unreachable", "outcome-unknown"})


class Gates:
    """A gate for each target: rate, adaptive concurrency, breaker. What delivery.worker.Throttle asks for."""

    def __init__(self, connections: Connections, lost: Callable[[str], None] = lambda _target: None) -> None:
        self._lost = lost
        self._gates = {name: self._gate(connections.capabilities(name)) for name in connections.targets()}

    def permits(self, target: str) -> int:
        """How many may be begun now."""
        return self._gates[target].permits(time.monotonic())

    def begin(self, target: str) -> None:
        """One of them."""
        self._gates[target].acquire(time.monotonic())

    def end(self, target: str, verdict: Verdict | None, seconds: float) -> None:
        """What it says of the target's health: a rejected document says nothing bad of it."""
        code = verdict.code if verdict else ""
        slow = seconds > SLOW_SECONDS
        outcome = "failed" if code in FAILED_CODES else "busy" if code in BUSY_CODES else "slow" if slow else "ok"
        self._gates[target].report(outcome, time.monotonic())  # type: ignore[arg-type]  # one of the four words
        if verdict is None:
            self._lost(target)

    def targets(self) -> Sequence[str]:
        """Those that there is a gate for."""
        return tuple(self._gates)

    def standing(self, target: str) -> tuple[str, int, float]:
        """In this process: the breaker's state, how many may go at a time, seconds until asking again makes sense."""
        gate = self._gates[target]
        wait = gate.retry_in(time.monotonic())
        return (str(gate.state), gate.limit, wait)

    def broken(self) -> dict[str, int]:
        """Targets whose breaker is not closed, with their failures in a row: one more each time that it opens."""
        return {name: gate.failures for name, gate in self._gates.items() if gate.state is not BreakerState.CLOSED}

    @staticmethod
    def _gate(capabilities: Capabilities) -> Gate:
        pace = capabilities.pace
        return Gate(rate=pace.rate, burst=pace.burst, concurrency=pace.concurrency)


__all__ = ["Gates"]
