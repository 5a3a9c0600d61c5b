"""How things stand, in numbers. Every question is a few ranges of an index, however many deliveries there are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Executable,
    Integer,
    Select,
    bindparam,
    cast,
    func,
    literal_column,
    select,
    tuple_,
    type_coerce,
)
from sqlalchemy.engine import Connection

from crossdock.delivery.records import State
from crossdock.model.base import Record
from crossdock.storage.dialect import among, listed
from crossdock.storage.payloads import Payloads
from crossdock.storage.prepared import Prepared
from crossdock.storage.tables import Moment, deliveries, messages, moment_of, payloads, subject_keys

GROUPED = (
    deliveries.c.state,
    deliveries.c.flow,
    deliveries.c.target,
    deliveries.c.is_open,
    deliveries.c.code,
)
MINUTE = 60_000_000  # microseconds
MOST_GROUPS = 2000


class Group(Record, frozen=True, kw_only=True):
    """Deliveries that agree in all of these. `is_open` as in the table: 0 is done with."""

    state: str
    flow: str
    target: str
    is_open: int
    code: str

    def word(self) -> str:
        """The state as people say it: a dead one that a person has dealt with is resolved."""
        return "resolved" if self.state == State.DEAD and not self.is_open else self.state


class Standing(Record, frozen=True, kw_only=True):
    """How many are in a group, at most as many as were counted, and since when the oldest is owed."""

    group: Group
    count: int
    oldest: datetime | None


class Rate(Record, frozen=True, kw_only=True):
    """Deliveries of one minute. `seconds` is the sum of what they took, `longest` the longest of it."""

    flow: str
    target: str
    minute: datetime
    count: int
    seconds: float
    longest: float


class DeadRow(NamedTuple):
    """What of a dead letter its cause is told by. Many are read at once: hence no Record, and times in microseconds.

    `died_at`: when it was settled so, or was owed, where it was dead from birth.
    """

    id: int
    flow: str
    target: str
    code: str
    owner: str
    reason: str
    maybe_sent: int  # 0 for no
    opened_at: int
    died_at: int


def wanted(column: ColumnElement[Any], name: str) -> Any:
    """A parameter of a column's own type."""
    return bindparam(name, type_=column.type)


SAME = [column == wanted(column, f"w_{column.name}") for column in GROUPED]
ORDERED = (deliveries.c.opened_at, deliveries.c.id)
SETTLED, OPENED = type_coerce(deliveries.c.settled_at, BigInteger), type_coerce(deliveries.c.opened_at, BigInteger)
BEHIND = tuple_(*ORDERED) > tuple_(bindparam("w_opened_at", type_=BigInteger), bindparam("w_id", type_=BigInteger))
FIRST = Prepared(select(*GROUPED).order_by(*GROUPED).limit(literal_column("1")))


def _behind(depth: int) -> Select[Any]:
    """The first group that agrees in the first columns and is behind in the next: a range of the index.

    As one comparison of all of them, SQLite would read every row of the first column.
    """
    column = GROUPED[depth]
    same = [one == wanted(one, f"w_{one.name}") for one in GROUPED[:depth]]
    behind = column > wanted(column, f"w_{column.name}")
    return select(*GROUPED).where(*same, behind).order_by(*GROUPED).limit(literal_column("1"))


