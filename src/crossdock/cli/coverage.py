"""Was every order that exists in the store seen? Hour by hour, with each gap explained."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from crossdock.app import Crossdock
from crossdock.cli.common import ConfigOption, JsonOption, complain, console, plain, refuse, say, settings_or_exit
from crossdock.errors import ConfigurationError, CrossdockError
from crossdock.operations.coverage import Coverage, examine, polled
from crossdock.operations.gaps import Hour, missed

FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]


def coverage(
    config: ConfigOption = None,
    since: Annotated[
        datetime | None, typer.Option("--from", formats=FORMATS, help="First hour, UTC; else --hours before the end.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option("--to", formats=FORMATS, help="End, UTC; else the last hour that is over.")
    ] = None,
    hours: Annotated[int, typer.Option(min=1, help="How many closed hours to look back, without --from.")] = 24,
    fill: Annotated[bool, typer.Option("--fill", help="Look at each order that was missed.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Hold the orders in each store against those seen, and explain each gap; exit code 1 where one was missed."""
    settings = settings_or_exit(config)
    try:
        crossdock = Crossdock(settings)
    except ConfigurationError as error:
        refuse(error)
        raise typer.Exit(2) from error
    try:
        found = [examine(crossdock, shop, (since, until, hours)) for shop in polled(crossdock)]
        if fill:
            for one in found:
                crossdock.pollers[one.store].fill_gaps([gap.ids for gap in missed(one.hours)])
    except ConfigurationError as error:
        refuse(error)
        raise typer.Exit(2) from error
    except CrossdockError as error:
        complain(error)
        raise typer.Exit(1) from error
    finally:
        crossdock.store.close()
    _print(found, as_json=as_json)
    if any(missed(one.hours) for one in found):
        raise typer.Exit(1)


def _print(found: list[Coverage], *, as_json: bool) -> None:
    if as_json:
        console.print_json(msgspec.json.encode(found).decode())
        return
    for one in found:
        read = f"polled up to {one.read_up_to:%Y-%m-%d %H:%M:%S}" if one.read_up_to else "never polled yet"
        period = f"{one.since:%Y-%m-%d %H:%M} to {one.until:%Y-%m-%d %H:%M} UTC by the store's clock"
        say(plain(one.store, "bold"), f": orders created {period}; {read}")
        console.print(_table(one.hours) if one.hours else "no orders in these hours")
        existing, seen = (sum(getattr(hour, name) for hour in one.hours) for name in ("existing", "seen"))
        lost = missed(one.hours)
        told = plain(f"{len(lost)} missed: {', '.join(gap.ids for gap in lost)}", "red") if lost else "none missed"
        say(f"{existing} exist, {seen} seen, ", told)


def _table(hours: list[Hour]) -> Table:
    table = Table("hour (UTC)", "existing", "seen", "id", "order", "why", box=None)
    for hour in hours:
        first = (f"{hour.hour:%Y-%m-%d %H}:00", str(hour.existing), str(hour.seen))
        if not hour.gaps:
            table.add_row(*first)
        for place, gap in enumerate(hour.gaps):
            table.add_row(*(("", "", "") if place else first), *map(plain, (gap.ids, gap.number, gap.why)))
    return table
