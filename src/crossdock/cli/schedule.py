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
from crossdock.errors import ConfigurationError, CrossdockError
from crossdock.feeds.polling import Tally
from crossdock.feeds.schedules import WRONG
from crossdock.operations.schedules import lines_of, stores, timetable_of

app = typer.Typer(no_args_is_help=True, help="When flows are read from their sources: list, run, pause, resume.")
NameArgument = Annotated[
    str, typer.Argument(metavar="ROUTE", help="SOURCE/TARGET/FLOW, or the flow alone where only one route is read.")
]


@app.command("list")
def list_schedules(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Each schedule with its next and last run, what that came to, and whether one did not happen."""
    with _crossdock(config) as crossdock:
        lines = [*lines_of(crossdock), *stores(crossdock)]
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
        tally = timetable_of(crossdock, route).run(full=full, told=_tell)
    if tally is None:
        say("another process is reading it just now: nothing was done", to=complaints)
        raise typer.Exit(1)
    say("read: ", tally.told())


@app.command()
def pause(route: NameArgument, why: WhyOption, config: ConfigOption = None) -> None:
    """Read it no more until it is resumed. A run under way ends as it would have."""
    with _crossdock(config) as crossdock:
        timetable = timetable_of(crossdock, route)
        done = crossdock.store.schedules.pause(timetable.road, why, person(), utc_now())
    say(f"{timetable.road.name()} {'is paused' if done else 'was paused already'}")


@app.command()
def resume(
    route: NameArgument,
    config: ConfigOption = None,
    why: Annotated[str, typer.Option("--why", help="The reason; it is kept in the audit trail.")] = "",
) -> None:
    """Go on; what came due meanwhile is caught up, once."""
    with _crossdock(config) as crossdock:
        timetable = timetable_of(crossdock, route)
        done = crossdock.store.schedules.resume(timetable.road, person(), utc_now(), why)
    if not done:
        say(f"{timetable.road.name()} is not paused", to=complaints)
        raise typer.Exit(1)
    say(f"{timetable.road.name()} goes on")


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


__all__ = ["app"]
