"""Incidents: what is wrong, who was told, and that somebody is at it."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer
from rich.table import Table

from crossdock.cli.common import ConfigOption, JsonOption, WhyOption, complaints, console, person, plain, say
from crossdock.cli.desks import desk_of
from crossdock.incidents.records import Kind
from crossdock.incidents.texts import is_counted, moment
from crossdock.operations import incidents

app = typer.Typer(no_args_is_help=True, help="What is wrong, since when, and who was told: list, show, acknowledge.")
NumberArgument = Annotated[int, typer.Argument(help="The incident's number.")]
WRONG = {"critical": "bold red", "error": "red", "warning": "yellow"}


@app.command("list")
def list_incidents(
    config: ConfigOption = None,
    state: Annotated[str, typer.Option(help="open, resolved, or all.")] = "open",
    limit: Annotated[int, typer.Option(help="Incidents at most.")] = 100,
    as_json: JsonOption = False,
) -> None:
    """Open incidents, the worst first; `--state resolved` or `all`: newest first."""
    with desk_of(config) as desk:
        found = incidents.every(desk, state, limit=limit)
    if as_json:
        console.print_json(msgspec.json.encode(found).decode())
        return
    if not found:
        say(f"no incidents ({state})" if state != "all" else "no incidents")
        return
    table = Table("id", "severity", "state", "since", "what", "told", "acknowledged", box=None)
    for one in found:
        seen = one.acknowledged_by if one.acknowledged_at else ""
        cells = (one.id, one.severity, one.state, moment(one.since), one.summary, ", ".join(one.told), seen)
        table.add_row(*(plain(cell, WRONG.get(one.severity, "") if one.state != "resolved" else "") for cell in cells))
    console.print(table)


@app.command()
def show(number: NumberArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """One incident, with each message that was sent of it, or is owed."""
    with desk_of(config) as desk:
        found = incidents.one(desk, number)
    if as_json:
        console.print_json(msgspec.json.encode(found).decode())
        return
    one = found.incident
    rows = (
        ("what", one.summary),
        ("severity", f"{one.severity}, for {one.owner}"),
        ("state", one.state),
        ("since", moment(one.since)),
        ("first seen", moment(one.first_at)),
        ("last seen", moment(one.last_at)),
        ("resolved", f"{moment(one.resolved_at)}; done: {one.done}" if one.resolved_at else ""),
        ("at most", one.peak if is_counted(Kind(one.kind)) else ""),
        ("for example", ", ".join(one.examples)),
        ("acknowledged", _acknowledged(one)),
        ("look", one.cli),
    )
    for name, value in rows:
        if value:
            say(f"{name:13}", value)
    _messages(found)


@app.command()
def acknowledge(number: NumberArgument, why: WhyOption, config: ConfigOption = None) -> None:
    """Say that somebody is at it: it is not passed on, and only ten times as much of it is told anew."""
    with desk_of(config) as desk:
        done = incidents.acknowledge(desk, number, person(), why)
    if not done.changed:
        say(f"incident {number} was acknowledged already, by {done.by}", to=complaints)
        raise typer.Exit(1)
    say(f"incident {number} is acknowledged")


def _acknowledged(one: incidents.Listed) -> str:
    if one.acknowledged_at is None:
        return ""
    return f"{moment(one.acknowledged_at)}, {one.acknowledged_by}: {one.acknowledged_why}"


def _messages(found: incidents.Shown) -> None:
    if not found.messages:
        say("nobody was told: no audience hears of it")
        return
    table = Table("audience", "message", "due", "state", "sent", "tries", "why not", box=None)
    for one in found.messages:
        sent = moment(one.sent_at) if one.sent_at else ""
        cells = (one.audience, one.transition, moment(one.due_at), one.state, sent, one.tries, one.error)
        table.add_row(*map(plain, cells))
    console.print(table)


__all__ = ["app"]
