"""A Crossdock with its HTTP server before it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Histogram

from crossdock.api.application import create_app
from crossdock.api.server import ApiServer
from crossdock.api.webhooks import Door, Webhooks
from crossdock.app import Crossdock, utc_now
from crossdock.contract.message import Message
from crossdock.delivery.records import Delivery, Verdict
from crossdock.errors import ConfigurationError, StorageError
from crossdock.magento import webhooks as magento
from crossdock.magento.connector import MagentoConnector
from crossdock.security.secrets import resolve
from crossdock.settings import Settings


class Serving:
    """Starts work before it takes requests, and stops taking them before it stops work."""

    def __init__(
        self,
        settings: Settings,
        *,
        port: int | None = None,
        settled: Callable[[Delivery, Verdict], None] = lambda _delivery, _verdict: None,
        failpoint: Callable[[str], None] = lambda _name: None,
    ) -> None:
        registry = CollectorRegistry()
        self._settled = settled
        self._outcomes = Counter(
            "crossdock_attempts",
            "Attempts by flow, target, state and code",
            ["flow", "target", "state", "code"],
            registry=registry,
        )
        self._lag = Histogram(
            "crossdock_delivery_seconds",
            "From the promise to the delivery",
            ["flow", "target"],
            registry=registry,
            buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 3600, 86400),
        )
        self.crossdock = Crossdock(settings, settled=self._count, failpoint=failpoint)
        hooks = Webhooks(
            doors_of(self.crossdock),
            self.crossdock.intake,
            utc_now,
            body_limit=settings.api.body_limit,
            registry=registry,
        )
        app = create_app(hooks, self._ready, registry)
        self._server = ApiServer(app, settings.api.host, settings.api.port if port is None else port)
        self.url = self._server.url

    def start(self) -> None:
        """Work, then serve."""
        self.crossdock.start()
        self._server.start()

    def stop(self) -> None:
        """Serve no more, then end the work."""
        self._server.stop()
        self.crossdock.stop()

    def _ready(self) -> bool:
        try:
            self.crossdock.store.next_due(utc_now())
        except StorageError:
            return False
        return True

    def _count(self, delivery: Delivery, verdict: Verdict) -> None:
        self._outcomes.labels(delivery.flow, delivery.target, verdict.state, verdict.code).inc()
        if verdict.state == "delivered":
            seconds = (utc_now() - delivery.opened_at).total_seconds()
            self._lag.labels(delivery.flow, delivery.target).observe(seconds)
        self._settled(delivery, verdict)


def doors_of(crossdock: Crossdock) -> Mapping[str, Door]:
    """One for each store whose webhooks are enabled. Raises ConfigurationError for a format that is not taken yet."""
    doors: dict[str, Door] = {}
    for name, connector in crossdock.connections.by_name.items():
        if isinstance(connector, MagentoConnector) and connector.settings.webhooks.enabled:
            doors[name] = _door(name, connector)
    return doors


def _door(name: str, connector: MagentoConnector) -> Door:
    hooks = connector.settings.webhooks
    if hooks.format == "adobe":
        raise ConfigurationError([f"connections.{name}.webhooks.format: adobe is not taken yet"])
    if hooks.keep_unknown:
        raise ConfigurationError([f"connections.{name}.webhooks.keep_unknown: is not built yet"])
    door = magento.Door(
        connection=name,
        format=hooks.format,
        secrets=tuple(resolve(reference) for reference in hooks.secrets),
        trusted=hooks.payload == "trusted",
    )

    def receive(event: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Sequence[Message]:
        return magento.receive(door, event, headers, body, now)

    return receive


__all__ = ["Serving", "doors_of"]
