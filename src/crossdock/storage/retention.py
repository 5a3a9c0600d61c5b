"""Forgetting in time, by class: bodies, then the audit rows themselves.

What is still owed keeps its body, and whatever is unresolved keeps all its rows, however old. Where rows go, the chain
stays provable: an anchor holds their place, and a row of its own says in the trail what was let go.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, exists, func, literal_column, or_, select, update
from sqlalchemy.engine import Connection

from crossdock.delivery.records import Attempt
from crossdock.storage import anchors, trail
from crossdock.storage.anchors import Anchor
from crossdock.storage.payloads import Payloads
from crossdock.storage.shadows import forget_comparisons, forget_values
from crossdock.storage.tables import ASIDE, audit, connections, deliveries, is_open, messages, payloads

Places = list[Row[Any, Any]]


def forget_bodies(connection: Connection, before: datetime, limit: int) -> int:
    """Remove at most `limit` bodies older than `before`; returns how many."""
    owed = (
        select(messages.c.payload_id)
        .join(deliveries, deliveries.c.message_seq == messages.c.seq)
        .where(or_(is_open(), deliveries.c.is_open == ASIDE), messages.c.payload_id.is_not(None))
    )
    query = select(payloads.c.id).where(payloads.c.created_at < before, payloads.c.id.not_in(owed))
    old = list(connection.execute(query.order_by(payloads.c.created_at).limit(limit)).scalars())
    forget_values(connection, before)
    if old:
        connection.execute(update(messages).where(messages.c.payload_id.in_(old)).values(payload_id=None))
        connection.execute(delete(payloads).where(payloads.c.id.in_(old)))
    return len(old)


def forget_rows(connection: Connection, bodies: Payloads, before: datetime, now: datetime, limit: int) -> int:
    """Let at most `limit` audit rows go that are older than `before`; returns how many went.

    The newest row of the chain stays, whatever its age: the next one is linked to it.
    """
    forget_comparisons(connection, before)
    trail.lock(connection)
    head = select(func.max(audit.c.position)).scalar_subquery()
    old = connection.execute(
        select(audit.c.position, audit.c.hash)
        .where(audit.c.created_at < before, audit.c.position < head, ~_unresolved())
        .order_by(audit.c.position)
        .limit(limit)
    ).all()
    for run in _runs(old):
        _let_go(connection, bodies, run, now)
    return len(old)


def _unresolved() -> ColumnElement[bool]:
    """A row about something that is still owed, or that waits for a person; or about a pause that still holds."""
    owed = exists().where(
        deliveries.c.source == audit.c.source, deliveries.c.subject == audit.c.entity_id, deliveries.c.is_open != 0
    )
    own = exists().where(deliveries.c.id == audit.c.delivery_id, deliveries.c.is_open != 0)
    paused = exists().where(
        connections.c.name == audit.c.entity_id,
        connections.c.paused_at.is_not(None),
        audit.c.entity_type == literal_column("'connection'"),
    )
    return or_(owed, own, paused)


def _runs(old: Sequence[Row[Any, Any]]) -> list[Places]:
    """Split where the positions do not follow one another."""
    runs: list[Places] = []
    for row in old:
        if runs and runs[-1][-1].position == row.position - 1:
            runs[-1].append(row)
        else:
            runs.append([row])
    return runs


def _let_go(connection: Connection, bodies: Payloads, run: Places, now: datetime) -> None:
    first, last = run[0].position, run[-1]
    gone = Anchor(
        first=first, last=last.position, before=_hash_before(connection, first), hash=last.hash, removed_at=now
    )
    connection.execute(delete(audit).where(audit.c.position.between(first, last.position)))
    whole = anchors.put(connection, gone)
    said = Attempt(
        operation="expire",
        entity="audit",
        entity_id=f"{whole.first}-{whole.last}",
        started_at=now,
        detail=f"let go by age: {len(run)} more; the last one's hash is {whole.hash.hex()}",
    )
    trail.append(connection, bodies, said, None, now)


def _hash_before(connection: Connection, position: int) -> bytes:
    row = connection.execute(select(audit.c.hash).where(audit.c.position == position - 1)).scalar()
    if row is not None:
        return bytes(row)
    held = next((one for one in anchors.listed(connection) if one.last == position - 1), None)
    return held.hash if held else trail.GENESIS
