"""`crossdock run`: everything in one process, until it is told to stop."""

from __future__ import annotations

import signal
import threading
from typing import Annotated

import typer

from crossdock import log
from crossdock.api.serving import Serving
from crossdock.cli.common import ConfigOption, complaints, plain, refuse, say, settings_or_exit
from crossdock.errors import ConfigurationError, CrossdockError


def run(
    config: ConfigOption = None,
    port: Annotated[int | None, typer.Option(help="Listen here instead of at api.port.")] = None,
) -> None:
    """Take webhooks, poll, deliver. SIGTERM and Ctrl-C stop it: what is under way is settled first."""
    settings = settings_or_exit(config)
    log.configure(settings.log.level, json=settings.log.format == "json")
    log.catch_strays()
    try:
        serving = Serving(settings, port=port)
    except ConfigurationError as error:
        refuse(error)
        raise typer.Exit(2) from error
    stopping = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: stopping.set())
    try:
        serving.start()
    except CrossdockError as error:
        say(plain("cannot start: ", "red"), error, to=complaints)
        raise typer.Exit(1) from error
    say(f"Crossdock takes webhooks at {serving.url}/webhooks/CONNECTION/EVENT")
    stopping.wait()
    serving.stop()
