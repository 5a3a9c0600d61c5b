"""The ends as settings have them: built once, by connection name; what each bears; what was said to them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from crossdock.contract.capabilities import Capabilities
from crossdock.contract.connector import BatchSink, Connector, Sink, Source
from crossdock.contract.flow import Flow, Route
from crossdock.contract.ledger import HandsOver, Ledger
from crossdock.contract.message import Message, Receipt
from crossdock.delivery.ends import Told
from crossdock.delivery.records import Agreed, Attempt, Moved, Reserved, Verdict
from crossdock.erp.registry import Builder, connector_kinds
from crossdock.errors import ConfigurationError
from crossdock.flows import CUSTOMER_LOOKS, CUSTOMERS, FLOWS, INVENTORY, LOOKS
from crossdock.magento.connector import build as build_magento
from crossdock.model.customer import CustomerSighting, PushedCustomer
from crossdock.model.sighting import Sighting
from crossdock.pairs import Book, Pairs
from crossdock.reserved import Reservations, of_look, of_put
from crossdock.security.envelope import Envelope
from crossdock.settings import EVERY_FLOW, Settings
from crossdock.transport import deadline
from crossdock.transport.http import Exchange
from crossdock.transport.throttle import Gate

SLOW_SECONDS = 20.0
BUSY_CODES = frozenset({"rate-limited", "temporary"})
FAILED_CODES = frozenset({"unreachable", "outcome-unknown"})


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


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
        self._reservations: Reservations | None = None
        self._pairs: Pairs | None = None

    def flow(self, name: str) -> Flow[Any]:
        """By its name."""
        return FLOWS[name]

    def routes(self, source: str) -> Sequence[Route]:
        """Those that begin there, each with only the flows that its target takes."""
        return self._routes.get(source, ())

    def carries(self, source: str, flow: Flow[Any]) -> bool:
        """Whether a route takes this flow from there."""
        return any(flow.name in route.flows for route in self.routes(source))

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

    def batch_sink(self, connection: str, flow: Flow[Any]) -> BatchSink[Any]:
        """The same sink, where it takes many in a call."""
        sink: Any = self.sink(connection, flow)
        if not isinstance(sink, BatchSink):
            raise ConfigurationError([f"connections.{connection}: takes no {flow.name} in batches"])
        return sink

    def batches(self) -> Mapping[str, Mapping[str, int]]:
        """By target, the flows of states that a route brings there, and how many rows go in a call."""
        found: dict[str, dict[str, int]] = {}
        for routes in self._routes.values():
            for route in routes:
                sizes = self.capabilities(route.target).batches
                taken = {name: size for name, size in sizes.items() if name in route.flows}
                if taken:
                    found.setdefault(route.target, {}).update(taken)
        return found

    def keep_in(self, ledger: Callable[[str], Ledger]) -> None:
        """Where each end writes down what its target's own queue has."""
        for name, connector in self.by_name.items():
            if isinstance(connector, HandsOver):
                connector.keep_in(ledger(name))

    def reckon_with(self, reservations: Reservations) -> None:
        """From now on."""
        self._reservations = reservations

    def remember_in(self, book: Book) -> None:
        """Where it stands who a customer is elsewhere."""
        self._pairs = Pairs(book, self._routes, self._fingerprint)

    def completed(self, flow: Flow[Any], message: Message, record: Any) -> Any:
        """Customers with what is known of them elsewhere; an order that may be a guest's with who that is, keyed."""
        if flow is LOOKS:
            return self._with_guest(message, record)
        return record if self._pairs is None else self._pairs.completed(flow, message, record)

    def agreed(
        self, flow: Flow[Any], message: Message, target: str, record: Any, receipt: Receipt | None
    ) -> tuple[Agreed, ...]:
        """Of customers."""
        return () if self._pairs is None else self._pairs.agreed(flow, message, target, record, receipt)

    def _with_guest(self, message: Message, sighting: Sighting) -> Sighting:
        wanted = any(_guests(route) != "none" for route in self.routes(message.source))
        if not wanted or not sighting.order.buyer.guest:
            return sighting
        return msgspec.structs.replace(sighting, guest=self._fingerprint(sighting.order.buyer.email)[:32])

    def keyed(self, text: str) -> str:
        """A hash that nobody can check a guess with."""
        return self._envelope.fingerprint(text)

    def _fingerprint(self, email: str) -> str:
        return self.keyed(email.strip().lower()) if email else ""

    def adjusted(self, flow: Flow[Any], source: str, target: str, told: Sequence[Told]) -> Sequence[Any]:
        """Stock levels with what the store still reserves; all else as it is."""
        if flow is not INVENTORY or self._reservations is None:
            return [record for record, _ in told]
        return self._reservations.reckoned(self.routes(source), source, target, told)

    def unsettled(self, flow: Flow[Any], source: str, target: str) -> frozenset[str]:
        """SKUs that were sold or shipped of late."""
        if flow is not INVENTORY or self._reservations is None:
            return frozenset()
        return self._reservations.unsettled(source, target, utc_now())

    def reserved(self, flow: Flow[Any], source: str, record: Any) -> Reserved | None:
        """Of an order, where a route brings `available` quantities to its store."""
        routes = [route for name in self._routes for route in self._routes[name] if route.target == source]
        return of_look(routes, record) if flow is LOOKS else None

    def moved(self, flow: Flow[Any], message: Message, target: str, record: Any, receipt: Receipt) -> Moved | None:  # noqa: ARG002  the port's signature
        """Pieces that a shipment took off its source."""
        return of_put(self.routes(message.source), message, target, record, receipt)

    def looks(self, flow: Flow[Any]) -> Flow[Any] | None:
        """Orders and customers are looked at again when they have waited; what follows orders is told as it was."""
        again: dict[str, Flow[Any]] = {"orders": LOOKS, CUSTOMERS.name: CUSTOMER_LOOKS}
        return again.get(flow.name)

    def capabilities(self, connection: str) -> Capabilities:
        """As declared."""
        return self.by_name[connection].capabilities

    def targets(self) -> Sequence[str]:
        """Every connection: sources are looked at and acknowledged to."""
        return tuple(self.by_name)

    def people(self, flow: Flow[Any], record: Any) -> tuple[str, ...]:  # noqa: ARG002  the port's signature
        """The buyer's or the customer's e-mail address, as a keyed fingerprint."""
        email = ""
        if isinstance(record, Sighting):
            email = record.order.buyer.email
        elif isinstance(record, CustomerSighting | PushedCustomer):
            email = str(record.customer.fields.get("email") or "")
        return (self._fingerprint(email),) if email else ()

    def begin(self, until: datetime | None) -> None:
        """What an earlier attempt left unsaid is not this one's."""
        self._exchanges.taken()
        deadline.end_in(None if until is None else (until - utc_now()).total_seconds())

    def exchanges(self) -> Sequence[Attempt]:
        """Of this thread."""
        return self._exchanges.taken()


def _guests(route: Route) -> str:
    return str(route.states.get(CUSTOMERS.name, {}).get("guests", "none"))


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
        if frozenset(route.flows) != EVERY_FLOW and refused:  # all of them: whatever the target takes
            problems.append(f"routes[{index}].flows: {route.target} does not take {', '.join(sorted(refused))}")
        taken = frozenset(route.flows) & connectors[route.target].capabilities.writes
        made = Route(
            source=route.source,
            target=route.target,
            flows=taken,
            options=route.options.of_orders(),
            states=route.options.of_states(),
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
