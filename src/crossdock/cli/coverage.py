"""Was every order that exists in the store seen? Hour by hour, with each gap explained."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from crossdock.app import Crossdock
from crossdock.cli.common import ConfigOption, JsonOption, complain, console, plain, refuse, say, settings_or_exit
from crossdock.cli.gaps import Examined, Hour, account, floor_hour, missed
from crossdock.delivery.poll import STREAM
from crossdock.errors import ConfigurationError, CrossdockError
from crossdock.magento.census import ASKED_SINGLY, Counted, runs
from crossdock.magento.connector import MagentoConnector
from crossdock.model.base import Record

FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
Period = tuple[datetime | None, datetime | None, int]


class Coverage(Record, frozen=True, kw_only=True):
    """One store's account. All times are UTC, by the store's clock; `polled_at`, of the last whole scan, by ours."""

    store: str
    since: datetime
    until: datetime
    hours: list[Hour]
    read_up_to: datetime | None
    polled_at: datetime | None


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
        found = [examine(crossdock, shop, (since, until, hours)) for shop in _polled(crossdock)]
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


def _polled(crossdock: Crossdock) -> list[MagentoConnector]:
    """Only what is polled can be counted: elsewhere nothing says how far the store was read."""
    ends = [crossdock.connections.by_name[name] for name in crossdock.pollers]
    shops = [end for end in ends if isinstance(end, MagentoConnector)]
    if not shops:
        raise ConfigurationError(["connections: no Magento store is polled for a route: there is nothing to count"])
    return shops


def examine(crossdock: Crossdock, shop: MagentoConnector, period: Period) -> Coverage:
    """Ask the store, then our own tables. Raises DeliveryError.

    How far polling has read is asked first and what was seen last: else an order that comes meanwhile looks missed.
    """
    name, census = shop.name, shop.census
    checkpoint = crossdock.store.checkpoint(name, STREAM)
    reach = census.reach(checkpoint.watermark if checkpoint else None)
    since, until = closed(period, census.now())
    orders = census.created(since, until)
    missing = runs([order.id for order in orders], census.before(orders[0].id) if orders else None)
    unlisted = [one for run in missing for one in census.unlisted(*run)]
    flow = crossdock.pollers[name].flow.name
    found = Examined(
        since=since,
        orders=orders,
        looks=crossdock.store.looks_at(name, flow, _subjects(orders, missing)),
        reach=reach,
        runs=missing,
        unlisted=unlisted,
    )
    return Coverage(
        store=name,
        since=since,
        until=until,
        hours=account(found),
        read_up_to=reach.read_up_to if reach else None,
        polled_at=checkpoint.complete_at if checkpoint else None,
    )


def closed(period: Period, now: datetime) -> tuple[datetime, datetime]:
    """Whole hours, none that is not over yet by `now`, the store's clock."""
    since, until, hours = period
    end = min(floor_hour(until.replace(tzinfo=UTC)), floor_hour(now)) if until else floor_hour(now)
    return (floor_hour(since.replace(tzinfo=UTC)) if since else end - timedelta(hours=hours)), end


def _subjects(orders: list[Counted], missing: list[tuple[int, int]]) -> list[str]:
    gone = [number for low, high in missing if high - low < ASKED_SINGLY for number in range(low, high + 1)]
    return [str(number) for number in (*(order.id for order in orders), *gone)]


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
