"""The newest state of each subject, in its one delivery: compared in bulk, put in place by compare-and-set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, case, literal_column, select, update
from sqlalchemy.engine import Connection

from crossdock.delivery.records import State
from crossdock.feeds.levels import Fate, Feed, Level, Row, Standing, compare
from crossdock.storage import feeds
from crossdock.storage.dialect import alone, among, insert_once, listed
from crossdock.storage.prepared import Prepared
from crossdock.storage.tables import Moment, deliveries


def _standing(dialect: str) -> Select[Any]:
    columns = [
        deliveries.c.key,
        deliveries.c.state,
        deliveries.c.is_open,
        deliveries.c.desired.label("content"),
        deliveries.c.version,
        deliveries.c.message_seq.label("seq"),
    ]
    return select(*columns).where(
        deliveries.c.target == bindparam("wanted_target"), among(dialect, deliveries.c.key, "keys")
    )


def _locked(dialect: str) -> Select[Any]:
    return _standing(dialect).order_by(deliveries.c.id).with_for_update()


def _records(dialect: str) -> Select[Any]:
    return select(deliveries.c.key, deliveries.c.record).where(
        deliveries.c.target == bindparam("wanted_target"), among(dialect, deliveries.c.key, "keys")
    )


STANDING = Prepared(_standing)
LOCKED = Prepared(_locked)
RECORDS = Prepared(_records)
PUT = Prepared(insert_once(deliveries))
TOLD = {Fate.CHANGED, Fate.STALE}
IS_LEASED = deliveries.c.state == literal_column("'leased'")
RENEW = Prepared(
    update(deliveries)
    .where(deliveries.c.target == bindparam("wanted_target"), deliveries.c.key == bindparam("wanted_key"))
    .values(
        message_seq=bindparam("seq"),
        version=bindparam("new_version"),
        desired=bindparam("new_content"),
        record=bindparam("new_record"),
        reference=bindparam("new_reference"),
        generation=deliveries.c.generation + 1,
        # one that is leased is seen to be out of date when it settles; one that may still take effect keeps its pause
        state=case((IS_LEASED, deliveries.c.state), else_=literal_column("'pending'")),
        due_at=case((IS_LEASED | deliveries.c.maybe_sent, deliveries.c.due_at), else_=bindparam("now", type_=Moment)),
        opened_at=case((IS_LEASED, deliveries.c.opened_at), else_=bindparam("now", type_=Moment)),
        attempts=case((IS_LEASED, deliveries.c.attempts), else_=literal_column("0")),
        unexpected=case((IS_LEASED, deliveries.c.unexpected), else_=literal_column("0")),
        is_open=literal_column("2"),
        resolved_at=None,
    )
)
MOVE_ON = Prepared(
    update(deliveries)
    .where(deliveries.c.target == bindparam("wanted_target"), deliveries.c.key == bindparam("wanted_key"))
    .values(version=bindparam("new_version"), message_seq=bindparam("seq"), record=bindparam("new_record"))
)


def standings(connection: Connection, target: str, keys: Sequence[str], *, lock: bool = False) -> dict[str, Standing]:
    """By key, what is known."""
    asked = LOCKED if lock else STANDING
    rows = asked.rows(connection, {"wanted_target": target, "keys": listed(connection, keys)})
    return {row.key: row for row in rows}  # rows with a Standing's very fields


def records(connection: Connection, target: str, keys: Sequence[str]) -> dict[str, bytes]:
    """By key, the newest record."""
    rows = RECORDS.rows(connection, {"wanted_target": target, "keys": listed(connection, keys)})
    return {row.key: row.record for row in rows if row.record}


def merge(connection: Connection, feed: Feed, levels: Sequence[Level], priority: int, now: datetime) -> list[Fate]:
    """Put in place what is newer, one fate a level. A row that comes twice counts twice: the later one stands."""
    alone(connection, f"levels:{feed.target}")  # of two that bring the same new subject, the second must see the first
    known = standings(connection, feed.target, [level.key for level in levels], lock=True)
    fates: list[Fate] = []
    fresh, renewed, moved = {}, {}, {}
    for level in levels:
        fate = compare(level.content, level.version, known.get(level.key), feed.seq, unsettled=level.unsettled)
        fates.append(fate)
        if fate is Fate.CHANGED and (level.key in fresh or level.key not in known):
            fresh[level.key] = _row(feed, level, priority, now)
        elif fate is Fate.CHANGED:
            renewed[level.key] = _renewal(feed, level, now)
        elif fate is Fate.UNCHANGED and level.version > known[level.key].version:
            moved[level.key] = {**_place(feed, level), "new_record": level.record}
        if fate is Fate.CHANGED:
            known[level.key] = _stands(feed, level)
    PUT.many(connection, list(fresh.values()))
    RENEW.many(connection, list(renewed.values()))
    MOVE_ON.many(connection, [values for key, values in moved.items() if key not in renewed and key not in fresh])
    feeds.keep(
        connection, feed.id, [_told(level, fate) for level, fate in zip(levels, fates, strict=True) if fate in TOLD]
    )
    return fates


def _told(level: Level, fate: Fate) -> Row:
    return Row(
        number=level.number,
        fate=fate,
        subject=level.subject,
        reference=level.reference,
        key=level.key,
        lane=level.lane,
        content=level.content,
        version=level.version,
    )


def _stands(feed: Feed, level: Level) -> Standing:
    return Standing(level.key, State.PENDING, 2, level.content, level.version, feed.seq)


def _place(feed: Feed, level: Level) -> Mapping[str, object]:
    return {"wanted_target": feed.target, "wanted_key": level.key, "new_version": level.version, "seq": feed.seq}


def _renewal(feed: Feed, level: Level, now: datetime) -> Mapping[str, object]:
    found = {"new_content": level.content, "new_record": level.record, "new_reference": level.reference, "now": now}
    return {**_place(feed, level), **found}


def _row(feed: Feed, level: Level, priority: int, now: datetime) -> Mapping[str, object]:
    return {
        "message_seq": feed.seq,
        "flow": feed.flow,
        "source": feed.source,
        "target": feed.target,
        "subject": level.subject,
        "reference": level.reference,
        "key": level.key,
        "lane": level.lane,
        "priority": priority,
        "state": State.PENDING,
        "is_open": 2,
        "one_row": True,
        "version": level.version,
        "desired": level.content,
        "record": level.record,
        "created_at": now,
        "opened_at": now,
        "due_at": now,
    }
