"""What a process counts of itself. Safe for many threads."""

from __future__ import annotations

from importlib.metadata import version

from prometheus_client import CollectorRegistry, ProcessCollector

from crossdock.contract.message import Message
from crossdock.telemetry import catalogue


class Meters:
    """All of a process's own metrics but those of its doors. Each method is told of one event."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._info = catalogue.INFO.gauge(self.registry)
        self._messages = catalogue.MESSAGES.counter(self.registry)
        self._attempts = catalogue.ATTEMPTS.counter(self.registry)
        self._attempt_seconds = catalogue.ATTEMPT_SECONDS.histogram(self.registry)
        self._delivery_seconds = catalogue.DELIVERY_SECONDS.histogram(self.registry)
        self._lost = catalogue.LEASES_LOST.counter(self.registry)
        self._request_seconds = catalogue.REQUEST_SECONDS.histogram(self.registry)
        self._commit_writes = catalogue.COMMIT_WRITES.histogram(self.registry)
        self._commit_seconds = catalogue.COMMIT_SECONDS.histogram(self.registry)
        self._feeds = catalogue.FEEDS.counter(self.registry)
        self._rows = catalogue.FEED_ROWS.counter(self.registry)
        self._announced = catalogue.ANNOUNCED.counter(self.registry)

    def plays(self, roles: str) -> None:
        """What this process is."""
        self._info.labels(version("crossdock"), roles).set(1)

    def heard(self, message: Message, channel: str, outcome: str) -> None:
        """It is stored, or was before."""
        self._messages.labels(message.source, message.flow, channel, outcome).inc()

    def tried(self, flow: str, target: str, seconds: float) -> None:
        """One attempt, or one call of a batch."""
        self._attempt_seconds.labels(flow, target).observe(seconds)

    def settled(self, flow: str, target: str, state: str, code: str) -> None:
        """What it came to."""
        self._attempts.labels(flow, target, state, code).inc()

    def delivered(self, flow: str, target: str, seconds: float) -> None:
        """`seconds` after it was promised."""
        self._delivery_seconds.labels(flow, target).observe(seconds)

    def lost(self, target: str) -> None:
        """An attempt that came to nothing that could be written."""
        self._lost.labels(target).inc()

    def answered(self, connection: str, outcome: str, seconds: float) -> None:
        """One request."""
        self._request_seconds.labels(connection, outcome).observe(seconds)

    def committed(self, writes: int, seconds: float) -> None:
        """One transaction."""
        self._commit_writes.observe(writes)
        self._commit_seconds.observe(seconds)

    def compared(self, flow: str, target: str, state: str, rows: dict[str, int]) -> None:
        """A list of states; `rows` by their fate."""
        self._feeds.labels(flow, target, state).inc()
        for fate, count in rows.items():
            self._rows.labels(flow, target, fate).inc(count)

    def announced(self, target: str, count: int) -> None:
        """To the broker."""
        self._announced.labels(target).inc(count)
