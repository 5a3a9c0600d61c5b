"""A source of rows and a sink of batches in memory, sound or broken in one way, to try the suites on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from crossdock.conformance.batches import BatchSinkConformance, Interrupt
from crossdock.conformance.faults import DONE, Fault
from crossdock.conformance.rows import Change, Row, RowSourceConformance, Told
from crossdock.contract.capabilities import Capabilities
from crossdock.contract.connector import Connector, Health, RowPage, RowSource, Watermark
from crossdock.contract.flow import Flow
from crossdock.contract.message import Receipt
from crossdock.errors import ConfigurationError, DeliveryError, OutcomeUnknown, Rejected, Temporary
from crossdock.flows import INVENTORY

PAGE = 2


class Ledger:
    """Numbered changes; the last of a name stands. `held` are those that are not committed yet."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, str, int]] = []
        self.held: list[tuple[int, str, int]] = []
        self.number = 0

    def write(self, name: str, value: int, *, late: bool = False) -> None:
        self.number += 1
        (self.held if late else self.rows).append((self.number, name, value))

    def commit(self) -> None:
        self.rows, self.held = sorted([*self.rows, *self.held]), []


class LedgerRows:
    """By keyset on the number, behind an overlap; `broken` says how not."""

    def __init__(self, ledger: Ledger, broken: str) -> None:
        self._ledger = ledger
        self._broken = broken

    def changes(self, since: Watermark | None) -> Iterator[RowPage]:
        value: dict[str, Any] = since.value if since else {"after": 0, "seen": []}
        after, seen = value["after"], list(value["seen"])
        if self._broken == "is-empty-when-down":
            yield RowPage(rows=(), watermark=Watermark(value=value), complete=True)
            return
        skipped = 0
        while True:
            left = [row for row in self._ledger.rows if row[0] > after and row[0] not in seen]
            if self._broken == "pages-by-offset":
                left = [row for row in reversed(self._ledger.rows) if row[0] > value["after"]][skipped:]
                skipped += PAGE
            page = left[:PAGE]
            after, seen = self._reached(after, seen, [row[0] for row in page])
            last = len(left) <= PAGE or self._broken == "first-page-only"
            yield RowPage(rows=tuple(map(self._row, page)), watermark=self._mark(after, seen), complete=last)
            if last:
                return

    def _reached(self, after: int, seen: list[int], told: list[int]) -> tuple[int, list[int]]:
        if self._broken == "passes-over-the-late":
            return max([after, *told]), []
        return (0, []) if self._broken == "tells-all-again" else (after, [*seen, *told])

    def _mark(self, after: int, seen: list[int]) -> Watermark:
        if self._broken == "watermark-runs-ahead":
            return Watermark(value={"after": self._ledger.number, "seen": []})
        moment = {"at": datetime.now(UTC)} if self._broken == "watermark-is-no-json" else {}
        return Watermark(value={"after": after, "seen": seen} | moment)

    def _row(self, row: tuple[int, str, int]) -> Mapping[str, Any]:
        return {"name": row[1], "value": "?" if self._broken == "cannot-be-read" else row[2]}


class LedgerConnector:
    name = "memory"

    def __init__(self, ledger: Ledger, broken: str) -> None:
        self._ledger, self._broken = ledger, broken
        self.capabilities = Capabilities(reads=frozenset() if broken == "declares-nothing" else frozenset({"levels"}))

    def rows(self, flow: str) -> RowSource:
        if flow != "levels" and self._broken != "takes-any-flow":
            raise ConfigurationError(["no such flow"])
        return LedgerRows(self._ledger, self._broken)

    def rows_every(self, flow: str) -> float:
        return 60 if flow else 0

    def source(self, flow: Flow[Any]) -> Any:
        raise ConfigurationError([flow.name])

    def sink(self, flow: Flow[Any]) -> Any:
        raise ConfigurationError([flow.name])

    def preview(self, flow: Flow[Any], record: Any) -> Mapping[str, Any]:
        return {flow.name: record}

    def probe(self) -> Health:
        return Health(ok=True)


class Down:
    """A source of a system that does not answer."""

    def changes(self, since: Watermark | None) -> Iterator[RowPage]:
        raise Temporary(f"nobody answers about {since}")


