"""The audit trail: append-only rows, chained by hash soon after they are written.

Rows are written by many at once and so cannot each wait for the one before; `seal` gives them their place in the chain
in batches, within a second in a running Crossdock. What is not sealed yet is not proven yet: `verify` seals first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, literal_column, select, text, update
from sqlalchemy.engine import Connection

from crossdock.delivery.records import Attempt, Delivery
from crossdock.security import chain
from crossdock.storage.payloads import Payloads
from crossdock.storage.prepared import Prepared
from crossdock.storage.rows import payload_subject
from crossdock.storage.tables import audit

APPEND = Prepared(audit.insert().inline())
LAST = Prepared(
    select(audit.c.position, audit.c.hash)
    .where(audit.c.position.is_not(None))
    .order_by(audit.c.position.desc())
    .limit(literal_column("1"))
)
LOOSE = Prepared(select(audit).where(audit.c.position.is_(None)).order_by(audit.c.id).limit(bindparam("most")))
PLACE = Prepared(update(audit).where(audit.c.id == bindparam("wanted")))
GENESIS = b"\x00" * 32
CHAINED = [
    "id",
    "delivery_id",
    "source",
    "operation_type",
    "entity_type",
    "entity_id",
    "idempotency_key",
    "request_hash",
    "response_hash",
    "status_code",
    "error_message",
    "detail",
    "actor",
    "duration_ms",
]


def append(
    connection: Connection,
    payloads: Payloads,
    attempt: Attempt,
    delivery: Delivery | None,
    now: datetime,
    *,
    source: str = "",
    delivery_id: int | None = None,
) -> None:
    """One attempt or action. Its bodies go to the payload store, their hashes into the row."""
    source = delivery.source if delivery else source
    subject = payload_subject(source, attempt.entity_id)
    values = {
        "delivery_id": delivery.id if delivery else delivery_id,
        "source": source,
        "operation_type": attempt.operation,
        "entity_type": attempt.entity,
        "entity_id": attempt.entity_id,
        "idempotency_key": attempt.key,
        "request_id": payloads.keep_later(connection, subject, attempt.request, now),
        "request_hash": payloads.hash_of(attempt.request),
        "response_id": payloads.keep_later(connection, subject, attempt.response, now),
        "response_hash": payloads.hash_of(attempt.response),
        "status_code": attempt.status,
        "error_message": attempt.error,
        "detail": attempt.detail,
        "actor": attempt.actor,
        "duration_ms": attempt.duration_ms,
        "created_at": attempt.started_at,
    }
    APPEND.later(connection, values)


def seal(connection: Connection, limit: int) -> int:
    """Give unsealed rows their place in the chain; returns how many."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(7305105)"))  # one sealer at a time
    last = LAST.first(connection, {})
    position, previous = (last.position, last.hash) if last else (0, GENESIS)
    places = []
    for row in LOOSE.rows(connection, {"most": limit}):
        position += 1
        previous = chain.link(previous, chained(row._asdict(), position))
        places.append({"wanted": row.id, "position": position, "hash": previous})
    PLACE.many(connection, places)
    return len(places)


def chained(row: Mapping[Any, Any], position: int) -> dict[str, Any]:
    """What of a row the chain covers: all but the bodies themselves, which may be erased."""
    return {"position": position, "created_at": row["created_at"]} | {name: row[name] for name in CHAINED}


def broken_at(connection: Connection) -> int | None:
    """The position of the first row that does not fit the chain, or None."""
    previous, expected = GENESIS, 1
    rows = connection.execute(select(audit).where(audit.c.position.is_not(None)).order_by(audit.c.position))
    for row in rows:
        previous = chain.link(previous, chained(row._mapping, expected))  # noqa: SLF001
        if row.position != expected or row.hash != previous:
            return expected
        expected += 1
    return None


def sealed(connection: Connection) -> tuple[int, str]:
    """How many rows are in the chain, and its last hash: write this down elsewhere to notice a cut tail."""
    last = LAST.first(connection, {})
    return (last.position, last.hash.hex()) if last else (0, "")


def export(connection: Connection, payloads: Payloads, *, bodies: bool) -> Iterator[dict[str, Any]]:
    """Every row, oldest first; with bodies where asked for and not erased."""
    for row in connection.execute(select(audit).order_by(audit.c.id)):
        line = {name: row._mapping[name] for name in CHAINED}  # noqa: SLF001
        line |= {"created_at": row.created_at, "position": row.position, "hash": row.hash.hex() if row.hash else None}
        if bodies:
            line["request"] = payloads.read(connection, row.request_id).decode(errors="replace")
            line["response"] = payloads.read(connection, row.response_id).decode(errors="replace")
        yield line


def size(connection: Connection) -> int:
    """How many rows there are."""
    return connection.execute(select(func.count()).select_from(audit)).scalar_one()
