"""A desk for verbs that look at more than the store: nothing of it runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from crossdock.app import Crossdock
from crossdock.cli.common import complain, refuse, settings_or_exit
from crossdock.errors import ConfigurationError, CrossdockError
from crossdock.operations.desk import Desk


@contextmanager
def desk_of(config: Path | None) -> Iterator[Desk]:
    """By these settings. Problems are told; exit code 2 for settings, 1 for all else."""
    try:
        crossdock = Crossdock(settings_or_exit(config), roles=frozenset())
    except ConfigurationError as error:
        refuse(error)
        raise typer.Exit(2) from error
    except CrossdockError as error:
        complain(error)
        raise typer.Exit(1) from error
    try:
        yield Desk(crossdock)
    except ConfigurationError as error:
        refuse(error)
        raise typer.Exit(2) from error
    except CrossdockError as error:
        complain(error)
        raise typer.Exit(1) from error
    finally:
        crossdock.store.close()
