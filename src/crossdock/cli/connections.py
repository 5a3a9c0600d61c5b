"""Pausing and resuming what is sent, and how things stand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from crossdock.cli.common import (
    ConfigOption,
    JsonOption,
    WhyOption,
    complaints,
    console,
    person,
    plain,
    say,
    settings_or_exit,
    store_of,
)
from crossdock.feeds.schedules import WRONG, due_at, state_of
from crossdock.readers import scheduled
from crossdock.settings import Settings
from crossdock.storage.sql import SqlStore

NameArgument = Annotated[str, typer.Argument(help="The connection's name.")]


def pause(name: NameArgument, why: WhyOption, config: ConfigOption = None) -> None:
    """Send nothing to a connection until it is resumed; what comes in waits."""
    known = settings_or_exit(config).connections
    if name not in known:
        say(f"there is no connection {name}, only {', '.join(sorted(known)) or 'none'}", to=complaints)
        raise typer.Exit(2)
    with store_of(config) as store:
        done = store.pause(name, why, person(), datetime.now(UTC))
    say(f"{name} is paused" if done else f"{name} was paused already")


def resume(
    name: NameArgument,
    config: ConfigOption = None,
    why: Annotated[str, typer.Option("--why", help="The reason; it is kept in the audit trail.")] = "",
) -> None:
    """Go on sending to a connection."""
    with store_of(config) as store:
        done = store.resume(name, person(), datetime.now(UTC), why)
    if not done:
        say(f"{name} is not paused", to=complaints)
        raise typer.Exit(1)
    say(f"{name} goes on")


def status(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """How many deliveries stand where, what is paused, and which schedules were not kept."""
    with store_of(config) as store:
        counts, paused = store.counts(), store.paused()
        unkept = [*_unkept(settings_or_exit(config), store)]
        cautious = store.recovery.cautious_until(datetime.now(UTC))
    rows = [
        {"flow": flow, "target": target, "state": state, "count": count}
        for (flow, target, state), count in sorted(counts.items())
    ]
    if as_json:
        told = {"deliveries": rows, "paused": paused, "schedules": unkept, "cautious_until": cautious}
        console.print_json(msgspec.json.encode(told).decode())
        return
    table = Table("flow", "target", "state", "count", box=None)
    for row in rows:
        table.add_row(*map(plain, row.values()))
    console.print(table if rows else "nothing was owed to anybody yet")
    if letters := sum(count for (_, _, state), count in counts.items() if state == "dead"):
        say(plain(f"{letters} wait for a person", "red"), ": `crossdock dead list`")
    for one in paused:
        since = f" since {one.since:%Y-%m-%d %H:%M} UTC by {one.by}: {one.reason}"
        say(plain("paused ", "red"), one.connection, since)
    if cautious is not None:
        until = f"{cautious:%Y-%m-%d %H:%M} UTC"
        say(f"A backup was restored: until {until} all that is new is looked up before it is sent.")
    for bad in unkept:
        line = f"{bad['route']} by its schedule {bad['schedule']} {bad['detail']}"
        say(plain(f"{bad['state']} ", "red"), line.strip())
    if unkept:
        say("`crossdock schedule list` shows all of them")


def _unkept(settings: Settings, store: SqlStore) -> Iterator[dict[str, str]]:
    """Schedules that something is wrong with; those that go by an interval are shown by `doctor`."""
    now = datetime.now(UTC)
    for road, entries in scheduled(settings.routes).items():
        view = store.schedules.view(road)
        for entry in entries:
            if (state := state_of(entry, view, now)) in WRONG:
                kept = view.standings[entry.name()]
                told = f"since {due_at(entry, kept):%Y-%m-%d %H:%M} UTC" if state == "missed" else kept.detail
                yield {"route": road.name(), "schedule": entry.name(), "state": state, "detail": told}
