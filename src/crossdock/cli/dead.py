"""Dead letters: what Crossdock will not try again by itself."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from crossdock.cli.common import ConfigOption, JsonOption, WhyOption, complaints, console, person, store_of
from crossdock.delivery.store import DeadFilter, DeliveryView

app = typer.Typer(no_args_is_help=True, help="Dead letters: list, show, replay, edit, resolve.")
IdsArgument = Annotated[list[int] | None, typer.Argument(help="Delivery ids; none: all that the filters leave.")]
FlowOption = Annotated[str, typer.Option(help="Only this flow.")]
TargetOption = Annotated[str, typer.Option(help="Only this target.")]
CodeOption = Annotated[str, typer.Option(help="Only this error code.")]
OwnerOption = Annotated[str, typer.Option(help="Only what is for business, or devops.")]
OrderOption = Annotated[str, typer.Option("--order", help="Only this order number.")]
AllOption = Annotated[bool, typer.Option("--all", help="Really all, where neither ids nor filters are given.")]


@app.command("list")
def list_letters(
    config: ConfigOption = None,
    flow: FlowOption = "",
    target: TargetOption = "",
    code: CodeOption = "",
    owner: OwnerOption = "",
    order: OrderOption = "",
    as_json: JsonOption = False,
) -> None:
    """What is dead, why, whose it is, how old."""
    with store_of(config) as store:
        letters = store.dead(DeadFilter(flow=flow, target=target, code=code, owner=owner, reference=order))
    if as_json:
        console.print_json(msgspec.json.encode(letters).decode())
        return
    console.print(_table(letters) if letters else "no dead letters")


@app.command()
def show(
    delivery_id: int,
    config: ConfigOption = None,
    record: Annotated[bool, typer.Option("--record", help="Only its record, as `edit` takes it.")] = False,
) -> None:
    """One dead letter with its record (personal data: mind who looks over your shoulder)."""
    with store_of(config) as store:
        found = store.delivery(delivery_id)
    if found is None:
        complaints.print(f"there is no delivery {delivery_id}")
        raise typer.Exit(1)
    view, message = found
    if not record:
        console.print_json(msgspec.json.encode(view).decode())
    if message.payload:
        console.print_json(message.payload.decode())


@app.command()
def replay(
    ids: IdsArgument = None,
    config: ConfigOption = None,
    flow: FlowOption = "",
    target: TargetOption = "",
    code: CodeOption = "",
    owner: OwnerOption = "",
    order: OrderOption = "",
    everything: AllOption = False,
) -> None:
    """Try again under the same key: what arrived after all is found, not doubled."""
    which = DeadFilter(flow=flow, target=target, code=code, owner=owner, reference=order)
    with store_of(config) as store:
        chosen = _chosen(ids, which, store.dead(which), everything=everything)
        done = store.replay(chosen, person(), datetime.now(UTC))
    console.print(f"{done} of {len(chosen)} will be tried again")


@app.command()
def edit(
    delivery_id: int,
    payload: Annotated[Path, typer.Argument(help="File with the corrected record, JSON as `show --record` prints it.")],
    why: WhyOption,
    config: ConfigOption = None,
) -> None:
    """Correct a dead letter's record and try again under the same key."""
    body = payload.read_bytes()
    try:
        msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        complaints.print(f"{payload} is not JSON: {error}")
        raise typer.Exit(2) from error
    with store_of(config) as store:
        done = store.edit(delivery_id, body, person(), why, datetime.now(UTC))
    if not done:
        complaints.print(f"delivery {delivery_id} is no dead letter")
        raise typer.Exit(1)
    console.print("it will be tried again with the new record")


@app.command()
def resolve(
    ids: IdsArgument,
    why: WhyOption,
    config: ConfigOption = None,
    flow: FlowOption = "",
    target: TargetOption = "",
    code: CodeOption = "",
    owner: OwnerOption = "",
    order: OrderOption = "",
    everything: AllOption = False,
) -> None:
    """Say that a person has dealt with it: it is not tried again, and its order's lane goes on."""
    which = DeadFilter(flow=flow, target=target, code=code, owner=owner, reference=order)
    with store_of(config) as store:
        chosen = _chosen(ids, which, store.dead(which), everything=everything)
        done = store.resolve(chosen, person(), why, datetime.now(UTC))
    console.print(f"{done} of {len(chosen)} resolved")


def _chosen(ids: list[int] | None, which: DeadFilter, found: list[DeliveryView], *, everything: bool) -> list[int]:
    if ids:
        return ids
    if which == DeadFilter() and not everything:
        complaints.print("give ids, a filter, or --all")
        raise typer.Exit(2)
    return [letter.id for letter in found]


def _table(letters: list[DeliveryView]) -> Table:
    table = Table("id", "age", "order", "flow", "target", "owner", "code", "reason", box=None)
    now = datetime.now(UTC)
    for one in letters:
        age = str(now - one.created_at).split(".", maxsplit=1)[0]
        table.add_row(str(one.id), age, one.reference, one.flow, one.target, one.owner, one.code, one.reason)
    return table
