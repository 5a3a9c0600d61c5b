"""Telling a broker what is due, and claiming what it told.

A row is announced under its fence: a claim moves the fence on, so whatever comes due again is announced again, by
whichever version of Crossdock claimed it, and no clock has a say in it. What was announced and never claimed is
announced again after a while.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    and_,
    bindparam,
    exists,
    func,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.engine import Connection

from crossdock.delivery.records import Delivery
from crossdock.storage.outbox import CLAIM, LOADED
from crossdock.storage.payloads import Payloads
from crossdock.storage.rows import delivery_of, message_of
from crossdock.storage.tables import Moment, connections, deliveries, is_open


def _due(*more: ColumnElement[bool]) -> Select[Any]:
    """The same heads of lanes as outbox.DUE, which leases them target by target; paused connections are left out."""
    lane = deliveries.alias("lane")
    # a scalar subquery, since PostgreSQL joins a NOT EXISTS by the target alone while it has no statistics yet
    head = (
        select(func.min(lane.c.id))
        .where(lane.c.lane == deliveries.c.lane, lane.c.target == deliveries.c.target, is_open(lane))
        .scalar_subquery()
    )
    paused = exists().where(connections.c.name == deliveries.c.target, connections.c.paused_at.is_not(None))
    now = bindparam("now", type_=Moment)
    ready = or_(
        and_(deliveries.c.state == literal_column("'pending'"), deliveries.c.due_at <= now),
        and_(deliveries.c.state == literal_column("'leased'"), deliveries.c.leased_until < now),
    )
    return (
        select(deliveries.c.id, deliveries.c.target)
        .where(is_open(), ready, deliveries.c.id == head, ~paused, *more)
        .order_by(deliveries.c.priority, deliveries.c.due_at, deliveries.c.id)
        .with_for_update(skip_locked=True, of=deliveries)
    )


OURS = deliveries.c.target.in_(bindparam("targets", expanding=True))
MOST = bindparam("most", type_=Integer)
FRESH = _due(OURS, deliveries.c.announced != deliveries.c.fence).limit(MOST)
FORGOTTEN = _due(
    OURS,
    deliveries.c.announced == deliveries.c.fence,
    deliveries.c.announced_at < bindparam("before", type_=Moment),
).limit(MOST)
AMONG = _due(deliveries.c.id.in_(bindparam("ids", expanding=True)))
MARK = (
    update(deliveries)
    .where(deliveries.c.id.in_(bindparam("ids", expanding=True)))
    .values(announced=deliveries.c.fence, announced_at=bindparam("now", type_=Moment))
)


def announce(
    connection: Connection, targets: Sequence[str], now: datetime, before: datetime | None, limit: int
) -> dict[str, list[int]]:
    """Mark what is due and was not announced since its last claim, or was before `before`; ids by target."""
    bound = {"targets": list(targets), "now": now, "most": limit}
    query = FRESH if before is None else FORGOTTEN
    rows = connection.execute(query, bound if before is None else bound | {"before": before}).all()
    if rows:
        connection.execute(MARK, {"ids": [row.id for row in rows], "now": now})
    found: dict[str, list[int]] = {}
    for row in rows:
        found.setdefault(row.target, []).append(row.id)
    return found


def lease_announced(
    connection: Connection, payloads: Payloads, worker: str, now: datetime, until: datetime, ids: Sequence[int]
) -> list[Delivery]:
    """Those of them that are still due; what another has claimed meanwhile is passed over."""
    due = [row.id for row in connection.execute(AMONG, {"ids": list(ids), "now": now})]
    if not due:
        return []
    connection.execute(CLAIM, {"ids": due, "until": until, "worker": worker})
    rows = connection.execute(LOADED, {"ids": due}).all()
    return [delivery_of(row, message_of(row, payloads.read(connection, row.m_payload_id))) for row in rows]
