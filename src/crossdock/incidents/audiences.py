"""Who hears of what, and when: what is heard, quiet hours by the audience's own clock, digests. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from crossdock.feeds.schedules import Entry, next_after
from crossdock.incidents.records import Incident, Severity, Sight, Transition
from crossdock.model.base import Record

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY = timedelta(days=1)
LONGEST = 14  # quiet hours that follow each other without a break; then it is told all the same
FURTHEST = timedelta(days=2)  # how far back a digest that was not told is looked for


class Quiet(Record, frozen=True, kw_only=True):
    """Local times; `end` not after `begin` is on the next day. `days` on which it begins."""

    begin: time
    end: time
    days: frozenset[str] = frozenset(DAYS)


class Audience(Record, frozen=True, kw_only=True):
    """See settings.AudienceSettings. An empty set leaves nothing out."""

    name: str
    owners: frozenset[str] = frozenset()
    flows: frozenset[str] = frozenset()
    connections: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    min_severity: Severity = Severity.WARNING
    money_over: Mapping[str, Decimal] = {}
    time_zone: str = "UTC"
    quiet: tuple[Quiet, ...] = ()
    urgent_passes: bool = True
    digest: str = ""
    only_digest: bool = False
    escalate_after: timedelta = timedelta(0)
    escalate_to: str = ""


class When(Record, frozen=True, kw_only=True):
    """When something is told, and with what together; `in_digest`: by the digest alone."""

    due_at: datetime
    bundle: str = ""
    in_digest: bool = False


def hears(audience: Audience, sight: Sight) -> bool:
    """Whether this is for them."""
    named = (
        (audience.owners, sight.owner),
        (audience.flows, sight.flow),
        (audience.connections, sight.connection),
        (audience.kinds, sight.kind),
    )
    if any(wanted and one not in wanted for wanted, one in named):
        return False
    return sight.severity.rank() >= audience.min_severity.rank() and _is_worth(audience, sight)


def _is_worth(audience: Audience, sight: Sight) -> bool:
    least = audience.money_over
    return not least or any(one.currency in least and one.amount >= least[one.currency] for one in sight.money)


def when(audience: Audience, severity: Severity, now: datetime) -> When:
    """Of something that happens now."""
    if severity is Severity.CRITICAL and audience.urgent_passes:
        return When(due_at=now)
    if audience.only_digest:
        return When(due_at=now, in_digest=True)
    until = quiet_until(audience, now)
    return When(due_at=now) if until is None else When(due_at=until, bundle=f"quiet {until.isoformat()}")


def quiet_until(audience: Audience, now: datetime) -> datetime | None:
    """The end of the quiet hours that it is in, in UTC; None outside of them. Hours that join are one."""
    found: datetime | None = None
    for _ in range(LONGEST):
        end = _end(audience, found or now)
        if end is None:
            break
        found = end
    return found


def _end(audience: Audience, now: datetime) -> datetime | None:
    """The latest end of the hours that hold this moment."""
    zone = ZoneInfo(audience.time_zone)
    today = now.astimezone(zone).date()
    ends = []
    for hours in audience.quiet:
        for day in (today - DAY, today):
            if DAYS[day.weekday()] not in hours.days:
                continue
            last = day + DAY if hours.end <= hours.begin else day
            # wall times are compared as moments: across a change of the clock the hours are shorter or longer
            begin = datetime.combine(day, hours.begin, zone).astimezone(UTC)
            end = datetime.combine(last, hours.end, zone).astimezone(UTC)
            if begin <= now < end:
                ends.append(end)
    return max(ends, default=None)


def digest_due(audience: Audience, last: datetime, now: datetime) -> datetime | None:
    """The newest time of its digest behind `last`; None where none has come. Of several that were missed it is one."""
    if not audience.digest:
        return None
    entry = Entry(cron=audience.digest, time_zone=audience.time_zone)
    found, following = None, next_after(entry, max(last, now - FURTHEST))
    while following <= now:
        found, following = following, next_after(entry, following)
    return found


def told_to(audience: str, incidents: Sequence[Incident]) -> list[Incident]:
    """Those that they know of."""
    return [one for one in incidents if audience in one.told]


def severity_of(transition: Transition, incident: Incident) -> Severity:
    """How pressing a message is: that something urgent is over is as good to hear at night as that it began."""
    return incident.told_severity if transition is Transition.RESOLVED else incident.sight.severity


__all__ = [
    "Audience",
    "Quiet",
    "When",
    "digest_due",
    "hears",
    "quiet_until",
    "severity_of",
    "told_to",
    "when",
]
