"""Schedules: when flows are read from their sources, and whether that happened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from crossdock.app import Crossdock, utc_now
from crossdock.cli.common import (
    ConfigOption,
    JsonOption,
    WhyOption,
    complain,
    complaints,
    console,
    person,
    plain,
    refuse,
    say,
    settings_or_exit,
)
from crossdock.delivery.poll import STREAM
from crossdock.errors import ConfigurationError, CrossdockError
from crossdock.feeds.polling import Tally
from crossdock.feeds.schedules import WRONG, Entry, View, due_at, state_of
from crossdock.feeds.timetable import Timetable
from crossdock.model.base import Record

app = typer.Typer(no_args_is_help=True, help="When flows are read from their sources: list, run, pause, resume.")
NameArgument = Annotated[
    str, typer.Argument(metavar="ROUTE", help="SOURCE/TARGET/FLOW, or the flow alone where only one route is read.")
]


class Line(Record, frozen=True, kw_only=True):
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


@app.command("list")
def list_schedules(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Each schedule with its next and last run, what that came to, and whether one did not happen."""
    with _crossdock(config) as crossdock:
        lines = [*lines_of(crossdock), *_stores(crossdock)]
    if as_json:
        console.print_json(msgspec.json.encode(lines).decode())
        return
    if not lines:
        say("nothing is read from anywhere")
        return
    table = Table("route", "schedule (UTC below)", "state", "next", "last", "came to", "missed", box=None)
    for one in lines:
        missed = f"{one.missed}, last {_moment(one.missed_at)}" if one.missed else ""
        cells = (one.route, one.schedule, one.state, _moment(one.next_at), _moment(one.last_at), one.detail, missed)
        table.add_row(*(plain(cell, "red" if one.state in WRONG else "") for cell in cells))
    console.print(table)


@app.command()
def run(
    route: NameArgument,
    config: ConfigOption = None,
    full: Annotated[bool, typer.Option("--full", help="Read everything there is, not only what has changed.")] = False,
) -> None:
    """Read it now, in this process, also where it is paused. Exit code 1: it failed, or another is reading it."""
    with _crossdock(config) as crossdock:
        tally = _of(crossdock, route).run(full=full, told=_tell)
    if tally is None:
        say("another process is reading it just now: nothing was done", to=complaints)
        raise typer.Exit(1)
    say("read: ", tally.told())


@app.command()
def pause(route: NameArgument, why: WhyOption, config: ConfigOption = None) -> None:
    """Read it no more until it is resumed. A run under way ends as it would have."""
    with _crossdock(config) as crossdock:
        timetable = _of(crossdock, route)
        done = crossdock.store.schedules.pause(timetable.road, why, person(), utc_now())
    say(f"{timetable.road.name()} {'is paused' if done else 'was paused already'}")


@app.command()
def resume(route: NameArgument, config: ConfigOption = None) -> None:
    """Go on; what came due meanwhile is caught up, once."""
    with _crossdock(config) as crossdock:
        timetable = _of(crossdock, route)
        done = crossdock.store.schedules.resume(timetable.road, person(), utc_now())
    if not done:
        say(f"{timetable.road.name()} is not paused", to=complaints)
        raise typer.Exit(1)
    say(f"{timetable.road.name()} goes on")


def lines_of(crossdock: Crossdock) -> list[Line]:
    """Of each line of each schedule, how it stands."""
    now = utc_now()
    found = []
    for timetable in crossdock.readers.timetables.values():
        view = timetable.view()
        found += [_line(timetable, entry, view, now) for entry in timetable.entries]
        if not timetable.entries:
            found.append(Line(route=timetable.road.name(), schedule="never", state="waiting"))
    return found


def _line(timetable: Timetable, entry: Entry, view: View, now: datetime) -> Line:
    kept = view.standings.get(entry.name())
    halt = view.halt
    state = state_of(entry, view, now)
    paused = f"paused by {halt.by}: {halt.reason}" if state == "paused" and halt else ""
    if kept is None:
        return Line(route=timetable.road.name(), schedule=entry.name(), state=state, detail=paused)
    return Line(
        route=timetable.road.name(),
        schedule=entry.name(),
        state=state,
        next_at=None if state == "paused" else due_at(entry, kept),
        last_at=kept.began_at,
        done_at=kept.done_at,
        outcome=kept.outcome,
        detail=paused or (f"{kept.outcome}: {kept.detail}" if kept.outcome else ""),
        missed=kept.missed,
        missed_at=kept.missed_at,
    )


def _stores(crossdock: Crossdock) -> Iterator[Line]:
    """Orders are polled by the store's own settings: shown here, and not to be run or paused."""
    for name, poller in crossdock.pollers.items():
        read = crossdock.store.checkpoint(name, STREAM)
        last = read.complete_at if read else None
        schedule = f"every {poller.interval:g} s"
        yield Line(route=f"{name} (orders)", schedule=schedule, state="polled", last_at=last, done_at=last)


def _of(crossdock: Crossdock, name: str) -> Timetable:
    known = crossdock.readers.timetables
    found = [one for road, one in known.items() if name in {road.name(), road.flow}]
    if len(found) == 1:
        return found[0]
    told = ", ".join(road.name() for road in known) or "none"
    raise ConfigurationError([f"{name}: {'names several' if found else 'is none'} of the routes that are read: {told}"])


def _tell(tally: Tally) -> None:
    if complaints.is_terminal:
        say(f"\r{tally.told()} …", to=complaints)


def _moment(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else ""


@contextmanager
def _crossdock(config: Path | None) -> Iterator[Crossdock]:
    try:
        crossdock = Crossdock(settings_or_exit(config))
    except ConfigurationError as error:
        refuse(error)
        raise typer.Exit(2) from error
    try:
        yield crossdock
    except ConfigurationError as error:
        refuse(error)
        raise typer.Exit(2) from error
    except CrossdockError as error:
        complain(error)
        raise typer.Exit(1) from error
    finally:
        crossdock.store.close()


__all__ = ["Line", "app", "lines_of"]
