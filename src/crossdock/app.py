"""The one place where the parts are put together."""

from __future__ import annotations

import os
import random
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from crossdock.contract.capabilities import Capabilities
from crossdock.contract.connector import Connector, Sink, Source
from crossdock.contract.flow import Flow, Route
from crossdock.delivery.deliver import Deliverer, Limits
from crossdock.delivery.dispatch import Announced, Dispatch, Elsewhere
from crossdock.delivery.intake import Intake
from crossdock.delivery.poll import Poller, PollOptions
from crossdock.delivery.records import Attempt, Delivery, Verdict
from crossdock.delivery.verdict import Policy
from crossdock.delivery.worker import Worker, WorkerOptions
from crossdock.erp.registry import Builder, connector_kinds
from crossdock.errors import ConfigurationError, StorageError
from crossdock.flows import FLOWS, LOOKS
from crossdock.magento.connector import build as build_magento
from crossdock.model.base import settle_types
from crossdock.model.sighting import Sighting
from crossdock.security.envelope import Envelope, master_key_from
from crossdock.security.secrets import resolve_url
from crossdock.settings import Settings
from crossdock.storage.engine import open_engine
from crossdock.storage.migrate import migrate
from crossdock.storage.sql import SqlStore
from crossdock.transport import deadline
from crossdock.transport.http import Exchange
from crossdock.transport.throttle import Gate

if TYPE_CHECKING:
    from crossdock.broker.fleet import Fleet

log = structlog.get_logger("crossdock.app")
SEAL_EVERY = 1.0
FORGET_EVERY = 3600.0
SLOW_SECONDS = 20.0
BUSY_CODES = frozenset({"rate-limited", "temporary"})
FAILED_CODES = frozenset({"unreachable", "outcome-unknown"})


class Role(StrEnum):
    """What a process does."""

    API = "api"
    WORKER = "worker"
    POLLER = "poller"


ALL = frozenset(Role)


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


def open_store(settings: Settings) -> SqlStore:
    """The database at this version's tables. Raises ConfigurationError, StorageError."""
    engine = open_engine(resolve_url(settings.database.url))
    try:
        migrate(engine)
    except SQLAlchemyError as error:
        raise StorageError(f"the database cannot be opened: {type(error).__name__}") from error
    return SqlStore(engine, Envelope(master_key_from(settings.security.master_key)))


def fingerprint_of(settings: Settings, text: str) -> str:
    """Under which keyed fingerprint a person is remembered."""
    return Envelope(master_key_from(settings.security.master_key)).fingerprint(text.strip().lower())


class Exchanges:
    """What each thread has said to the outside since it was last asked: the raw matter of the audit trail."""

    def __init__(self) -> None:
        self._said = threading.local()

    def observe(self, exchange: Exchange) -> None:
        """Called by the transport in the thread that sends."""
        rows: list[Attempt] = getattr(self._said, "rows", None) or []
        rows.append(
            Attempt(
                operation=f"{exchange.method} {exchange.url_path}"[:50],
                started_at=utc_now(),
                duration_ms=exchange.elapsed_ms,
                status=exchange.status,
                error=exchange.error,
                request=exchange.request_body or b"",
                response=(exchange.response_body or b"") if exchange.method != "GET" else b"",
            )
        )
        self._said.rows = rows

    def taken(self) -> Sequence[Attempt]:
        """What was said, once."""
        rows: list[Attempt] = getattr(self._said, "rows", None) or []
        self._said.rows = []
        return rows


class Connections:
    """The ends by connection name; what delivery.ends.Ends asks for."""

    def __init__(self, settings: Settings, exchanges: Exchanges, envelope: Envelope) -> None:
        self._exchanges = exchanges
        self._envelope = envelope
        self.by_name = _build_all(settings, exchanges)
        self._routes = _routes(settings, self.by_name)
        self._sources: dict[tuple[str, str], Source[Any]] = {}
        self._sinks: dict[tuple[str, str], Sink[Any]] = {}

    def flow(self, name: str) -> Flow[Any]:
        """By its name."""
        return FLOWS[name]

    def routes(self, source: str) -> Sequence[Route]:
        """Those that begin there, each with only the flows that its target takes."""
        return self._routes.get(source, ())

    def source(self, connection: str, flow: Flow[Any]) -> Source[Any]:
        """Made once."""
        if (connection, flow.name) not in self._sources:
            self._sources[connection, flow.name] = self.by_name[connection].source(flow)
        return self._sources[connection, flow.name]

    def sink(self, connection: str, flow: Flow[Any]) -> Sink[Any]:
        """Made once."""
        if (connection, flow.name) not in self._sinks:
            self._sinks[connection, flow.name] = self.by_name[connection].sink(flow)
        return self._sinks[connection, flow.name]

    def looks(self, flow: Flow[Any]) -> Flow[Any] | None:
        """Orders are looked at again when they have waited; what follows them is told as it was."""
        return LOOKS if flow.name == "orders" else None

    def capabilities(self, connection: str) -> Capabilities:
        """As declared."""
        return self.by_name[connection].capabilities

    def targets(self) -> Sequence[str]:
        """Every connection: sources are looked at and acknowledged to."""
        return tuple(self.by_name)

    def people(self, flow: Flow[Any], record: Any) -> tuple[str, ...]:  # noqa: ARG002  the port's signature
        """The buyer's e-mail address, as a keyed fingerprint."""
        email = record.order.buyer.email if isinstance(record, Sighting) else ""
        return (self._envelope.fingerprint(email.strip().lower()),) if email else ()

    def begin(self, until: datetime | None) -> None:
        """What an earlier attempt left unsaid is not this one's."""
        self._exchanges.taken()
        deadline.end_in(None if until is None else (until - utc_now()).total_seconds())

    def exchanges(self) -> Sequence[Attempt]:
        """Of this thread."""
        return self._exchanges.taken()


