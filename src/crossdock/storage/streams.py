"""Streams: how far a source was read, and the one reader that may go on from there."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import or_, select, update
from sqlalchemy.engine import Connection, Row

from crossdock.contract.connector import Watermark
from crossdock.delivery.store import Checkpoint
from crossdock.storage.dialect import insert_once
from crossdock.storage.prepared import Prepared
from crossdock.storage.tables import checkpoints

NEW = Prepared(insert_once(checkpoints))


def claim(
    connection: Connection, source: str, stream: str, holder: str, now: datetime, until: datetime
) -> Checkpoint | None:
    """A new fence for the new reader; None while another's claim holds."""
    NEW.run(connection, {"source": source, "stream": stream, "fence": 0})
    done = connection.execute(
        update(checkpoints)
        .where(
            checkpoints.c.source == source,
            checkpoints.c.stream == stream,
            or_(checkpoints.c.held_until.is_(None), checkpoints.c.held_until < now),
        )
        .values(holder=holder, held_until=until, fence=checkpoints.c.fence + 1)
    )
    return read(connection, source, stream) if done.rowcount == 1 else None


def release(connection: Connection, checkpoint: Checkpoint) -> None:
    """Only our own claim."""
    connection.execute(
        update(checkpoints)
        .where(
            checkpoints.c.source == checkpoint.source,
            checkpoints.c.stream == checkpoint.stream,
            checkpoints.c.fence == checkpoint.fence,
        )
        .values(holder=None, held_until=None)
    )


def advance(connection: Connection, checkpoint: Checkpoint, now: datetime, *, complete: bool) -> bool:
    """The watermark of what is stored in this same transaction; False under an older fence."""
    values: dict[str, object] = {"read_at": now}
    if checkpoint.watermark is not None:
        values["watermark"] = msgspec.json.encode(checkpoint.watermark.value).decode()
    if complete:
        values["complete_at"] = now
    if checkpoint.held_until is not None:
        values["held_until"] = checkpoint.held_until
    done = connection.execute(
        update(checkpoints)
        .where(
            checkpoints.c.source == checkpoint.source,
            checkpoints.c.stream == checkpoint.stream,
            checkpoints.c.fence == checkpoint.fence,
        )
        .values(values)
    )
    return done.rowcount == 1


def holds(connection: Connection, checkpoint: Checkpoint) -> bool:
    """Whether this claim is the newest one, and stays so until this transaction ends."""
    query = select(checkpoints.c.fence).where(
        checkpoints.c.source == checkpoint.source, checkpoints.c.stream == checkpoint.stream
    )
    return connection.execute(query.with_for_update()).scalar() == checkpoint.fence


def read(connection: Connection, source: str, stream: str) -> Checkpoint | None:
    """Where a stream stands."""
    row = connection.execute(
        select(checkpoints).where(checkpoints.c.source == source, checkpoints.c.stream == stream)
    ).one_or_none()
    return None if row is None else _checkpoint(row)


def all_of_them(connection: Connection) -> list[Checkpoint]:
    """Where every stream stands."""
    rows = connection.execute(select(checkpoints).order_by(checkpoints.c.source, checkpoints.c.stream))
    return [_checkpoint(row) for row in rows]


def _checkpoint(row: Row[tuple[object, ...]]) -> Checkpoint:
    return Checkpoint(
        source=row.source,
        stream=row.stream,
        watermark=Watermark(value=msgspec.json.decode(row.watermark)) if row.watermark else None,
        fence=row.fence,
        read_at=row.read_at,
        complete_at=row.complete_at,
        held_until=row.held_until,
    )
