"""What is wrong now, read from where it is kept. Every question is a few ranges of an index (operations)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

import structlog

from crossdock.broken import GOOD_FOR
from crossdock.errors import CrossdockError
from crossdock.feeds.levels import FeedState
from crossdock.feeds.schedules import WRONG, Entry, View, state_of
from crossdock.feeds.timetable import Timetable
from crossdock.flows import FLOWS, LOOKS
from crossdock.incidents.decide import MOST_EXAMPLES
from crossdock.incidents.records import Kind, Seen, Severity, Sight, key_of, money_of
from crossdock.incidents.texts import cli
from crossdock.magento.connector import MagentoConnector
from crossdock.notifying.aside import Asides
from crossdock.operations import agreement, money
from crossdock.operations.causes import cause_of
from crossdock.operations.desk import Desk
from crossdock.operations.overview import DEAD_MOST, kind_of, standings
from crossdock.reconciliation.drift import Cause, Run, RunState
from crossdock.storage.listing import Filter
from crossdock.storage.overview import DeadRow, Standing
from crossdock.storage.tables import moment_of

log = structlog.get_logger("crossdock.incidents")
OURSELVES = "crossdock"
LOGIN_CODES = frozenset({"unauthorized"})
# flows of which `reference` is a number of an order or an SKU; of customers it may be an address
NUMBERED = frozenset(FLOWS) - {name for name in FLOWS if "customer" in name} - {"erasures", "kept"}
NUMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,39}")
RUNS = 200
MOST_FEEDS = 1000
LEARNED_AT_ONCE = 10  # times money.READ_AT_ONCE records in one look
BY_ITSELF = frozenset({Cause.STILL_WAITING, Cause.ROUNDING, Cause.RESERVATION, Cause.DEAD_LETTER})
ASIDE = (Kind.COVERAGE, Kind.DOCTOR, Kind.AUDIT)
DAY = timedelta(days=1)
Look = Callable[[datetime], Iterator[Sight]]


class Looker:
    """One look after the other, by one thread."""

    def __init__(self, desk: Desk, asides: Asides | None = None) -> None:
        self._desk = desk
        self._rules = desk.settings.notifications
        self._asides = asides
        self._saw_part = False
        self._looks: dict[Kind, Look] = {
            Kind.DEAD: self._dead,
            Kind.PAUSED: self._paused,
            Kind.BREAKER: self._breakers,
            Kind.LAG: self._lag,
            Kind.SCHEDULE: self._schedules,
            Kind.HELD: self._held,
            Kind.DRIFT: self._drifts,
            Kind.WEBHOOKS: self._webhooks,
        }

    def look(self, now: datetime) -> Seen:
        """All of it; what could not be asked is blind. Raises nothing of ours."""
        sights: list[Sight] = []
        blind: set[Kind] = set()
        for kind, ask in self._looks.items():
            try:
                sights += ask(now)
            except CrossdockError as error:
                log.warning("cannot see what is wrong", kind=kind, code=error.code)
                blind |= {
                    kind,
                    *({Kind.LOGIN} if kind is Kind.PAUSED else {Kind.COMPARE} if kind is Kind.DRIFT else ()),
                }
        if self._saw_part:
            blind.add(Kind.DEAD)
        unseen = frozenset[str]()
        for kind in ASIDE:
            found = self._asides.seen(kind, now) if self._asides else None
            if found is None:
                blind.add(kind)
            else:
                sights += found.sights
                unseen |= found.unseen
        return Seen(sights=tuple({one.key: one for one in sights}.values()), blind=frozenset(blind), unseen=unseen)

    def close(self) -> None:
        """This process looks no more."""
        if self._asides:
            self._asides.close()

    def _dead(self, now: datetime) -> Iterator[Sight]:
        del now
        rows = self._desk.store.operations.dead(Filter(), DEAD_MOST)
        self._saw_part = len(rows) >= DEAD_MOST  # a cause that was not met may be there still
        money.forget_others(self._desk, rows)
        self._learn(rows)
        grouped: defaultdict[tuple[str, str, str, str], list[DeadRow]] = defaultdict(list)
        for row in rows:
            grouped[row.flow, row.target, row.code, cause_of(row.code, row.reason)].append(row)
        first = [row for (flow, *_), same in grouped.items() if flow in NUMBERED for row in same[:MOST_EXAMPLES]]
        called = self._desk.store.incidents.references([row.id for row in first[: 3 * RUNS]])
        for place, same in grouped.items():
            yield self._dead_letters(place, same, called)

    def _learn(self, rows: Sequence[DeadRow]) -> None:
        """What the orders are worth: most of it by the time at which it is told."""
        for _ in range(LEARNED_AT_ONCE):
            before = len(self._desk.totals)
            money.learn(self._desk, rows)
            if len(self._desk.totals) == before:
                return

    def _dead_letters(self, place: tuple[str, str, str, str], rows: Sequence[DeadRow], called: dict[int, str]) -> Sight:
        flow, target, code, cause = place
        worth = money.known(self._desk, rows)
        names = sorted(called[row.id] for row in rows[:MOST_EXAMPLES] if row.id in called)
        return Sight(
            key=key_of(Kind.DEAD, flow=flow, target=target, code=code, cause=cause),
            kind=Kind.DEAD,
            owner=rows[0].owner or "devops",
            severity=Severity.ERROR,
            since=moment_of(min(row.died_at for row in rows)),
            flow=flow,
            connection=target,
            code=code,
            cause=cause,
            count=len(rows),
            capped=self._saw_part,
            money=money_of(worth.money),
            money_partly=worth.counted < worth.orders,
            examples=tuple(one for one in names if NUMBER.fullmatch(one)),
            cli=cli("dead", "list", "--flow", flow, "--target", target, "--code", code),
        )

    def _paused(self, now: datetime) -> Iterator[Sight]:
        del now
        for one in self._desk.store.paused():
            code = one.reason.partition(":")[0] if one.by == OURSELVES else ""
            kind = Kind.LOGIN if code in LOGIN_CODES else Kind.PAUSED
            by_us = Severity.CRITICAL if kind is Kind.LOGIN else Severity.ERROR
            yield Sight(
                key=key_of(kind, connection=one.connection),
                kind=kind,
                owner="devops",
                # who has paused it knows
                severity=by_us if one.by == OURSELVES else Severity.INFO,
                since=one.since,
                connection=one.connection,
                code=code if re.fullmatch(r"[a-z-]{1,40}", code) else "",
                cli=cli("resume", one.connection),
            )

    def _breakers(self, now: datetime) -> Iterator[Sight]:
        """As workers tell it, this process's among them."""
        for name, since in sorted(self._desk.store.incidents.broken(now - GOOD_FOR).items()):
            yield Sight(
                key=key_of(Kind.BREAKER, connection=name),
                kind=Kind.BREAKER,
                owner="devops",
                severity=Severity.ERROR,
                since=since,
                connection=name,
                cli=cli("doctor"),
            )

    def _lag(self, now: datetime) -> Iterator[Sight]:
        before = now - timedelta(minutes=self._rules.lag_minutes)
        paused = {one.connection for one in self._desk.store.paused()}
        late: defaultdict[tuple[str, str], list[Standing]] = defaultdict(list)
        for one in standings(self._desk):
            group = one.group
            if group.state != "dead" and group.target not in paused and one.oldest and one.oldest < before:
                late[group.flow, group.target].append(one)
        for (flow, target), several in late.items():
            yield from self._owed_long(flow, target, several, before)

    def _owed_long(self, flow: str, target: str, several: Sequence[Standing], before: datetime) -> Iterator[Sight]:
        waits = kind_of(flow) == "look"  # for a later day, as long as its order is open
        asked = self._desk.store.incidents.owed_long
        found = [asked(one.group, before, overdue=waits) for one in several]
        if not (times := [one.since for one in found if one.since is not None]):
            return
        yield Sight(
            key=key_of(Kind.LAG, flow=flow, target=target),
            kind=Kind.LAG,
            owner="devops",
            severity=Severity.ERROR,
            since=min(times),
            flow=flow,
            connection=target,
            count=sum(one.count for one in found),
            capped=any(one.capped for one in found),
            cli=cli("status"),
        )

    def _schedules(self, now: datetime) -> Iterator[Sight]:
        for timetable in self._desk.crossdock.timetables():
            view = timetable.view()
            for entry in timetable.entries:
                if (state := state_of(entry, view, now)) in WRONG:
                    yield self._schedule(timetable, entry, view, state, now)

    @staticmethod
    def _schedule(timetable: Timetable, entry: Entry, view: View, state: str, now: datetime) -> Sight:
        road, kept = timetable.road, view.standings.get(entry.name())
        since = (kept.missed_at if state == "missed" else kept.ended_at or kept.began_at) if kept else None
        return Sight(
            key=key_of(Kind.SCHEDULE, road=road.name(), entry=entry.name()),
            kind=Kind.SCHEDULE,
            owner="devops",
            severity=Severity.ERROR,
            since=since or now,
            flow=road.flow,
            connection=road.source,
            code=state,
            cli=cli("schedule", "list"),
        )

    def _held(self, now: datetime) -> Iterator[Sight]:
        found = self._desk.store.levels.feeds_in((FeedState.HELD,), now + DAY, MOST_FEEDS)
        for flow, source, target in sorted({(one.flow, one.source, one.target) for one in found}):
            same = [one for one in found if (one.flow, one.source, one.target) == (flow, source, target)]
            yield Sight(
                key=key_of(Kind.HELD, flow=flow, source=source, target=target),
                kind=Kind.HELD,
                owner="business",
                severity=Severity.WARNING,
                since=min(one.received_at for one in same),
                flow=flow,
                connection=target,
                count=len(same),
                cli=cli("held", "list"),
            )

    def _drifts(self, now: datetime) -> Iterator[Sight]:
        """Of the last comparison of each kind that came to an end."""
        del now
        for run in agreement.newest(self._desk, RunState.DONE, RunState.FAILED):
            left = 1 if run.state is RunState.FAILED else self._left(run)
            if left:
                yield _compared(run, left)

    def _left(self, run: Run) -> int:
        found = agreement.still_open(self._desk, run)
        return sum(count for cause, count in found.items() if cause not in BY_ITSELF)

    def _webhooks(self, now: datetime) -> Iterator[Sight]:
        """Polling finds everything, webhooks nothing: they do not come, or do not come through."""
        most = self._rules.webhook_gap
        for name, end in self._desk.crossdock.connections.by_name.items():
            if not (most and isinstance(end, MagentoConnector) and end.settings.webhooks.enabled):
                continue
            told = self._desk.store.incidents.told_by(name, LOOKS.name, most)
            if told.get("poll", 0) >= most:
                yield Sight(
                    key=key_of(Kind.WEBHOOKS, connection=name),
                    kind=Kind.WEBHOOKS,
                    owner="devops",
                    severity=Severity.WARNING,
                    since=now,
                    flow=LOOKS.name,
                    connection=name,
                    count=most,
                    cli=cli("doctor"),
                )


def _compared(run: Run, left: int) -> Sight:
    failed = run.state is RunState.FAILED
    kind = Kind.COMPARE if failed else Kind.DRIFT
    return Sight(
        key=key_of(kind, flow=run.flow, store=run.store, erp=run.erp),
        kind=kind,
        owner="devops",
        severity=Severity.WARNING,
        since=run.ended_at or run.began_at,
        flow=run.flow,
        connection=run.erp,
        count=left,
        cli=cli("reconcile", "show", run.id),
    )


__all__ = ["Looker"]
