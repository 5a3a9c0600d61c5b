"""The audit trail: append-only rows, chained by hash soon after they are written.

Rows are written by many at once and so cannot each wait for the one before; `seal` gives them their place in the chain
in batches, within a second in a running Crossdock. What is not sealed yet is not proven yet: `verify` seals first.
Old rows are let go by retention.py; an anchor holds the place of each run of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, literal_column, select, text, update
from sqlalchemy.engine import Connection, Row

from crossdock.delivery.records import Attempt, Delivery
from crossdock.model.base import Record
from crossdock.security import chain
from crossdock.storage import anchors
from crossdock.storage.payloads import Payloads
from crossdock.storage.prepared import Prepared
from crossdock.storage.rows import payload_subject
from crossdock.storage.tables import audit
from crossdock.transport.kept import parted

APPEND = Prepared(audit.insert().inline())
LAST = Prepared(
    select(audit.c.position, audit.c.hash)
    .where(audit.c.position.is_not(None))
    .order_by(audit.c.position.desc())
    .limit(literal_column("1"))
)
LOOSE = Prepared(select(audit).where(audit.c.position.is_(None)).order_by(audit.c.id).limit(bindparam("most")))
PLACE = Prepared(update(audit).where(audit.c.id == bindparam("wanted")))
PAGE = 1000  # rows in memory at a time
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
        "mapping": attempt.mapping,
    }
    APPEND.later(connection, values)


def lock(connection: Connection) -> None:
    """One at a time lengthens or shortens the chain, until this transaction ends. SQLite has one writer anyhow."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(7305105)"))


def seal(connection: Connection, limit: int) -> int:
    """Give unsealed rows their place in the chain; returns how many."""
    lock(connection)
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


class Proof(Record, frozen=True, kw_only=True):
    """What checking the chain came to. `broken_at`: the first position that does not fit, or None.

    `rows` were checked, from the position `since` on, up to `head`, the last hash; `gone` older ones were let go
    before, lately at `removed_at`, and `anchors` hold their places. `noted_at`: where the hash stands that was noted.
    """

    rows: int
    since: int
    head: str
    broken_at: int | None = None
    gone: int = 0
    anchors: int = 0
    removed_at: datetime | None = None
    noted_at: int | None = None


def prove(connection: Connection, noted: bytes = b"") -> Proof:
    """Every row that is there, against the one before it or the anchor in that one's place.

    `noted`: the hash that once was the last one. Where the chain holds and has it not, its tail was cut off and
    written anew, unless it went with rows let go by age.
    """
    held = list(anchors.listed(connection))
    walk = _Walk(held, noted)
    query = select(audit).where(audit.c.position.is_not(None)).order_by(audit.c.position)
    with connection.execute(query, execution_options={"yield_per": PAGE}) as rows:
        broken = next((place for row in rows if (place := walk.take(row)) is not None), None)
    return Proof(
        rows=walk.rows,
        since=walk.since,
        head=walk.previous.hex() if walk.rows else "",
        broken_at=broken if broken is not None else walk.end(),
        gone=sum(one.last - one.first + 1 for one in held),
        anchors=len(held),
        removed_at=max((one.removed_at for one in held), default=None),
        noted_at=walk.noted_at,
    )


class _Walk:
    """Along the chain, row by row, over the anchors."""

    def __init__(self, held: Sequence[anchors.Anchor], noted: bytes) -> None:
        self._held = {one.first: one for one in held}
        self._noted = noted
        self.noted_at: int | None = None
        self.previous, self._expected = GENESIS, 1
        self.rows = self.since = 0

    def take(self, row: Row[Any]) -> int | None:
        """The position that does not fit: this one, or one before it."""
        if (broken := self._over_anchors()) is not None:
            return broken
        self.previous = chain.link(self.previous, chained(row._mapping, self._expected))  # noqa: SLF001
        if row.position != self._expected or row.hash != self.previous:
            return self._expected
        self.rows, self.since = self.rows + 1, self.since or self._expected
        self._pass(self._expected)
        return None

    def end(self) -> int | None:
        """An anchor that holds no place between rows is none of ours."""
        return min(self._held, default=None)

    def _over_anchors(self) -> int | None:
        while (anchor := self._held.pop(self._expected, None)) is not None:
            if anchor.before != self.previous:
                return self._expected
            self.previous = anchor.hash
            self._pass(anchor.last)
        return None

    def _pass(self, position: int) -> None:
        if self.previous == self._noted:
            self.noted_at = position
        self._expected = position + 1


def export(connection: Connection, payloads: Payloads, *, bodies: bool) -> Iterator[dict[str, Any]]:
    """The anchors, then every row, oldest first; with bodies where asked for and not erased."""
    for anchor in anchors.listed(connection):
        hashes = {"before": anchor.before.hex(), "hash": anchor.hash.hex()}
        yield {"anchor": {"first": anchor.first, "last": anchor.last, "removed_at": anchor.removed_at} | hashes}
    with connection.execute(select(audit).order_by(audit.c.id), execution_options={"yield_per": PAGE}) as rows:
        for row in rows:
            line = {name: row._mapping[name] for name in CHAINED}  # noqa: SLF001
            place = {"position": row.position, "hash": row.hash.hex() if row.hash else None}
            line |= {"created_at": row.created_at} | place
            if bodies:
                line["request"] = payloads.read(connection, row.request_id).decode(errors="replace")
                answer = parted(payloads.read(connection, row.response_id))[1]
                line["response"] = answer.decode(errors="replace")
            yield line


def size(connection: Connection) -> int:
    """How many rows there are."""
    return connection.execute(select(func.count()).select_from(audit)).scalar_one()
