"""Reading a road when its schedule says so, and telling when that did not happen.

Runs of one road cannot overlap on any number of machines: who runs has claimed the road's stream, and what is due is
decided and noted under that claim. A run that dies is due again as soon as its claim runs out, whatever its time was.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec
import structlog

from crossdock.delivery.store import Checkpoint
from crossdock.errors import CrossdockError, LeaseLost
from crossdock.feeds.errands import Errands
from crossdock.feeds.polling import Road, Tally
from crossdock.feeds.schedules import (
    DONE,
    FAILED,
    STOPPED,
    Entry,
    View,
    covered,
    due,
    due_at,
    first_seen,
    missed,
    retry_at,
)

log = structlog.get_logger("crossdock.schedule")
LOOK = 5.0  # longest seconds between two looks at the clock and at what others have done
SHORTEST = 0.02


class ScheduleStore(Protocol):
    """What a storage keeps of schedules. Every method is one transaction."""

    def see(self, road: Road, entries: Mapping[str, datetime]) -> None:
        """Entries, each with the time up to which it counts as settled; those that are known stay as they are."""

    def view(self, road: Road) -> View:
        """All that is known of a road."""

    def begin(self, claimed: Checkpoint, road: Road, entries: Sequence[str], now: datetime) -> bool:
        """A run of these begins; False, and nothing written, under an older claim."""

    def end(
        self,
        claimed: Checkpoint,
        road: Road,
        entries: Mapping[str, datetime | None],
        outcome: str,
        detail: str,
        now: datetime,
    ) -> bool:
        """It ended; with when each is tried again if it failed. False, and nothing written, under an older claim."""

    def note_missed(self, road: Road, entry: str, when: datetime) -> bool:
        """True for the first to notice that the run of this time did not happen."""

    def pause(self, road: Road, reason: str, by: str, now: datetime) -> bool:
        """Run nothing of it any more; False where it was paused already."""

    def resume(self, road: Road, by: str, now: datetime, why: str = "") -> bool:
        """Go on; what came due meanwhile is caught up once. False where it was not paused."""


class Reads(Protocol):
    """What a timetable has done: a scan of a road (feeds.polling.RowReader), or a comparison of its two sides."""

    stopping: threading.Event

    @property
    def road(self) -> Road:
        """What is claimed."""

    def claim(self) -> Checkpoint | None:
        """None while another has it."""

    def release(self, claimed: Checkpoint) -> None:
        """Another may."""

    def read(
        self, claimed: Checkpoint, *, full: bool = False, told: Callable[[Tally], None] = lambda _tally: None
    ) -> Tally:
        """Under the claim. Raises CrossdockError."""


class Timetable:
    """One road and its schedule. Safe for many threads and processes: of several, one runs."""

    def __init__(
        self, reader: Reads, entries: Sequence[Entry], store: ScheduleStore, clock: Callable[[], datetime]
    ) -> None:
        self.reader = reader
        self.road = reader.road
        self.entries = tuple(entries)
        self._store = store
        self._clock = clock
        self._errands = Errands()

    def view(self) -> View:
        """What is known of it."""
        return self._store.view(self.road)

    def tick(self) -> float:
        """Run what is due, if nobody else does; seconds until it is worth looking again."""
        now = self._clock()
        view = self._seen(now)
        self._alarm(view, now)
        if due(self.entries, view, now):
            if (claimed := self.reader.claim()) is None:
                return min(LOOK, 1.0)
            try:
                self._run_due(claimed)
            finally:
                self.reader.release(claimed)
            view = self.view()
        return self._wait(view)

    def run(self, *, full: bool, told: Callable[[Tally], None] = lambda _tally: None) -> Tally | None:
        """Now, whatever the schedule says; None while another reads. Raises CrossdockError."""
        self._seen(self._clock())
        if (claimed := self.reader.claim()) is None:
            return None
        try:
            return self._run(claimed, full=full, told=told)
        finally:
            self.reader.release(claimed)

    def begin(self) -> bool:
        """As `run`, in a thread of its own; False while another reads. What it came to stands in the schedule."""
        self._seen(self._clock())
        if (claimed := self.reader.claim()) is None:
            return False

        def work() -> None:
            try:
                try:
                    self._run(claimed, full=False)
                finally:
                    self.reader.release(claimed)
            except CrossdockError as error:
                log.warning("could not be read", road=self.road.name(), error=str(error))

        self._errands.begin(self.road.name(), work)
        return True

    def end(self) -> None:
        """What `begin` began is stored as far as it came, and no more: the database may be closed then."""
        self.reader.stopping.set()
        self._errands.end()

    def watch(self) -> list[tuple[Entry, datetime]]:
        """What did not happen, with its time; told to the log once."""
        now = self._clock()
        view = self.view()
        self._alarm(view, now)
        return missed(self.entries, view, now)

    def _seen(self, now: datetime) -> View:
        view = self.view()
        if new := {one.name(): first_seen(one, now) for one in self.entries if one.name() not in view.standings}:
            self._store.see(self.road, new)
            view = self.view()
        return view

    def _alarm(self, view: View, now: datetime) -> None:
        for entry, when in missed(self.entries, view, now):
            if self._store.note_missed(self.road, entry.name(), when):
                log.error("a run did not happen", **_named(self.road), schedule=entry.name(), due=when.isoformat())

    def _run_due(self, claimed: Checkpoint) -> None:
        """Under the claim nobody else changes what is due: whoever had it before us may have done it."""
        ready = due(self.entries, self.view(), self._clock())
        if ready:
            self._run(claimed, full=any(one.full for one in ready))

    def _run(self, claimed: Checkpoint, *, full: bool, told: Callable[[Tally], None] = lambda _tally: None) -> Tally:
        ours = covered(self.entries, full=full)
        if not self._store.begin(claimed, self.road, [one.name() for one in ours], self._clock()):
            raise LeaseLost(f"another reader has {self.road.name()}")
        try:
            tally = self.reader.read(claimed, full=full, told=told)
        except Exception as error:
            code = error.code if isinstance(error, CrossdockError) else "unexpected"
            self._failed(claimed, ours, f"{code}: {error}" if code != "unexpected" else type(error).__name__)
            raise
        if tally.rejected or tally.held or tally.conflicts:
            log.warning("rows read that somebody must look at", **_named(self.road), came_to=tally.told())
        outcome = DONE if tally.complete else STOPPED
        self._store.end(
            claimed, self.road, dict.fromkeys([one.name() for one in ours]), outcome, tally.told(), self._clock()
        )
        return tally

    def _failed(self, claimed: Checkpoint, ours: Sequence[Entry], detail: str) -> None:
        now, view = self._clock(), self.view()
        again: dict[str, datetime | None] = {
            one.name(): retry_at(one, view.standings[one.name()].failures + 1, now) for one in ours
        }
        self._store.end(claimed, self.road, again, FAILED, detail, now)

    def _wait(self, view: View) -> float:
        now = self._clock()
        times = [due_at(one, view.standings[one.name()]) for one in self.entries if one.name() in view.standings]
        soonest = min(((when - now).total_seconds() for when in times), default=LOOK)
        return LOOK if view.is_paused() else max(SHORTEST, min(LOOK, soonest))


class Clerk:
    """Keeps one timetable, in a thread of its own."""

    def __init__(self, timetable: Timetable) -> None:
        self.timetable = timetable
        self._stopping = timetable.reader.stopping
        self._thread = threading.Thread(target=self._keep, name=f"read-{timetable.road.stream()}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """The page under way is stored, then no more."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def alive(self) -> bool:
        """Whether its thread is."""
        return self._thread.is_alive()

    def _keep(self) -> None:
        road = _named(self.timetable.road)
        while not self._stopping.is_set():
            wait = 1.0
            try:
                wait = self.timetable.tick()
            except CrossdockError as error:
                log.error("rows not read", **road, code=error.code, error=str(error))
            except Exception:  # a bug in one scan must not end all that follow
                log.exception("rows not read", **road)
            self._stopping.wait(wait)


def _named(road: Road) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.structs.asdict(road)
    return found


__all__ = ["Clerk", "Reads", "ScheduleStore", "Timetable"]
