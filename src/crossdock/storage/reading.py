"""What people and sweeps ask of the tables. Nothing here writes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, select
from sqlalchemy.engine import Connection, Row

from crossdock.contract.flow import Known
from crossdock.contract.message import Message
from crossdock.delivery.records import Link, State
from crossdock.delivery.store import DeadFilter, DeliveryView, Event, Pause
from crossdock.storage import archive
from crossdock.storage.inbox import DUTY
from crossdock.storage.outbox import MESSAGE_COLUMNS
from crossdock.storage.payloads import Payloads
from crossdock.storage.prepared import Prepared
from crossdock.storage.rows import EDITED, known_of, message_of, view_of
from crossdock.storage.tables import Moment, audit, connections, deliveries, is_open, links, messages
from crossdock.telemetry.traces import id_of

KNOWN = Prepared(
    select(deliveries)
    .where(
        deliveries.c.source == bindparam("wanted_source"),
        deliveries.c.subject == bindparam("wanted_subject"),
        deliveries.c.one_row.is_(False),
    )
    .order_by(deliveries.c.id)
)
# whatever its state: the index of what is due knows no states, and reading every row that waits takes long in a backlog
NEXT_DUE = Prepared(
    select(func.min(deliveries.c.due_at).label("due_at")).where(
        is_open(), deliveries.c.due_at > bindparam("now", type_=Moment)
    )
)
ALL = archive.everything(deliveries)
HEARD = archive.everything(messages)
HEARD_COLUMNS = [HEARD.c[column.name.removeprefix("m_")].label(column.name) for column in MESSAGE_COLUMNS]
UNHEARD = (DUTY, EDITED)  # channels of what a look promised
WAITS = "to be tried again:"
CHUNK = 500  # bound parameters in one statement


def known(connection: Connection, source: str, subject: str) -> list[Known]:
    """Promises about a subject, oldest first; the looks at it are no promises."""
    rows = KNOWN.rows(connection, {"wanted_source": source, "wanted_subject": subject})
    return [known_of(row) for row in rows]


def next_due(connection: Connection, now: datetime) -> datetime | None:
    """The earliest moment from now on at which something comes due, whoever is paused."""
    earliest: datetime | None = NEXT_DUE.scalar(connection, {"now": now})
    return earliest


def paused(connection: Connection) -> list[Pause]:
    """Paused connections."""
    rows = connection.execute(select(connections).where(connections.c.paused_at.is_not(None)))
    return [Pause(connection=row.name, reason=row.reason, since=row.paused_at, by=row.by) for row in rows]


def dead(connection: Connection, which: DeadFilter) -> list[DeliveryView]:
    """Unresolved dead letters, oldest first."""
    query = select(deliveries).where(deliveries.c.state == State.DEAD, deliveries.c.is_open != 0)
    if which.id is not None:
        query = query.where(deliveries.c.id == which.id)
    for name in ("flow", "target", "code", "owner", "reference"):
        if wanted := getattr(which, name):
            query = query.where(deliveries.c[name] == wanted)
    return [view_of(row) for row in connection.execute(query.order_by(deliveries.c.id).limit(which.limit))]


def delivered(
    connection: Connection, flow: str, target: str, begin: datetime, end: datetime, after: int, limit: int
) -> list[DeliveryView]:
    """What was delivered at `begin` or later and before `end`, by id, behind `after`."""
    query = select(ALL).where(
        ALL.c.flow == flow,
        ALL.c.target == target,
        ALL.c.state == State.DELIVERED,
        ALL.c.settled_at >= begin,
        ALL.c.settled_at < end,
        ALL.c.id > after,
    )
    return [view_of(row) for row in connection.execute(query.order_by(ALL.c.id).limit(limit))]


def delivery(connection: Connection, payloads: Payloads, delivery_id: int) -> tuple[DeliveryView, Message] | None:
    """One delivery with its message."""
    row = connection.execute(
        select(ALL, *HEARD_COLUMNS).join(HEARD, HEARD.c.seq == ALL.c.message_seq).where(ALL.c.id == delivery_id)
    ).one_or_none()
    if row is None:
        return None
    return view_of(row), message_of(row, payloads.read(connection, row.m_payload_id))


def promised(connection: Connection, source: str, flow: str, reference: str, key: str) -> list[DeliveryView]:
    """What of this flow was promised under the key or one that begins with it and a colon; `reference` is its index."""
    query = select(ALL).where(
        ALL.c.source == source,
        ALL.c.flow == flow,
        ALL.c.reference == reference,
        (ALL.c.key == key) | ALL.c.key.startswith(f"{key}:", autoescape=True),
    )
    return [view_of(row) for row in connection.execute(query.order_by(ALL.c.id))]


def links_of(connection: Connection, source: str, subject: str) -> list[Link]:
    """What the targets call it and its lines."""
    rows = connection.execute(select(links).where(links.c.source == source, links.c.subject == subject))
    return [
        Link(
            source=row.source,
            subject=row.subject,
            target=row.target,
            part=row.part,
            external_id=row.external_id,
            number=row.number,
        )
        for row in rows
    ]


def find_subjects(connection: Connection, reference: str) -> list[tuple[str, str]]:
    """By the number that people read, else by the source's own id, else by the target's number."""
    for query in (
        select(ALL.c.source, ALL.c.subject).where(ALL.c.reference == reference),
        select(HEARD.c.source, HEARD.c.subject).where(HEARD.c.reference == reference),
        select(links.c.source, links.c.subject).where(links.c.number == reference),
        select(links.c.source, links.c.subject).where(links.c.external_id == reference),
        select(HEARD.c.source, HEARD.c.subject).where(HEARD.c.subject == reference),
    ):
        if rows := connection.execute(query.distinct()).all():
            return [(row.source, row.subject) for row in rows]
    return []


def timeline(connection: Connection, source: str, subject: str) -> list[Event]:
    """Heard, promised, tried, decided: everything, oldest first."""
    owed = connection.execute(select(ALL).where(ALL.c.source == source, ALL.c.subject == subject)).all()
    events = [*_heard(connection, source, subject), *_promised(owed)]
    roads = {row.id: (row.flow, row.target) for row in owed}
    rows = connection.execute(
        select(audit).where(audit.c.source == source, audit.c.entity_id == subject).order_by(audit.c.id)
    )
    for row in rows:
        flow, target = roads.get(row.delivery_id, ("", ""))
        answer = f"HTTP {row.status_code}" if row.status_code else ""
        what = WAITS if row.operation_type == State.PENDING else row.operation_type
        text = " ".join(part for part in (what, answer, row.error_message, row.detail) if part)
        ours = row.actor == "crossdock"
        events.append(
            Event(
                at=row.created_at,
                kind="attempt" if ours else "action",
                flow=flow,
                target=target,
                text=text if ours else f"{text} (by {row.actor})",
            )
        )
    return sorted(events, key=lambda event: event.at)


def _heard(connection: Connection, source: str, subject: str) -> list[Event]:
    rows = connection.execute(
        select(HEARD)
        .where(HEARD.c.source == source, HEARD.c.subject == subject, HEARD.c.channel.not_in(UNHEARD))
        .order_by(HEARD.c.seq)
    )
    return [
        Event(at=row.received_at, kind="heard", flow=row.flow, target=source, text=f"by {row.channel}: {row.id}")
        for row in rows
    ]


def _promised(rows: Sequence[Row[Any]]) -> list[Event]:
    found = []
    for row in rows:
        found.append(
            Event(at=row.created_at, kind="promised", flow=row.flow, target=row.target, text=f"under {row.key}")
        )
        standing = f"{row.state}{' (maybe sent)' if row.maybe_sent and row.state != State.DELIVERED else ''}"
        why = f": {row.reason}" if row.reason else ""
        at = row.settled_at or row.due_at
        found.append(Event(at=at, kind="state", flow=row.flow, target=row.target, text=f"{standing}{why}"))
    return found


def traces(connection: Connection, source: str, subject: str) -> dict[str, list[str]]:
    """By trace id, the flows of its deliveries that belong to that trace; the oldest first."""
    query = (
        select(ALL.c.flow, HEARD.c.trace)
        .join(HEARD, HEARD.c.seq == ALL.c.message_seq)
        .where(ALL.c.source == source, ALL.c.subject == subject, HEARD.c.trace != "")
        .order_by(HEARD.c.seq, ALL.c.id)
    )
    found: dict[str, list[str]] = {}
    for flow, trace in connection.execute(query):
        found.setdefault(id_of(trace), []).append(flow)
    return found


def counts(connection: Connection) -> dict[tuple[str, str, str], int]:
    """Deliveries by (flow, target, state); dead ones that were resolved count as "resolved"."""
    found: dict[tuple[str, str, str], int] = {}
    rows = connection.execute(
        select(deliveries.c.flow, deliveries.c.target, deliveries.c.state, deliveries.c.is_open, func.count()).group_by(
            deliveries.c.flow, deliveries.c.target, deliveries.c.state, deliveries.c.is_open
        )
    )
    for flow, target, state, still_open, number in rows:
        name = "resolved" if state == State.DEAD and not still_open else state
        found[flow, target, name] = found.get((flow, target, name), 0) + number
    return found


def open_subjects(connection: Connection, source: str, flow: str, older_than: datetime, limit: int) -> list[str]:
    """Subjects whose last look is older and whose reason says that they may still change; oldest first."""
    rows = connection.execute(
        select(deliveries.c.subject)
        .where(
            deliveries.c.source == source,
            deliveries.c.flow == flow,
            deliveries.c.state == State.DELIVERED,
            deliveries.c.settled_at < older_than,
            deliveries.c.code != "final",
        )
        .order_by(deliveries.c.settled_at)
        .limit(limit)
    )
    return list(rows.scalars())


def seen(connection: Connection, source: str, subjects: Sequence[str]) -> set[str]:
    """Which of them were ever recorded to be dealt with; what is only kept, or was given up as gone, does not count."""
    found: set[str] = set()
    for chunk in _chunks(subjects):
        found.update(
            connection.execute(
                select(ALL.c.subject)
                .where(
                    ALL.c.source == source,
                    ALL.c.subject.in_(chunk),
                    ALL.c.state != State.SUPERSEDED,
                )
                .distinct()
            ).scalars()
        )
    return found


def looks_at(connection: Connection, source: str, flow: str, subjects: Sequence[str]) -> dict[str, DeliveryView]:
    """By subject, the one row of a LOOK flow for each that has one."""
    found: dict[str, DeliveryView] = {}
    for chunk in _chunks(subjects):
        rows = connection.execute(
            select(ALL).where(ALL.c.source == source, ALL.c.flow == flow, ALL.c.subject.in_(chunk))
        )
        found |= {row.subject: view_of(row) for row in rows}
    return found


def looks_below(connection: Connection, source: str, flow: str, prefix: str) -> list[str]:
    """Subjects of a LOOK flow that begin so, in the order in which they came."""
    mine = (ALL.c.source == source, ALL.c.flow == flow, ALL.c.subject.startswith(prefix, autoescape=True))
    return list(connection.execute(select(ALL.c.subject).where(*mine).order_by(ALL.c.id)).scalars())


def last_heard(connection: Connection, source: str, flow: str, reference: str) -> str:
    """The id of the newest message of this flow about the reference, or ""."""
    query = select(HEARD.c.id).where(HEARD.c.reference == reference, HEARD.c.source == source, HEARD.c.flow == flow)
    return str(connection.execute(query.order_by(HEARD.c.seq.desc()).limit(1)).scalar() or "")


def newest(connection: Connection, payloads: Payloads, flow: str, limit: int) -> list[Message]:
    """The newest message of each subject that has its body still, newest first."""
    last = (
        select(func.max(HEARD.c.seq).label("seq"))
        .where(HEARD.c.flow == flow, HEARD.c.payload_id.is_not(None))
        .group_by(HEARD.c.source, HEARD.c.subject)
        .order_by(func.max(HEARD.c.seq).desc())
        .limit(limit)
        .subquery()
    )
    rows = connection.execute(select(*HEARD_COLUMNS).join(last, last.c.seq == HEARD.c.seq).order_by(HEARD.c.seq.desc()))
    found = (message_of(row, payloads.read(connection, row.m_payload_id)) for row in rows.all())
    return [message for message in found if message.payload]


def _chunks(subjects: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(subjects), CHUNK):
        yield subjects[start : start + CHUNK]
