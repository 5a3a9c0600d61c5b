"""`crossdock run`, everything in one process, and `crossdock api | worker | poller`, its roles apart."""

from __future__ import annotations

import faulthandler
from pathlib import Path
from typing import Annotated

import typer

from crossdock import log
from crossdock.api.serving import Serving
from crossdock.app import ALL, Role
from crossdock.cli.common import ConfigOption, asked_to_stop, complaints, plain, refuse, say, settings_or_exit
from crossdock.errors import ConfigurationError, CrossdockError
from crossdock.settings import find

PortOption = Annotated[int | None, typer.Option(help="Listen here instead of at api.port.")]
HealthOption = Annotated[
    int | None, typer.Option(help="Serve health and metrics here, at api.host; without it nothing is served.")
]


def run(config: ConfigOption = None, port: PortOption = None) -> None:
    """Take webhooks, poll, deliver. SIGTERM and Ctrl-C stop it: what is under way is settled first."""
    _until_stopped(config, ALL, port)


def api(config: ConfigOption = None, port: PortOption = None) -> None:
    """Only take webhooks; workers and pollers are processes of their own, any number of each."""
    _until_stopped(config, frozenset({Role.API}), port)


def worker(config: ConfigOption = None, port: HealthOption = None) -> None:
    """Only deliver. SIGTERM and Ctrl-C stop it: what is under way is settled, the rest is given back."""
    _until_stopped(config, frozenset({Role.WORKER}), port)


def poller(config: ConfigOption = None, port: HealthOption = None) -> None:
    """Only poll. Of several, one reads a store at a time; another takes over where it stops."""
    _until_stopped(config, frozenset({Role.POLLER}), port)


def _until_stopped(config: Path | None, roles: frozenset[Role], port: int | None) -> None:
    settings = settings_or_exit(config)
    log.configure(settings.log.level, json=settings.log.format == "json")
    log.catch_strays()
    faulthandler.enable()  # a crash in a library's native code tells where it was
    stopped = asked_to_stop()
    try:
        serving = Serving(settings, roles=roles, port=port)
        serving.crossdock.connections.lookups.written_in(find(config))
        serving.start()
    except ConfigurationError as error:
        refuse(error)
        raise typer.Exit(2) from error
    except CrossdockError as error:
        say(plain("cannot start: ", "red"), error, to=complaints)
        raise typer.Exit(1) from error
    if Role.API in roles:
        say(f"Crossdock takes webhooks at {serving.url}/webhooks/CONNECTION/EVENT")
    elif serving.url:
        say(f"Health at {serving.url}/health/ready, metrics at {serving.url}/metrics")
    stopped()
    serving.stop()
