"""What every verb shares: opening the settings and the store, and saying who acts."""

from __future__ import annotations

import getpass
import os
import queue
import signal
import sys
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TextIO

import typer
from rich.console import Console
from rich.text import Text

from crossdock.app import open_store
from crossdock.errors import ConfigurationError, CrossdockError
from crossdock.settings import Settings, load
from crossdock.storage.sql import SqlStore

ConfigOption = Annotated[
    Path | None, typer.Option("--config", "-c", help="Settings file; else CROSSDOCK_CONFIG, else crossdock.toml.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
WhyOption = Annotated[str, typer.Option("--why", help="The reason; it is kept in the audit trail.")]
PIPED_WIDTH = 2000  # nothing is folded for a file or another program


def _console(stream: TextIO, *, errors: bool = False) -> Console:
    folds = stream.isatty() or "COLUMNS" in os.environ
    return Console(stderr=errors, width=None if folds else PIPED_WIDTH)


console = _console(sys.stdout)
complaints = _console(sys.stderr, errors=True)


def asked_to_stop() -> Callable[[], object]:
    """Listens for SIGTERM and Ctrl-C from now on; what is returned waits for the first of them.

    Not an Event: a second signal in the middle of its set() would wait for a lock that this very thread holds. Those
    after the first are ignored, until the process is gone: the interpreter takes our handlers away while it ends, and
    one more signal then would make of an ending in good order one by a signal.
    """
    asked: queue.SimpleQueue[int] = queue.SimpleQueue()
    both = (signal.SIGTERM, signal.SIGINT)
    for signum in both:
        signal.signal(signum, lambda which, _frame: asked.put(which))

    def first() -> int:
        which = asked.get()
        for signum in both:
            signal.signal(signum, signal.SIG_IGN)
        return which

    return first


def settings_or_exit(config: Path | None) -> Settings:
    """The settings, or every problem with them on standard error and exit code 2."""
    try:
        return load(config)
    except ConfigurationError as error:
        refuse(error)
        raise typer.Exit(2) from error


def plain(value: object, style: str = "") -> Text:
    """Text that can do nothing but be read, whoever wrote it."""
    seen = "".join(" " if unicodedata.category(one) in {"Cc", "Cf"} else one for one in str(value))
    return Text(seen, style=style)


def say(*parts: object, to: Console = console) -> None:
    """One line, in which nothing is taken for markup but what is Text already."""
    to.print(Text("").join(part if isinstance(part, Text) else plain(part) for part in parts), highlight=False)


def counted(number: int, thing: str) -> str:
    """`1 route`, `2 routes`: a number and what it counts."""
    return f"{number} {thing}{'s' * (number != 1)}"


def complain(error: CrossdockError) -> None:
    """What went wrong, by its code."""
    say(plain(error.code, "red"), " ", error, to=complaints)


def refuse(error: ConfigurationError) -> None:
    """Every problem on a line of its own."""
    for problem in error.problems:
        say(plain("! ", "red"), problem, to=complaints)


@contextmanager
def store_of(config: Path | None) -> Iterator[SqlStore]:
    """The store of these settings, closed afterwards."""
    settings = settings_or_exit(config)
    try:
        store = open_store(settings)
    except ConfigurationError as error:
        refuse(error)
        raise typer.Exit(2) from error
    except CrossdockError as error:
        complain(error)
        raise typer.Exit(1) from error
    try:
        yield store
    finally:
        store.close()


def person() -> str:
    """Who is acting, for the audit trail."""
    return f"cli:{getpass.getuser()}"
