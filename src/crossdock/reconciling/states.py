"""Flows of states: the ERP's rows, or what it last told, and why the store differs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from crossdock.contract.connector import ReadsRows
from crossdock.contract.flow import Flow
from crossdock.contract.state import StateRules
from crossdock.errors import ConfigurationError, MappingError
from crossdock.reconciliation.buckets import Entry, Pair
from crossdock.reconciliation.causes import Facts, Judged, Standing, of_state
from crossdock.reconciliation.drift import ABSENT, Cause, Drift, Repair
from crossdock.reconciling.ports import Pass, Verdicts

R = TypeVar("R")
PAGE = 2000
Value = tuple[str, str, str]  # field, in the ERP, in the store
ZERO = Decimal(0)
LEFT_OUT = 1000  # rows that cannot be read, named singly


class Book(Protocol):
    """What is known of states."""

    def standings(self, target: str, keys: Sequence[str]) -> dict[str, Standing]:
        """Our deliveries, by key."""

    def told(self, source: str, target: str, flow: str, after: int, limit: int) -> list[tuple[int, bytes]]:
        """What a source last told, by id."""


class ErpStates(Generic[R]):
    """The ERP's side of a flow of states: read as a whole, or as it last told it where it cannot be read."""

    def __init__(
        self, flow: Flow[R], erp: str, store: str, connector: object, options: Mapping[str, Any], book: Book
    ) -> None:
        self.flow = flow
        self.erp, self.store = erp, store
        self.readable = _reads(connector, flow.name)
        self._connector = connector
        self._options = options
        self._book = book
        self.refused: list[tuple[str, str]] = []  # what a row calls itself, and why it cannot be read
        self.unread = 0

    @property
    def rules(self) -> StateRules[R]:
        """How its rows are read and told apart."""
        if self.flow.state is None:
            raise ConfigurationError([f"{self.flow.name} is no flow of states"])
        return self.flow.state

    def records(self) -> Iterator[R]:
        """Every one. Raises DeliveryError."""
        return self._read() if self.readable else self._told()

    def decoded(self, entry: Entry) -> R:
        """The record that an entry carries along."""
        return msgspec.json.decode(entry.note.encode(), type=self.flow.record)

    def key(self, subject: str) -> str:
        """Of our delivery about it."""
        return f"v1:{self.erp}:{self.flow.name}:{subject}"

    def _read(self) -> Iterator[R]:
        read = self.rules.reader(self._options)
        assert isinstance(self._connector, ReadsRows)  # noqa: S101  `readable` says so
        for page in self._connector.rows(self.flow.name).changes(None):
            for raw in page.rows:
                try:
                    yield read(raw)
                except MappingError as error:
                    self.unread += 1
                    if len(self.refused) < LEFT_OUT:
                        self.refused.append((str(raw.get("sku") or "")[:64], str(error)))

    def _told(self) -> Iterator[R]:
        after = 0
        while page := self._book.told(self.erp, self.store, self.flow.name, after, PAGE):
            for number, record in page:
                yield msgspec.json.decode(record, type=self.flow.record)
                after = number


class StateJudge(Generic[R]):
    """Why the sides of a flow of states differ."""

    def __init__(self, side: ErpStates[R], fields: Sequence[str], one: Pass, book: Book, rounding: Decimal) -> None:
        self._side = side
        self._fields = tuple(fields)
        self._pass = one
        self._book = book
        self._rounding = rounding

    def judged(
        self,
        pairs: Sequence[Pair],
        reserved: Callable[[R], Decimal],
        values: Callable[[Pair], Sequence[Value]] | None = None,
    ) -> Verdicts:
        """Left is the ERP's, as the store should hold it. `reserved`: what of that is not in the ERP's own."""
        keys = [self._side.key(pair.key) for pair in pairs]
        known = self._book.standings(self._side.store, keys)
        drifts: list[Drift] = []
        moving = 0
        for pair, key in zip(pairs, keys, strict=True):
            judged = self._of(pair, known.get(key), reserved)
            if judged is None:
                moving += 1
            else:
                told = values(pair) if values else self._values(pair)
                drifts += self._drifts(pair.key, told, judged, known.get(key))
        return Verdicts(drifts=tuple(drifts), moving=moving)

    def asides(self) -> Verdicts:
        """Rows of the ERP that cannot be read: they were never captured, whatever the store has."""
        drifts = [
            Drift(
                key=name or "(without a SKU)",
                field=self._fields[0],
                store_value=ABSENT,
                erp_value="(cannot be read)",
                cause=Cause.NEVER_CAPTURED,
                repair=Repair.NONE,
                why=why,
            )
            for name, why in self._side.refused
        ]
        return Verdicts(drifts=tuple(drifts))

    def _of(self, pair: Pair, known: Standing | None, reserved: Callable[[R], Decimal]) -> Judged | None:
        left, right = pair.left, pair.right
        record = None if left is None else self._side.decoded(left)
        facts = Facts(
            erp=None if record is None else self._side.rules.content(record),
            wanted=left.fields[0] if left else ABSENT,
            store=right.fields[0] if right else ABSENT,
            version="" if record is None else self._side.rules.version(record),
            as_of=getattr(record, "as_of", None),
            reserved=ZERO if record is None else reserved(record),
            known=known,
            readable=self._side.readable,
        )
        return of_state(facts, self._pass.when(), self._rounding)

    def _values(self, pair: Pair) -> list[Value]:
        """Field by field; of what one side has not, only the first."""
        here = pair.left.fields if pair.left else None
        there = pair.right.fields if pair.right else None
        if here is None or there is None:
            return [(self._fields[0], here[0] if here else ABSENT, there[0] if there else ABSENT)]
        return [
            (field, erp, store) for field, erp, store in zip(self._fields, here, there, strict=True) if erp != store
        ]

    @staticmethod
    def _drifts(key: str, values: Sequence[Value], judged: Judged, known: Standing | None) -> Iterator[Drift]:
        for field, erp, store in values:
            yield Drift(
                key=key,
                field=field,
                store_value=store,
                erp_value=erp,
                cause=judged.cause,
                repair=judged.repair,
                why=judged.why,
                delivery=known.id if known else None,
                seen=known.fence if known else 0,
            )


def _reads(connector: object, flow: str) -> bool:
    return isinstance(connector, ReadsRows) and flow in getattr(connector, "capabilities").reads  # noqa: B009  any connector's
