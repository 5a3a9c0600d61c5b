"""Bulks: what a store has of ours in its own queue, and how far it is."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import msgspec
import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from crossdock.app import Crossdock
from crossdock.cli.common import (
    ConfigOption,
    JsonOption,
    complain,
    complaints,
    console,
    plain,
    refuse,
    say,
    settings_or_exit,
)
from crossdock.contract.ledger import Batch, BatchState, TellsBatches
from crossdock.errors import ConfigurationError, CrossdockError

app = typer.Typer(no_args_is_help=True, help="Bulks that a store carries out by itself: list, status.")
WORDS = {0: "not begun", 1: "under way", 2: "done", 3: "ended with failures"}
EVERY_S = 2.0
ConnectionOption = Annotated[str, typer.Option(help="The store; else all of them are asked.")]


@app.command("list")
def list_bulks(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """What was handed over and is not known to have ended."""
    with _crossdock(config) as crossdock:
        found = [(name, one) for name in _stores(crossdock, "") for one in crossdock.store.ledger(name).batches()]
    if as_json:
        rows = [{"connection": name, **msgspec.to_builtins(one)} for name, one in found]
        console.print_json(msgspec.json.encode(rows).decode())
        return
    if not found:
        say("nothing is under way")
        return
    console.print(_listed(found))


@app.command()
def status(
    uuid: Annotated[str, typer.Argument(help="As `bulk list` and `explain` name it.")],
    config: ConfigOption = None,
    connection: ConnectionOption = "",
    follow: Annotated[bool, typer.Option("--follow", help="Until it has ended, with a bar and the time left.")] = False,
    as_json: JsonOption = False,
) -> None:
    """How far the store is with it, asked of the store. Exit code 1: it ended with failures, or is not known."""
    with _crossdock(config) as crossdock:
        state = None
        for name in _stores(crossdock, connection):
            state = _followed(crossdock, name, uuid) if follow else _asked(crossdock, name, uuid)
            if state is not None:
                break
    if state is None:
        say(plain("! ", "red"), f"no store knows a bulk {uuid}", to=complaints)
        raise typer.Exit(1)
    _show(state, as_json=as_json)
    if state.status == 3:
        raise typer.Exit(1)


class _crossdock:  # noqa: N801  used as a function
    """Opened for the settings; every error told, with its exit code."""

    def __init__(self, config: Any) -> None:
        try:
            self._crossdock = Crossdock(settings_or_exit(config), roles=frozenset())
        except ConfigurationError as error:
            refuse(error)
            raise typer.Exit(2) from error

    def __enter__(self) -> Crossdock:
        return self._crossdock

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self._crossdock.store.close()
        if isinstance(error, ConfigurationError):
            refuse(error)
            raise typer.Exit(2) from error
        if isinstance(error, CrossdockError):
            complain(error)
            raise typer.Exit(1) from error


def _stores(crossdock: Crossdock, connection: str) -> Sequence[str]:
    """Raises ConfigurationError where there is none."""
    by_name = crossdock.connections.by_name
    found = [name for name, one in by_name.items() if isinstance(one, TellsBatches) and connection in {"", name}]
    if not found:
        raise ConfigurationError([f"{connection or 'connections'}: no store that takes bulks"])
    return found


def _asked(crossdock: Crossdock, name: str, uuid: str) -> BatchState | None:
    connector = crossdock.connections.by_name[name]
    return connector.batch_state(uuid) if isinstance(connector, TellsBatches) else None


def _followed(crossdock: Crossdock, name: str, uuid: str) -> BatchState | None:
    words = (TextColumn("{task.completed} of {task.total} operations"), BarColumn(), TimeRemainingColumn())
    with Progress(*words, console=complaints, disable=not complaints.is_terminal, transient=True) as progress:
        task = progress.add_task("operations", total=None)
        state = None
        for state in _states(crossdock, name, uuid):
            progress.update(task, total=state.total, completed=state.successful + state.failed)
        return state


def _states(crossdock: Crossdock, name: str, uuid: str) -> Iterator[BatchState]:
    while (state := _asked(crossdock, name, uuid)) is not None:
        yield state
        if not state.open:
            return
        time.sleep(EVERY_S)


def _show(state: BatchState, *, as_json: bool) -> None:
    if as_json:
        told = {"status": state.status, **msgspec.to_builtins(state)}
        console.print_json(msgspec.json.encode(told).decode())
        return
    say(
        f"bulk {state.ticket}, begun {state.start_time}: {WORDS[state.status]}; {state.total} operations, ",
        f"{state.successful} succeeded, ",
        plain(f"{state.failed} failed", "red" if state.failed else ""),
        f", {state.open} open",
    )
    for reason, count in sorted(state.reasons.items(), key=lambda one: -one[1])[:10]:
        say(f"  {count} x {reason}")


def _listed(found: Sequence[tuple[str, Batch]]) -> Table:
    table = Table("store", "bulk", "rows not settled", "handed over", box=None)
    for name, one in found:
        table.add_row(*map(plain, (name, one.ticket or "not known yet", one.rows, f"{one.at:%Y-%m-%d %H:%M:%S}")))
    return table
