"""The ends as settings have them: built once, by connection name; what each bears; what was said to them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Any, Protocol

import msgspec

from crossdock.clock import utc_now
from crossdock.contract.capabilities import Capabilities
from crossdock.contract.connector import BatchSink, Connector, Sink, Source
from crossdock.contract.flow import Flow, Route
from crossdock.contract.ledger import HandsOver, Ledger
from crossdock.contract.lookups import Lookups
from crossdock.contract.message import Message, Receipt
from crossdock.contract.shadow import Onlooker, ShowingSink
from crossdock.delivery.ends import Told
from crossdock.delivery.records import Agreed, Attempt, Moved, Reserved
from crossdock.erp.registry import Builder, connector_kinds
from crossdock.errors import ConfigurationError
from crossdock.exchanges import Exchanges
from crossdock.feeds.versions import Book as VersionBook
from crossdock.feeds.versions import Versions
from crossdock.flows import CUSTOMER_LOOKS, CUSTOMERS, FLOWS, FULFILMENTS, INVENTORY, LOOKS
from crossdock.lookups import LiveLookups
from crossdock.magento.connector import build as build_magento
from crossdock.model.customer import CustomerSighting, PushedCustomer
from crossdock.model.sighting import Sighting
from crossdock.pairs import Book, Pairs
from crossdock.reserved import Reservations, of_look, of_put
from crossdock.security.places import secrets_of
from crossdock.settings import EVERY_FLOW, EXPORT_FLOWS, RouteSettings, Settings
from crossdock.shadowing.onlooker import Watching
from crossdock.storage.payloads import Sealer
from crossdock.transport import deadline
from crossdock.transport.renewal import Resolve

HASTE = timedelta(0)


class Memory(Book, VersionBook, Protocol):
    """What is remembered of customers and of documents."""


class Connections:
    """The ends by connection name; what delivery.ends.Ends asks for."""

    def __init__(self, settings: Settings, exchanges: Exchanges, envelope: Sealer) -> None:
        self._exchanges = exchanges
        self._envelope = envelope
        self.lookups = LiveLookups(settings.lookups)
        self.secrets = secrets_of(settings.secrets)
        self.by_name = _build_all(settings, exchanges, self.lookups, self.secrets)
        self._routes = _routes(settings, self.by_name)
        self._settings = settings
        self._patience = _patience(settings)
        self._mappings: dict[tuple[str, str], tuple[str, str]] = {}
        self._sources: dict[tuple[str, str], Source[Any]] = {}
        self._sinks: dict[tuple[str, str], Sink[Any]] = {}
        self._reservations: Reservations | None = None
        self._pairs: Pairs | None = None
        self._versions: Versions | None = None

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

    def onlooker(self, connection: str, flow: Flow[Any]) -> Onlooker:
        """The halves of the sink that only look; the patience of the longest-suffering route to it."""
        sink: Any = self.sink(connection, flow)
        show = sink.show if isinstance(sink, ShowingSink) else None
        find = sink.find if flow.name in self.capabilities(connection).finds else None
        connector, patience = self.by_name[connection], self._patience.get(connection, HASTE)
        return Watching(lambda one: connector.preview(flow, one), show, find, patience, changes=flow is CUSTOMERS)

    def mapping(self, source: str, target: str) -> str:
        """Our version, and a hash of the settings of both ends, of the routes between them, and of the lookups."""
        lookups = self.lookups.fingerprint()
        known = self._mappings.get((source, target))
        if known is None or known[0] != lookups:
            known = (lookups, mapping_of(self._settings, source, target, lookups))
            self._mappings[source, target] = known
        return known[1]

    def anew(self, connection: str) -> Connector:
        """Once more, with nothing remembered."""
        alone = self._settings.model_copy(update={"connections": {connection: self._settings.connections[connection]}})
        return _build_all(alone, self._exchanges, self.lookups, self.secrets)[connection]

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

    def rereads(self) -> frozenset[str]:
        """Those of which a subject can be read afresh, by its id alone."""
        return frozenset(name for name, one in self.by_name.items() if one.capabilities.rereads)

    def keep_in(self, ledger: Callable[[str], Ledger]) -> None:
        """Where each end writes down what its target's own queue has."""
        for name, connector in self.by_name.items():
            if isinstance(connector, HandsOver):
                connector.keep_in(ledger(name))

    def reckon_with(self, reservations: Reservations) -> None:
        """From now on."""
        self._reservations = reservations

    def remember_in(self, book: Memory) -> None:
        """Where it stands who a customer is elsewhere, and what was promised under a document's number."""
        self._pairs = Pairs(book, self._routes, self._fingerprint)
        self._versions = Versions(book)

    def completed(self, flow: Flow[Any], message: Message, record: Any) -> Any:
        """Customers with what is known of them elsewhere; an order that may be a guest's with who that is, keyed."""
        if flow is LOOKS:
            return self._with_guest(message, record)
        if flow is FULFILMENTS:
            return record if self._versions is None else self._versions.completed(message, record)
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
        self._exchanges.listen()
        deadline.end_in(None if until is None else (until - utc_now()).total_seconds())

    def exchanges(self) -> Sequence[Attempt]:
        """Of this thread."""
        return self._exchanges.taken()


