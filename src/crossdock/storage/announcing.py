"""Telling a broker what is due, and claiming what it told.

A row is announced under its fence: a claim moves the fence on, so whatever comes due again is announced again, by
whichever version of Crossdock claimed it, and no clock has a say in it. What was announced and never claimed is
announced again after a while.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    and_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.engine import Connection

from crossdock.delivery.records import Delivery
from crossdock.storage.outbox import CLAIM, PAUSED, loaded
from crossdock.storage.payloads import Payloads
from crossdock.storage.prepared import Prepared
from crossdock.storage.tables import Moment, deliveries, is_open


def _due(*more: ColumnElement[bool]) -> Select[Any]:
    """The same heads of lanes as outbox.DUE."""
    lane = deliveries.alias("lane")
    # Asked for each candidate by the lane's index. The target is hidden from PostgreSQL, which without statistics would
    # rather read all that is due for that target, once for each candidate; and it is <=, since = makes it expect that
    # hardly any is a head, and sort all of them instead of taking the first ones from the index.
    head = (
        select(func.min(lane.c.id))
        .where(
            lane.c.lane == deliveries.c.lane,
            lane.c.target.concat(literal_column("''")) == deliveries.c.target,
            is_open(lane),
        )
        .scalar_subquery()
    )
    now = bindparam("now", type_=Moment)
    ready = or_(
        deliveries.c.state == literal_column("'pending'"),
        and_(deliveries.c.state == literal_column("'leased'"), deliveries.c.leased_until < now),
    )
    due = deliveries.c.due_at <= now  # of both, as in outbox.py: for the index
    return (
        select(deliveries.c.id, deliveries.c.target)
        .where(is_open(), due, ready, deliveries.c.id <= head, *more)
        .with_for_update(skip_locked=True)
    )


def _of_a_target(*more: ColumnElement[bool]) -> Prepared:
    """In the order of the indexes, so that the first ones are found without reading all."""
    query = _due(deliveries.c.target == bindparam("wanted"), *more)
    ordered = query.order_by(deliveries.c.priority, deliveries.c.due_at)
    return Prepared(ordered.limit(bindparam("most", type_=Integer)))


FRESH = _of_a_target(deliveries.c.announced != deliveries.c.fence)
FORGOTTEN = _of_a_target(
    deliveries.c.announced == deliveries.c.fence, deliveries.c.announced_at < bindparam("before", type_=Moment)
)
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
    paused = set(PAUSED.scalars(connection, {}))
    query, more = (FRESH, {}) if before is None else (FORGOTTEN, {"before": before})
    found: dict[str, list[int]] = {}
    room = limit
    for target in targets:
        if target in paused or not room:
            continue
        if ids := query.scalars(connection, {"wanted": target, "now": now, "most": room} | more):
            found[target] = ids
            room -= len(ids)
    if found:
        connection.execute(MARK, {"ids": [one for ids in found.values() for one in ids], "now": now})
    return found


def lease_announced(
    connection: Connection,
    payloads: Payloads,
    worker: str,
    now: datetime,
    until: datetime,
    ids: Sequence[int],
    rereads: Container[str] = (),
) -> list[Delivery]:
    """Those of them that are still due; what another has claimed meanwhile is passed over."""
    paused = set(PAUSED.scalars(connection, {}))
    rows = connection.execute(AMONG, {"ids": list(ids), "now": now}).all()
    due = [row.id for row in rows if row.target not in paused]
    if not due:
        return []
    connection.execute(CLAIM, {"ids": due, "until": until, "worker": worker})
    return loaded(connection, payloads, due, now, rereads)
