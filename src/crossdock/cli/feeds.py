"""Feeds of stock, prices and products: what came, by which road, and what became of each row."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer
from rich.table import Table

from crossdock.cli.common import ConfigOption, JsonOption, complaints, console, plain, say, store_of
from crossdock.feeds.levels import Row
from crossdock.storage.sql_levels import SqlLevels

app = typer.Typer(no_args_is_help=True, help="Feeds of stock, prices and products: list, show.")
STEP = 1000


@app.command("list")
def list_feeds(
    config: ConfigOption = None,
    flow: Annotated[str, typer.Option(help="Only this flow.")] = "",
    rejected: Annotated[bool, typer.Option("--rejected", help="Only those with rows that were refused.")] = False,
    last: Annotated[int, typer.Option(min=1, help="How many, the newest first.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """What came last, by which road, and how many of its rows changed something, were stale, or were refused."""
    with store_of(config) as store:
        found = store.levels.latest_feeds(flow, int(rejected), last)
    if as_json:
        console.print_json(msgspec.json.encode(found).decode())
        return
    table = Table("feed", "taken", "flow", "from", "by", "state", "rows", "changed", "stale", "rejected", box=None)
    for one in found:
        counts = (one.total, one.changed, one.stale, one.rejected)
        taken = f"{one.received_at:%Y-%m-%d %H:%M}"
        table.add_row(*map(plain, (one.id, taken, one.flow, one.source, one.channel, one.state, *counts)))
    console.print(table if found else "no feeds")


@app.command()
def show(
    feed_id: Annotated[int, typer.Argument(metavar="FEED", help="The feed's number.")],
    config: ConfigOption = None,
    rejected: Annotated[bool, typer.Option("--rejected", help="Only rows that were refused.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Each row that was not simply unchanged: its place in the feed, what it is about, what became of it and why."""
    with store_of(config) as store:
        levels = store.levels
        if levels.feed(feed_id) is None:
            say(plain(f"there is no feed {feed_id}", "red"), to=complaints)
            raise typer.Exit(1)
        rows = _told(levels, feed_id)
    if rejected:
        rows = [one for one in rows if one["outcome"] == "rejected"]
    if as_json:
        console.print_json(data=rows)
        return
    table = Table("row", "about", "outcome", "why", box=None)
    for one in rows:
        table.add_row(*map(plain, (one["row"], one["about"], one["outcome"], one["reason"])))
    console.print(table if rows else "every row is as it was")


def _told(levels: SqlLevels, feed_id: int) -> list[dict[str, str | int]]:
    feed, after, found = levels.feed(feed_id), -1, list[dict[str, str | int]]()
    while feed is not None and (page := levels.feed_rows(feed_id, after, STEP)):
        after = page[-1].number
        found += [_row(one, *told) for one, told in zip(page, levels.outcomes(feed, page), strict=True)]
    return found


def _row(row: Row, outcome: str, reason: str) -> dict[str, str | int]:
    return {"row": row.number + 1, "about": row.reference or row.subject, "outcome": outcome, "reason": reason}
