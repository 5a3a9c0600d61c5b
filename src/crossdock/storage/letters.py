"""Dead letters and pauses: what operators do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select, update
from sqlalchemy.engine import Connection, Row

from crossdock.delivery.records import Attempt, State
from crossdock.errors import NotOpen, Stale
from crossdock.storage import trail
from crossdock.storage.dialect import insert_once
from crossdock.storage.payloads import Payloads
from crossdock.storage.prepared import Prepared
from crossdock.storage.rows import EDITED, payload_subject
from crossdock.storage.tables import ASIDE, connections, deliveries, messages

NAMED = Prepared(insert_once(connections))
MOST = 1000  # letters that are reopened at once


def replay(
    connection: Connection,
    payloads: Payloads,
    ids: Sequence[int],
    by: str,
    now: datetime,
    why: str = "",
    before: datetime | None = None,
) -> int:
    """Due again under the same key; the horizon starts anew, the memory of having maybe been sent stays.

    `before`: only those that died before then, so that asking twice does it once.
    """
    found = (_dead(connection, delivery_id, before) for delivery_id in ids)
    return sum(_reopen(connection, payloads, row, "replay", by, why, now) for row in found)


def moved_on(connection: Connection) -> list[int]:
    """Dead letters that their subject did not take as it stood, where it was heard of since they were due, or changed.

    Both count: what we have done to it ourselves need not be heard of, two moves within a second of the target's, say.
    """
    heard = select(messages.c.seq).where(
        messages.c.source == deliveries.c.target,
        messages.c.subject == deliveries.c.subject,
        messages.c.received_at > deliveries.c.opened_at,
    )
    done = deliveries.alias("done")
    changed = select(done.c.id).where(
        done.c.source.in_([deliveries.c.source, deliveries.c.target]),
        done.c.subject == deliveries.c.subject,
        done.c.target == deliveries.c.target,
        done.c.state == State.DELIVERED,
        done.c.settled_at > deliveries.c.opened_at,
    )
    waiting = (deliveries.c.state == State.DEAD, deliveries.c.is_open != 0, deliveries.c.code == NotOpen.code)
    found = select(deliveries.c.id).where(*waiting, heard.exists() | changed.exists()).limit(MOST)
    return list(connection.execute(found).scalars())


def edit(
    connection: Connection,
    payloads: Payloads,
    delivery_id: int,
    body: bytes,
    by: str,
    why: str,
    now: datetime,
    over: str = "",
) -> bool:
    """A corrected payload, the same key. The old one stays in the trail. Raises Stale where it is not `over`."""
    row = _dead(connection, delivery_id)
    if row is None or row.record is not None:  # a state is corrected where it comes from
        return False
    if over and _version(connection, row) != over:
        raise Stale(f"delivery {delivery_id}: its record was changed or tried again meanwhile")
    subject = payload_subject(row.source, row.subject)
    message = connection.execute(select(messages.c.payload_id).where(messages.c.seq == row.message_seq)).one()
    before = payloads.read(connection, message.payload_id)
    fresh = payloads.keep(connection, subject, body, now)
    connection.execute(
        update(messages).where(messages.c.seq == row.message_seq).values(payload_id=fresh, channel=EDITED)
    )
    return bool(_reopen(connection, payloads, row, "edit", by, why, now, request=body, response=before))


def record_version(connection: Connection, delivery_id: int) -> str:
    """Another one whenever its record was corrected, or it was tried again; "" where there is no such dead letter."""
    row = connection.execute(_letter(delivery_id)).one_or_none()
    return "" if row is None else _version(connection, row)


def _version(connection: Connection, row: Row[Any]) -> str:
    payload_id = connection.execute(select(messages.c.payload_id).where(messages.c.seq == row.message_seq)).scalar()
    return f"{row.fence}-{payload_id or 0}"


def resolve(
    connection: Connection,
    payloads: Payloads,
    ids: Sequence[int],
    by: str,
    why: str,
    now: datetime,
    before: datetime | None = None,
) -> int:
    """Ended by a person, with the reason; its lane goes on. `before`: only those that died before then."""
    done = 0
    for delivery_id in ids:
        row = _dead(connection, delivery_id, before)
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


def _letter(delivery_id: int) -> Select[Any]:
    return select(deliveries).where(
        deliveries.c.id == delivery_id, deliveries.c.state == State.DEAD, deliveries.c.is_open != 0
    )


def _dead(connection: Connection, delivery_id: int, before: datetime | None = None) -> Row[Any] | None:
    row = connection.execute(_letter(delivery_id).with_for_update()).one_or_none()
    # one that was dead from birth was never settled
    return None if row is None or (before and (row.settled_at or row.opened_at) >= before) else row


def _reopen(
    connection: Connection,
    payloads: Payloads,
    row: Row[Any] | None,
    action: str,
    by: str,
    why: str,
    now: datetime,
    *,
    request: bytes = b"",
    response: bytes = b"",
) -> int:
    if row is None:
        return 0
    connection.execute(
        update(deliveries)
        .where(deliveries.c.id == row.id)
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
