"""The one place where the parts are put together."""

from __future__ import annotations

import os
import random
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from crossdock.contract.capabilities import Capabilities
from crossdock.contract.connector import Connector, Sink, Source
from crossdock.contract.flow import Flow, Route
from crossdock.delivery.deliver import Deliverer, Limits
from crossdock.delivery.intake import Intake
from crossdock.delivery.poll import Poller, PollOptions
from crossdock.delivery.records import Attempt, Delivery, Verdict
from crossdock.delivery.verdict import Policy
from crossdock.delivery.worker import Worker, WorkerOptions
from crossdock.erp.registry import Builder, connector_kinds
from crossdock.errors import ConfigurationError
from crossdock.flows import FLOWS, LOOKS
from crossdock.magento.connector import build as build_magento
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

log = structlog.get_logger("crossdock.app")
SEAL_EVERY = 1.0
FORGET_EVERY = 3600.0
SLOW_SECONDS = 20.0
BUSY_CODES = frozenset({"rate-limited", "temporary"})
FAILED_CODES = frozenset({"unreachable", "outcome-unknown"})


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


def open_store(settings: Settings) -> SqlStore:
    """The database at this version's tables. Raises ConfigurationError."""
    engine = open_engine(resolve_url(settings.database.url))
    migrate(engine)
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


class Crossdock:
    """A whole Crossdock in this process: intake, workers, pollers, sealing. The HTTP server is put before it."""

    def __init__(
        self,
        settings: Settings,
        *,
        settled: Callable[[Delivery, Verdict], None] = lambda _delivery, _verdict: None,
        failpoint: Callable[[str], None] = lambda _name: None,
    ) -> None:
        self.settings = settings
        self.name = f"{socket.gethostname()}-{os.getpid()}"
        self.exchanges = Exchanges()
        envelope = Envelope(master_key_from(settings.security.master_key))
        self.connections = Connections(settings, self.exchanges, envelope)
        self.store = open_store(settings)
        self.gates = Gates(self.connections)
        self.intake = Intake(self.store, self.connections.flow, utc_now, self.wake)
        self._failpoint = failpoint
        self._worker = self._make_worker(settled)
        self.pollers = self._make_pollers()
        self._forget_at = 0.0
        self._sealing = threading.Event()
        self._sealer = threading.Thread(target=self._seal, name="seal", daemon=True)

    def start(self) -> None:
        """Work and poll."""
        self._worker.start()
        self._sealer.start()
        for poller in self.pollers.values():
            poller.start()
        log.info("started", worker=self.name, connections=sorted(self.connections.by_name))

    def stop(self) -> None:
        """No new work; what is under way is settled, what was heard is committed."""
        for poller in self.pollers.values():
            poller.stop()
        self._worker.stop()
        self._sealing.set()
        self._sealer.join()
        self.store.close()
        log.info("stopped", worker=self.name)

    def wake(self) -> None:
        """Something is due."""
        self._worker.wake()

    def _make_worker(self, settled: Callable[[Delivery, Verdict], None]) -> Worker:
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
        return Worker(self.name, self.store, deliverer, lambda: targets, self.gates, options, utc_now, settled)

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
