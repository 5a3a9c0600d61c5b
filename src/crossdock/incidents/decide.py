"""What becomes of incidents, and which transitions are told to whom. Pure: what is known, what is seen, now.

An incident is told once it has lasted `gather`, told as growing by steps and not with each row, and resolved once
nothing of it was seen for `clear`: what comes and goes is neither opened nor resolved again and again.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from crossdock.incidents.audiences import Audience, hears
from crossdock.incidents.records import Incident, Kind, Seen, Severity, Sight, State, Sum, Transition, key_of
from crossdock.model.base import Record

TWICE, TENFOLD = 2, 10
MOST_CAUSES = 5  # incidents of one flow, target and code; further causes are one incident together
OTHERS = "*"
MOST_EXAMPLES = 3
# of which only we know since when: who sees one says that it is there
ENDURING = frozenset({Kind.BREAKER, Kind.WEBHOOKS, Kind.COVERAGE, Kind.DOCTOR, Kind.AUDIT})
changed = msgspec.structs.replace


class Rules(Record, frozen=True, kw_only=True):
    """See settings.NotificationSettings."""

    gather: timedelta = timedelta(seconds=30)
    clear: timedelta = timedelta(seconds=300)
    growth_pause: timedelta = timedelta(seconds=900)


class Telling(Record, frozen=True, kw_only=True):
    """An audience is to be told of a transition, once for each `step`."""

    audience: str
    incident: Incident
    transition: Transition
    step: str = ""


class Decision(Record, frozen=True, kw_only=True):
    """Incidents that are new (id 0) or have changed, and what is to be told, in order."""

    incidents: tuple[Incident, ...] = ()
    tellings: tuple[Telling, ...] = ()


def decide(
    known: Sequence[Incident], seen: Seen, audiences: Mapping[str, Audience], rules: Rules, now: datetime
) -> Decision:
    """Of all that is not resolved. Whatever is told is told of what is known already: a new one waits a round."""
    sights = {one.key: one for one in gathered(known, seen.sights)}
    after: list[Incident] = []
    tellings: list[Telling] = []
    for before in known:
        sight = sights.pop(before.sight.key, None)
        blind = before.sight.kind in seen.blind or before.sight.key in seen.unseen
        incident = _stepped(before, sight, blind, rules, now)
        told = list(_told(before, incident, audiences, rules, now))
        tellings += told
        final = _noted(incident, told, now)
        if final != before:
            after.append(final)
    after += [_new(sight, now) for sight in sights.values()]
    return Decision(incidents=tuple(after), tellings=tuple(tellings))


def gathered(known: Sequence[Incident], sights: Sequence[Sight]) -> Iterator[Sight]:
    """Dead letters of one flow, target and code are a few incidents, however many causes they have.

    Reasons that differ in words (a name of a product in each) would else be an incident each. Which causes stand by
    themselves stays as it is for as long as there are others.
    """
    places: defaultdict[tuple[str, str, str], list[Sight]] = defaultdict(list)
    for one in sights:
        if one.kind is Kind.DEAD:
            places[one.flow, one.connection, one.code].append(one)
        else:
            yield one
    alone = {one.sight.key for one in known if one.sight.kind is Kind.DEAD}
    for several in places.values():
        yield from _few(several, alone)


def _few(sights: Sequence[Sight], known: set[str]) -> Iterator[Sight]:
    others_key = key_of(Kind.DEAD, flow=sights[0].flow, target=sights[0].connection, code=sights[0].code, cause=OTHERS)
    old = [one for one in sights if one.key in known]
    new = sorted((one for one in sights if one.key not in known), key=lambda one: (-one.count, one.key))
    room = 0 if others_key in known else max(0, MOST_CAUSES - len(old))
    yield from (*old, *new[:room])
    if rest := new[room:]:
        yield _together(rest, others_key)


def _together(sights: Sequence[Sight], key: str) -> Sight:
    worst = max(sights, key=lambda one: one.severity.rank())
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for one in sights:
        for part in one.money:
            sums[part.currency] += part.amount
    owners = Counter(one.owner for one in sights)
    return changed(
        worst,
        key=key,
        owner=min(owners, key=lambda name: (-owners[name], name)),
        cause=OTHERS,
        count=sum(one.count for one in sights),
        capped=any(one.capped for one in sights),
        money_partly=any(one.money_partly for one in sights),
        since=min(one.since for one in sights),
        money=tuple(Sum(currency=name, amount=sums[name]) for name in sorted(sums)),
        examples=tuple(example for one in sights for example in one.examples)[:MOST_EXAMPLES],
        cli="crossdock dead causes",
    )


def _new(sight: Sight, now: datetime) -> Incident:
    return Incident(sight=sight, first_at=now, last_at=now, peak=sight.count)


def _stepped(before: Incident, sight: Sight | None, blind: bool, rules: Rules, now: datetime) -> Incident:
    if sight is None:
        return before if blind else _absent(before, rules, now)
    state = State.OPEN if before.state is State.CLEARING else before.state
    seen = changed(
        before,
        sight=changed(sight, since=before.sight.since) if sight.kind in ENDURING else sight,
        state=state,
        last_at=now,
        peak=max(before.peak, sight.count),
        cleared_at=None,
    )
    lasted = now - before.first_at >= rules.gather or sight.severity is Severity.CRITICAL
    if state is State.GATHERING and lasted:
        return changed(seen, state=State.OPEN, opened_at=now)
    return seen


def _absent(before: Incident, rules: Rules, now: datetime) -> Incident:
    if before.cleared_at is None:  # what comes and goes while it is gathered is told of once it has lasted, too
        state = before.state if before.state is State.GATHERING else State.CLEARING
        return changed(before, state=state, cleared_at=now)
    if now - before.cleared_at >= rules.clear:
        return changed(before, state=State.RESOLVED, resolved_at=now)
    return before


def _told(
    before: Incident, incident: Incident, audiences: Mapping[str, Audience], rules: Rules, now: datetime
) -> Iterator[Telling]:
    if incident.state is State.RESOLVED:
        yield from (_telling(name, incident, Transition.RESOLVED) for name in before.told)
    if incident.state is not State.OPEN:
        return
    fresh = [name for name, one in audiences.items() if name not in before.told and hears(one, incident.sight)]
    yield from (_telling(name, incident, Transition.OPENED) for name in fresh)
    if before.told and has_grown(incident, rules, now):
        step = f"{incident.sight.count} {incident.sight.severity}"
        yield from (_telling(name, incident, Transition.GROWING, step) for name in before.told)
    yield from _escalated(incident, (*before.told, *fresh), audiences, now)


def has_grown(incident: Incident, rules: Rules, now: datetime) -> bool:
    """Whether it is worth another message: worse, ten times as much, or twice as much after a while.

    Somebody who has acknowledged it knows that it grows: only ten times as much is news then.
    """
    if incident.told_at is None:
        return False
    if incident.sight.severity.rank() > incident.told_severity.rank():
        return True
    count, last = incident.sight.count, max(1, incident.told_count)
    if count >= TENFOLD * last:
        return True
    quiet = incident.acknowledged_at is not None or now - incident.told_at < rules.growth_pause
    return count >= TWICE * last and not quiet


def _escalated(
    incident: Incident, told: Sequence[str], audiences: Mapping[str, Audience], now: datetime
) -> Iterator[Telling]:
    """To whom it is passed on: once from each audience, and not to who knows it already."""
    if incident.acknowledged_at is not None or incident.opened_at is None:
        return
    know = set(told)
    for name in told:
        one = audiences.get(name)
        if one is None or not one.escalate_to:
            continue
        if now - incident.opened_at >= one.escalate_after and one.escalate_to not in know:
            know.add(one.escalate_to)
            yield _telling(one.escalate_to, incident, Transition.ESCALATED, name)


def _telling(audience: str, incident: Incident, transition: Transition, step: str = "") -> Telling:
    return Telling(audience=audience, incident=incident, transition=transition, step=step)


def _noted(incident: Incident, told: Sequence[Telling], now: datetime) -> Incident:
    """With whom was told what."""
    if not told or incident.state is State.RESOLVED:
        return incident
    known = dict.fromkeys((*incident.told, *(one.audience for one in told)))
    after = changed(incident, told=tuple(known))
    if incident.told_at is not None and not any(one.transition is Transition.GROWING for one in told):
        return after
    return changed(
        after, told_at=now, told_count=max(incident.told_count, incident.sight.count), told_severity=_worst(incident)
    )


def _worst(incident: Incident) -> Severity:
    return max(incident.told_severity, incident.sight.severity, key=Severity.rank)


__all__ = ["Decision", "Rules", "Telling", "decide", "gathered", "has_grown"]