def mapping_of(settings: Settings, source: str, target: str, lookups: str) -> str:
    """References to secrets are in the hash, secrets are not."""
    ends = [settings.connections.get(name) for name in (source, target)]
    routes = [one.model_dump(mode="json") for one in settings.routes if {one.source, one.target} == {source, target}]
    text = msgspec.json.encode([ends, routes, lookups], order="deterministic", enc_hook=str)
    return f"{version('crossdock')}-{hashlib.sha256(text).hexdigest()[:16]}"


def _patience(settings: Settings) -> dict[str, timedelta]:
    found: dict[str, timedelta] = {}
    for route in settings.routes:
        wished = timedelta(seconds=route.options.shadow_patience_s)
        found[route.target] = max(wished, found.get(route.target, HASTE))
    return found


def _guests(route: Route) -> str:
    return str(route.states.get(CUSTOMERS.name, {}).get("guests", "none"))


def connection_of(settings: Settings, name: str) -> Connector:
    """One connection alone, for previews, with the lookups of the settings file. Raises ConfigurationError."""
    if name not in settings.connections:
        raise ConfigurationError([f"connections.{name}: there is no such connection"])
    alone = settings.model_copy(update={"connections": {name: settings.connections[name]}})
    return _build_all(alone, Exchanges(), LiveLookups(settings.lookups), secrets_of(settings.secrets))[name]


def _build_all(settings: Settings, exchanges: Exchanges, lookups: Lookups, resolve: Resolve) -> dict[str, Connector]:
    kinds: Mapping[str, Builder] = {"magento": build_magento, **connector_kinds()}
    problems: list[str] = []
    built: dict[str, Connector] = {}
    for name, table in settings.connections.items():
        kind = table["kind"]
        if kind not in kinds:
            problems.append(f"connections.{name}.kind: {kind!r} is none of {', '.join(sorted(kinds))}")
            continue
        observe = exchanges.observer(name, keeps_reads=kind != "magento")
        try:
            built[name] = kinds[kind](name, table, lookups=lookups, observe=observe, resolve=resolve)
        except ConfigurationError as error:
            problems += error.problems
    if problems:
        raise ConfigurationError(problems)
    return built


def _routes(settings: Settings, connectors: Mapping[str, Connector]) -> dict[str, tuple[Route, ...]]:
    found: dict[str, tuple[Route, ...]] = {}
    full: dict[str, str] = {}
    problems: list[str] = []
    for index, route in enumerate(settings.routes):
        refused = frozenset(route.flows) - connectors[route.target].capabilities.writes
        if frozenset(route.flows) != EVERY_FLOW and refused:  # all of them: whatever the target takes
            problems.append(f"routes[{index}].flows: {route.target} does not take {', '.join(sorted(refused))}")
        taken = frozenset(route.flows) & connectors[route.target].capabilities.writes
        if route.options.mode != "live":
            taken &= frozenset((*EXPORT_FLOWS, CUSTOMERS.name))
            problems += _only_compared(index, route, taken)
        made = Route(
            source=route.source,
            target=route.target,
            flows=taken,
            options=route.options.of_orders(),
            states=route.options.of_states(),
        )
        found[route.source] = (*found.get(route.source, ()), made)
        if "orders" in taken and not route.options.shares and route.options.mode != "shadow":
            if route.source in full:
                problems.append(f"routes[{index}]: {full[route.source]} takes every order before it: when, or shares?")
            elif route.options.when.takes_all() and route.options.mode == "live":
                full[route.source] = f"routes[{index}]"
    if problems:
        raise ConfigurationError(problems)
    return found


def _only_compared(index: int, route: RouteSettings, taken: frozenset[str]) -> Iterator[str]:
    """Why a route cannot be a shadow or a canary."""
    if "orders" not in taken:
        yield f"routes[{index}].options.mode: {route.options.mode} is about orders, and {route.target} takes none"
