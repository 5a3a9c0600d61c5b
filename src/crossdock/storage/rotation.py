"""The keys that the master key wraps: under which one, and anew under another.

Each wrapped key begins with its master key's id (security.envelope), so the rows tell themselves. The table is walked
by its primary key, and a row is changed only where it is still what was read: an erased subject stays erased, and two
that rotate at once do no harm. One that is killed and run again passes over what is done.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import LargeBinary, func, select, type_coerce, update
from sqlalchemy.engine import Connection

from crossdock.storage.dialect import insert_once
from crossdock.storage.payloads import Sealer
from crossdock.storage.tables import kept_keys, subject_keys

FINGERPRINTS = "fingerprints"
_WRAPPED = subject_keys.c.wrapped
_KEPT = select(kept_keys.c.wrapped).where(kept_keys.c.name == FINGERPRINTS)
Rewrap = Callable[[bytes], bytes]


def counts(connection: Connection, length: int) -> dict[bytes, int]:
    """How many keys there are by what they begin with, in bytes; reads the whole table."""
    head = _head(_WRAPPED, length)
    rows = connection.execute(select(head, func.count()).where(_WRAPPED.is_not(None)).group_by(head))
    found = {bytes(begin): int(count) for begin, count in rows}
    for wrapped in connection.execute(select(kept_keys.c.wrapped)).scalars():
        begin = bytes(wrapped[:length])
        found[begin] = found.get(begin, 0) + 1
    return found


def fingerprint_key(connection: Connection, sealer: Sealer, now: datetime) -> bytes:
    """The kept key of fingerprints, wrapped; at the first start the one that all before was made with is kept."""
    if (found := kept_fingerprint_key(connection)) is not None:
        return found
    any_row: bytes | None = connection.execute(select(_WRAPPED).where(_WRAPPED.is_not(None)).limit(1)).scalar()
    values = {"name": FINGERPRINTS, "wrapped": sealer.first_fingerprint_key(any_row), "changed_at": now}
    connection.execute(insert_once(kept_keys)(connection.dialect.name), values)
    made: bytes = connection.execute(_KEPT).scalar_one()
    return made


def kept_fingerprint_key(connection: Connection) -> bytes | None:
    """None before the first start of a version that keeps it."""
    found: bytes | None = connection.execute(_KEPT).scalar_one_or_none()
    return found


def rewrap_kept(connection: Connection, rewrap: Rewrap, head: bytes, now: datetime) -> int:
    """Of the few keys that are no subject's; returns how many."""
    return sum(
        connection.execute(
            update(kept_keys)
            .where(kept_keys.c.name == row.name, kept_keys.c.wrapped == row.wrapped)
            .values(wrapped=rewrap(row.wrapped), changed_at=now)
        ).rowcount
        for row in connection.execute(select(kept_keys.c.name, kept_keys.c.wrapped)).all()
        if not bytes(row.wrapped).startswith(head)
    )


def rewrap_subjects(
    connection: Connection, rewrap: Rewrap, head: bytes, after: str, limit: int
) -> tuple[str | None, int]:
    """Of up to `limit` subjects after that one; the last one looked at (None: there are no more), and how many."""
    rows = connection.execute(
        select(subject_keys.c.subject, _WRAPPED)
        .where(subject_keys.c.subject > after, _WRAPPED.is_not(None), _head(_WRAPPED, len(head)) != head)
        .order_by(subject_keys.c.subject)
        .limit(limit)
    ).all()
    done = sum(
        connection.execute(
            update(subject_keys)
            .where(subject_keys.c.subject == row.subject, row.wrapped == _WRAPPED)
            .values(wrapped=rewrap(row.wrapped))
        ).rowcount
        for row in rows
    )
    return (rows[-1].subject if rows else None), done


def _head(column: Any, length: int) -> Any:
    return type_coerce(func.substr(column, 1, length), LargeBinary)
