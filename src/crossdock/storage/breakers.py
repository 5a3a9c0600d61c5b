"""Connections that workers get no answer from. There are rows only while there is such a connection."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.engine import Connection

from crossdock.storage.dialect import insert_once
from crossdock.storage.prepared import Prepared
from crossdock.storage.tables import breakers

NEW = Prepared(insert_once(breakers))


def tell(
    connection: Connection, worker: str, failed: Iterable[str], answered: Iterable[str], now: datetime, before: datetime
) -> None:
    """`failed`: this worker's breaker has opened once more. `answered`: it has closed, which goes for every worker.

    Whoever gets through has the newer word: another worker's half-open breaker may wait long for its next delivery.
    What nobody has renewed since `before` is of workers that are gone, and is let go.
    """
    for name in sorted(answered):
        connection.execute(delete(breakers).where(breakers.c.connection == name))
    for name in sorted(failed):
        mine = (breakers.c.worker == worker, breakers.c.connection == name)
        if not connection.execute(update(breakers).where(*mine).values(seen_at=now)).rowcount:
            NEW.run(connection, {"worker": worker, "connection": name, "since": now, "seen_at": now})
    connection.execute(delete(breakers).where(breakers.c.seen_at < before))


def renew(connection: Connection, worker: str, now: datetime) -> None:
    """This worker is there, and its word stands; of what another one's word has ended nothing comes back."""
    connection.execute(update(breakers).where(breakers.c.worker == worker).values(seen_at=now))


def leave(connection: Connection, worker: str) -> None:
    """This worker ends: it knows nothing any more."""
    connection.execute(delete(breakers).where(breakers.c.worker == worker))


def broken(connection: Connection, since: datetime) -> dict[str, datetime]:
    """Of words that were renewed since then: from when on which connection has not answered."""
    query = select(breakers.c.connection, func.min(breakers.c.since, type_=breakers.c.since.type))
    rows = connection.execute(query.where(breakers.c.seen_at >= since).group_by(breakers.c.connection))
    return {row[0]: row[1] for row in rows}
