"""`crossdock map preview`: what other settings would change, over orders that were really recorded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from crossdock.cli.common import JsonOption, complaints, console, plain, refuse, say, settings_or_exit, store_of
from crossdock.connections import Connections
from crossdock.errors import ConfigurationError
from crossdock.exchanges import Exchanges
from crossdock.model.order import Order
from crossdock.operations.preview import Unreadable, orders_of, told
from crossdock.rehearsal import Difference, compare
from crossdock.settings import Settings
from crossdock.storage.sql import SqlStore

ENCODER = msgspec.json.Encoder(decimal_format="number")


def map_preview(
    config: Annotated[Path, typer.Option("--config", "-c", help="The new settings file.")],
    against: Annotated[
        Path | None, typer.Option(help="The settings as they are; else CROSSDOCK_CONFIG, else crossdock.toml.")
    ] = None,
    last: Annotated[int, typer.Option(min=1, help="How many orders, the newest first.")] = 500,
    as_json: JsonOption = False,
) -> None:
    """Every field that would change, what would not go any more and why. Exit code 1 where something would stop."""
    old, new = settings_or_exit(against), settings_or_exit(config)
    with store_of(against) as store:
        try:
            before, after = _ends(old, store), _ends(new, store)
        except ConfigurationError as error:
            refuse(error)
            raise typer.Exit(2) from error
        orders = [*_orders(before, store, last)]
    found = compare(orders, told(before), told(after))
    if as_json:
        typer.echo(ENCODER.encode(found))
    else:
        _print(found, len(orders))
    if any(one.stops for one in found.values()):
        raise typer.Exit(1)


def _ends(settings: Settings, store: SqlStore) -> Connections:
    ends = Connections(settings, Exchanges(), store.sealer)
    ends.lookups.added_in(store)
    return ends


def _orders(ends: Connections, store: SqlStore, last: int) -> Iterator[tuple[str, Order]]:
    """What cannot be parsed any more is told."""
    for one in orders_of(ends, store, last):
        if isinstance(one, Unreadable):
            say(plain("! ", "red"), f"{one.store} {one.order}: {one.reason}", to=complaints)
        else:
            yield one


def _print(found: Mapping[str, Difference], orders: int) -> None:
    say(f"{orders} orders, as they were last read from the store")
    for target, one in sorted(found.items()):
        stopped = sum(stop.count for stop in one.stops.values())
        changed = one.orders - one.same - one.started - stopped
        say(plain(f"{target}: ", "bold"), f"{one.same} as before, {changed} changed, {one.started} more would go")
        if one.fields:
            console.print(_fields(one))
        for reason, stop in one.stops.items():
            text = f"{stop.count} would not go any more, as {stop.order} ({stop.kind}): {reason}"
            say(plain("! ", "red"), text)


def _fields(one: Difference) -> Table:
    table = Table("field", "orders", "first", "before", "after", box=None)
    for path, change in sorted(one.fields.items()):
        table.add_row(*map(plain, (path, change.count, change.order, change.before, change.after)))
    return table
