"""The story of a subject: first why, then what is known of it, then all that happened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from crossdock.errors import MappingError, NotThere
from crossdock.flows import CUSTOMER_LOOKS, CUSTOMER_PUSHES, FULFILMENTS, LOOKS
from crossdock.flows.customers import subject_of
from crossdock.model.customer import Owner
from crossdock.operations import fields
from crossdock.operations.deliveries import FINGERPRINT, LONGEST_TEXT
from crossdock.operations.delivery import Link, Told
from crossdock.operations.desk import View, line
from crossdock.operations.why import Ground, Reason, reasons, stamp
from crossdock.settings import Settings
from crossdock.storage.listing import DeliveryRow, Filter, Place
from crossdock.storage.sql import SqlStore

MOST_EVENTS = 1000
MOST_ROWS = 5000
DRIFTS = 5
ALL_LOOKS = frozenset(flow.name for flow in (LOOKS, CUSTOMER_LOOKS, CUSTOMER_PUSHES, FULFILMENTS))
QUIET = frozenset({"acknowledgements"})


class Kind(StrEnum):
    """What is asked about."""

    ORDER = "order"
    SKU = "sku"
    PRICE = "price"
    PRODUCT = "product"
    CUSTOMER = "customer"


STATES = {Kind.SKU: "inventory", Kind.PRICE: "prices", Kind.PRODUCT: "products"}


class Fact(View, frozen=True, kw_only=True):
    """Something else that is known. `kind`: shadow, drift, feed, held, erased or reserved."""

    kind: str
    at: datetime | None
    text: str


class Subject(View, frozen=True, kw_only=True):
    """One subject. `why` is the first sentence, `reasons` all of them, what is worst first."""

    kind: str
    source: str
    subject: str
    reference: str
    why: str
    reasons: list[Reason]
    links: list[Link]
    facts: list[Fact]
    fields: list[fields.Field]
    timeline: list[Told]
    masked: bool
    cli: str


class Explainer:
    """Reads only. `revealed`: personal data of customers too."""

    def __init__(self, store: SqlStore, settings: Settings, now: datetime, *, revealed: bool = False) -> None:
        self._store = store
        self._settings = settings
        self._now = now
        self._revealed = revealed
        self._names = tuple(settings.connections)

    def told(self, kind: Kind, text: str) -> list[Subject]:
        """Raises NotThere where nothing was ever heard of it, MappingError for what is no name."""
        wanted = text.strip().replace("\0", "")
        if not wanted or len(wanted) > LONGEST_TEXT:
            raise MappingError("key", "is a number or a name")
        found = [self._subject(kind, place, wanted) for place in dict.fromkeys(self._places(kind, wanted))]
        if not found:
            raise NotThere(f"nothing was ever heard of {wanted if kind is not Kind.CUSTOMER else 'this customer'}")
        return found

    def _places(self, kind: Kind, text: str) -> Iterator[Place]:
        if kind is Kind.CUSTOMER:
            yield from self._customers(text)
            return
        flow = STATES.get(kind, "")
        found = self._store.find_subjects(text)
        for place in sorted(found) if flow else found:
            if not flow or any(row.flow == flow for row in self._rows(place)):
                yield place

    def _customers(self, text: str) -> Iterator[Place]:
        """By address or its fingerprint, by the store's id, by an ERP's number."""
        operations = self._store.operations
        if "@" in text or FINGERPRINT.fullmatch(text):
            print_of = self._store.fingerprint_of(text.lower()) if "@" in text else text
            about = operations.places_about(print_of, self._names)
            yield from (place for place in about if place[1].startswith(subject_of("")))
            return
        for name in self._names:
            if self._rows((name, subject_of(text))) or self._store.is_erased(name, subject_of(text)):
                yield name, subject_of(text)
            for erp in self._names:
                if subject := self._store.subject_of(name, erp, text):
                    yield name, subject
        for place in operations.places(text, self._names):
            if place[1].startswith(subject_of("")):
                yield place

    def _subject(self, kind: Kind, place: Place, asked: str) -> Subject:
        rows = self._rows(place)
        shown = [row for row in rows if row.flow == STATES[kind]] if kind in STATES else rows
        why = reasons(shown, self._ground(), ALL_LOOKS, QUIET)
        erased = self._store.is_erased(*place)
        first = why[0].why if why else "Nothing was ever promised of it."
        return Subject(
            kind=kind,
            source=place[0],
            subject=place[1],
            reference=next((row.reference for row in rows if row.reference), ""),
            why="It was erased: nothing of it can be read, and nothing is carried." if erased else first,
            reasons=why,
            links=[
                Link(target=one.target, part=one.part, external_id=one.external_id, number=one.number)
                for one in self._store.links(*place)
            ],
            facts=[*self._facts(kind, place, rows, erased=erased)],
            fields=[*self._fields(place)] if kind is Kind.CUSTOMER else [],
            timeline=[
                Told(at=event.at, kind=event.kind, flow=event.flow, target=event.target, text=event.text)
                for event in self._store.timeline(*place)[-MOST_EVENTS:]
            ],
            masked=not self._revealed,
            cli=line("explain", str(kind), asked if "@" not in asked else place[1].partition(":")[2]),
        )

    def _rows(self, place: Place) -> list[DeliveryRow]:
        """Oldest first."""
        return self._store.operations.page(Filter(places=(place,), limit=MOST_ROWS))[::-1]

    def _ground(self) -> Ground:
        return Ground(
            paused={one.connection: (one.reason, one.since) for one in self._store.paused()},
            now=self._now,
            horizon=self._settings.delivery.horizon_days * 86_400,
        )

    def _facts(self, kind: Kind, place: Place, rows: Sequence[DeliveryRow], *, erased: bool) -> Iterator[Fact]:
        if erased:
            yield Fact(kind="erased", at=None, text="its key was destroyed: no body can be read, the trail stays whole")
        for row in rows:
            if (found := self._store.shadows.whole(row.id)) is not None:
                text = f"{row.flow} at {row.target}: {found.fate}, {found.compared} fields compared"
                differing = f"; differs: {', '.join(found.fields)}" if found.fields else ""
                yield Fact(kind="shadow", at=found.at, text=text + differing)
        yield from self._drifts(place, rows)
        if kind in STATES:
            yield from self._feeds(STATES[kind], place)

    def _drifts(self, place: Place, rows: Sequence[DeliveryRow]) -> Iterator[Fact]:
        """What comparisons of both sides found here."""
        names = dict.fromkeys([*(row.reference for row in rows if row.reference), place[1]])
        for name in names:
            for run, drift in self._store.reconciliations.history(name, DRIFTS):
                where = f"{run.flow} of {run.store} and {run.erp}, {drift.field}"
                text = f"{where}: {drift.cause} ({drift.why}); repair {drift.repair}, {drift.state}"
                yield Fact(kind="drift", at=run.began_at, text=text)

    def _feeds(self, flow: str, place: Place) -> Iterator[Fact]:
        """By which feed it came, which of the latest said something else, and what a guard holds."""
        for word in self._store.feed_words(flow, *place):
            said = f"feed {word.feed} by {word.channel} from {word.source} to {word.target}"
            version = f" (version {word.version})" if word.version else ""
            why = f": {word.reason}" if word.reason else ""
            if word.state == "held":
                text = f"{said}{version} is held by its guard: crossdock held list"
                yield Fact(kind="held", at=word.received_at, text=text)
            elif word.fate == "stale":
                text = f"{said}{version} was older than what stood already, which won{why}"
                yield Fact(kind="feed", at=word.received_at, text=text)
            else:
                what = "what stands came by it" if word.came else f"its row was {word.fate}"
                decided = f", let go by {word.decided_by}" if word.decided_by else ""
                yield Fact(kind="feed", at=word.received_at, text=f"{said}{version}: {what}{why}{decided}")

    def _fields(self, place: Place) -> Iterator[fields.Field]:
        owners = self._owners(place[0])
        for standing in self._store.standings(*place):
            rules = owners.get(standing.target, {})
            yield from fields.fields(standing.target, standing.agreement, rules, revealed=self._revealed)

    def _owners(self, store: str) -> Mapping[str, Mapping[str, Owner]]:
        """By ERP; the route from the store says it for both ways, where there is one."""
        found: dict[str, Mapping[str, Owner]] = {}
        for route in self._settings.routes:
            if route.target == store:
                found.setdefault(route.source, route.options.customers.owners)
        for route in self._settings.routes:
            if route.source == store:
                found[route.target] = route.options.customers.owners
        return found


__all__ = ["Explainer", "Fact", "Kind", "Subject", "stamp"]
