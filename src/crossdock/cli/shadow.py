"""`crossdock shadow`: what a shadow route found, and going live with it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from crossdock.app import Crossdock
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
    store_of,
)
from crossdock.delivery.records import Attempt
from crossdock.errors import ConfigurationError, CrossdockError
from crossdock.operations import shadow
from crossdock.operations.deliveries import MOST
from crossdock.operations.desk import Desk
from crossdock.storage.shadows import ShadowFilter

app = typer.Typer(no_args_is_help=True, help="Shadow routes: what would have been sent, against what is there.")
FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
TargetOption = Annotated[str, typer.Option(help="Only this target.")]
SourceOption = Annotated[str, typer.Option(help="Only from this store.")]
FateOption = Annotated[str, typer.Option(help="Only what is equal, different, missing, refused or unseen.")]
SinceOption = Annotated[datetime | None, typer.Option(formats=FORMATS, help="Compared at or after this, UTC.")]
UntilOption = Annotated[datetime | None, typer.Option(formats=FORMATS, help="Compared before this, UTC.")]
FlowOption = Annotated[str, typer.Option(help="Only this flow: orders, refunds …")]
Act = Callable[[Desk, ShadowFilter, str, str, int], shadow.Done]


@app.command()
def report(
    config: ConfigOption = None,
    source: SourceOption = "",
    target: TargetOption = "",
    flow: FlowOption = "",
    since: SinceOption = None,
    until: UntilOption = None,
    as_json: JsonOption = False,
) -> None:
    """Equal, different, missing; by field, with examples. Exit code 1: something is not equal."""
    with store_of(config) as store:
        found = shadow.report(store.shadows, _which(source, target, flow, "", since, until))
    if as_json:
        typer.echo(msgspec.json.encode(found).decode())
    else:
        _print(found)
    if any(one.different or one.missing or one.refused for one in found.roads):
        raise typer.Exit(1)


@app.command(name="list")
def list_(
    config: ConfigOption = None,
    source: SourceOption = "",
    target: TargetOption = "",
    flow: FlowOption = "",
    fate: FateOption = "",
    since: SinceOption = None,
    until: UntilOption = None,
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="Deliveries at most.")] = 50,
    after: Annotated[int, typer.Option(min=0, help="Only deliveries behind this number: the next page.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """What was compared, delivery by delivery, without a value; page by page."""
    which = _which(source, target, flow, fate, since, until)
    with store_of(config) as store:
        found = shadow.listing(store.shadows, which, after, limit)
    if as_json:
        typer.echo(msgspec.json.encode(found).decode())
        return
    table = Table("delivery", "flow", "order", "at", "came to", "what", box=None)
    for one in found.rows:
        what = one.reason or ", ".join(one.fields) or f"{one.compared} fields"
        table.add_row(*map(plain, (one.delivery, one.flow, one.reference or one.subject, one.target, one.fate, what)))
    console.print(table if found.rows else "nothing was compared that fits")
    if found.after is not None:
        say(f"more: --after {found.after}", to=complaints)


@app.command()
def show(
    delivery: int,
    config: ConfigOption = None,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Personal data too; it is noted in the audit trail.")
    ] = False,
    why: WhyOption = "",
    as_json: JsonOption = False,
) -> None:
    """One comparison with its values; what is about a person is masked unless `--reveal --why TEXT`."""
    with store_of(config) as store:
        if reveal and not why.strip():
            raise typer.BadParameter("is needed with --reveal", param_hint="--why")
        try:
            found = shadow.comparison(store.shadows, delivery, admin=reveal)
        except CrossdockError as error:
            complain(error)
            raise typer.Exit(1) from error
        if reveal:
            store.note(_looked(found, why.strip()), datetime.now(UTC))
    if as_json:
        typer.echo(msgspec.json.encode(found).decode())
        return
    _show(found)


@app.command()
def again(
    config: ConfigOption = None,
    source: SourceOption = "",
    target: TargetOption = "",
    flow: FlowOption = "",
    fate: FateOption = "",
    since: SinceOption = None,
    until: UntilOption = None,
    why: WhyOption = "",
) -> None:
    """Compare once more with the mapping and the settings of now; a running Crossdock does it."""
    _act(config, shadow.again, _which(source, target, flow, fate, since, until), why, "are compared again")


@app.command()
def send(
    config: ConfigOption = None,
    source: SourceOption = "",
    target: TargetOption = "",
    flow: FlowOption = "",
    fate: FateOption = "",
    since: SinceOption = None,
    until: UntilOption = None,
    why: WhyOption = "",
) -> None:
    """Send what was only compared: from now on these orders are Crossdock's. Looked for first, never doubled."""
    if not (target or flow or fate or since):
        raise typer.BadParameter("say which: --target, --flow, --fate or --since", param_hint="--since")
    _act(config, _send, _which(source, target, flow, fate, since, until), why, "are sent, each looked for first")


