"""Incidents: what is wrong, since when, who was told of it, and that somebody is at it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from crossdock.errors import MappingError, NotNow, NotThere
from crossdock.incidents.records import Incident, Notice
from crossdock.incidents.texts import done, line, worst_first
from crossdock.operations.desk import Desk, View, needs_why
from crossdock.operations.desk import line as command
from crossdock.storage.sql_incidents import NEWEST

MOST = 500
WHICH: Mapping[str, bool | None] = {"open": False, "resolved": True, "all": None}


class AtStake(View, frozen=True, kw_only=True):
    """Money in one currency, a decimal as text in JSON."""

    currency: str
    amount: Decimal


class Listed(View, frozen=True, kw_only=True):
    """One incident. `state`: gathering, open, clearing (nothing of it is left, for a while yet), resolved.

    `count`: now, or at last; `peak`: at its most. `capped`: there are more. `first_at`: seen first; `since`: of the
    oldest of its causes. `told`: audiences that know of it.
    """

    id: int
    state: str
    kind: str
    severity: str
    owner: str
    summary: str
    flow: str
    connection: str
    code: str
    cause: str
    count: int
    capped: bool
    peak: int
    money: list[AtStake]
    examples: list[str]
    since: datetime
    first_at: datetime
    last_at: datetime
    resolved_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str
    acknowledged_why: str
    told: list[str]
    done: str
    cli: str


class Told(View, frozen=True, kw_only=True):
    """One message to one audience. `state`: pending, sent, failed, skipped (its digest tells it)."""

    audience: str
    transition: str
    at: datetime
    due_at: datetime
    sent_at: datetime | None
    state: str
    tries: int
    title: str
    error: str
    ref: str


class Shown(View, frozen=True, kw_only=True):
    """With every message of it."""

    incident: Listed
    messages: list[Told]
    cli: str


class Acknowledged(View, frozen=True, kw_only=True):
    """`changed` is false where somebody had done so already."""

    id: int
    changed: bool
    by: str
    cli: str


def every(desk: Desk, which: str = "open", before: int = NEWEST, limit: int = 100) -> list[Listed]:
    """Open ones by their severity, others newest first. Raises MappingError for what cannot be asked."""
    if which not in WHICH:
        raise MappingError("state", f"is one of {', '.join(WHICH)}")
    if not 1 <= limit <= MOST:
        raise MappingError("limit", f"is from 1 to {MOST}")
    found = desk.store.incidents.page(resolved=WHICH[which], before=before, limit=limit)
    return [_listed(one) for one in (worst_first(found) if which == "open" else found)]


def one(desk: Desk, number: int) -> Shown:
    """Raises NotThere."""
    incident = _found(desk, number)
    messages = [_told(notice) for notice in desk.store.incidents.notices_of(number)]
    return Shown(incident=_listed(incident), messages=messages, cli=command("incidents", "show", number))


def acknowledge(desk: Desk, number: int, by: str, why: str) -> Acknowledged:
    """Somebody is at it: it is not passed on, and only ten times as much is told anew. Raises NotThere, NotNow."""
    said = needs_why(why)
    if _found(desk, number).resolved_at is not None:
        raise NotNow(f"incident {number} is resolved")
    changed = desk.store.incidents.acknowledge(number, by, said, desk.clock())
    told = _found(desk, number).acknowledged_by
    return Acknowledged(
        id=number, changed=changed, by=told, cli=command("incidents", "acknowledge", number, "--why", said)
    )


def _found(desk: Desk, number: int) -> Incident:
    if not 0 < number < NEWEST:
        raise MappingError("id", "is the number of an incident")
    if (found := desk.store.incidents.one(number)) is None:
        raise NotThere(f"there is no incident {number}")
    return found


def _listed(one: Incident) -> Listed:
    sight = one.sight
    return Listed(
        id=one.id,
        state=one.state,
        kind=sight.kind,
        severity=sight.severity,
        owner=sight.owner,
        summary=line(one),
        flow=sight.flow,
        connection=sight.connection,
        code=sight.code,
        cause=sight.cause,
        count=sight.count,
        capped=sight.capped,
        peak=one.peak,
        money=[AtStake(currency=part.currency, amount=part.amount) for part in sight.money],
        examples=list(sight.examples),
        since=sight.since,
        first_at=one.first_at,
        last_at=one.last_at,
        resolved_at=one.resolved_at,
        acknowledged_at=one.acknowledged_at,
        acknowledged_by=one.acknowledged_by,
        acknowledged_why=one.acknowledged_why,
        told=list(one.told),
        done=done(one) if one.resolved_at else "",
        cli=sight.cli or command("incidents", "show", one.id),
    )


def _told(notice: Notice) -> Told:
    return Told(
        audience=notice.audience,
        transition=notice.transition,
        at=notice.at,
        due_at=notice.due_at,
        sent_at=notice.sent_at,
        state=notice.state,
        tries=notice.attempts,
        title=notice.title,
        error=notice.error,
        ref=notice.key(),
    )


__all__ = ["Acknowledged", "AtStake", "Listed", "Shown", "Told", "acknowledge", "every", "one"]
