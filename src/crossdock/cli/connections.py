"""Pausing and resuming what is sent, and how things stand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from crossdock.cli.common import ConfigOption, JsonOption, WhyOption, complaints, console, person, store_of

NameArgument = Annotated[str, typer.Argument(help="The connection's name.")]


def pause(name: NameArgument, why: WhyOption, config: ConfigOption = None) -> None:
    """Send nothing to a connection until it is resumed; what comes in waits."""
    with store_of(config) as store:
        done = store.pause(name, why, person(), datetime.now(UTC))
    console.print(f"{name} is paused" if done else f"{name} was paused already")


def resume(name: NameArgument, config: ConfigOption = None) -> None:
    """Go on sending to a connection."""
    with store_of(config) as store:
        done = store.resume(name, person(), datetime.now(UTC))
    if not done:
        complaints.print(f"{name} is not paused")
        raise typer.Exit(1)
    console.print(f"{name} goes on")


def status(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """How many deliveries stand where, and what is paused."""
    with store_of(config) as store:
        counts, paused = store.counts(), store.paused()
    rows = [
        {"flow": flow, "target": target, "state": state, "count": count}
        for (flow, target, state), count in sorted(counts.items())
    ]
    if as_json:
        console.print_json(msgspec.json.encode({"deliveries": rows, "paused": paused}).decode())
        return
    table = Table("flow", "target", "state", "count", box=None)
    for row in rows:
        table.add_row(*map(str, row.values()))
    console.print(table)
    for one in paused:
        console.print(f"[red]paused[/red] {one.connection} since {one.since:%Y-%m-%d %H:%M} UTC: {one.reason}")
