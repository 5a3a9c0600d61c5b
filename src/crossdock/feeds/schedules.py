"""When a road is read: cron expressions and intervals, what is due, what was missed. Pure.

Times that the clock change skips or repeats follow Debian's cron: a fixed time runs once, skipped ones at the change;
what runs every few minutes or every hour goes by the time that really passes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim

from crossdock.model.base import Record

FIRST_PAUSE, LONGEST_PAUSE = 60.0, 3600.0  # seconds between two tries of a run that fails
PAUSES = 6  # doublings until the longest
NEVER = datetime(9999, 12, 31, tzinfo=UTC)
RUNNING, DONE, FAILED, STOPPED = "running", "done", "failed", "stopped"
WRONG = frozenset({"missed", "failed", "interrupted"})  # states that a person should hear of


class Entry(Record, frozen=True, kw_only=True):
    """One line of a road's schedule: a cron expression in its time zone, or every so many seconds.

    `grace`: seconds after which a run that was due and has not begun is an alarm.
    """

    cron: str = ""
    time_zone: str = "UTC"
    every: float = 0.0
    full: bool = False
    grace: float = 300.0

    def name(self) -> str:
        """What is kept of it is kept under this: a schedule that is changed begins anew."""
        return f"{self.cron} {self.time_zone}{' full' if self.full else ''}" if self.cron else f"every {self.every:g} s"


class Standing(Record, frozen=True, kw_only=True):
    """What is kept of an entry. All its times up to `settled_to` are settled."""

    entry: str
    settled_to: datetime
    began_at: datetime | None = None
    ended_at: datetime | None = None
    done_at: datetime | None = None
    outcome: str = ""  # running, done, failed, stopped; "" before the first run
    detail: str = ""
    failures: int = 0  # in a row
    retry_at: datetime | None = None
    missed: int = 0
    missed_at: datetime | None = None  # the newest time that was missed


class Halt(Record, frozen=True, kw_only=True):
    """A road that a person has paused, or resumed at `resumed_at`."""

    by: str
    reason: str
    paused_at: datetime | None = None
    resumed_at: datetime | None = None


class View(Record, frozen=True, kw_only=True):
    """All that is known of a road's schedule, by entry. `held_until`: so long whoever reads it has claimed it.

    `hinted_at`: when its source last said that something has changed there.
    """

    standings: dict[str, Standing]
    halt: Halt | None = None
    held_until: datetime | None = None
    hinted_at: datetime | None = None

    def is_paused(self) -> bool:
        """By a person."""
        return self.halt is not None and self.halt.paused_at is not None

    def is_held(self, now: datetime) -> bool:
        """Whether somebody reads just now."""
        return self.held_until is not None and self.held_until >= now


def next_after(entry: Entry, moment: datetime) -> datetime:
    """The first time after then, in UTC."""
    if not entry.cron:
        return moment + timedelta(seconds=entry.every)
    for found in CronSim(entry.cron, moment.astimezone(ZoneInfo(entry.time_zone))):
        # in the repeated hour cronsim gives the first of the two, which may lie behind us
        if (utc := found.astimezone(UTC)) > moment:
            return utc
    return NEVER


def first_seen(entry: Entry, now: datetime) -> datetime:
    """Up to when a new entry counts as settled: an interval begins at once, a cron expression with its next time."""
    return now if entry.cron else now - timedelta(seconds=entry.every)


def due_at(entry: Entry, standing: Standing) -> datetime:
    """When it is to run. However many times have passed by then, it runs once."""
    if standing.outcome == FAILED and standing.began_at and standing.retry_at:
        return min(standing.retry_at, next_after(entry, standing.began_at))
    return next_after(entry, standing.settled_to)


def due(entries: Sequence[Entry], view: View, now: datetime) -> list[Entry]:
    """Those that are to run now; none of a paused road."""
    if view.is_paused():
        return []
    return [
        one
        for one in entries
        if (kept := view.standings.get(one.name())) and (due_at(one, kept) <= now or _hinted(one, kept, view))
    ]


def _hinted(entry: Entry, standing: Standing, view: View) -> bool:
    """Whether a run has not begun since the source's word. One that failed since keeps its pause."""
    if entry.full or view.hinted_at is None or standing.outcome == RUNNING:
        return False
    return standing.began_at is None or standing.began_at <= view.hinted_at


def covered(entries: Sequence[Entry], *, full: bool) -> list[Entry]:
    """Those that a run does the work of: one that reads everything also reads what changed."""
    return [one for one in entries if full or not one.full]


def retry_at(entry: Entry, failures: int, now: datetime) -> datetime:
    """After the n-th failure in a row."""
    pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(failures - 1, PAUSES))
    return now + timedelta(seconds=pause if entry.cron else entry.every)


def missed(entries: Sequence[Entry], view: View, now: datetime) -> list[tuple[Entry, datetime]]:
    """Runs that were due so long ago that somebody must look, each with its time. Those of a paused road are not owed.

    A road is read by one at a time: what comes due meanwhile has its grace from the end of that run.
    """
    if view.is_paused() or view.is_held(now):
        return []
    ended = [one.ended_at for one in view.standings.values()]
    free = [one for one in (*ended, view.held_until, view.halt and view.halt.resumed_at) if one]
    found = []
    for entry in entries:
        if (kept := view.standings.get(entry.name())) is None:
            continue
        when = due_at(entry, kept)
        if now > max([when, *free]) + timedelta(seconds=entry.grace):
            found.append((entry, when))
    return found


def state_of(entry: Entry, view: View, now: datetime) -> str:
    """In a word: paused, running, interrupted, missed, failed, done, stopped, waiting; new: nobody has seen it yet."""
    kept = view.standings.get(entry.name())
    if view.is_paused():
        return "paused"
    if kept is None:
        return "new"
    if view.is_held(now) and kept.outcome == RUNNING:
        return RUNNING
    if missed([entry], view, now):
        return "missed"
    return "interrupted" if kept.outcome == RUNNING else kept.outcome or "waiting"