NEXT = [Prepared(_behind(depth)) for depth in reversed(range(len(GROUPED)))]
COUNT = Prepared(
    select(func.count().label("count")).select_from(
        select(literal_column("1").label("one")).where(*SAME).limit(bindparam("most")).subquery()
    )
)
OLDEST = Prepared(select(deliveries.c.opened_at).where(*SAME).order_by(*ORDERED).limit(literal_column("1")))
RATES = Prepared(
    select(
        deliveries.c.flow,
        deliveries.c.target,
        (SETTLED // literal_column(str(MINUTE), BigInteger)).label("minute"),
        func.count().label("count"),
        cast(func.sum(SETTLED - OPENED), BigInteger).label("took"),
        func.max(SETTLED - OPENED).label("longest"),
    )
    .where(
        deliveries.c.is_open == literal_column("0"),
        # said so that SQLite does not take the index that begins with the state: it would read all that was delivered
        deliveries.c.state.concat("") == literal_column("'delivered'"),
        deliveries.c.settled_at >= bindparam("since", type_=Moment),
        deliveries.c.settled_at < bindparam("until", type_=Moment),
    )
    .group_by(deliveries.c.flow, deliveries.c.target, literal_column("minute"))
)
DEAD = Prepared(
    select(
        *(deliveries.c[name] for name in DeadRow._fields[:-3]),
        type_coerce(deliveries.c.maybe_sent, Integer).label(
            "maybe_sent"
        ),  # what is not converted is read twice as fast
        OPENED.label("opened_at"),
        func.coalesce(SETTLED, OPENED).label("died_at"),
    )
    .where(*SAME, BEHIND)
    .order_by(*ORDERED)
    .limit(bindparam("most"))
)


def _bodies(dialect: str) -> Executable:
    kept = [deliveries.c.id, payloads.c.subject, payloads.c.body, subject_keys.c.wrapped]
    return (
        select(*kept)
        .join(messages, messages.c.seq == deliveries.c.message_seq)
        .join(payloads, payloads.c.id == messages.c.payload_id)
        .join(subject_keys, subject_keys.c.subject == payloads.c.subject)
        .where(among(dialect, deliveries.c.id, "ids"))
    )


BODIES = Prepared(_bodies)


def groups(connection: Connection) -> list[Group]:
    """All that there are, by jumping from each to the next in the index."""
    found: list[Group] = []
    row = FIRST.first(connection, {})
    while row is not None and len(found) < MOST_GROUPS:
        found.append(Group(**row._asdict()))
        here = values_of(found[-1])
        row = next((row for after in NEXT if (row := after.first(connection, here)) is not None), None)
    return found


def values_of(group: Group) -> dict[str, Any]:
    """A group as parameters."""
    return {f"w_{name}": getattr(group, name) for name in Group.__struct_fields__}


def standings(connection: Connection, most: int) -> list[Standing]:
    """Of what is open: pending, leased, dead and unresolved. A group counts to `most` and no further."""
    return [_standing(connection, group, most) for group in groups(connection) if group.is_open]


def _standing(connection: Connection, group: Group, most: int) -> Standing:
    asked = values_of(group)
    count = COUNT.scalar(connection, asked | {"most": most})
    return Standing(group=group, count=count, oldest=OLDEST.scalar(connection, asked))


def rates(connection: Connection, since: datetime, until: datetime) -> list[Rate]:
    """What was delivered, by flow, target and minute, in no order."""
    rows = RATES.rows(connection, {"since": since, "until": until})
    return [
        Rate(
            flow=row.flow,
            target=row.target,
            minute=moment_of(row.minute * MINUTE),
            count=row.count,
            seconds=int(row.took) / 1e6,
            longest=int(row.longest) / 1e6,
        )
        for row in rows
    ]


def dead(connection: Connection, chosen: Sequence[Group], most: int) -> Iterator[DeadRow]:
    """Of these groups, the longest owed first within each; at most so many."""
    for group in chosen:
        rows = DEAD.rows(connection, values_of(group) | _BEGINNING | {"most": most})
        most -= len(rows)
        yield from rows  # with a DeadRow's very fields
        if most <= 0:
            return


_BEGINNING: dict[str, Any] = {"w_opened_at": -1, "w_id": -1}


def bodies(connection: Connection, keeper: Payloads, ids: Sequence[int]) -> dict[int, bytes]:
    """What messages of these deliveries say; those that are not kept any more are left out."""
    rows = BODIES.rows(connection, {"ids": listed(connection, ids)}) if ids else []
    return {row.id: keeper.opened(row.wrapped, row.subject, row.body) for row in rows}


__all__ = ["DeadRow", "Group", "Rate", "Standing", "bodies", "dead", "groups", "rates", "standings", "values_of"]
