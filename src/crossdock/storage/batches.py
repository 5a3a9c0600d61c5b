"""Batches: due states of one lane, leased and settled together.

A lane has one call under way at a time, on any number of machines: who leases in it does so alone, and finds none
leased there. Rows of a lane are of different subjects, so none waits for another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Executable,
    Integer,
    Select,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.engine import Connection

from crossdock.contract.message import Message
from crossdock.delivery.records import Attempt, Delivery, State, Verdict
from crossdock.storage import trail
from crossdock.storage.dialect import alone, among, listed
from crossdock.storage.outbox import CLAIM, MESSAGE_COLUMNS, PAUSED
from crossdock.storage.payloads import Payloads
from crossdock.storage.prepared import Prepared
from crossdock.storage.rows import delivery_of, message_of
from crossdock.storage.tables import Moment, deliveries, is_batched, messages


def _ready() -> ColumnElement[bool]:
    now = bindparam("now", type_=Moment)
    return or_(
        and_(deliveries.c.state == literal_column("'pending'"), deliveries.c.due_at <= now),
        and_(deliveries.c.state == literal_column("'leased'"), deliveries.c.leased_until < now),
    )


def _busy(lane: ColumnElement[str] | Any) -> ColumnElement[bool]:
    other = deliveries.alias("other")
    return exists(
        select(literal_column("1")).where(
            other.c.target == bindparam("wanted_target"),
            other.c.lane == lane,
            other.c.state == literal_column("'leased'"),
            is_batched(other),
            other.c.leased_until >= bindparam("now", type_=Moment),
        )
    )


def _first() -> Select[Any]:
    return (
        select(deliveries.c.lane, deliveries.c.flow)
        .where(
            deliveries.c.target == bindparam("wanted_target"),
            is_batched(),
            _ready(),
            ~_busy(deliveries.c.lane),
        )
        .order_by(deliveries.c.priority, deliveries.c.due_at)
        .limit(1)
    )


def _due() -> Select[Any]:
    return (
        select(deliveries.c.id)
        .where(
            deliveries.c.target == bindparam("wanted_target"),
            deliveries.c.lane == bindparam("wanted_lane"),
            is_batched(),
            _ready(),
            ~_busy(bindparam("wanted_lane")),
        )
        .order_by(deliveries.c.id)
        .limit(bindparam("most", type_=Integer))
        .with_for_update()
    )


FIRST = Prepared(_first())
DUE = Prepared(_due())
LOADED = (
    select(deliveries, *MESSAGE_COLUMNS)
    .join(messages, messages.c.seq == deliveries.c.message_seq)
    .where(deliveries.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(deliveries.c.subject)
)


def _fenced(dialect: str) -> Executable:
    columns = [deliveries.c[name] for name in ("id", "fence", "generation")]
    return (
        select(*columns)
        .where(among(dialect, deliveries.c.id, "ids"), deliveries.c.state == literal_column("'leased'"))
        .order_by(deliveries.c.id)
        .with_for_update()
    )


FENCED = Prepared(_fenced)
SETTLED = Prepared(update(deliveries).where(deliveries.c.id == bindparam("wanted_id")))
NEXT_DUE = Prepared(
    select(
        func.min(case((deliveries.c.state == State.LEASED, deliveries.c.leased_until), else_=deliveries.c.due_at))
    ).where(deliveries.c.target == bindparam("wanted_target"), is_batched(), deliveries.c.state != State.DEAD)
)


def lease(
    connection: Connection, worker: str, now: datetime, until: datetime, target: str, sizes: Mapping[str, int]
) -> list[Delivery]:
    """Of the lane that has waited longest and has no call under way, as many rows as one call of its flow may hold."""
    if target in set(PAUSED.scalars(connection, {})):
        return []
    first = FIRST.first(connection, {"wanted_target": target, "now": now})
    if first is None:
        return []
    alone(connection, f"lane:{target}:{first.lane}")
    asked = {"wanted_target": target, "wanted_lane": first.lane, "now": now, "most": sizes.get(first.flow, 1)}
    ids = DUE.scalars(connection, asked)
    if not ids:
        return []
    connection.execute(CLAIM, {"ids": ids, "until": until, "worker": worker})
    rows = connection.execute(LOADED, {"ids": ids}).all()
    return [delivery_of(row, _message(row)) for row in rows]


def _message(row: Any) -> Message:
    """The level itself, under the id of the feed that brought it."""
    feed = message_of(row, row.record or b"")
    return msgspec.structs.replace(feed, subject=row.subject, reference=row.reference, content=row.desired)


def settle(
    connection: Connection,
    payloads: Payloads,
    settled: Sequence[tuple[Delivery, Verdict]],
    attempts: Sequence[Attempt],
    now: datetime,
) -> int:
    """Each row whose fence still holds; returns how many those are. The calls go into the trail once, for all."""
    ids = [delivery.id for delivery, _ in settled]
    held = {row.id: row for row in FENCED.rows(connection, {"ids": listed(connection, ids)})}
    rows = []
    for delivery, verdict in settled:
        row = held.get(delivery.id)
        if row is None or row.fence != delivery.fence:
            continue
        rows.append(_values(delivery, verdict, now, newer=row.generation != delivery.generation))
        trail.append(connection, payloads, _outcome(delivery, verdict, now), delivery, now)
    by_names: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for values in rows:
        by_names.setdefault(tuple(values), []).append(values)
    for alike in by_names.values():
        SETTLED.many(connection, alike)
    for attempt in attempts:
        trail.append(connection, payloads, attempt, None, now, source=settled[0][0].source)
    return len(rows)


def _values(delivery: Delivery, verdict: Verdict, now: datetime, *, newer: bool) -> dict[str, Any]:
    doubtful = verdict.maybe_sent and verdict.attempts != delivery.attempts
    values: dict[str, Any] = {
        "wanted_id": delivery.id,
        "state": verdict.state,
        "is_open": 2 if verdict.state in {State.PENDING, State.DEAD} else 0,
        "due_at": verdict.due_at,
        "attempts": verdict.attempts,
        "unexpected": verdict.unexpected,
        "maybe_sent": verdict.maybe_sent and verdict.state != State.DELIVERED,
        "sent_at": now if doubtful else delivery.sent_at,
        "code": verdict.code,
        "reason": verdict.reason,
        "owner": verdict.owner or "",
        "leased_until": None,
        "leased_by": None,
        "settled_at": None if verdict.state == State.PENDING else now,
    }
    if verdict.state == State.DELIVERED:
        values["content"] = delivery.message.content
    if newer:  # what came meanwhile is owed; one that may still take effect is waited out first
        due = max(verdict.due_at, now) if verdict.maybe_sent and verdict.state != State.DELIVERED else now
        values |= {"state": State.PENDING, "is_open": 2, "settled_at": None, "due_at": due, "opened_at": now}
    return values


def _outcome(delivery: Delivery, verdict: Verdict, now: datetime) -> Attempt:
    return Attempt(
        operation=verdict.state,
        entity=delivery.flow,
        entity_id=delivery.subject,
        key=delivery.key,
        started_at=now,
        error=verdict.reason if verdict.state != State.DELIVERED else "",
        detail=verdict.code or delivery.message.content,
    )