class MemoryRowsSuite(RowSourceConformance):
    __test__ = False
    broken = ""

    @pytest.fixture
    def ledger(self) -> Ledger:
        return Ledger()

    @pytest.fixture
    def flow(self) -> str:
        return "levels"

    @pytest.fixture
    def connector(self, ledger: Ledger) -> Connector:
        return LedgerConnector(ledger, self.broken)

    @pytest.fixture
    def change(self, ledger: Ledger) -> Change:
        def change(number: int, turn: int) -> Told:
            ledger.write(f"n{number}", turn)
            return f"n{number}", turn

        return change

    @pytest.fixture
    def told(self) -> Callable[[Row], Told]:
        return lambda row: (row["name"], int(row["value"]))

    @pytest.fixture
    def begin_late(self, ledger: Ledger) -> Any:
        def begin(number: int, turn: int) -> tuple[Told, Callable[[], None]]:
            ledger.write(f"n{number}", turn, late=True)
            return (f"n{number}", turn), ledger.commit

        return begin

    @pytest.fixture
    def unreachable(self) -> RowSource | None:
        return LedgerRows(Ledger(), self.broken) if self.broken == "is-empty-when-down" else Down()


class Shelf:
    """A target that takes rows one by one. After `left` of them, the next one meets a fault."""

    def __init__(self) -> None:
        self.held: dict[str, int] = {}
        self.left: int | None = None
        self.fault = Fault.UNAVAILABLE


class ShelfSink:
    def __init__(self, shelf: Shelf, broken: str) -> None:
        self._shelf = shelf
        self._broken = broken

    def put_many(self, rows: Sequence[tuple[Any, str]]) -> Sequence[Receipt | DeliveryError]:
        if self._broken == "fails-when-empty" and not rows:
            raise Temporary("nothing to do")
        if self._broken == "one-bad-one-all" and any(record[0] == "bad" for record, _ in rows):
            return [Rejected("all of it")] * len(rows)
        outcomes = [self._put(record) for record, _ in rows]
        if self._broken == "loses-the-order":
            return outcomes[::-1]
        if self._broken == "one-too-few":
            return outcomes[:-1]
        return [Receipt(external_id="")] * len(rows) if self._broken == "always-well" else outcomes

    def _put(self, record: tuple[str, int]) -> Receipt | DeliveryError:
        name, value = record
        shelf = self._shelf
        if name == "bad":
            return Rejected("no such thing")
        if self._broken == "refuses-the-same" and shelf.held.get(name) == value:
            return Rejected("it is there")
        if self._broken == "keeps-the-first" and name in shelf.held:
            return Receipt(external_id="")
        left, shelf.left = shelf.left, None if not shelf.left else shelf.left - 1
        if left == 0 and shelf.fault not in DONE:
            return Rejected("later") if self._broken == "gives-up" else Temporary("later")
        shelf.held[name] = value
        if left == 0:
            return Temporary("cut") if self._broken == "hides-doubt" else OutcomeUnknown("cut")
        return Receipt(external_id="")


class ShelfConnector(LedgerConnector):
    def __init__(self, shelf: Shelf, broken: str) -> None:
        super().__init__(Ledger(), broken)
        self._shelf = shelf

    def sink(self, flow: Flow[Any]) -> Any:
        return ShelfSink(self._shelf, self._broken)


class MemoryBatchesSuite(BatchSinkConformance):
    __test__ = False
    broken = ""

    @pytest.fixture
    def shelf(self) -> Shelf:
        return Shelf()

    @pytest.fixture
    def connector(self, shelf: Shelf) -> Connector:
        return ShelfConnector(shelf, self.broken)

    @pytest.fixture
    def flow(self) -> Flow[Any]:
        return INVENTORY

    @pytest.fixture
    def make_record(self) -> Callable[[int, int], Any]:
        return lambda number, turn: (f"n{number}", turn)

    @pytest.fixture
    def bad_record(self) -> Any:
        return ("bad", 1)

    @pytest.fixture
    def holds(self, shelf: Shelf) -> Callable[[Any], bool]:
        return lambda record: shelf.held.get(record[0]) == record[1]

    @pytest.fixture
    def interrupt(self, shelf: Shelf) -> Interrupt:
        def interrupt(after: int, fault: Fault) -> bool:
            shelf.left, shelf.fault = after, fault
            return True

        return interrupt
