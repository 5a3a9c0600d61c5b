"""Schedules: what became of each line, under the claim of whoever reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, or_, select, update
from sqlalchemy.engine import Connection, Row

from crossdock.delivery.store import Checkpoint
from crossdock.feeds.roads import Road
from crossdock.feeds.schedules import DONE, FAILED, RUNNING, Halt, Standing, View
from crossdock.storage import streams
from crossdock.storage.dialect import insert_once
from crossdock.storage.prepared import Prepared
from crossdock.storage.tables import hints, schedule_halts, schedules

SEEN = Prepared(insert_once(schedules))
HINTED = Prepared(insert_once(hints))
HALTED = Prepared(insert_once(schedule_halts))
KEPT = list(Standing.__struct_fields__)


def see(connection: Connection, road: Road, entries: Mapping[str, datetime]) -> None:
    """New lines of a schedule, each with the time up to which it counts as settled."""
    for entry, settled_to in entries.items():
        SEEN.run(connection, _place(road) | {"entry": entry, "settled_to": settled_to})


def view(connection: Connection, road: Road) -> View:
    """All that is known of a road. Who reads is asked first: a run that ends meanwhile is then still seen as one."""
    claimed = streams.read(connection, road.source, road.stream())
    columns = [schedules.c[name] for name in KEPT]
    rows = connection.execute(select(*columns).where(*_of(schedules, road)))
    standings = {row.entry: Standing(**row._mapping) for row in rows}  # noqa: SLF001
    hinted = select(hints.c.hinted_at).where(hints.c.source == road.source, hints.c.flow == road.flow)
    halt = connection.execute(select(schedule_halts).where(*_of(schedule_halts, road))).one_or_none()
    return View(
        standings=standings,
        halt=None if halt is None else _halt_of(halt),
        held_until=claimed.held_until if claimed else None,
        hinted_at=connection.execute(hinted).scalar(),
    )


def hint(connection: Connection, source: str, flow: str, now: datetime) -> None:
    """Something of this flow has changed there."""
    row = {"source": source, "flow": flow, "hinted_at": now}
    if not HINTED.run(connection, row):
        where = (hints.c.source == source, hints.c.flow == flow)
        connection.execute(update(hints).where(*where).values(hinted_at=now))


def _halt_of(row: Row[Any]) -> Halt:
    return Halt(by=row.by, reason=row.reason, paused_at=row.paused_at, resumed_at=row.resumed_at)


def begin(connection: Connection, claimed: Checkpoint, road: Road, entries: Sequence[str], now: datetime) -> bool:
    """A run; False under an older claim."""
    return _write(connection, claimed, road, entries, {"outcome": RUNNING, "began_at": now, "detail": ""})


def end(
    connection: Connection,
    claimed: Checkpoint,
    road: Road,
    entries: Mapping[str, datetime | None],
    outcome: str,
    detail: str,
    now: datetime,
) -> bool:
    """What it came to, and when each is tried again; False under an older claim."""
    values: dict[str, Any] = {"outcome": outcome, "detail": detail.replace("\0", ""), "ended_at": now}
    if outcome == DONE:
        more = {"settled_to": schedules.c.began_at, "done_at": now, "failures": 0, "retry_at": None}
        return _write(connection, claimed, road, list(entries), values | more)
    if outcome != FAILED:
        return _write(connection, claimed, road, list(entries), values)
    more = {"failures": schedules.c.failures + 1}
    return all(
        _write(connection, claimed, road, [entry], values | more | {"retry_at": again})
        for entry, again in entries.items()
    )


def note_missed(connection: Connection, road: Road, entry: str, when: datetime) -> bool:
    """Once for each time, whoever notices first."""
    done = connection.execute(
        update(schedules)
        .where(*_of(schedules, road), schedules.c.entry == entry)
        .where(or_(schedules.c.missed_at.is_(None), schedules.c.missed_at < when))
        .values(missed=schedules.c.missed + 1, missed_at=when)
    )
    return done.rowcount == 1


def pause(connection: Connection, road: Road, reason: str, by: str, now: datetime) -> bool:
    """False where it was paused already."""
    HALTED.run(connection, _place(road))
    values = {"paused_at": now, "resumed_at": None, "reason": reason, "by": by}
    return _halt(connection, road, schedule_halts.c.paused_at.is_(None), values)


def resume(connection: Connection, road: Road, by: str, now: datetime) -> bool:
    """False where it was not paused."""
    values = {"paused_at": None, "resumed_at": now, "reason": "", "by": by}
    return _halt(connection, road, schedule_halts.c.paused_at.is_not(None), values)


def _halt(connection: Connection, road: Road, only: ColumnElement[bool], values: dict[str, Any]) -> bool:
    done = connection.execute(update(schedule_halts).where(*_of(schedule_halts, road), only).values(values))
    return done.rowcount == 1


def _write(
    connection: Connection, claimed: Checkpoint, road: Road, entries: Sequence[str], values: dict[str, Any]
) -> bool:
    if not streams.holds(connection, claimed):
        return False
    wanted = schedules.c.entry.in_(entries)
    connection.execute(update(schedules).where(*_of(schedules, road), wanted).values(values))
    return True


def _place(road: Road) -> dict[str, Any]:
    return {"source": road.source, "target": road.target, "flow": road.flow}


def _of(table: Table, road: Road) -> tuple[ColumnElement[bool], ...]:
    return (table.c.source == road.source, table.c.target == road.target, table.c.flow == road.flow)