def _act(config: Path | None, act: Act, which: ShadowFilter, why: str, told: str) -> None:
    try:
        crossdock = Crossdock(settings_or_exit(config), roles=frozenset())
    except ConfigurationError as error:
        refuse(error)
        raise typer.Exit(2) from error
    total, after = 0, 0
    try:
        desk = Desk(crossdock)
        while True:
            done = act(desk, which, person(), why, after)
            total += done.deliveries
            after = done.after or 0
            if not done.left:
                break
    except CrossdockError as error:
        complain(error)
        raise typer.Exit(2) from error
    finally:
        crossdock.store.close()
    say(f"{total} deliveries {told}.")


def _send(desk: Desk, which: ShadowFilter, by: str, why: str, _after: int) -> shadow.Done:
    """What was sent does not fit any more: there is no place to go on from."""
    return shadow.send(desk, which, by, why)


def _which(
    source: str, target: str, flow: str, fate: str, since: datetime | None, until: datetime | None
) -> ShadowFilter:
    moments = [None if one is None else one.replace(tzinfo=UTC) for one in (since, until)]
    return ShadowFilter(source=source, target=target, flow=flow, fate=fate, since=moments[0], until=moments[1])


def _looked(found: shadow.Shown, why: str) -> Attempt:
    return Attempt(
        operation="reveal",
        entity=found.flow,
        entity_id=found.subject,
        started_at=datetime.now(UTC),
        actor=person(),
        detail=why,
    )


def _print(found: shadow.Report) -> None:
    if not found.roads:
        say("nothing was compared: no route is a shadow or a canary, or nothing has come since", to=complaints)
        return
    table = Table("from", "to", "flow", "equal", "different", "missing", "refused", "unseen", box=None)
    for road in found.roads:
        table.add_row(*map(plain, msgspec.structs.astuple(road)))
    console.print(table)
    if found.fields:
        fields = Table("field that differs", "at", "deliveries", "such as", box=None)
        for one in found.fields:
            fields.add_row(*map(plain, (one.field, f"{one.flow} at {one.target}", one.count, ", ".join(one.examples))))
        console.print(fields)
    for example in found.examples:
        why = f"{example.reason or ', '.join(example.fields)} (crossdock shadow show {example.delivery})"
        say(
            plain(example.fate, "yellow"),
            f" {example.flow} {example.reference} at {example.target}: {why}",
        )
    for target, names in found.uncompared.items():
        say(f"{target} does not give back, so not compared: {', '.join(names)}")


def _show(found: shadow.Shown) -> None:
    """Of what is not there, or shows none of its fields, the reason says all."""
    where = f" as {found.number}" if found.number else ""
    say(plain(f"{found.flow} {found.reference} at {found.target}{where}: {found.fate}", "bold"), f" {found.reason}")
    at = f"{found.at:%Y-%m-%d %H:%M:%S} UTC"
    say(f"{found.compared} fields compared at {at}" if found.compared else f"looked for at {at}")
    if found.compared:
        table = Table("field", "would be sent", "is there", box=None)
        for one in found.values:
            table.add_row(*map(plain, (one.field, one.ours, one.theirs)))
        console.print(table if found.values else "no field differs")
    if found.uncompared:
        say(f"not given back by the target: {', '.join(found.uncompared)}")
