"""After a backup was restored: the world has gone on, and this database does not know how far.

What was sent since the backup was taken may be sent again only once it was looked for. Two rows of `checkpoints`,
under a name that no connection can have, remember it: COPY, in a file that `crossdock backup` made, until somebody says
that it is restored; RESTORED, with the moment at which that was said (`read_at`), and until when every new promise may
be an old one (`held_until`).
"""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ScalarSelect, bindparam, delete, func, literal_column, or_, select, update
from sqlalchemy.engine import Connection

from crossdock.delivery.records import Attempt, State
from crossdock.model.base import Record
from crossdock.storage import trail
from crossdock.storage.dialect import insert_once
from crossdock.storage.payloads import Payloads
from crossdock.storage.prepared import Prepared
from crossdock.storage.tables import Moment, audit, checkpoints, deliveries, messages, sessions

OURS = "*"
COPY = "copy"
RESTORED = "restored"
READ_FIRST = timedelta(minutes=10)  # sources tell of newer states before an old one is written
LIFE = 10_000  # more claims than the lost life can have made since: none of its fences may come again
MARK = Prepared(insert_once(checkpoints))
MARKED = (checkpoints.c.source == OURS, checkpoints.c.stream == RESTORED)


class Recovery(Record, frozen=True, kw_only=True):
    """What was done to a restored database. `newest`: the last that it knows of anything, None for an empty one."""

    newest: datetime | None
    doubted: int
    states: int
    sessions: int
    until: datetime


def doubted_since(now: str) -> ScalarSelect[Any]:
    """The moment of the restoration while new promises may be old ones, else NULL; `now` names the bound moment."""
    until = checkpoints.c.held_until > bindparam(now, type_=Moment)
    return select(checkpoints.c.read_at).where(*MARKED, until).scalar_subquery()


def cautious_until(connection: Connection, now: datetime) -> datetime | None:
    """Until when new promises may be old ones; None where that time is over, or never was."""
    until: datetime | None = connection.execute(select(checkpoints.c.held_until).where(*MARKED)).scalar()
    return until if until is not None and now < until else None


def is_copy(connection: Connection) -> bool:
    """Whether this is a backup that nobody has said is restored."""
    row = select(checkpoints.c.source).where(checkpoints.c.source == OURS, checkpoints.c.stream == COPY)
    return connection.execute(row).first() is not None


def mark_copy(file: sqlite3.Connection, now: datetime) -> None:
    """In the copy, never in what it is a copy of."""
    values = {"source": OURS, "stream": COPY, "fence": 0, "at": Moment().process_bind_param(now, None)}  # type: ignore[arg-type]  # our own type asks no dialect
    file.execute(
        "INSERT OR REPLACE INTO checkpoints (source, stream, fence, read_at) VALUES (:source, :stream, :fence, :at)",
        values,
    )


def recover(
    connection: Connection, payloads: Payloads, by: str, why: str, now: datetime, caution: timedelta
) -> Recovery:
    """All that makes going on from an older state safe, in one transaction. Again does no harm."""
    newest = _newest(connection)
    _free(connection, now)
    found = Recovery(
        newest=newest,
        doubted=_doubt(connection, now),
        states=_compare_anew(connection, now),
        sessions=connection.execute(delete(sessions)).rowcount,
        until=now + caution,
    )
    _mark(connection, now, found.until)
    told = f"knows of nothing after {newest:%Y-%m-%d %H:%M:%S} UTC" if newest else "empty"
    told = f"{told}; {why}" if why else told
    action = Attempt(operation="restored", entity="database", started_at=now, actor=by, detail=told)
    trail.append(connection, payloads, action, None, now)
    return found


def _newest(connection: Connection) -> datetime | None:
    asked = (
        select(func.max(messages.c.received_at)),
        select(func.max(audit.c.created_at)),
        select(func.max(checkpoints.c.read_at)).where(checkpoints.c.source != OURS),
    )
    found = [connection.execute(one).scalar() for one in asked]
    return max((one for one in found if one is not None), default=None)


def _free(connection: Connection, now: datetime) -> None:
    """Claims of processes that are no more. One that still lives, with a claim of the lost life, is fenced off."""
    leased = deliveries.c.state == literal_column("'leased'")
    values = {"state": State.PENDING, "leased_until": None, "leased_by": None, "due_at": now}
    connection.execute(update(deliveries).where(leased).values(values))
    claimable = or_(deliveries.c.is_open != 0, deliveries.c.one_row)
    connection.execute(update(deliveries).where(claimable).values(fence=deliveries.c.fence + LIFE))
    claims = {"holder": None, "held_until": None, "fence": checkpoints.c.fence + LIFE}
    connection.execute(update(checkpoints).where(checkpoints.c.source != OURS).values(**claims))


def _doubt(connection: Connection, now: datetime) -> int:
    """Documents that were owed, dead letters among them: each may have been sent since."""
    owed = (deliveries.c.is_open.in_([1, 3]), deliveries.c.one_row.is_(False))
    done = connection.execute(update(deliveries).where(*owed).values(maybe_sent=True, sent_at=now))
    return done.rowcount


def _compare_anew(connection: Connection, now: datetime) -> int:
    """States: the target may have been given a newer one since, so that none counts as confirmed any more."""
    is_state = deliveries.c.record.is_not(None)
    settled = (is_state, deliveries.c.is_open == 0)
    done = connection.execute(update(deliveries).where(*settled).values(desired="", content=""))
    waiting = (is_state, deliveries.c.state == State.PENDING, deliveries.c.due_at < now + READ_FIRST)
    connection.execute(update(deliveries).where(*waiting).values(due_at=now + READ_FIRST))
    return done.rowcount


def _mark(connection: Connection, now: datetime, until: datetime) -> None:
    MARK.run(connection, {"source": OURS, "stream": RESTORED, "fence": 0})
    connection.execute(update(checkpoints).where(*MARKED).values(read_at=now, held_until=until))
    connection.execute(delete(checkpoints).where(checkpoints.c.source == OURS, checkpoints.c.stream == COPY))


__all__ = ["Recovery", "cautious_until", "doubted_since", "is_copy", "mark_copy", "recover"]
