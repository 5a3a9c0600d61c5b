"""What every verb shares: opening the settings and the store, and saying who acts."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from crossdock.app import open_store
from crossdock.errors import ConfigurationError
from crossdock.settings import Settings, load
from crossdock.storage.sql import SqlStore

ConfigOption = Annotated[
    Path | None, typer.Option("--config", "-c", help="Settings file; else CROSSDOCK_CONFIG, else crossdock.toml.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
WhyOption = Annotated[str, typer.Option("--why", help="The reason; it is kept in the audit trail.")]
console = Console()
complaints = Console(stderr=True)


def settings_or_exit(config: Path | None) -> Settings:
    """The settings, or every problem with them on standard error and exit code 2."""
    try:
        return load(config)
    except ConfigurationError as error:
        refuse(error)
        raise typer.Exit(2) from error


def refuse(error: ConfigurationError) -> None:
    """Every problem on a line of its own."""
    for problem in error.problems:
        complaints.print(f"[red]![/red] {problem}", highlight=False)


@contextmanager
def store_of(config: Path | None) -> Iterator[SqlStore]:
    """The store of these settings, closed afterwards."""
    settings = settings_or_exit(config)
    try:
        store = open_store(settings)
    except ConfigurationError as error:
        refuse(error)
        raise typer.Exit(2) from error
    try:
        yield store
    finally:
        store.close()


def person() -> str:
    """Who is acting, for the audit trail."""
    return f"cli:{getpass.getuser()}"
