"""People who may log in: create, list, role, password, disable, enable, unlock."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

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
from crossdock.security.access import Role
from crossdock.security.passwords import Passwords, problems_of
from crossdock.security.users import KeptUser, checked_name, checked_role, fence, login_name
from crossdock.storage.sql_users import SqlUsers

app = typer.Typer(no_args_is_help=True, help="People who may log in to the console.")
NameArgument = Annotated[str, typer.Argument(help="The user's name.")]
RoleText = Annotated[str, typer.Argument(help=f"{', '.join(Role)}.")]


@app.command()
def create(name: NameArgument, role: RoleText, config: ConfigOption = None) -> None:
    """Let a person in; the password is asked for, or read from standard input."""
    try:
        checked, wanted = checked_name(name), checked_role(role)
        hashed = _hashed(checked)
    except ConfigurationError as error:
        refuse(error)
        raise typer.Exit(2) from error
    now = datetime.now(UTC)
    user = KeptUser(id=0, name=checked, role=wanted, password=hashed, created_at=now, created_by=person())
    _do(config, checked, lambda users: users.add(user, person(), now), "is there already", f"is {wanted}")


@app.command("list")
def list_users(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Everybody who may log in, and who may not any more."""
    now = datetime.now(UTC)
    with store_of(config) as store:
        rows = [
            {
                "name": one.name,
                "role": one.role.value,
                "by": "oidc" if one.identity else "password",
                "state": _state(store.users, one, now),
                "created_by": one.created_by,
            }
            for one in store.users.every()
        ]
    if as_json:
        console.print_json(data=rows)
        return
    table = Table("name", "role", "logs in by", "state", "created by", box=None)
    for row in rows:
        table.add_row(*map(plain, row.values()))
    console.print(table if rows else "nobody may log in yet: crossdock users create NAME admin")


@app.command()
def role(name: NameArgument, role: RoleText, why: WhyOption, config: ConfigOption = None) -> None:
    """Change what a person may do, from their next request on. Of who comes by OIDC the provider decides, each time."""
    try:
        wanted = checked_role(role)
    except ConfigurationError as error:
        refuse(error)
        raise typer.Exit(2) from error
    now = datetime.now(UTC)
    _do(config, name, lambda users: users.set_role(login_name(name), wanted, person(), why, now), told=f"is {wanted}")


@app.command()
def password(name: NameArgument, config: ConfigOption = None) -> None:
    """Set a password, asked for or read from standard input; every session of the person ends."""
    try:
        hashed = _hashed(login_name(name))
    except ConfigurationError as error:
        refuse(error)
        raise typer.Exit(2) from error
    now = datetime.now(UTC)
    _do(config, name, lambda users: _set_password(users, name, hashed, now), told="has a new password")


@app.command()
def disable(name: NameArgument, why: WhyOption, config: ConfigOption = None) -> None:
    """Let a person in no more; every session of theirs ends at once."""
    now = datetime.now(UTC)
    _do(config, name, lambda users: users.disable(login_name(name), person(), why, now), told="is disabled")


@app.command()
def enable(name: NameArgument, why: WhyOption, config: ConfigOption = None) -> None:
    """Let a person in again who was disabled."""
    now = datetime.now(UTC)
    _do(config, name, lambda users: users.enable(login_name(name), person(), why, now), told="may log in again")


@app.command()
def unlock(name: NameArgument, config: ConfigOption = None) -> None:
    """Forget failed logins under a name."""
    now = datetime.now(UTC)
    which = fence("user", login_name(name), 1)
    _do(
        config,
        name,
        lambda users: users.unlock(login_name(name), which, person(), now),
        "has no failed logins",
        "is unlocked",
    )


def _do(
    config: Path | None,
    name: str,
    act: Callable[[SqlUsers], bool],
    otherwise: str = "is nobody whom we know",
    told: str = "",
) -> None:
    settings_or_exit(config)
    with store_of(config) as store:
        done = act(store.users)
    if not done:
        say(plain(f"{name} {otherwise}", "red"), to=complaints)
        raise typer.Exit(1)
    say(f"{name} {told}")


def _set_password(users: SqlUsers, name: str, hashed: str, now: datetime) -> bool:
    """Only of those who have one: whoever comes by OIDC is let in by their provider alone."""
    found = users.user(login_name(name))
    return found is not None and not found.identity and users.set_password(found.name, hashed, person(), now)


def _state(users: SqlUsers, one: KeptUser, now: datetime) -> str:
    if one.disabled_at is not None:
        return "disabled"
    return "locked" if users.is_locked(fence("user", one.name, 1), now) else "good"


def _hashed(name: str) -> str:
    """From the first line of standard input, or asked for twice where that is a terminal. Raises ConfigurationError."""
    if sys.stdin.isatty():
        given = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        given = sys.stdin.readline().rstrip("\r\n")
    if problems := problems_of(given, name):
        raise ConfigurationError(problems)
    return Passwords().hash(given)
