"""Forgetting bodies in time. Rows, hashes and the chain stay; what is still owed keeps its body, however old."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.engine import Connection

from crossdock.storage.tables import deliveries, is_open, messages, payloads


def forget_bodies(connection: Connection, before: datetime, limit: int) -> int:
    """Remove at most `limit` bodies older than `before`; returns how many."""
    owed = (
        select(messages.c.payload_id)
        .join(deliveries, deliveries.c.message_seq == messages.c.seq)
        .where(is_open(), messages.c.payload_id.is_not(None))
    )
    query = select(payloads.c.id).where(payloads.c.created_at < before, payloads.c.id.not_in(owed))
    old = list(connection.execute(query.order_by(payloads.c.created_at).limit(limit)).scalars())
    if old:
        connection.execute(update(messages).where(messages.c.payload_id.in_(old)).values(payload_id=None))
        connection.execute(delete(payloads).where(payloads.c.id.in_(old)))
    return len(old)
