"""`crossdock connectors`: the kinds of system that there are, what each can do, and how far it was seen to work."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer
from rich.table import Table

from crossdock.cli.common import ConfigOption, JsonOption, console, plain, refuse, settings_or_exit
from crossdock.connections import connection_of
from crossdock.contract.capabilities import Capabilities
from crossdock.erp.registry import abilities
from crossdock.errors import ConfigurationError
from crossdock.magento.connector import CAPABILITIES

LISTS = ("writes", "reads", "dedupes", "finds")


def connectors(
    config: ConfigOption = None,
    mine: Annotated[
        bool, typer.Option("--mine", help="The connections of the settings file, as they are set.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """What each kind of connection can do at most, and by what evidence: against what it was seen to work."""
    try:
        rows = dict(_mine(config) if mine else kinds())
    except ConfigurationError as error:
        refuse(error)
        raise typer.Exit(2) from error
    if as_json:
        console.print_json(data={name: _told(one) for name, one in rows.items()})
        return
    table = Table("connection" if mine else "kind", "evidence", "takes", "gives", box=None)
    for name, one in rows.items():
        table.add_row(*map(plain, (name, one.evidence, ", ".join(sorted(one.writes)), ", ".join(sorted(one.reads)))))
    console.print(table)


def kinds() -> Iterator[tuple[str, Capabilities]]:
    """Every kind that comes with Crossdock, the store first."""
    yield "magento", CAPABILITIES
    yield from abilities()


def _mine(config: ConfigOption) -> Iterator[tuple[str, Capabilities]]:
    settings = settings_or_exit(config)
    for name in settings.connections:
        yield name, connection_of(settings, name).capabilities


def _told(one: Capabilities) -> Mapping[str, Any]:
    lists = {name: sorted(getattr(one, name)) for name in LISTS}
    return {"evidence": str(one.evidence), **lists}
