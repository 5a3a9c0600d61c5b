"""Incidents, and the notices that people are owed of them: an outbox of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import delete, func, select, update
from sqlalchemy.engine import Connection, Row

from crossdock.delivery.records import Attempt
from crossdock.delivery.store import Checkpoint
from crossdock.incidents.records import Fate, Incident, Notice, Severity, Sight, State, Transition
from crossdock.storage import streams, trail
from crossdock.storage.dialect import insert_once
from crossdock.storage.payloads import Payloads
from crossdock.storage.prepared import Prepared
from crossdock.storage.tables import deliveries, incidents, notices

NEW = Prepared(insert_once(incidents))
OWED = Prepared(insert_once(notices))
# an acknowledgement is written by a person while we look: a round leaves it as it is
KEPT = (
    "state", "last_at", "peak", "opened_at", "cleared_at", "resolved_at", "told_at", "told_count", "told_severity",
)  # fmt: skip
LISTS = ("told", "done")
NOTICE = [name for name in Notice.__struct_fields__ if name not in {"id", "targets"}]
STILL_OPEN = incidents.c.resolved_at.is_(None)


def unresolved(connection: Connection) -> list[Incident]:
    """In the order in which they were first seen."""
    return [_incident(row) for row in connection.execute(select(incidents).where(STILL_OPEN).order_by(incidents.c.id))]


def keep(
    connection: Connection, claimed: Checkpoint, now: datetime, changed: Iterable[Incident], owed: Iterable[Notice]
) -> bool:
    """Incidents as they are by now, and what is to be told of it, each once; False under an older claim.

    The claim holds on until its `held_until`.
    """
    if not streams.advance(connection, claimed, now, complete=True):
        return False
    for one in changed:
        if one.id:
            same = (incidents.c.id == one.id, STILL_OPEN)
            connection.execute(update(incidents).where(*same).values(_values(one)))
        else:
            NEW.run(connection, _values(one) | {"key": one.sight.key, "first_at": one.first_at})
    for notice in owed:
        OWED.run(connection, {name: getattr(notice, name) for name in NOTICE})
    return True


def one(connection: Connection, number: int) -> Incident | None:
    """By its number."""
    row = connection.execute(select(incidents).where(incidents.c.id == number)).one_or_none()
    return None if row is None else _incident(row)


def page(connection: Connection, *, resolved: bool | None, before: int, limit: int) -> list[Incident]:
    """Newest first, of numbers below `before`. `resolved`: None for all. What nobody was told of is left out."""
    query = select(incidents).where(incidents.c.id < before, incidents.c.opened_at.is_not(None))
    if resolved is not None:
        query = query.where(incidents.c.resolved_at.is_not(None) if resolved else STILL_OPEN)
    return [_incident(row) for row in connection.execute(query.order_by(incidents.c.id.desc()).limit(limit))]


def resolved_since(connection: Connection, since: datetime) -> list[Incident]:
    """Of which somebody was told."""
    query = select(incidents).where(incidents.c.resolved_at > since, incidents.c.told != "[]")
    return [_incident(row) for row in connection.execute(query.order_by(incidents.c.id))]


def acknowledge(connection: Connection, payloads: Payloads, number: int, by: str, why: str, now: datetime) -> bool:
    """Somebody is at it; with its line in the trail. False where it was acknowledged already, or is resolved."""
    same = (incidents.c.id == number, STILL_OPEN, incidents.c.acknowledged_at.is_(None))
    told = {"acknowledged_at": now, "acknowledged_by": by, "acknowledged_why": why}
    if connection.execute(update(incidents).where(*same).values(told)).rowcount != 1:
        return False
    action = Attempt(
        operation="acknowledge", entity="incident", entity_id=str(number), started_at=now, actor=by, detail=why
    )
    trail.append(connection, payloads, action, None, now)
    return True


def notices_of(connection: Connection, number: int) -> list[Notice]:
    """Of an incident, in the order in which they were owed."""
    rows = connection.execute(select(notices).where(notices.c.incident_id == number).order_by(notices.c.id))
    return [_notice(row) for row in rows]


def pending(connection: Connection, limit: int) -> list[Notice]:
    """Notices that are owed, also those whose time has not come, in the order in which they came to be."""
    rows = connection.execute(
        select(notices).where(notices.c.state == Fate.PENDING).order_by(notices.c.id).limit(limit)
    )
    return [_notice(row) for row in rows]


def settle(connection: Connection, claimed: Checkpoint, tried: Iterable[Notice]) -> bool:
    """What an attempt came to, of all that went as one message; False, and nothing written, under an older claim."""
    if not streams.holds(connection, claimed):
        return False
    told = ("state", "attempts", "due_at", "error", "sent_at")
    for notice in tried:
        values = {name: getattr(notice, name) for name in told} | {"targets": _listed(notice.targets)}
        same = (notices.c.id == notice.id, notices.c.state == Fate.PENDING)
        connection.execute(update(notices).where(*same).values(values))
    return True


def digests(connection: Connection) -> dict[str, datetime]:
    """The time of each audience's newest digest."""
    query = select(notices.c.audience, func.max(notices.c.due_at, type_=notices.c.due_at.type))
    of_digests = (notices.c.incident_id == 0, notices.c.transition == Transition.DIGEST)
    rows = connection.execute(query.where(*of_digests).group_by(notices.c.audience))
    return {row[0]: row[1] for row in rows}


