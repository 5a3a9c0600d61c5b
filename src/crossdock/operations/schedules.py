"""Schedules: when flows are read from their sources, and whether that happened."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from crossdock.app import Crossdock, utc_now
from crossdock.delivery.poll import STREAM
from crossdock.delivery.records import Attempt
from crossdock.errors import ConfigurationError, NotThere
from crossdock.feeds import schedules as kept
from crossdock.feeds.schedules import Entry, due_at, state_of
from crossdock.feeds.timetable import Timetable
from crossdock.operations.desk import Desk, View, line, needs_why


class Line(View, frozen=True, kw_only=True):
    """One line of the list. Times are UTC."""

    route: str
    schedule: str
    state: str
    next_at: datetime | None = None
    last_at: datetime | None = None
    done_at: datetime | None = None
    outcome: str = ""
    detail: str = ""
    missed: int = 0
    missed_at: datetime | None = None


class Switched(View, frozen=True, kw_only=True):
    """`changed` is false where it stood so already."""

    route: str
    paused: bool
    changed: bool
    cli: str


class Begun(View, frozen=True, kw_only=True):
    """`begun` is false where another reads it just now. What it comes to stands in the list."""

    route: str
    begun: bool
    cli: str


def every(desk: Desk) -> list[Line]:
    """Roads by their schedules, then the stores that are polled by their own settings."""
    return [*lines_of(desk.crossdock), *stores(desk.crossdock)]


def run(desk: Desk, route: str, by: str, why: str) -> Begun:
    """Read it now, also where it is paused; it goes on behind the answer. Raises NotThere."""
    said = needs_why(why)
    timetable = _named(desk, route)
    name = timetable.road.name()
    now = desk.clock()
    asked = Attempt(operation="run", entity="schedule", entity_id=name[:255], started_at=now, actor=by, detail=said)
    desk.store.note(asked, now)
    return Begun(route=name, begun=timetable.begin(), cli=line("schedule", "run", name))


def pause(desk: Desk, route: str, by: str, why: str) -> Switched:
    """Read it no more until it is resumed; a run under way ends as it would have. Raises NotThere."""
    said = needs_why(why)
    road = _named(desk, route).road
    changed = desk.store.schedules.pause(road, said, by, desk.clock())
    return Switched(
        route=road.name(), paused=True, changed=changed, cli=line("schedule", "pause", road.name(), "--why", said)
    )


def resume(desk: Desk, route: str, by: str, why: str) -> Switched:
    """Go on; what came due meanwhile is caught up, once. Raises NotThere."""
    said = needs_why(why)
    road = _named(desk, route).road
    changed = desk.store.schedules.resume(road, by, desk.clock(), said)
    return Switched(route=road.name(), paused=False, changed=changed, cli=line("schedule", "resume", road.name()))


def _named(desk: Desk, route: str) -> Timetable:
    try:
        return timetable_of(desk.crossdock, route)
    except ConfigurationError as error:
        raise NotThere("; ".join(error.problems)) from error


def lines_of(crossdock: Crossdock) -> list[Line]:
    """Of each line of each schedule, how it stands."""
    now = utc_now()
    found = []
    for timetable in crossdock.timetables():
        view = timetable.view()
        found += [_line(timetable, entry, view, now) for entry in timetable.entries]
        if not timetable.entries:
            found.append(_unscheduled(timetable, view))
    return found


def _unscheduled(timetable: Timetable, view: kept.View) -> Line:
    halt = view.halt
    state, why = ("paused", f"paused by {halt.by}: {halt.reason}") if view.is_paused() and halt else ("waiting", "")
    return Line(route=timetable.road.name(), schedule="never", state=state, detail=why)


def _line(timetable: Timetable, entry: Entry, view: kept.View, now: datetime) -> Line:
    known = view.standings.get(entry.name())
    halt = view.halt
    state = state_of(entry, view, now)
    paused = f"paused by {halt.by}: {halt.reason}" if state == "paused" and halt else ""
    if known is None:
        return Line(route=timetable.road.name(), schedule=entry.name(), state=state, detail=paused)
    return Line(
        route=timetable.road.name(),
        schedule=entry.name(),
        state=state,
        next_at=None if state == "paused" else due_at(entry, known),
        last_at=known.began_at,
        done_at=known.done_at,
        outcome=known.outcome,
        detail=paused or (f"{known.outcome}: {known.detail}" if known.outcome else ""),
        missed=known.missed,
        missed_at=known.missed_at,
    )


def stores(crossdock: Crossdock) -> Iterator[Line]:
    """Orders are polled by the store's own settings: shown here, and not to be run or paused."""
    for name, poller in crossdock.pollers.items():
        read = crossdock.store.checkpoint(name, STREAM)
        last = read.complete_at if read else None
        schedule = f"every {poller.interval:g} s"
        yield Line(route=f"{name} (orders)", schedule=schedule, state="polled", last_at=last, done_at=last)


def timetable_of(crossdock: Crossdock, name: str) -> Timetable:
    """By SOURCE/TARGET/FLOW, or the flow alone where only one route is read. Raises ConfigurationError."""
    known = {one.road: one for one in crossdock.timetables()}
    found = [one for road, one in known.items() if name in {road.name(), road.flow}]
    if len(found) == 1:
        return found[0]
    told = ", ".join(road.name() for road in known) or "none"
    raise ConfigurationError([f"{name}: {'names several' if found else 'is none'} of the routes that are read: {told}"])


__all__ = ["Begun", "Line", "Switched", "every", "lines_of", "pause", "resume", "run", "stores", "timetable_of"]
