"""The master key: under which one the stored keys are wrapped, and under another one."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import typer

from crossdock.cli.common import ConfigOption, JsonOption, complain, console, person, plain, refuse, say, store_of
from crossdock.errors import ConfigurationError, CrossdockError
from crossdock.model.base import Record
from crossdock.security.envelope import key_id
from crossdock.storage.sql import SqlStore

app = typer.Typer(no_args_is_help=True, help="The master key: rotate it, see what is left under the former one.")


class Standing(Record, frozen=True, kw_only=True):
    """How many keys are wrapped under the master key, and under each other one by its id."""

    master_key: str
    wrapped: int
    left: dict[str, int]


@app.command()
def status(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """How many keys are left under a former master key. Exit code 1 where there are any."""
    with store_of(config) as store:
        found = standing(store)
    if as_json:
        console.print_json(msgspec.json.encode(found).decode())
    else:
        _print(found)
    if found.left:
        raise typer.Exit(1)


@app.command()
def rotate(config: ConfigOption = None) -> None:
    """Wrap every stored key under the master key; beside anything that runs, and again after it was broken off."""
    with store_of(config) as store:
        try:
            count = store.rotate_keys(person(), datetime.now(UTC))
        except ConfigurationError as error:
            refuse(error)
            raise typer.Exit(2) from error
        except CrossdockError as error:
            complain(error)
            raise typer.Exit(1) from error
        found = standing(store)
    say(f"{count} keys wrapped anew")
    _print(found)
    if found.left:
        raise typer.Exit(1)


def standing(store: SqlStore) -> Standing:
    """As the database has it now."""
    heads = store.keys_by_head()
    wrapped = heads.pop(store.sealer.head, 0)
    left = {key_id(head): count for head, count in sorted(heads.items())}
    return Standing(master_key=key_id(store.sealer.head), wrapped=wrapped, left=left)


def _print(found: Standing) -> None:
    say(f"{found.wrapped} keys under the master key {found.master_key}")
    for name, count in found.left.items():
        say(plain(f"{count} keys left under {name}", "yellow"))
    if not found.left:
        say("none left under another one: security.old_master_keys may be emptied")
