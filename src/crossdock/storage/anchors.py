"""Anchors: each holds the place of a run of audit rows that were let go, so that the chain can be proven past it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import delete, or_, select
from sqlalchemy.engine import Connection

from crossdock.model.base import Record
from crossdock.storage.tables import audit_anchors


class Anchor(Record, frozen=True, kw_only=True):
    """Positions `first` to `last` are gone. `before` is the hash in front of them, `hash` that of the last of them."""

    first: int
    last: int
    before: bytes
    hash: bytes
    removed_at: datetime


def listed(connection: Connection) -> Iterator[Anchor]:
    """By position."""
    for row in connection.execute(select(audit_anchors).order_by(audit_anchors.c.first)):
        yield Anchor(first=row.first, last=row.last, before=row.before, hash=row.hash, removed_at=row.removed_at)


def put(connection: Connection, anchor: Anchor) -> Anchor:
    """One anchor for it and for those that it touches, however often a run grows; returns that one."""
    touching = or_(audit_anchors.c.last == anchor.first - 1, audit_anchors.c.first == anchor.last + 1)
    rows = connection.execute(select(audit_anchors).where(touching).order_by(audit_anchors.c.first)).all()
    low = next((row for row in rows if row.last == anchor.first - 1), anchor)
    high = next((row for row in rows if row.first == anchor.last + 1), anchor)
    whole = Anchor(first=low.first, last=high.last, before=low.before, hash=high.hash, removed_at=anchor.removed_at)
    connection.execute(delete(audit_anchors).where(audit_anchors.c.first.in_([row.first for row in rows])))
    connection.execute(audit_anchors.insert().values({name: getattr(whole, name) for name in Anchor.__struct_fields__}))
    return whole
