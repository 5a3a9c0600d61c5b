"""`crossdock replay`: a past period once more, with the mapping and the settings of now."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from crossdock.cli.common import (
    ConfigOption,
    JsonOption,
    WhyOption,
    complain,
    complaints,
    console,
    person,
    plain,
    refuse,
    say,
    settings_or_exit,
    store_of,
)
from crossdock.connections import Connections
from crossdock.delivery.records import Attempt
from crossdock.delivery.store import DeadFilter
from crossdock.errors import ConfigurationError, MappingError
from crossdock.exchanges import Exchanges
from crossdock.operations import replay as told
from crossdock.replaying.period import REPLAYABLE, Period, Replay
from crossdock.settings import Settings
from crossdock.storage.sql import SqlStore

MOST = 1_000_000


def replay(
    as_of: Annotated[
        str, typer.Option("--as-of", help="A day (2026-11-25), or SINCE..UNTIL, UTC: when deliveries were promised.")
    ],
    config: ConfigOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Send nothing, write nothing: tell what differs.")] = False,
    flow: Annotated[
        str, typer.Option(help="Only this flow: orders, payments, holds, refunds, cancellations, customers…")
    ] = "",
    to: Annotated[str, typer.Option(help="Only to this connection.")] = "",
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Show personal data; it is noted in the audit trail.")
    ] = False,
    why: WhyOption = "",
    as_json: JsonOption = False,
) -> None:
    """What today's mapping would have sent, against what was sent then. Exit code 1: not byte for byte the same.

    Without --dry-run: the period's dead letters are tried again under their keys (--why).
    """
    settings = settings_or_exit(config)
    period = _period(as_of, flow, to)
    if (reveal or not dry_run) and not why.strip():
        raise typer.BadParameter("is needed: it is kept in the audit trail", param_hint="--why")
    with store_of(config) as store:
        if not dry_run:
            _again(store, period, why.strip())
            return
        found = _report(store, settings, period, revealed=reveal)
        if reveal:
            store.note(_looked(as_of, why.strip()), datetime.now(UTC))
    if as_json:
        typer.echo(msgspec.json.encode(found).decode())
    else:
        _print(found)
    if any(number for outcome, number in found.counts.items() if outcome != "same"):
        raise typer.Exit(1)


def _period(as_of: str, flow: str, target: str) -> Period:
    try:
        since, until = told.period(as_of)
    except MappingError as error:
        complain(error)
        raise typer.Exit(2) from error
    if flow and flow not in REPLAYABLE:
        raise typer.BadParameter(f"cannot be replayed: {', '.join(REPLAYABLE)} can", param_hint="--flow")
    return Period(since=since, until=until, flow=flow, target=target)


def _report(store: SqlStore, settings: Settings, period: Period, *, revealed: bool) -> told.Report:
    try:
        ends = Connections(settings, Exchanges(), store.sealer)
    except ConfigurationError as error:
        refuse(error)
        raise typer.Exit(2) from error
    ends.lookups.added_in(store)
    if period.target and period.target not in ends.by_name:
        raise typer.BadParameter("there is no such connection", param_hint="--to")
    now = {f"{one.source} to {one.target}": ends.mapping(one.source, one.target) for one in settings.routes}
    replays = Replay(store.replays, ends, period)
    left_out = replays.left_out()
    return told.report(period.since, period.until, replays.run(), now, left_out=left_out, revealed=revealed)


def _again(store: SqlStore, period: Period, why: str) -> None:
    letters = store.dead(DeadFilter(flow=period.flow, target=period.target, limit=MOST))
    ids = [one.id for one in letters if period.since <= one.created_at < period.until]
    done = store.replay(ids, person(), datetime.now(UTC), why)
    say(f"{done} dead letters of the period are tried again; what was delivered is not sent twice.")


def _looked(as_of: str, why: str) -> Attempt:
    return Attempt(
        operation="reveal",
        entity="replay",
        entity_id=as_of[:200],
        started_at=datetime.now(UTC),
        actor=person(),
        detail=why,
    )


def _print(found: told.Report) -> None:
    counts = ", ".join(f"{number} {outcome}" for outcome, number in found.counts.items() if number or outcome == "same")
    say(f"promised {found.since:%Y-%m-%d %H:%M} to {found.until:%Y-%m-%d %H:%M} UTC: {found.deliveries} deliveries")
    say(plain(counts, "bold"), f"; {found.bytes_different} of {found.bytes_compared} bytes are in requests that differ")
    for line in _mapped(found):
        say(line)
    if found.fields:
        table = Table("field", "flow", "deliveries", "first", "then", "now", box=None)
        for one in found.fields:
            where = f"{one.flow} to {one.target}"
            table.add_row(*map(plain, (one.field, where, one.count, one.reference, one.then, one.now)))
        console.print(table)
    for other in found.others:
        number = f" (delivery {other.delivery})" if other.delivery else ""
        text = f" {other.flow} {other.reference} to {other.target}{number}: {other.why}"
        say(plain(other.outcome, "yellow"), text, to=console if other.outcome != "unknown" else complaints)
    if found.untold:
        say(f"and {found.untold} more that are not the same")
    if found.not_replayable:
        say("not replayable: " + ", ".join(f"{number} {place}" for place, number in found.not_replayable.items()))


def _mapped(found: told.Report) -> Iterator[str]:
    """Whether settings or version are others than then."""
    today = {*found.now.values()}
    for mapping, number in found.mappings.items():
        same = "as now" if mapping in today else "not as now" if mapping != "unknown" else "not recorded"
        yield f"{number} were mapped by {mapping}: {same}"


__all__ = ["replay"]