def counts(connection: Connection) -> dict[tuple[str, str], int]:
    """Incidents that are open and that were told, by kind and severity."""
    where = (STILL_OPEN, incidents.c.opened_at.is_not(None))
    grouped = (incidents.c.kind, incidents.c.severity)
    rows = connection.execute(select(*grouped, func.count()).where(*where).group_by(*grouped))
    return {(kind, severity): count for kind, severity, count in rows}


def fates(connection: Connection) -> dict[tuple[str, str], int]:
    """Notices by audience and state, of as long as they are kept."""
    grouped = (notices.c.audience, notices.c.state)
    rows = connection.execute(select(*grouped, func.count()).group_by(*grouped))
    return {(audience, state): count for audience, state, count in rows}


def references(connection: Connection, ids: Sequence[int]) -> dict[int, str]:
    """What people call the subjects of these deliveries."""
    rows = connection.execute(select(deliveries.c.id, deliveries.c.reference).where(deliveries.c.id.in_(ids)))
    return {row.id: row.reference for row in rows}


def forget(connection: Connection, before: datetime, limit: int) -> int:
    """What was resolved before then, with its notices, and digests as old; returns how many incidents."""
    old = select(incidents.c.id).where(incidents.c.resolved_at < before).limit(limit)
    ids = list(connection.execute(old).scalars())
    connection.execute(delete(notices).where(notices.c.incident_id.in_(ids)))
    connection.execute(delete(incidents).where(incidents.c.id.in_(ids)))
    # the newest digest of an audience says when its next one is due
    newest = select(func.max(notices.c.id)).where(notices.c.incident_id == 0).group_by(notices.c.audience)
    past = (notices.c.incident_id == 0, notices.c.due_at < before, notices.c.state != Fate.PENDING)
    connection.execute(delete(notices).where(*past, notices.c.id.not_in(newest)))
    return len(ids)


def _values(one: Incident) -> dict[str, Any]:
    told = {name: getattr(one, name) for name in KEPT} | {name: _listed(getattr(one, name)) for name in LISTS}
    return told | {"kind": one.sight.kind, "severity": one.sight.severity, "sight": _listed(one.sight)}


def _listed(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _incident(row: Row[Any]) -> Incident:
    values = {name: row._mapping[name] for name in Incident.__struct_fields__ if name != "sight"}  # noqa: SLF001
    lists = {
        "told": msgspec.json.decode(row.told, type=tuple[str, ...]),
        "done": msgspec.json.decode(row.done, type=dict[str, int]),
    }
    words = {"state": State(row.state), "told_severity": Severity(row.told_severity)}
    return Incident(**values | lists | words, sight=msgspec.json.decode(row.sight, type=Sight))


def _notice(row: Row[Any]) -> Notice:
    values = {name: row._mapping[name] for name in Notice.__struct_fields__}  # noqa: SLF001
    words = {
        "transition": Transition(row.transition),
        "severity": Severity(row.severity),
        "state": Fate(row.state),
        "targets": msgspec.json.decode(row.targets, type=tuple[str, ...]),
    }
    return Notice(**values | words)
