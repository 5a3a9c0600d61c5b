"""A Crossdock with its HTTP server before it: webhooks where it has that role, health and metrics everywhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from litestar.handlers import HTTPRouteHandler
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from crossdock.api.adobe import AdobeDoor
from crossdock.api.application import create_app
from crossdock.api.bulks import BulkStates
from crossdock.api.customers import Customers
from crossdock.api.documents import Documents
from crossdock.api.erp import Client, Doorman, bulk_routes, customer_routes, document_routes
from crossdock.api.erp import routes as erp_routes
from crossdock.api.pushes import Pushes
from crossdock.api.schedules import ScheduleMetrics
from crossdock.api.server import ApiServer
from crossdock.api.webhooks import Door, Webhooks
from crossdock.app import ALL, Crossdock, Role, utc_now
from crossdock.contract.message import Heard
from crossdock.delivery.records import Delivery, Verdict
from crossdock.flows import CUSTOMERS
from crossdock.magento import adobe
from crossdock.magento import webhooks as magento
from crossdock.magento.adobe_keys import open_ring
from crossdock.magento.connector import MagentoConnector
from crossdock.security.secrets import resolve
from crossdock.settings import Settings


class Serving:
    """Starts work before it takes requests, and stops taking them before it stops work.

    A process that takes no webhooks serves only where it is given a `port`; else its `url` is empty.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        roles: frozenset[Role] = ALL,
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
        self._announced = Counter(
            "crossdock_announced", "Deliveries that the broker was told of", ["target"], registry=registry
        )
        self.crossdock = Crossdock(
            settings, roles=roles, settled=self._count, announced=self._tell, failpoint=failpoint
        )
        registry.register(ScheduleMetrics(self.crossdock))
        if (fleet := self.crossdock.fleet) is not None:
            up = Gauge("crossdock_broker_up", "1 while the broker takes announcements", registry=registry)
            up.set_function(lambda: float(fleet.up))
        self._server: ApiServer | None = None
        if Role.API in roles or port is not None:
            takes = Role.API in roles
            handlers = handlers_of(self.crossdock) if takes else ()
            app = create_app(self._hooks(registry) if takes else None, self.crossdock.health, registry, handlers)
            self._server = ApiServer(app, settings.api.host, settings.api.port if port is None else port)
        self.url = self._server.url if self._server else ""

    def start(self) -> None:
        """Work, then serve."""
        self.crossdock.start()
        if self._server:
            self._server.start()

    def stop(self) -> None:
        """Serve no more, then end the work."""
        if self._server:
            self._server.stop()
        self.crossdock.stop()

    def _hooks(self, registry: CollectorRegistry) -> Webhooks:
        limit = self.crossdock.settings.api.body_limit
        return Webhooks(doors_of(self.crossdock), self.crossdock.intake, utc_now, body_limit=limit, registry=registry)

    def _tell(self, target: str, count: int) -> None:
        self._announced.labels(target).inc(count)

    def _count(self, delivery: Delivery, verdict: Verdict) -> None:
        self._outcomes.labels(delivery.flow, delivery.target, verdict.state, verdict.code).inc()
        if verdict.state == "delivered":
            seconds = (utc_now() - delivery.opened_at).total_seconds()
            self._lag.labels(delivery.flow, delivery.target).observe(seconds)
        self._settled(delivery, verdict)


def handlers_of(crossdock: Crossdock) -> Sequence[HTTPRouteHandler]:
    """What ERPs push to. Raises ConfigurationError for a token that cannot be read."""
    settings = crossdock.settings.api
    clients = tuple(
        Client(name=name, token=resolve(one.token), connection=one.connection) for name, one in settings.clients.items()
    )
    pushes = Pushes(
        crossdock.feeds,
        crossdock.store.levels,
        crossdock.connections.routes,
        utc_now,
        wait_s=settings.wait_s,
        rows_at_once=settings.rows_at_once,
    )
    doorman = Doorman(clients)
    connections = crossdock.connections
    documents = Documents(crossdock.intake, crossdock.incoming, crossdock.store, connections.routes)
    bulks = BulkStates(connections.by_name, connections.routes)
    people = Customers(
        crossdock.intake, crossdock.store, crossdock.settings, connections.routes, connections.keyed, utc_now
    )
    return [
        *erp_routes(pushes, doorman, settings.push_limit),
        *document_routes(documents, doorman),
        *bulk_routes(bulks, doorman),
        *customer_routes(people, doorman),
    ]


def doors_of(crossdock: Crossdock) -> Mapping[str, Door]:
    """One for each store whose webhooks are enabled. Raises ConfigurationError for a secret that cannot be read."""
    carries = crossdock.connections.carries
    return {name: _door(name, one, carries(name, CUSTOMERS)) for name, one in _open_stores(crossdock).items()}


def challenged(crossdock: Crossdock) -> frozenset[str]:
    """The stores whose sender asks us to repeat a challenge before it sends."""
    stores = _open_stores(crossdock).items()
    return frozenset(name for name, connector in stores if connector.settings.webhooks.format == "adobe")


def _open_stores(crossdock: Crossdock) -> dict[str, MagentoConnector]:
    return {
        name: connector
        for name, connector in crossdock.connections.by_name.items()
        if isinstance(connector, MagentoConnector) and connector.settings.webhooks.enabled
    }


def _door(name: str, connector: MagentoConnector, customers: bool) -> Door:
    hooks = connector.settings.webhooks
    if hooks.client_id is not None:
        ours = adobe.Door(connection=name, client_id=resolve(hooks.client_id), keep_unknown=hooks.keep_unknown)
        settings = connector.settings
        return AdobeDoor(ours, open_ring(ca_file=settings.ca_file, system_proxy=settings.system_proxy))
    door = magento.Door(
        connection=name,
        format=hooks.format,
        secrets=tuple(resolve(reference) for reference in hooks.secrets),
        trusted=hooks.payload == "trusted",
        tolerance=timedelta(seconds=hooks.tolerance_s),
        keep_unknown=hooks.keep_unknown,
        customers=customers,
    )

    def receive(event: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Heard:
        return magento.receive(door, event, headers, body, now)

    return receive


__all__ = ["Serving", "challenged", "doors_of"]
