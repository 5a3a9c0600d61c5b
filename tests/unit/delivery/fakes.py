"""Ends and a clock for the spine's tests: real objects, no patches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from crossdock.contract.capabilities import Capabilities
from crossdock.contract.connector import BatchSink, Page, Watermark
from crossdock.contract.flow import Duty, Flow, Kind, Known, Route
from crossdock.contract.message import Message, Receipt
from crossdock.contract.shadow import Compared, Onlooker
from crossdock.delivery.ends import Told
from crossdock.delivery.records import Agreed, Attempt, Moved, Reserved
from crossdock.model.base import Record

START = datetime(2026, 3, 1, 9, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Thing(Record, frozen=True, kw_only=True):
    """A document of no particular trade."""

    id: str
    ready: bool = True


def look(message: Message, record: Thing, known: Sequence[Known], routes: Sequence[Route]) -> tuple[Duty, ...]:
    if any(one.key == f"put:{record.id}" for one in known):
        return ()
    if not record.ready:
        return tuple(Duty(flow="things", target=r.target, reason="not ready", again_in=60) for r in routes)
    return tuple(
        Duty(flow="things", target=route.target, key=f"put:{record.id}", payload=msgspec.json.encode(record))
        for route in routes
    )


def told(message: Message, target: str, receipt: Receipt) -> Duty:
    return Duty(
        flow="echoes",
        target=message.source,
        key=f"echo:{message.subject}",
        payload=b'{"id":"%s"}' % message.subject.encode(),
    )


def flow(name: str, kind: Kind, **more: Any) -> Flow[Any]:
    return Flow(
        name=name,
        kind=kind,
        record=Thing,
        key=lambda m: f"{name}:{m.subject}",
        ordering_key=lambda m: f"{name}:{m.subject}",
        **more,
    )


FLOWS = {
    "looks": flow("looks", Kind.LOOK, look=look),
    "things": flow("things", Kind.DOCUMENT, acknowledge=told),
    "echoes": flow("echoes", Kind.DOCUMENT),
}


class Shop:
    """A source whose things can be changed."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.things: dict[str, Thing] = {}
        self.reads = 0
        self.pages: list[Page] = []

    def parse(self, message: Message) -> Thing:
        return msgspec.json.decode(message.payload, type=Thing)

    def read(self, message: Message) -> Message | None:
        self.reads += 1
        thing = self.things.get(message.subject)
        if thing is None:
            return None
        return msgspec.structs.replace(
            message, payload=msgspec.json.encode(thing), read_at=self.clock(), content=f"{thing}"
        )

    def changes(self, since: Watermark | None) -> Iterator[Page]:
        yield from self.pages


class Desk:
    """A target that keeps what it was given; `plan` is what happens next: "ok", or an error before or after it."""

    def __init__(self) -> None:
        self.kept: list[str] = []
        self.plan: list[tuple[str, Exception]] = []
        self.found = 0

    def put(self, record: Thing, key: str) -> Receipt:
        when, error = self.plan.pop(0) if self.plan else ("", None)
        if error is not None and when == "before":
            raise error
        self.kept.append(key)
        if error is not None:
            raise error
        return Receipt(external_id=f"T{len(self.kept)}", number=f"N{len(self.kept)}")

    def find(self, record: Thing, key: str) -> Receipt | None:
        self.found += 1
        return Receipt(external_id="T1", number="N1", found=True) if key in self.kept else None


class Onlooking:
    """Finds what it is told to find."""

    def __init__(self) -> None:
        self.plan: list[Compared] = []

    def compare(self, record: Any, key: str, memo: Mapping[str, str], since: datetime, now: datetime) -> Compared:
        return self.plan.pop(0)


class FakeEnds:
    def __init__(self, clock: Clock) -> None:
        self.shop = Shop(clock)
        self.desk = Desk()
        self.counter = Desk()
        self.onlooking = Onlooking()
        self.begun: list[datetime | None] = []
        self.able = Capabilities(
            writes=frozenset({"things", "echoes"}), finds=frozenset({"things", "echoes"}), settling=20
        )

    def flow(self, name: str) -> Flow[Any]:
        return FLOWS[name]

    def routes(self, source: str) -> Sequence[Route]:
        return [Route(source="shop", target="desk")]

    def source(self, connection: str, flow: Flow[Any]) -> Shop:
        return self.shop

    def sink(self, connection: str, flow: Flow[Any]) -> Desk:
        return self.desk if connection == "desk" else self.counter

    def onlooker(self, connection: str, flow: Flow[Any]) -> Onlooker:
        return self.onlooking

    def mapping(self, source: str, target: str) -> str:
        return "1.0-of-the-test"

    def batch_sink(self, connection: str, flow: Flow[Any]) -> BatchSink[Any]:
        raise AssertionError(f"{flow.name} at {connection} goes in no batches here")

    def reserved(self, flow: Flow[Any], source: str, record: Any) -> Reserved | None:
        return None

    def moved(self, flow: Flow[Any], message: Message, target: str, record: Any, receipt: Receipt) -> Moved | None:
        return None

    def unsettled(self, flow: Flow[Any], source: str, target: str) -> frozenset[str]:
        return frozenset()

    def adjusted(self, flow: Flow[Any], source: str, target: str, told: Sequence[Told]) -> Sequence[Any]:
        raise AssertionError(f"{flow.name} from {source} to {target} goes in no batches here")

    def completed(self, flow: Flow[Any], message: Message, record: Any) -> Any:
        return record

    def agreed(
        self, flow: Flow[Any], message: Message, target: str, record: Any, receipt: Receipt | None
    ) -> tuple[Agreed, ...]:
        return ()

    def looks(self, flow: Flow[Any]) -> Flow[Any] | None:
        return FLOWS["looks"] if flow.name == "things" else None

    def capabilities(self, connection: str) -> Capabilities:
        return self.able

    def targets(self) -> Sequence[str]:
        return ("desk", "shop")

    def people(self, flow: Flow[Any], record: Any) -> tuple[str, ...]:
        return ()

    def begin(self, until: datetime | None) -> None:
        self.begun.append(until)

    def exchanges(self) -> Sequence[Attempt]:
        return ()
