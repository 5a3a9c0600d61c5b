"""A Crossdock with its HTTP server before it: webhooks where it has that role, health and metrics everywhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from functools import partial

import msgspec
from litestar import Litestar, Router
from litestar.handlers import HTTPRouteHandler
from prometheus_client import CollectorRegistry

from crossdock.api.adobe import AdobeDoor
from crossdock.api.application import create_app
from crossdock.api.bulks import BulkStates
from crossdock.api.comparisons import ComparisonMetrics
from crossdock.api.customers import Customers
from crossdock.api.deprecation import headers_of
from crossdock.api.documents import Documents
from crossdock.api.erp import bulk_routes, customer_routes, document_routes
from crossdock.api.erp import routes as erp_routes
from crossdock.api.gates import GateMetrics
from crossdock.api.hints import hint_route
from crossdock.api.incidents import IncidentMetrics
from crossdock.api.operations.pulse import Pulse
from crossdock.api.operations.routes import operation_routes
from crossdock.api.pushes import Pushes
from crossdock.api.schedules import ScheduleMetrics
from crossdock.api.server import ApiServer
from crossdock.api.tables import TableMetrics
from crossdock.api.tracing import Traced
from crossdock.api.webhooks import Door, Webhooks
from crossdock.app import ALL, Crossdock, Role, utc_now
from crossdock.console.routes import Console
from crossdock.contract.message import Heard
from crossdock.delivery.records import Delivery, Verdict
from crossdock.flows import CUSTOMERS
from crossdock.identity.compose import cookies_of, doorman_of, gated, logins_of, sign_on_of
from crossdock.identity.logins import Logins
from crossdock.identity.pages import login_routes
from crossdock.magento import adobe
from crossdock.magento import webhooks as magento
from crossdock.magento.adobe_keys import open_ring
from crossdock.magento.connector import MagentoConnector
from crossdock.notifying.composed import watch_of
from crossdock.operations.desk import Desk
from crossdock.operations.overview import counts
from crossdock.security.places import Secrets
from crossdock.settings import ApiSettings, Settings
from crossdock.telemetry import catalogue
from crossdock.telemetry.meters import Meters
from crossdock.telemetry.spans import Tracer


class Serving:
    """Starts work before it takes requests, and stops taking them before it stops work.

    A process that takes no webhooks serves only where it is given a `port`; else its `url` is empty and `app` is None.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        roles: frozenset[Role] = ALL,
        port: int | None = None,
        settled: Callable[[Delivery, Verdict], None] = lambda _delivery, _verdict: None,
        failpoint: Callable[[str], None] = lambda _name: None,
        tracer: Tracer | None = None,
    ) -> None:
        self.meters = Meters()
        registry = self.meters.registry
        self._settled = settled
        self.crossdock = Crossdock(
            settings,
            roles=roles,
            settled=self._count,
            announced=self.meters.announced,
            failpoint=failpoint,
            meters=self.meters,
            tracer=tracer,
        )
        with ExitStack() as broken_off:  # a port that is taken, say, leaves no database open
            broken_off.callback(self.crossdock.store.close)
            registry.register(ScheduleMetrics(self.crossdock))
            self._watch = watch_of(self.crossdock, failpoint=failpoint) if Role.POLLER in roles else None
            if Role.WORKER in roles:
                registry.register(GateMetrics(self.crossdock.gates))
            if (fleet := self.crossdock.fleet) is not None:
                catalogue.BROKER_UP.gauge(registry).set_function(lambda: float(fleet.up))
            self.app: Litestar | None = None
            self._pulse: Pulse | None = None
            serves = Role.API in roles or port is not None
            self._server = self._served(settings.api, port, takes=Role.API in roles) if serves else None
            self.url = self._server.url if self._server else ""
            broken_off.pop_all()

    def _served(self, settings: ApiSettings, port: int | None, *, takes: bool) -> ApiServer:
        """`takes`: webhooks, pushes and people too; else health and metrics alone."""
        registry = self.meters.registry
        logins = logins_of(self.crossdock)
        doorman = doorman_of(self.crossdock, logins)
        console = Console(desk := Desk(self.crossdock))
        hooks = self._hooks(registry) if takes else None
        people = [*self._login_routes(logins, console), *console.routes, self._operations(desk)] if takes else ()
        served = [*handlers_of(self.crossdock, registry), *people] if takes else ()
        if takes:
            registry.register(TableMetrics(desk))  # what it knows of the tables is what the pages show
            registry.register(ComparisonMetrics(desk))
            registry.register(IncidentMetrics(self.crossdock.store.incidents))
        told = headers_of(settings.v1_deprecated_on, settings.v1_sunset_on, settings.v1_docs)
        shown = console.looks.refused
        self.app = create_app(hooks, self.health, registry, served, doorman, shown, told_of_first=told)
        listening = settings.port if port is None else port
        gate = gated(Traced(self.app, self.crossdock.tracer), settings, doorman, registry)
        return ApiServer(gate, settings.host, listening, settings.request_s)

    def start(self) -> None:
        """Work, then serve."""
        self.crossdock.start()
        if self._watch:
            self._watch.start()
        if self._server:
            self._server.start()
        self.crossdock.keep_hints()

    def health(self) -> dict[str, str]:
        """See Crossdock.health."""
        found = self.crossdock.health()
        if self._watch and not self._watch.alive() and found["status"] == "ok":
            found["status"] = "threads"
        return found

    def stop(self) -> None:
        """Serve no more, then end the work."""
        if self._pulse:
            self._pulse.close()  # whoever listens would keep the server waiting
        if self._server:
            self._server.stop()
        if self._watch:
            self._watch.stop()
        self.crossdock.stop()

    def _hooks(self, registry: CollectorRegistry) -> Webhooks:
        limit = self.crossdock.settings.api.body_limit
        return Webhooks(
            doors_of(self.crossdock),
            self.crossdock.intake,
            utc_now,
            body_limit=limit,
            registry=registry,
            challenged=challenged(self.crossdock),
        )

    def _operations(self, desk: Desk) -> Router:
        """What operators see and do."""
        self._pulse = Pulse(partial(counts, desk))
        return operation_routes(desk, self._pulse)

    def _login_routes(self, logins: Logins, console: Console) -> Sequence[HTTPRouteHandler]:
        settings = self.crossdock.settings
        return login_routes(logins, cookies_of(settings), sign_on_of(self.crossdock), console.looks)

    def _count(self, delivery: Delivery, verdict: Verdict) -> None:
        self.meters.settled(delivery.flow, delivery.target, verdict.state, verdict.code)
        if verdict.state == "delivered":
            seconds = (utc_now() - delivery.opened_at).total_seconds()
            self.meters.delivered(delivery.flow, delivery.target, seconds)
        self._settled(delivery, verdict)


