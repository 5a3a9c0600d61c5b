"""Tokens of programs that call the API: create, list, rotate, revoke."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec
import typer
from rich.table import Table

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
from crossdock.errors import ConfigurationError
from crossdock.security.access import SCOPES
from crossdock.security.tokens import NewToken, checked, hash_of, new_token
from crossdock.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Tokens of programs that call the API. Each is shown once.")
NameArgument = Annotated[str, typer.Argument(help="The token's name; rotations keep it.")]
ExpiresOption = Annotated[str, typer.Option(help="How long it holds: 90d, 12h, 30m. Else it ends when it is revoked.")]
UNITS = {"m": "minutes", "h": "hours", "d": "days"}
LONGEST = timedelta(days=3660)


@app.command()
def create(
    name: NameArgument,
    scope: Annotated[list[str], typer.Option(help=f"What it may do, again for each: {', '.join(SCOPES)}.")],
    config: ConfigOption = None,
    connection: Annotated[str, typer.Option(help="The connection on whose behalf it pushes; needed for erp:*.")] = "",
    expires: ExpiresOption = "",
) -> None:
    """Make a token and print it: it cannot be shown again."""
    settings, now = settings_or_exit(config), datetime.now(UTC)
    try:
        scopes = checked(name, scope, connection, [*settings.connections])
        ends = now + length(expires) if expires else None
        _refuse_other(settings, name, connection)
    except ConfigurationError as error:
        refuse(error)
        raise typer.Exit(2) from error
    secret = new_token()
    new = NewToken(name=name, hash=hash_of(secret), scopes=scopes, connection=connection, expires_at=ends)
    with store_of(config) as store:
        done = store.access.add_token(new, person(), now)
    if not done:
        say(plain(f"there is a token {name} that holds: rotate or revoke it", "red"), to=complaints)
        raise typer.Exit(1)
    _show(secret)


@app.command("list")
def list_tokens(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Every token, what it may do, when it was last used; never the token itself."""
    now = datetime.now(UTC)
    with store_of(config) as store:
        found = store.access.tokens()
    if as_json:
        rows = [msgspec.to_builtins(one) | {"state": one.state(now)} for one in found]
        console.print_json(msgspec.json.encode(rows).decode())
        return
    table = Table("name", "generation", "state", "scopes", "connection", "expires", "last used", box=None)
    for one in found:
        ends, used = _told(one.expires_at), _told(one.last_used_at)
        cells = (one.name, one.generation, one.state(now), " ".join(one.scopes), one.connection, ends, used)
        table.add_row(*map(plain, cells))
    console.print(table if found else "no tokens but those of the settings file")


@app.command()
def rotate(
    name: NameArgument,
    overlap: Annotated[str, typer.Option(help="How long the old one holds on: 24h, 30m, 7d.")],
    config: ConfigOption = None,
    expires: ExpiresOption = "",
) -> None:
    """Make a successor with the same scopes and print it; the old one ends after the overlap."""
    now = datetime.now(UTC)
    try:
        until, ends = now + length(overlap), now + length(expires) if expires else None
    except ConfigurationError as error:
        refuse(error)
        raise typer.Exit(2) from error
    secret = new_token()
    new = NewToken(name=name, hash=hash_of(secret), scopes=(), expires_at=ends)
    with store_of(config) as store:
        done = store.access.rotate_token(new, until, person(), now)
    if done is None:
        say(plain(f"there is no token {name} that holds", "red"), to=complaints)
        raise typer.Exit(1)
    _show(secret)


@app.command()
def revoke(name: NameArgument, why: WhyOption, config: ConfigOption = None) -> None:
    """End a token at once, its predecessors too."""
    with store_of(config) as store:
        done = store.access.revoke_token(name, person(), why, datetime.now(UTC))
    if not done:
        say(plain(f"there is no token {name} that is not revoked", "red"), to=complaints)
        raise typer.Exit(1)
    say(f"{name} is revoked")


def length(text: str) -> timedelta:
    """`24h`, `30m`, `90d`. Raises ConfigurationError."""
    found = re.fullmatch(r"(\d{1,6})([mhd])", text)
    told = timedelta(**{UNITS[found[2]]: int(found[1])}) if found else LONGEST + timedelta(1)
    if told > LONGEST:
        raise ConfigurationError([f"{text}: a length of time is a number with m, h or d, at most ten years"])
    return told


def _refuse_other(settings: Settings, name: str, connection: str) -> None:
    """A token of a settings' client may take its place, under the same name: repeated pushes stay repeated."""
    client = settings.api.clients.get(name)
    if client is not None and client.connection != connection:
        raise ConfigurationError([f"api.clients.{name} speaks for {client.connection}: take another name"])


def _show(secret: str) -> None:
    """On standard output alone, so that it can be piped; what is said of it is not."""
    console.print(plain(secret), soft_wrap=True)
    say("keep it now: it cannot be shown again", to=complaints)


def _told(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M} UTC"
