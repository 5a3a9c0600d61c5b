"""The audit trail, searched: who did what to which subject, and what answered."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from crossdock.operations import cursor
from crossdock.operations.deliveries import limit_of, moment
from crossdock.operations.desk import Desk, View, line
from crossdock.storage.listing import LAST, Spot
from crossdock.storage.tables import EPOCH
from crossdock.storage.trail_search import AuditFilter, AuditRow

STEP = 1000


class Asked(View, frozen=True, kw_only=True):
    """Every given part must match. `operation` is the beginning of one. `people`: only what people did."""

    subject: str = ""
    actor: str = ""
    operation: str = ""
    people: bool = False
    since: datetime | None = None
    until: datetime | None = None
    cursor: str = ""
    limit: int = 50


class Entry(View, frozen=True, kw_only=True):
    """One line, without its bodies. `position` is its place in the chain; None for the moment until it is sealed."""

    id: int
    position: int | None
    at: datetime
    actor: str
    operation: str
    entity: str
    source: str
    subject: str
    key: str
    delivery_id: int | None
    status: int | None
    error: str
    detail: str
    duration_ms: int


class Page(View, frozen=True, kw_only=True):
    """A page may be short, even empty, and not the last: each looks at a bounded number of lines. `next` tells."""

    rows: list[Entry]
    next: str | None
    cli: str = line("audit", "export")


def page(desk: Desk, asked: Asked) -> Page:
    """Newest first. Raises MappingError for what cannot be asked."""
    found = desk.store.operations.audit(_filter(asked), desk.names)
    return Page(rows=[_entry(row) for row in found.rows], next=cursor.encode(found.next))


def export(desk: Desk, asked: Asked) -> Iterator[Entry]:
    """All that fits, newest first, a step at a time. `limit` and `cursor` are not asked for."""
    which: AuditFilter | None = _filter(asked, STEP)
    while which is not None:
        found = desk.store.operations.audit(which, desk.names)
        yield from map(_entry, found.rows)
        which = None if found.next is None else _behind(which, found.next)


def _behind(which: AuditFilter, spot: Spot) -> AuditFilter:
    told: dict[str, Any] = {name: getattr(which, name) for name in AuditFilter.__struct_fields__}
    return AuditFilter(**told | {"before": spot})


def _filter(asked: Asked, limit: int = 0) -> AuditFilter:
    return AuditFilter(
        subject=asked.subject.replace("\0", ""),
        actor=asked.actor,
        operation=asked.operation,
        people=asked.people,
        since=moment(asked.since, "since") or EPOCH,
        until=moment(asked.until, "until") or LAST,
        limit=limit or limit_of(asked.limit),
        **({"before": cursor.decode(asked.cursor)} if asked.cursor and not limit else {}),
    )


def _entry(row: AuditRow) -> Entry:
    return Entry(
        id=row.id,
        position=row.position,
        at=row.created_at,
        actor=row.actor,
        operation=row.operation_type,
        entity=row.entity_type,
        source=row.source,
        subject=row.entity_id,
        key=row.idempotency_key,
        delivery_id=row.delivery_id,
        status=row.status_code,
        error=row.error_message,
        detail=row.detail,
        duration_ms=row.duration_ms,
    )


__all__ = ["Asked", "Entry", "Page", "export", "page"]
