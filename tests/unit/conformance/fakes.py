"""A sink and a source in memory, sound or broken in one way, to try the suites on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from crossdock.conformance.faults import DONE, RETRY_AFTER, Fault, Inject
from crossdock.conformance.sinks import SinkConformance
from crossdock.conformance.sources import SourceConformance, World
from crossdock.contract.capabilities import Capabilities
from crossdock.contract.connector import Connector, Health, Page, Sink, Source, Watermark
from crossdock.contract.flow import Flow, Kind
from crossdock.contract.message import Message, Receipt
from crossdock.errors import (
    ConfigurationError,
    DeliveryError,
    Misconfigured,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Temporary,
    Unauthorized,
)
from crossdock.model.base import Record

ERRORS: dict[Fault, DeliveryError] = {
    Fault.REFUSED: Rejected("no"),
    Fault.UNAUTHORIZED: Unauthorized("who"),
    Fault.LIMITED: RateLimited("slowly", retry_after=RETRY_AFTER),
    Fault.UNAVAILABLE: Temporary("later"),
    Fault.REDIRECT: Misconfigured("elsewhere"),
}


class Thing(Record, frozen=True, kw_only=True):
    number: int


THINGS = Flow(
    name="things",
    kind=Kind.DOCUMENT,
    record=Thing,
    key=lambda message: message.id,
    ordering_key=lambda message: message.subject,
)


class MemorySink:
    """`broken` is the name of one thing that it does wrong."""

    name = "memory"

    def __init__(self, broken: str = "") -> None:
        self.broken = broken
        self.rows: list[str] = []
        self.lock = threading.Lock()
        self.faults: list[Fault] = []
        none: frozenset[str] = frozenset()
        things = frozenset({"things"})
        declared = none if broken == "declares-nothing" else things
        self.capabilities = Capabilities(writes=things, dedupes=declared, finds=declared)

    def source(self, flow: Flow[Any]) -> Source[Any]:
        raise ConfigurationError([flow.name])

    def sink(self, flow: Flow[Any]) -> Sink[Any]:
        if flow.name != "things" and self.broken != "takes-any-flow":
            raise ConfigurationError([flow.name])
        return self

    def preview(self, flow: Flow[Any], record: Any) -> Mapping[str, Any]:
        if self.broken == "preview-sends":
            self.rows.append("v1:conformance:things:1:put")
        return {"number": record.number}

    def probe(self) -> Health:
        return Health(ok=self.broken != "probe-fails", detail="memory")

    def put(self, record: Any, key: str) -> Receipt:
        fault = self.faults.pop(0) if self.faults else None
        if fault in ERRORS:
            if self.broken == "does-it-and-refuses":
                self.rows.append(key)
            raise self.told(ERRORS[fault], record)
        with self.lock:
            if key not in self.rows or self.broken == "does-not-dedupe":
                self.rows.append(key)
        if fault in DONE and self.broken != "swallows-doubt":
            raise Temporary("nothing was sent") if self.broken == "calls-doubt-temporary" else OutcomeUnknown("perhaps")
        return Receipt(external_id="" if self.broken == "names-no-id" else f"T-{self.rows.index(key)}")

    def told(self, error: DeliveryError, record: Any) -> DeliveryError:
        if self.broken == "calls-all-temporary":
            return Temporary("later")
        if self.broken == "forgets-the-pause":
            return RateLimited("slowly") if isinstance(error, RateLimited) else error
        return Rejected(f"no, {record.number} Canary") if self.broken == "names-people" else error

    def find(self, record: Any, key: str) -> Receipt | None:
        if self.broken == "finds-anything" or key in self.rows:
            index = self.rows.index(key) if key in self.rows else 99
            return Receipt(external_id=f"T-{index}", found=self.broken != "found-in-silence")
        return None


class MemorySinkSuite(SinkConformance):
    __test__ = False
    broken = ""

    @pytest.fixture
    def memory(self) -> MemorySink:
        return MemorySink(self.broken)

    @pytest.fixture
    def connector(self, memory: MemorySink) -> Connector:
        return memory

    @pytest.fixture
    def flow(self) -> Flow[Any]:
        return THINGS

    @pytest.fixture
    def make_record(self) -> Callable[[int], Any]:
        return lambda number: Thing(number=number)

    @pytest.fixture
    def count(self, memory: MemorySink) -> Callable[[Any, str], int]:
        return lambda _record, key: memory.rows.count(key)

    @pytest.fixture
    def inject(self, memory: MemorySink) -> Inject:
        def inject(fault: Fault) -> bool:
            memory.faults.append(fault)
            return True

        return inject

    @pytest.fixture
    def personal(self) -> Sequence[str]:
        return ("Canary",)


START = datetime(2026, 1, 5, tzinfo=UTC)


class MemoryWorld:
    """Things with the second of their last change."""

    def __init__(self) -> None:
        self.seconds = 0
        self.things: dict[int, int] = {}

    def add(self, count: int, *, same_moment: bool = False) -> Sequence[str]:
        self.seconds += 1
        added = []
        for _ in range(count):
            self.seconds += 0 if same_moment else 1
            self.things[len(self.things) + 1] = self.seconds
            added.append(str(len(self.things)))
        return added

    def touch(self, subject: str) -> None:
        self.seconds += 1
        self.things[int(subject)] = self.seconds

    def rest(self) -> None:
        self.seconds += 10


class MemorySource:
    """Keyset on (second, number), two a page; `broken` as above."""

    def __init__(self, world: MemoryWorld, broken: str = "") -> None:
        self.world = world
        self.broken = broken

    def parse(self, message: Message) -> Any:
        return {} if self.broken == "parses-something-else" else msgspec.json.decode(message.payload, type=Thing)

    def read(self, message: Message) -> Message | None:
        number = int(message.subject)
        if number not in self.world.things and self.broken != "reads-what-is-not-there":
            return None
        read_at = None if self.broken == "does-not-say-when" else START
        return msgspec.structs.replace(message, payload=b'{"number":%d}' % number, read_at=read_at)

    def changes(self, since: Watermark | None) -> Iterator[Page]:
        at = (since.value["second"], since.value["number"]) if since else (-1, 0)
        offset = 0
        first = at
        while True:
            rows = self.after(first if self.broken == "pages-by-offset" else at)
            if self.broken == "pages-by-offset":
                rows = rows[offset:]
                offset += 2
            page = rows[:2]
            at = page[-1] if page else at
            done = len(rows) <= 2 and self.broken != "never-ends"
            kept = (self.world.seconds, 10**6) if self.broken == "watermark-is-now" else at
            said = done and self.broken != "does-not-say-it-ended"
            yield Page(messages=tuple(self.message(*row) for row in page), watermark=self.mark(kept), complete=said)
            if done or self.broken == "first-page-only":
                return

    def after(self, at: tuple[int, int]) -> list[tuple[int, int]]:
        rows = sorted((second, number) for number, second in self.world.things.items())
        if self.broken == "strictly-later":
            return [row for row in rows if row[0] > at[0]]
        return [row for row in rows if row > at]

    def mark(self, at: tuple[int, int]) -> Watermark:
        number: Any = (at[1],) if self.broken == "watermark-is-no-json" else at[1]
        return Watermark(value={"second": at[0], "number": number})

    def message(self, second: int, number: int) -> Message:
        self.told = getattr(self, "told", 0) + 1
        version = {"id-without-version": 0, "id-by-clock": self.told}.get(self.broken, second)
        moment = START + timedelta(seconds=second)
        return Message(
            id=f"{number}:{version}",
            source="memory",
            flow="other" if self.broken == "names-another-flow" else "things",
            subject=str(number),
            occurred_at=moment,
        )


class MemorySourceSuite(SourceConformance):
    __test__ = False
    broken = ""

    @pytest.fixture
    def memory(self) -> MemoryWorld:
        return MemoryWorld()

    @pytest.fixture
    def world(self, memory: MemoryWorld) -> World:
        return memory

    @pytest.fixture
    def source(self, memory: MemoryWorld) -> Source[Any]:
        return MemorySource(memory, self.broken)

    @pytest.fixture
    def flow(self) -> Flow[Any]:
        return THINGS