def connection_of(settings: Settings, name: str) -> Connector:
    """One connection alone, for previews. Raises ConfigurationError."""
    if name not in settings.connections:
        raise ConfigurationError([f"connections.{name}: there is no such connection"])
    alone = settings.model_copy(update={"connections": {name: settings.connections[name]}})
    return _build_all(alone, Exchanges())[name]


def _build_all(settings: Settings, exchanges: Exchanges) -> dict[str, Connector]:
    kinds: Mapping[str, Builder] = {"magento": build_magento, **connector_kinds()}
    problems: list[str] = []
    built: dict[str, Connector] = {}
    for name, table in settings.connections.items():
        kind = table["kind"]
        if kind not in kinds:
            problems.append(f"connections.{name}.kind: {kind!r} is none of {', '.join(sorted(kinds))}")
            continue
        try:
            built[name] = kinds[kind](name, table, observe=exchanges.observe)
        except ConfigurationError as error:
            problems += error.problems
    if problems:
        raise ConfigurationError(problems)
    return built


def _routes(settings: Settings, connectors: Mapping[str, Connector]) -> dict[str, tuple[Route, ...]]:
    found: dict[str, tuple[Route, ...]] = {}
    problems: list[str] = []
    for index, route in enumerate(settings.routes):
        refused = frozenset(route.flows) - connectors[route.target].capabilities.writes
        if "flows" in route.model_fields_set and refused:
            problems.append(f"routes[{index}].flows: {route.target} does not take {', '.join(sorted(refused))}")
        taken = frozenset(route.flows) & connectors[route.target].capabilities.writes
        made = Route(
            source=route.source, target=route.target, flows=taken, options=route.options.model_dump(mode="python")
        )
        found[route.source] = (*found.get(route.source, ()), made)
    if problems:
        raise ConfigurationError(problems)
    return found


class Gates:
    """A gate for each target: rate, adaptive concurrency, breaker. What delivery.worker.Throttle asks for."""

    def __init__(self, connections: Connections) -> None:
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

    @staticmethod
    def _gate(capabilities: Capabilities) -> Gate:
        pace = capabilities.pace
        return Gate(rate=pace.rate, burst=pace.burst, concurrency=pace.concurrency)


def _broker(settings: Settings) -> tuple[type[Fleet], str]:
    """The fleet's dispatch and where its broker is. Raises ConfigurationError."""
    if not resolve_url(settings.database.url).startswith("postgres"):
        raise ConfigurationError(["broker.url: a fleet needs PostgreSQL as its database.url"])
    try:
        from crossdock.broker.fleet import Fleet as Made
    except ModuleNotFoundError as error:
        raise ConfigurationError(["broker.url: needs the extra: pip install 'crossdock[fleet]'"]) from error
    return Made, resolve_url(settings.broker.url, key="broker.url")


