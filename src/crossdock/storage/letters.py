"""Dead letters and pauses: what operators do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.engine import Connection, Row

from crossdock.delivery.records import Attempt, State
from crossdock.storage import trail
from crossdock.storage.dialect import insert_once
from crossdock.storage.payloads import Payloads
from crossdock.storage.prepared import Prepared
from crossdock.storage.rows import EDITED, payload_subject
from crossdock.storage.tables import ASIDE, connections, deliveries, messages

NAMED = Prepared(insert_once(connections))


def replay(connection: Connection, payloads: Payloads, ids: Sequence[int], by: str, now: datetime) -> int:
    """Due again under the same key; the horizon starts anew, the memory of having maybe been sent stays."""
    return sum(_reopen(connection, payloads, delivery_id, "replay", by, "", now) for delivery_id in ids)


def edit(
    connection: Connection, payloads: Payloads, delivery_id: int, body: bytes, by: str, why: str, now: datetime
) -> bool:
    """A corrected payload, the same key. The old one stays in the trail."""
    row = _dead(connection, delivery_id)
    if row is None or row.record is not None:  # a state is corrected where it comes from
        return False
    subject = payload_subject(row.source, row.subject)
    message = connection.execute(select(messages.c.payload_id).where(messages.c.seq == row.message_seq)).one()
    before = payloads.read(connection, message.payload_id)
    fresh = payloads.keep(connection, subject, body, now)
    connection.execute(
        update(messages).where(messages.c.seq == row.message_seq).values(payload_id=fresh, channel=EDITED)
    )
    return bool(_reopen(connection, payloads, delivery_id, "edit", by, why, now, request=body, response=before))


def resolve(connection: Connection, payloads: Payloads, ids: Sequence[int], by: str, why: str, now: datetime) -> int:
    """Ended by a person, with the reason; its lane goes on."""
    done = 0
    for delivery_id in ids:
        row = _dead(connection, delivery_id)
        if row is not None:
            connection.execute(
                update(deliveries)
                .where(deliveries.c.id == delivery_id)
                .values(is_open=0, resolved_at=now, resolved_why=why)
            )
            _note(connection, payloads, row, "resolve", by, why, now)
            done += 1
    return done


def pause(connection: Connection, name: str, reason: str, by: str, now: datetime) -> bool:
    """Nothing is leased for it from this commit on."""
    NAMED.run(connection, {"name": name})
    done = connection.execute(
        update(connections)
        .where(connections.c.name == name, connections.c.paused_at.is_(None))
        .values(paused_at=now, reason=reason, by=by)
    )
    return done.rowcount == 1


def resume(connection: Connection, name: str, by: str) -> bool:
    """What waited is due as it was."""
    done = connection.execute(
        update(connections)
        .where(connections.c.name == name, connections.c.paused_at.is_not(None))
        .values(paused_at=None, reason="", by=by)
    )
    return done.rowcount == 1


def _dead(connection: Connection, delivery_id: int) -> Row[Any] | None:
    return connection.execute(
        select(deliveries)
        .where(deliveries.c.id == delivery_id, deliveries.c.state == State.DEAD, deliveries.c.is_open != 0)
        .with_for_update()
    ).one_or_none()


def _reopen(
    connection: Connection,
    payloads: Payloads,
    delivery_id: int,
    action: str,
    by: str,
    why: str,
    now: datetime,
    *,
    request: bytes = b"",
    response: bytes = b"",
) -> int:
    row = _dead(connection, delivery_id)
    if row is None:
        return 0
    connection.execute(
        update(deliveries)
        .where(deliveries.c.id == delivery_id)
        .values(
            state=State.PENDING,
            is_open=1 if row.is_open == ASIDE else row.is_open,
            due_at=now,
            opened_at=now,
            unexpected=0,
            settled_at=None,
            owner="",
        )
    )
    _note(connection, payloads, row, action, by, why, now, request=request, response=response)
    return 1


def _note(
    connection: Connection,
    payloads: Payloads,
    row: Row[Any],
    action: str,
    by: str,
    why: str,
    now: datetime,
    *,
    request: bytes = b"",
    response: bytes = b"",
) -> None:
    attempt = Attempt(
        operation=action,
        entity=row.flow,
        entity_id=row.subject,
        key=row.key,
        started_at=now,
        actor=by,
        detail=why,
        request=request,
        response=response,
    )
    trail.append(connection, payloads, attempt, None, now, source=row.source, delivery_id=row.id)
