"""`crossdock migrate`, `backup`, `restored`: the tables of this version, a copy of everything, going on from one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from crossdock.cli.common import (
    ConfigOption,
    JsonOption,
    WhyOption,
    complain,
    console,
    person,
    refuse,
    say,
    store_of,
)
from crossdock.errors import ConfigurationError, CrossdockError
from crossdock.storage.recovery import Recovery

FileArgument = Annotated[Path, typer.Argument(help="Where to; a folder gets a file named by the time.")]
DaysOption = Annotated[
    int,
    typer.Option(
        "--days", min=1, max=90, help="How long every new delivery is looked up at its target before it is sent."
    ),
]


def migrate(config: ConfigOption = None) -> None:
    """Bring the database to this version's tables, and end. Every process does so at its start; a rollout may first."""
    with store_of(config) as store, _told():
        has, wanted = store.recovery.version()
    if has == wanted:
        say(f"The tables are those of this version: {wanted}.")
    else:
        say(f"The tables are of a newer version, {has}; this one wants {wanted} and lives with them.")


def backup(file: FileArgument, config: ConfigOption = None) -> None:
    """Copy an SQLite database as of one moment, whole and checked, beside processes that run. Not for PostgreSQL."""
    now = datetime.now(UTC)
    path = file / f"crossdock-{now:%Y%m%dT%H%M%SZ}.sqlite" if file.is_dir() else file
    with store_of(config) as store, _told():
        size = store.recovery.copy_to(path, now)
    say(f"{path}: {size:,} bytes, whole. Without the master key nobody can read it: is that kept elsewhere?")


def restored(
    config: ConfigOption = None, why: WhyOption = "", days: DaysOption = 7, as_json: JsonOption = False
) -> None:
    """After a backup was restored: what may have been sent since it was made is looked up before anything is sent."""
    with store_of(config) as store, _told():
        found = store.recovery.recover(person(), why, datetime.now(UTC), timedelta(days=days))
    if as_json:
        console.print_json(msgspec.json.encode(found).decode())
    else:
        _print(found)


def _print(found: Recovery) -> None:
    if found.newest is None:
        say("This database knows of nothing yet.")
    else:
        say(f"This database knows of nothing after {_stamp(found.newest)}.")
    say(f"{found.doubted} deliveries that were owed are looked up at their target before anything is sent.")
    say(f"{found.states} states are written again as soon as their source tells of them.")
    say(f"{found.sessions} logins have ended.")
    say(f"Until {_stamp(found.until)} every new delivery is looked up first, too.")
    since = f"{found.newest:%Y-%m-%d}" if found.newest else "DATE"
    say(f"Next: start Crossdock, then: crossdock coverage --from {since}; crossdock reconcile (docs/backup.md).")


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except ConfigurationError as error:
        refuse(error)
        raise typer.Exit(2) from error
    except CrossdockError as error:
        complain(error)
        raise typer.Exit(1) from error
