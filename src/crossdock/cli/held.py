"""Held feeds: what a guard has stopped, for a person to decide."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from crossdock.app import Crossdock, utc_now
from crossdock.cli.common import (
    ConfigOption,
    JsonOption,
    complain,
    console,
    person,
    plain,
    refuse,
    say,
    settings_or_exit,
    store_of,
)
from crossdock.errors import ConfigurationError, CrossdockError
from crossdock.feeds.levels import FeedState

app = typer.Typer(no_args_is_help=True, help="Feeds that wait for approval: list, approve, reject.")
FeedArgument = Annotated[int, typer.Argument(help="The feed's number.")]
Why = Annotated[str, typer.Option("--why", help="The reason; it is kept in the audit trail.")]
MOST = 1000


@app.command("list")
def list_held(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """What is held, since when, and why."""
    with store_of(config) as store:
        found = store.levels.feeds_in((FeedState.HELD,), utc_now() + timedelta(days=1), MOST)
    if as_json:
        console.print_json(msgspec.json.encode(found).decode())
        return
    if not found:
        say("nothing is held")
        return
    table = Table("feed", "flow", "from", "to", "taken", "rows", "would change", "why", box=None)
    for feed in found:
        taken = f"{feed.received_at:%Y-%m-%d %H:%M}"
        table.add_row(
            *map(plain, (feed.id, feed.flow, feed.source, feed.target, taken, feed.total, feed.changed, feed.reason))
        )
    console.print(table)


@app.command()
def approve(feed: FeedArgument, why: Why, config: ConfigOption = None) -> None:
    """Let it go on: all that it would change and that is not older than what stands by now."""
    _decide(feed, why, config, approve=True)


@app.command()
def reject(feed: FeedArgument, why: Why, config: ConfigOption = None) -> None:
    """It is never put in place."""
    _decide(feed, why, config, approve=False)


def _decide(number: int, why: str, config: ConfigOption, *, approve: bool) -> None:
    try:
        crossdock = Crossdock(settings_or_exit(config))
    except ConfigurationError as error:
        refuse(error)
        raise typer.Exit(2) from error
    try:
        feed = crossdock.store.levels.feed(number)
        if feed is None or feed.state is not FeedState.HELD:
            refuse(ConfigurationError([f"feed {number} is not held"]))
            raise typer.Exit(1)
        decide = crossdock.feeds.approve if approve else crossdock.feeds.refuse
        done = decide(feed, person(), why)
    except CrossdockError as error:
        complain(error)
        raise typer.Exit(1) from error
    finally:
        crossdock.store.close()
    say(f"feed {number} {'goes on' if approve else 'is rejected'}" if done else f"feed {number} was decided meanwhile")