class Crossdock:
    """A Crossdock in this process: intake, and by its roles workers, pollers, sealing. HTTP is put before it."""

    def __init__(
        self,
        settings: Settings,
        *,
        roles: frozenset[Role] = ALL,
        settled: Callable[[Delivery, Verdict], None] = lambda _delivery, _verdict: None,
        announced: Callable[[str, int], None] = lambda _target, _count: None,
        failpoint: Callable[[str], None] = lambda _name: None,
    ) -> None:
        self.settings = settings
        self.name = f"{socket.gethostname()}-{os.getpid()}"
        self.roles = roles
        self.exchanges = Exchanges()
        envelope = Envelope(master_key_from(settings.security.master_key))
        self.connections = Connections(settings, self.exchanges, envelope)
        settle_types()  # all ends are loaded, and no thread of ours runs yet
        broker = _broker(settings) if settings.broker.url else None
        self.store = open_store(settings)
        self.gates = Gates(self.connections)
        self.intake = Intake(self.store, self.connections.flow, utc_now, self.wake)
        self._failpoint = failpoint
        self.fleet: Fleet | None = None
        self._dispatch = self._make_dispatch(broker, settled, announced)
        self.pollers = self._make_pollers()
        self._forget_at = 0.0
        self._sealing = threading.Event()
        self._sealer = threading.Thread(target=self._seal, name="seal", daemon=True)

    def start(self) -> None:
        """Work and poll, as far as the roles go."""
        self._dispatch.start()
        if self.roles != {Role.API}:
            self._sealer.start()
        if Role.POLLER in self.roles:
            for poller in self.pollers.values():
                poller.start()
        log.info("started", worker=self.name, roles=sorted(self.roles), connections=sorted(self.connections.by_name))

    def stop(self) -> None:
        """No new work; what is under way is settled, what was heard is committed."""
        if Role.POLLER in self.roles:
            for poller in self.pollers.values():
                poller.stop()
        self._dispatch.stop()
        self._sealing.set()
        if self._sealer.is_alive():
            self._sealer.join()
        self.store.close()
        log.info("stopped", worker=self.name)

    def wake(self) -> None:
        """Something is due."""
        self._dispatch.wake()

    def health(self) -> dict[str, str]:
        """`status` is `ok`, `storage` or `threads`. A broker that is down makes us slower, not unable: told apart."""
        found = {"status": "ok"}
        try:
            self.store.next_due(utc_now())
        except StorageError:
            found["status"] = "storage"
        polling = self.pollers.values() if Role.POLLER in self.roles else ()
        if not (self._dispatch.alive() and all(poller.alive() for poller in polling)):
            found["status"] = "threads"
        if self.fleet is not None:
            found["broker"] = "ok" if self.fleet.up else "down"
        return found

    def _make_dispatch(
        self,
        broker: tuple[type[Fleet], str] | None,
        settled: Callable[[Delivery, Verdict], None],
        counted: Callable[[str, int], None],
    ) -> Dispatch:
        if broker is None:
            return self._make_worker(settled, None) if Role.WORKER in self.roles else Elsewhere()
        fleet, url = broker

        def told(delivery: Delivery, verdict: Verdict) -> None:
            self.wake()  # what a settlement promised is due
            settled(delivery, verdict)

        workers = self.settings.workers
        announced = Announced(workers.threads + workers.batch, workers.look_s)
        worker = self._make_worker(told, announced) if Role.WORKER in self.roles else None
        targets = tuple(self.connections.targets())
        self.fleet = fleet(self.name, url, self.store, targets, utc_now, announced, worker, counted)
        return self.fleet

    def _make_worker(self, settled: Callable[[Delivery, Verdict], None], announced: Announced | None) -> Worker:
        delivery, workers = self.settings.delivery, self.settings.workers
        policy = Policy(
            horizon=delivery.horizon_days * 86_400,
            first_pause=delivery.first_pause_s,
            longest_pause=delivery.longest_pause_s,
            unexpected_tries=delivery.unexpected_tries,
        )
        deliverer = Deliverer(
            self.store,
            self.connections,
            policy,
            Limits(fresh_for=delivery.fresh_for_s),
            utc_now,
            random.random,
            self._failpoint,
        )
        options = WorkerOptions(threads=workers.threads, batch=workers.batch, lease_seconds=workers.lease_seconds)
        targets = tuple(self.connections.targets())
        return Worker(
            self.name, self.store, deliverer, lambda: targets, self.gates, options, utc_now, settled, announced
        )

    def _make_pollers(self) -> dict[str, Poller]:
        return {
            name: Poller(
                self.name,
                self.store,
                name,
                LOOKS,
                self.connections.source(name, LOOKS),
                PollOptions(interval=interval, claim=self.settings.workers.lease_seconds),
                utc_now,
                self.wake,
                self._failpoint,
                getattr(self.connections.by_name[name], "created_since", None),
            )
            for name in self.connections.by_name
            if (interval := self._interval(name)) is not None
        }

    def _interval(self, name: str) -> float | None:
        """Seconds between two scans, for connections that are read and a route begins at."""
        connector = self.connections.by_name[name]
        polled = getattr(connector, "poll_interval", None)
        return polled if LOOKS.name in connector.capabilities.reads and self.connections.routes(name) else None

    def _forget(self) -> None:
        """What is old, in small steps, once an hour."""
        if time.monotonic() < self._forget_at:
            return
        now, keep = utc_now(), self.settings.audit.keep_days
        bodies = self.store.forget_bodies(now - timedelta(days=keep.payloads))
        rows = self.store.forget_rows(now - timedelta(days=keep.rows), now)
        if not bodies and not rows:
            self._forget_at = time.monotonic() + FORGET_EVERY

    def _seal(self) -> None:
        while not self._sealing.wait(SEAL_EVERY):
            try:
                self.store.seal_audit()
                self._forget()
            except Exception:  # the trail is sealed later; nothing is lost by it
                log.exception("cannot seal the audit trail")
