"""What is owed for too long, and by which roads a source is heard: asked for incidents. A few ranges of an index."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from sqlalchemy import bindparam, exists, literal_column, select
from sqlalchemy.engine import Connection

from crossdock.model.base import Record
from crossdock.storage.overview import ORDERED, SAME, Group, values_of
from crossdock.storage.prepared import Prepared
from crossdock.storage.tables import Moment, deliveries, is_open, messages

MOST = 500  # of a group, the longest owed
LOOKED_AT = 5000  # of all messages, the newest

lane = deliveries.alias("lane")
KEPT_BACK = exists(
    select(literal_column("1")).where(
        lane.c.lane == deliveries.c.lane,
        lane.c.target == deliveries.c.target,
        is_open(lane),
        lane.c.state == literal_column("'dead'"),
        lane.c.id < deliveries.c.id,
    )
).label("kept_back")
BEFORE = bindparam("before", type_=Moment)
SELECTED = select(deliveries.c.opened_at, KEPT_BACK).where(*SAME)
OLDEST = Prepared(SELECTED.where(deliveries.c.opened_at < BEFORE).order_by(*ORDERED).limit(literal_column(str(MOST))))
# said so that SQLite takes the index of what is due, not that of the whole group
OVERDUE = Prepared(SELECTED.where(is_open(), deliveries.c.due_at < BEFORE).limit(literal_column(str(MOST))))
newest = (
    select(messages.c.source, messages.c.flow, messages.c.channel, messages.c.seq)
    .order_by(messages.c.seq.desc())
    .limit(literal_column(str(LOOKED_AT)))
    .subquery()
)
CHANNELS = Prepared(
    select(newest.c.channel)
    .where(
        newest.c.source == bindparam("wanted_source"),
        newest.c.flow == bindparam("wanted_flow"),
        newest.c.channel.in_([literal_column("'webhook'"), literal_column("'poll'")]),
    )
    .order_by(newest.c.seq.desc())
    .limit(bindparam("most"))
)


class Owed(Record, frozen=True, kw_only=True):
    """How many, of the longest owed, and since when. `capped`: as many as were looked at."""

    count: int = 0
    since: datetime | None = None
    capped: bool = False


def owed_long(connection: Connection, group: Group, before: datetime, *, overdue: bool) -> Owed:
    """Without those that wait behind a dead letter of their lane: that letter is told of.

    `overdue`: only what was to be done by then; what waits for a later day is not late.
    """
    rows = (OVERDUE if overdue else OLDEST).rows(connection, values_of(group) | {"before": before})
    free = [row.opened_at for row in rows if not row.kept_back]
    return Owed(count=len(free), since=min(free, default=None), capped=len(rows) == MOST)


def told_by(connection: Connection, source: str, flow: str, most: int) -> dict[str, int]:
    """Of the newest hints of a source, how many came by each channel."""
    asked = {"wanted_source": source, "wanted_flow": flow, "most": most}
    return dict(Counter(row.channel for row in CHANNELS.rows(connection, asked)))
