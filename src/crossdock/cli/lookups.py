"""Lookup tables: what there is, what is missing, and adding it while Crossdock runs."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from crossdock.cli.common import (
    ConfigOption,
    JsonOption,
    WhyOption,
    complaints,
    console,
    counted,
    person,
    plain,
    say,
    settings_or_exit,
    store_of,
)
from crossdock.delivery.store import DeadFilter
from crossdock.errors import MissingEntry
from crossdock.lookups import OLDEST, LiveLookups, replay_answered

app = typer.Typer(no_args_is_help=True, help="Lookup tables: list, what is missing, add and remove entries.")
TableArgument = Annotated[str, typer.Argument(help="The table's name, as in [lookups.NAME].")]
ValueArgument = Annotated[str, typer.Argument(help="The source's word.")]


@app.command("list")
def list_entries(
    config: ConfigOption = None,
    table: Annotated[str, typer.Option(help="Only this table.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Every entry, and where it comes from: the settings file, or added here."""
    tables = settings_or_exit(config).lookups
    with store_of(config) as store:
        added = store.lookup_entries()
    rows = [
        (name, value, entry, "file")
        for name, rules in tables.items()
        for value, entry in rules.entries.items()
        if value not in added.get(name, {})
    ]
    rows += [(name, value, entry, "added") for name, entries in added.items() for value, entry in entries.items()]
    rows = sorted(row for row in rows if table in {"", row[0]})
    if as_json:
        console.print_json(data=[dict(zip(("table", "value", "entry", "from"), row, strict=True)) for row in rows])
        return
    shown = Table("table", "value", "entry", "from", box=None)
    for row in rows:
        shown.add_row(*map(plain, row))
    console.print(shown if rows else "no entries")


@app.command()
def missing(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """What documents wait for, and how many of them."""
    with store_of(config) as store:
        letters = store.dead(DeadFilter(code=MissingEntry.code, limit=OLDEST))
    found = Counter(letter.reason for letter in letters)
    if as_json:
        console.print_json(data=dict(found))
        return
    for reason, count in found.most_common():
        say(f"{count} wait: {reason}")
    if not found:
        say("nothing waits for an entry")


@app.command()
def add(
    table: TableArgument,
    value: ValueArgument,
    entry: Annotated[str, typer.Argument(help="The target's word.")],
    why: WhyOption,
    config: ConfigOption = None,
) -> None:
    """Add or change an entry, over what the file says; what waited for it is tried again."""
    settings = settings_or_exit(config)
    now = datetime.now(UTC)
    with store_of(config) as store:
        store.put_entry(table, value, entry, person(), why, now)
        lookups = LiveLookups(settings.lookups)
        lookups.added_in(store)
        again = replay_answered(store, lookups, person(), now)
    say(f"{table}: {value} is {entry}. {counted(again, 'dead letter')} will be tried again.")
    if table not in settings.lookups:
        say(f"note: there is no [lookups.{table}] in the settings file; the table is made of added entries alone")


@app.command()
def remove(table: TableArgument, value: ValueArgument, why: WhyOption, config: ConfigOption = None) -> None:
    """Take back an entry that was added; the file's own, if there is one, counts again."""
    with store_of(config) as store:
        done = store.drop_entry(table, value, person(), why, datetime.now(UTC))
    if not done:
        say(plain(f"{table} has no added entry for {value}", "red"), to=complaints)
        raise typer.Exit(1)
    say(f"{table}: the added entry for {value} is gone")
