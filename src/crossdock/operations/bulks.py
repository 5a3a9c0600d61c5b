"""Bulks: what a target has of ours in its own queue, and how far it is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from crossdock.contract.ledger import BatchState, TellsBatches
from crossdock.errors import NotThere
from crossdock.operations.desk import Desk, View, line


class Bulk(View, frozen=True, kw_only=True):
    """Rows that went together and are not known to have ended. `ticket`: the target's name of it, else ""."""

    connection: str
    batch: str
    ticket: str
    rows: int
    at: datetime
    cli: str


class Progress(View, frozen=True, kw_only=True):
    """Asked of the target now. `status`: 0 not begun, 1 under way, 2 done, 3 ended with failures."""

    connection: str
    ticket: str
    status: int
    total: int
    successful: int
    failed: int
    open: int
    started: str
    reasons: Mapping[str, int]
    cli: str


def every(desk: Desk) -> list[Bulk]:
    """Oldest first for each connection."""
    return [
        Bulk(
            connection=name,
            batch=one.batch,
            ticket=one.ticket,
            rows=one.rows,
            at=one.at,
            cli=line("bulk", "status", one.ticket) if one.ticket else line("bulk", "list"),
        )
        for name in sorted(_stores(desk))
        for one in desk.store.ledger(name).batches()
    ]


def progress(desk: Desk, connection: str, ticket: str) -> Progress:
    """Raises NotThere where the target knows no such bulk, DeliveryError where it does not answer."""
    stores = _stores(desk)
    if connection not in stores:
        raise NotThere(f"{connection[:40]!r} is no connection that takes bulks")
    if (found := stores[connection].batch_state(ticket)) is None:
        raise NotThere(f"{connection} knows no such bulk")
    return _progress(connection, found)


def _progress(connection: str, found: BatchState) -> Progress:
    return Progress(
        connection=connection,
        ticket=found.ticket,
        status=found.status,
        total=found.total,
        successful=found.successful,
        failed=found.failed,
        open=found.open,
        started=found.start_time,
        reasons=found.reasons,
        cli=line("bulk", "status", found.ticket, "--connection", connection),
    )


def _stores(desk: Desk) -> dict[str, TellsBatches]:
    ends = desk.crossdock.connections.by_name.items()
    return {name: end for name, end in ends if isinstance(end, TellsBatches)}


__all__ = ["Bulk", "Progress", "every", "progress"]
