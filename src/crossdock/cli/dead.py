"""Dead letters: what Crossdock will not try again by itself."""

from __future__ import annotations

import sys
from collections.abc import Iterator
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
    complaints,
    console,
    person,
    plain,
    refuse,
    say,
    settings_or_exit,
    store_of,
)
from crossdock.delivery.store import DeadFilter, DeliveryView
from crossdock.errors import ConfigurationError
from crossdock.operations import dead
from crossdock.operations.causes import cause_of
from crossdock.operations.desk import Desk
from crossdock.storage.sql import SqlStore

MOST = 1_000_000
STEP = 500
app = typer.Typer(no_args_is_help=True, help="Dead letters: list, show, replay, edit, resolve.")
IdsArgument = Annotated[list[int] | None, typer.Argument(help="Delivery ids; none: all that the filters leave.")]
FlowOption = Annotated[str, typer.Option(help="Only this flow.")]
TargetOption = Annotated[str, typer.Option(help="Only this target.")]
CodeOption = Annotated[str, typer.Option(help="Only this error code.")]
OwnerOption = Annotated[str, typer.Option(help="Only what is for business, or devops.")]
OrderOption = Annotated[str, typer.Option("--order", help="Only this order number.")]
CauseOption = Annotated[str, typer.Option("--cause", help="Only letters of this cause, as `dead causes` names it.")]
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
    if len(letters) == DeadFilter().limit:
        say(f"these are the {len(letters)} oldest; narrow them by a filter to see others", to=complaints)


@app.command()
def causes(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Dead letters by their cause: how many, since when, and the money of the orders among them."""
    try:
        crossdock = Crossdock(settings_or_exit(config), roles=frozenset())
    except ConfigurationError as error:
        refuse(error)
        raise typer.Exit(2) from error
    try:
        found = dead.causes(Desk(crossdock)).causes
    finally:
        crossdock.store.close()
    if as_json:
        console.print_json(msgspec.json.encode(found).decode())
        return
    table = Table("cause", "letters", "oldest", "owner", "code", "reason", "where", "money", box=None)
    for one in found:
        where = ", ".join(f"{place.flow} to {place.target}: {place.count}" for place in one.where)
        money = ", ".join(f"{part.amount} {part.currency}" for part in one.at_risk.money)
        oldest = f"{one.oldest_at:%Y-%m-%d %H:%M}"
        table.add_row(*map(plain, (one.id, one.count, oldest, one.owner, one.code, one.reason, where, money)))
    console.print(table if found else "no dead letters")


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
        say(f"there is no delivery {delivery_id}", to=complaints)
        raise typer.Exit(1)
    view, message = found
    if not record:
        console.print_json(msgspec.json.encode(view).decode())
    if message.payload:  # as it is: no number in it may pass through a float
        sys.stdout.write(msgspec.json.format(message.payload, indent=2).decode() + "\n")
    else:
        say("its record is not kept any more, or was never read", to=complaints)


@app.command()
def replay(
    ids: IdsArgument = None,
    config: ConfigOption = None,
    flow: FlowOption = "",
    target: TargetOption = "",
    code: CodeOption = "",
    owner: OwnerOption = "",
    order: OrderOption = "",
    cause: CauseOption = "",
    why: Annotated[str, typer.Option("--why", help="The reason; it is kept in the audit trail.")] = "",
    everything: AllOption = False,
) -> None:
    """Try again under the same key: what arrived after all is found, not doubled."""
    which = DeadFilter(flow=flow, target=target, code=code, owner=owner, reference=order)
    with store_of(config) as store:
        chosen = _chosen(store, ids, which, cause, everything=everything)
        done = sum(store.replay(some, person(), datetime.now(UTC), why) for some in _steps(chosen))
    say(f"{done} of {len(chosen)} will be tried again{_rest(done, chosen)}")


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
        say(f"{payload} is not JSON: {error}", to=complaints)
        raise typer.Exit(2) from error
    with store_of(config) as store:
        done = store.edit(delivery_id, body, person(), why, datetime.now(UTC))
    if not done:
        say(f"delivery {delivery_id} is no dead letter", to=complaints)
        raise typer.Exit(1)
    say(f"{delivery_id} will be tried again with the new record, under the same key")


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
    cause: CauseOption = "",
    everything: AllOption = False,
) -> None:
    """Say that a person has dealt with it: it is not tried again, and its order's lane goes on."""
    which = DeadFilter(flow=flow, target=target, code=code, owner=owner, reference=order)
    with store_of(config) as store:
        chosen = _chosen(store, ids, which, cause, everything=everything)
        done = sum(store.resolve(some, person(), why, datetime.now(UTC)) for some in _steps(chosen))
    say(f"{done} of {len(chosen)} resolved{_rest(done, chosen)}")


def _chosen(store: SqlStore, ids: list[int] | None, which: DeadFilter, cause: str, *, everything: bool) -> list[int]:
    if ids:
        return ids
    if which == DeadFilter() and not cause and not everything:
        say("give ids, a filter, or --all", to=complaints)
        raise typer.Exit(2)
    found = store.dead(msgspec.structs.replace(which, limit=MOST))
    return [letter.id for letter in found if cause in {"", cause_of(letter.code, letter.reason)}]


def _rest(done: int, chosen: list[int]) -> str:
    if not chosen:
        return ": no dead letter fits"
    return "" if done == len(chosen) else "; the others are no dead letters (any more)"


def _steps(chosen: list[int]) -> Iterator[list[int]]:
    """One transaction each: other writers wait for none of them for long."""
    for start in range(0, len(chosen), STEP):
        yield chosen[start : start + STEP]


def _table(letters: list[DeliveryView]) -> Table:
    table = Table("id", "age", "order", "flow", "target", "owner", "code", "reason", box=None)
    now = datetime.now(UTC)
    for one in letters:
        age = str(now - one.created_at).split(".", maxsplit=1)[0]
        cells = (one.id, age, one.reference, one.flow, one.target, one.owner, one.code, one.reason)
        table.add_row(*map(plain, cells))
    return table
