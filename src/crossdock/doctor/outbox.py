"""Our own work: does it move, what is dead, what waits for a lookup, is what should be read being read?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from crossdock.contract.findings import Check, Finding, counted
from crossdock.contract.flow import Kind
from crossdock.errors import MissingEntry
from crossdock.feeds.schedules import WRONG
from crossdock.flows import FLOWS
from crossdock.storage.overview import Standing

WORKERS = Check(
    name="workers",
    title="Somebody delivers what is due",
    why="Documents wait in the outbox until a worker takes them: without one nothing goes anywhere.",
)
BACKLOG = Check(
    name="backlog",
    title="Nothing waits for long",
    why="What is owed for hours means that the other side refuses, is slow, or is not there.",
)
DEAD_LETTERS = Check(
    name="dead-letters",
    title="There are no dead letters",
    why="A dead letter is not tried again by itself: a person has to decide.",
)
LOOKUPS = Check(
    name="lookups",
    title="No document waits for an entry of a lookup table",
    why="A value that no table knows holds its document up until a person says what the other side calls it.",
)
SCHEDULES = Check(
    name="schedules",
    title="What is to be read is read",
    why="A run that does not happen leaves the store with old stock, prices or shipments.",
)
CHECKS = (WORKERS, BACKLOG, DEAD_LETTERS, LOOKUPS, SCHEDULES)
LATE = timedelta(minutes=5)
SLOW, STUCK = timedelta(hours=1), timedelta(hours=24)
NAMED = 10
UNTOLD = "never"


class Scheduled(Protocol):
    """A line of a schedule, its state as feeds.schedules has it."""

    @property
    def route(self) -> str:
        """SOURCE/TARGET/FLOW."""

    @property
    def schedule(self) -> str:
        """Its cron line, or an interval."""

    @property
    def state(self) -> str:
        """How it stands."""

    @property
    def next_at(self) -> datetime | None:
        """When it is due, in UTC."""

    @property
    def detail(self) -> str:
        """What its last run came to."""


def workers(due_since: datetime | None, now: datetime, held_by: Sequence[str], *, moving: bool) -> list[Finding]:
    """Pure. `moving`: something is under way or was delivered of late. `held_by`: what may hold up what is due."""
    if due_since is None or now - due_since <= LATE:
        return [WORKERS.ok("nothing is due that nobody has taken")]
    told = f"due since {due_since:%Y-%m-%d %H:%M} UTC"
    if moving:
        return [WORKERS.ok(f"busy: what is {told} waits for its turn")]
    if held_by:
        return [WORKERS.ok(f"what is {told} may wait for {', '.join(held_by)}")]
    mend = "start `crossdock run` (or `crossdock worker`), or look into its log"
    return [WORKERS.error(f"something is {told} and nobody took it", mend)]


def backlog(standings: Iterable[Standing], now: datetime) -> list[Finding]:
    """Pure. A look that waits is no backlog: it waits for its order, which may be unpaid for days."""
    waiting = [one for one in standings if one.group.is_open and one.group.state != "dead" and _is_owed(one)]
    oldest: dict[tuple[str, str], tuple[datetime, int]] = {}
    for one in waiting:
        place = (one.group.flow, one.group.target)
        at, count = oldest.get(place, (now, 0))
        oldest[place] = (min(at, one.oldest or now), count + one.count)
    told = [_behind(place, at, count, now) for place, (at, count) in sorted(oldest.items()) if now - at > SLOW]
    return told or [
        BACKLOG.ok(f"{counted(sum(one.count for one in waiting), 'document')} waiting, none for more than an hour")
    ]


def _is_owed(one: Standing) -> bool:
    flow = FLOWS.get(one.group.flow)
    return flow is None or flow.kind is not Kind.LOOK


def _behind(place: tuple[str, str], at: datetime, count: int, now: datetime) -> Finding:
    flow, target = place
    hours = (now - at).total_seconds() / 3600
    told = f"{count} {flow} wait for {target}, the oldest for {hours:.1f} h"
    mend = f"crossdock status; then `crossdock explain` for one of them; is {target} paused, down or slow?"
    return BACKLOG.error(told, mend) if now - at > STUCK else BACKLOG.warning(told, mend)


def dead_letters(standings: Iterable[Standing]) -> list[Finding]:
    """Pure: by flow, target and cause."""
    dead: Counter[tuple[str, str, str]] = Counter()
    for one in standings:
        if one.group.state == "dead" and one.group.is_open:
            dead[one.group.flow, one.group.target, one.group.code] += one.count
    told = [
        DEAD_LETTERS.warning(f"{count} {flow} for {target} are dead: {code}", f"crossdock dead list --flow {flow}")
        for (flow, target, code), count in sorted(dead.items())
    ]
    return told or [DEAD_LETTERS.ok("no dead letters")]


def lookups(reasons: Sequence[str]) -> list[Finding]:
    """Pure: `reasons` are those of documents that wait for an entry, one each."""
    often = Counter(reasons).most_common(NAMED)
    told = [
        LOOKUPS.error(
            f"{counted(count, 'document')} held up: {reason}",
            "crossdock lookups add TABLE VALUE ENTRY --why …: they go on by themselves",
        )
        for reason, count in often
    ]
    if (more := len(set(reasons)) - NAMED) > 0:
        told.append(LOOKUPS.error(f"and {more} entries more are missing", "crossdock lookups missing"))
    return told or [LOOKUPS.ok("no document waits for an entry")]


def schedules(lines: Iterable[Scheduled]) -> list[Finding]:
    """Pure: one finding for each line that something is wrong with."""
    timed = [one for one in lines if one.schedule != UNTOLD]
    told = [_scheduled(one) for one in timed if one.state in WRONG]
    fresh = [f"{one.route} ({one.schedule})" for one in timed if one.state == "new"]
    if fresh:
        what = f"new to every poller, none has run since it was written: {', '.join(fresh)}"
        told.append(SCHEDULES.error(what, "start `crossdock run` or `crossdock poller`"))
    return told or ([SCHEDULES.ok(f"{counted(len(timed), 'schedule')}, run when due")] if timed else [])


def _scheduled(one: Scheduled) -> Finding:
    what = f"{one.route} by its schedule {one.schedule}"
    due = f"due {one.next_at:%Y-%m-%d %H:%M} UTC" if one.next_at and one.state == "missed" else ""
    said = "; ".join(part for part in (due, one.detail) if part)
    return SCHEDULES.error(f"{what}: {one.state} {said}".strip(), f"crossdock schedule run {one.route}")


MISSING = MissingEntry.code
