"""How late things are. Every question is a few ranges of an index, however many deliveries there are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, func, literal_column, select
from sqlalchemy.engine import Connection

from crossdock.delivery.records import State
from crossdock.model.base import Record
from crossdock.storage.outbox import is_head, is_ready
from crossdock.storage.overview import SAME, Group, groups, values_of
from crossdock.storage.prepared import Prepared
from crossdock.storage.tables import Moment, deliveries, is_batched, is_open

LAST = datetime(9999, 1, 1, tzinfo=UTC)


class Aged(Record, frozen=True, kw_only=True):
    """One group, with how many of it there are in all and how many are older than each edge, youngest edge first."""

    group: Group
    count: int
    older: tuple[int, ...]

    def bands(self) -> tuple[int, ...]:
        """How many are younger than the first edge, how many between each two, how many older than the last."""
        counts = (self.count, *self.older)
        between = [more - less for more, less in pairwise(counts)]
        return (*between, counts[-1])


def _due(*which: ColumnElement[bool]) -> Select[Any]:
    # one priority at a time: then the index gives the longest due first
    return (
        select(deliveries.c.due_at)
        .where(
            deliveries.c.target == bindparam("wanted"),
            deliveries.c.priority == bindparam("wanted_priority"),
            *which,
            is_ready(),
        )
        .order_by(deliveries.c.due_at)
        .limit(literal_column("1"))
    )


DUE = (Prepared(_due(is_open(), is_head())), Prepared(_due(is_batched())))
OLDER = Prepared(
    select(func.count().label("count")).select_from(
        select(literal_column("1").label("one"))
        .where(*SAME, deliveries.c.opened_at < bindparam("edge", type_=Moment))
        .limit(bindparam("most"))
        .subquery()
    )
)


def due_since(
    connection: Connection, targets: Sequence[str], priorities: Sequence[int], now: datetime
) -> dict[str, datetime]:
    """By target, since when the longest due of what could go has been due; no target of which nothing is due."""
    found: dict[str, datetime] = {}
    for target in targets:
        asked = [{"wanted": target, "wanted_priority": priority, "now": now} for priority in priorities]
        due = [moment for one in asked for query in DUE if (moment := query.scalar(connection, one)) is not None]
        if due:
            found[target] = min(due)
    return found


def aged(connection: Connection, edges: Sequence[datetime], most: int) -> list[Aged]:
    """Unresolved dead letters by group, each number counted to `most` and no further."""
    return [
        Aged(
            group=group,
            count=_older(connection, group, LAST, most),
            older=tuple(_older(connection, group, edge, most) for edge in edges),
        )
        for group in groups(connection)
        if group.state == State.DEAD and group.is_open
    ]


def _older(connection: Connection, group: Group, edge: datetime, most: int) -> int:
    count: int = OLDER.scalar(connection, values_of(group) | {"edge": edge, "most": most})
    return count