def handlers_of(crossdock: Crossdock, registry: CollectorRegistry) -> Sequence[HTTPRouteHandler]:
    """What ERPs push to, and what tells us of changes."""
    settings = crossdock.settings.api
    pushes = Pushes(
        crossdock.feeds,
        crossdock.store.levels,
        crossdock.connections.routes,
        utc_now,
        wait_s=settings.wait_s,
        rows_at_once=settings.rows_at_once,
    )
    connections = crossdock.connections
    documents = Documents(crossdock.intake, crossdock.incoming, crossdock.store, connections.routes)
    bulks = BulkStates(connections.by_name, connections.routes)
    people = Customers(
        crossdock.intake, crossdock.customers, crossdock.store, crossdock.settings, connections.routes, utc_now
    )
    return [
        *erp_routes(pushes, settings.push_limit),
        *document_routes(documents),
        *bulk_routes(bulks),
        *customer_routes(people),
        hint_route(connections.by_name, crossdock.store.schedules, utc_now, registry),
    ]


def doors_of(crossdock: Crossdock) -> Mapping[str, Door]:
    """One for each store whose webhooks are enabled. Raises ConfigurationError for a secret that cannot be read."""
    carries = crossdock.connections.carries
    stores = _open_stores(crossdock).items()
    return {name: _door(name, one, crossdock.secrets, carries(name, CUSTOMERS)) for name, one in stores}


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


def _door(name: str, connector: MagentoConnector, secrets: Secrets, customers: bool) -> Door:
    hooks = connector.settings.webhooks
    if hooks.client_id is not None:
        ours = adobe.Door(connection=name, client_id=secrets(hooks.client_id), keep_unknown=hooks.keep_unknown)
        settings = connector.settings
        return AdobeDoor(ours, open_ring(ca_file=settings.ca_file, system_proxy=settings.system_proxy))
    door = magento.Door(
        connection=name,
        format=hooks.format,
        secrets=tuple(secrets.current(reference) for reference in hooks.secrets),
        trusted=hooks.payload == "trusted",
        tolerance=timedelta(seconds=hooks.tolerance_s),
        keep_unknown=hooks.keep_unknown,
        customers=customers,
    )

    def receive(event: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Heard:
        known = tuple(secrets.current(reference) for reference in hooks.secrets)
        return magento.receive(msgspec.structs.replace(door, secrets=known), event, headers, body, now)

    return receive


__all__ = ["Serving", "challenged", "doors_of"]
