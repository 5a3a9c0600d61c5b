"""What was known and said at a moment in the past. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import zip_longest

import msgspec

from crossdock.contract.flow import Known
from crossdock.delivery.records import State
from crossdock.model.base import Record
from crossdock.replaying.tape import Said, said_in
from crossdock.storage.replays import History, Promised, Row

SUMMARIES = frozenset(str(state) for state in State)
REFUSED = frozenset({401, 403})


class Ground(Record, frozen=True, kw_only=True):
    """What a decision stood on: the source's own words, and when."""

    at: datetime
    payload: bytes


def known_at(history: History, moment: datetime, exclude: str = "") -> list[Known]:
    """All that had been promised by then."""
    return [
        Known(flow=one.view.flow, target=one.view.target, key=one.view.key, state=_state(one, moment), memo=one.memo)
        for one in history.promised
        if not one.one_row and one.view.created_at < moment and one.view.key != exclude
    ]


def looks(history: History, flow: str) -> list[Ground]:
    """The looks that promised something, oldest first."""
    names = {one.view.id for one in history.promised if one.view.flow == flow}
    return [Ground(at=row.at, payload=row.response) for row in history.rows if row.delivery in names and row.response]


def ground_of(history: History, one: Promised, attempt: Tried, flow: str) -> Ground | None:
    """What the attempt stood on: its own look before it sent, else the one that promised it. None: not kept."""
    if attempt.again is not None:
        return Ground(at=attempt.again.at, payload=attempt.again.response)
    before = [look for look in looks(history, flow) if look.at <= one.view.created_at]
    return before[-1] if before else None


def rows_of(history: History, one: Promised) -> list[Row]:
    """Its rows of the trail."""
    return [row for row in history.rows if row.delivery == one.view.id]


class Tried(Record, frozen=True, kw_only=True):
    """One attempt. `rows` are its exchanges, `more` those of the others; `again`: the source, read afresh."""

    rows: tuple[Row, ...] = ()
    more: tuple[Row, ...] = ()
    again: Row | None = None

    @property
    def sent(self) -> tuple[Said, ...]:
        """What it wrote."""
        return tuple(said_in(row) for row in self.rows if writes(row))

    @property
    def at(self) -> datetime | None:
        """When it began to say something."""
        return self.rows[0].at if self.rows else self.more[-1].at if self.more else None

    @property
    def forgotten(self) -> bool:
        """Whether something of it is not kept any more."""
        return any(row.forgotten for row in (*self.rows, *([self.again] if self.again else [])))


def tried(rows: Sequence[Row]) -> tuple[Tried, ...]:
    """The attempts of one delivery that count, oldest first: those that wrote what none after them wrote again.

    Where none wrote anything it is one that said nothing itself.
    """
    attempts = [*_attempts(rows)]
    found: list[Tried] = []
    later: list[Said] = []
    for place in range(len(attempts) - 1, -1, -1):
        mine = [said_in(row) for row in attempts[place].rows if writes(row)]
        if any(not any(said.is_like(one) for one in later) for said in mine):
            found.append(msgspec.structs.replace(attempts[place], more=_others(attempts, place)))
        later += mine
    again = next((one.again for one in reversed(attempts) if one.again is not None), None)
    idle = Tried(more=tuple(row for one in attempts for row in one.rows), again=again)
    return tuple(reversed(found)) or (idle,)


def _others(attempts: Sequence[Tried], place: int) -> tuple[Row, ...]:
    """A look-up that had no answer did not end the attempt that wrote something."""
    more = (row for other, one in enumerate(attempts) if other != place for row in one.rows)
    return tuple(row for row in more if row.tells or writes(row))


def writes(row: Row) -> bool:
    """Whether it may have changed something."""
    return not (row.operation.startswith("GET ") or row.beside.looks)


def exchanges(rows: Sequence[Row]) -> list[Row]:
    """What was said to the outside; a login is no part of it."""
    return [row for row in rows if _is_exchange(row) and not row.beside.private]


def _is_exchange(row: Row) -> bool:
    return row.operation not in SUMMARIES and " " in row.operation


def _attempts(rows: Sequence[Row]) -> Iterator[Tried]:
    said: list[Row] = []
    for row in rows:
        if row.operation in SUMMARIES:
            yield Tried(rows=_at_once(exchanges(said)), again=row if row.response or row.forgotten else None)
            said = []
        else:
            said.append(row)
    yield Tried(rows=_at_once(exchanges(said)))


def _at_once(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Without what was refused for its login, or its token, and sent once more as it was: a replay needs no login."""
    follows = zip_longest(rows, rows[1:])
    return tuple(row for row, next_one in follows if not (row.status in REFUSED and next_one and _same(row, next_one)))


def _same(row: Row, other: Row) -> bool:
    return said_in(row).is_as(said_in(other))


def _state(one: Promised, moment: datetime) -> str:
    settled = one.view.settled_at
    return str(State.PENDING) if settled is None or settled >= moment else str(one.view.state)


__all__ = ["Ground", "Tried", "exchanges", "ground_of", "known_at", "looks", "rows_of", "tried", "writes"]
