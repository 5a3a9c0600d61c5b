"""`crossdock effects verify`: does each target really have what we say was delivered to it, once?"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, TypeVar

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
)
from crossdock.contract.connector import CountingManySink, CountingSink
from crossdock.delivery.records import Attempt
from crossdock.delivery.store import DeliveryView
from crossdock.errors import ConfigurationError, CrossdockError
from crossdock.model.base import Record
from crossdock.operations.gaps import floor_hour

app = typer.Typer(no_args_is_help=True, help="What the targets really have.")
FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
T = TypeVar("T")
Fate = Literal["confirmed", "missing", "doubled", "unknown"]
PAGE = 200


class Effect(Record, frozen=True, kw_only=True):
    """One delivery, and what its target says of it. `why` is there where it is not confirmed."""

    delivery: int
    order: str
    target: str
    fate: Fate
    why: str = ""


class Account(Record, frozen=True, kw_only=True):
    """One target's. `delivered` is the whole period's, of which `examined` were asked for."""

    target: str
    flow: str
    delivered: int
    examined: int
    confirmed: int
    missing: int
    doubled: int
    unknown: int


@app.callback()
def effects() -> None:
    """What the targets really have."""


@app.command()
def verify(
    config: ConfigOption = None,
    since: Annotated[
        datetime | None, typer.Option("--from", formats=FORMATS, help="First hour, UTC; else --hours before the end.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option("--to", formats=FORMATS, help="End, UTC; else the last hour that is over.")
    ] = None,
    hours: Annotated[int, typer.Option(min=1, help="How many hours to look back, without --from.")] = 24,
    target: Annotated[str, typer.Option(help="Only this target.")] = "",
    sample: Annotated[int, typer.Option(min=0, help="Ask for so many of each target only, chosen by --seed.")] = 0,
    seed: Annotated[int, typer.Option(help="The same seed chooses the same sample.")] = 1,
    rate: Annotated[float, typer.Option(min=0.1, help="Look-ups a second at most.")] = 20.0,
    as_json: JsonOption = False,
) -> None:
    """Ask each ERP for the orders delivered in a period. Exit code 1: some missing or doubled; 3: some unknown."""
    settings = settings_or_exit(config)
    end = floor_hour(until.replace(tzinfo=UTC)) if until else floor_hour(utc_now())
    begin = floor_hour(since.replace(tzinfo=UTC)) if since else end - timedelta(hours=hours)
    try:
        crossdock = Crossdock(settings)
    except ConfigurationError as error:
        refuse(error)
        raise typer.Exit(2) from error
    try:
        names = [name for name in _targets(crossdock) if target in {"", name}]
        if target and not names:
            refuse(ConfigurationError([f"connections.{target}: there is no such target of a route"]))
            raise typer.Exit(2)
        chosen = random.Random(seed)  # noqa: S311  a sample, not a secret
        found = [_examine(crossdock, name, begin, end, sample, chosen, rate) for name in names]
    except CrossdockError as error:
        complain(error)
        raise typer.Exit(2) from error
    finally:
        crossdock.store.close()
    accounts = [account for account, _ in found]
    questioned = [one for _, effects in found for one in effects if one.fate != "confirmed"]
    _print(begin, end, accounts, questioned, as_json=as_json)
    code = exit_code(accounts)
    if code:
        raise typer.Exit(code)


def exit_code(accounts: list[Account]) -> int:
    """0: all confirmed; 1: something is missing or doubled; 3: nothing is, but something could not be told."""
    if any(one.missing or one.doubled for one in accounts):
        return 1
    return 3 if any(one.unknown for one in accounts) else 0


def fate_of(count: int) -> tuple[Fate, str]:
    """By how many effects the target has under one key."""
    if count == 1:
        return "confirmed", ""
    return ("missing", "the target has it not") if count == 0 else ("doubled", f"the target has it {count} times")


def account_of(target: str, delivered: int, effects: list[Effect]) -> Account:
    """The sums."""
    fates = [one.fate for one in effects]
    return Account(
        target=target,
        flow=FLOW,
        delivered=delivered,
        examined=len(effects),
        confirmed=fates.count("confirmed"),
        missing=fates.count("missing"),
        doubled=fates.count("doubled"),
        unknown=fates.count("unknown"),
    )


FLOW = "orders"


def _targets(crossdock: Crossdock) -> list[str]:
    ends = crossdock.connections
    return [name for name in ends.targets() if FLOW in ends.capabilities(name).writes]


def _examine(
    crossdock: Crossdock, target: str, begin: datetime, end: datetime, sample: int, luck: random.Random, rate: float
) -> tuple[Account, list[Effect]]:
    views = list(_delivered(crossdock, target, begin, end))
    asked = sorted(luck.sample(views, sample), key=lambda one: one.id) if 0 < sample < len(views) else views
    sink = crossdock.connections.sink(target, crossdock.connections.flow(FLOW))
    effects = [one for many in _many(asked, _at_once(sink)) for one in _asked(crossdock, sink, many, 1 / rate)]
    account = account_of(target, len(views), effects)
    totals = f"{account.examined} asked: {account.confirmed} confirmed, {account.missing} missing, "
    totals += f"{account.doubled} doubled, {account.unknown} unknown"
    now = utc_now()
    noted = Attempt(operation="effects-verify", entity="connection", entity_id=target, started_at=now, actor=person())
    crossdock.store.note(msgspec.structs.replace(noted, detail=totals), now)
    return account, effects


def _delivered(crossdock: Crossdock, target: str, begin: datetime, end: datetime) -> Iterator[DeliveryView]:
    after = 0
    while page := crossdock.store.delivered(FLOW, target, begin, end, after, PAGE):
        yield from page
        after = page[-1].id


def _at_once(sink: Any) -> int:
    return max(1, sink.count_at_once) if isinstance(sink, CountingManySink) else 1


def _many(views: list[DeliveryView], size: int) -> Iterator[list[DeliveryView]]:
    for start in range(0, len(views), size):
        yield views[start : start + size]


def _asked(crossdock: Crossdock, sink: Any, views: list[DeliveryView], seconds: float) -> Iterator[Effect]:
    """Together first; whatever that does not confirm is asked for alone, since an answer may have been cut short."""
    sure = _paced(lambda: _confirmed(crossdock, sink, views), seconds) if len(views) > 1 else set()
    for view in views:
        if view.id in sure:
            yield Effect(delivery=view.id, order=view.reference, target=view.target, fate="confirmed")
        else:
            yield _paced(lambda one=view: _ask(crossdock, sink, one), seconds)  # type: ignore[misc]  # bound now


def _confirmed(crossdock: Crossdock, sink: Any, views: list[DeliveryView]) -> set[int]:
    kind = crossdock.connections.flow(FLOW).record
    known = [(view, found[1].payload) for view in views if (found := crossdock.store.delivery(view.id))]
    try:
        rows = [(view, msgspec.json.decode(payload, type=kind)) for view, payload in known if payload]
        counts = sink.count_many([(record, view.key) for view, record in rows])
    except (CrossdockError, msgspec.DecodeError):
        return set()
    return {view.id for (view, _), count in zip(rows, counts, strict=True) if count == 1}


def _paced(act: Callable[[], T], seconds: float) -> T:
    started = time.monotonic()
    found = act()
    time.sleep(max(0.0, seconds - (time.monotonic() - started)))
    return found


def _ask(crossdock: Crossdock, sink: Any, view: DeliveryView) -> Effect:
    fate, why = _count(crossdock, sink, view)
    return Effect(delivery=view.id, order=view.reference, target=view.target, fate=fate, why=why)


def _count(crossdock: Crossdock, sink: Any, view: DeliveryView) -> tuple[Fate, str]:
    if not isinstance(sink, CountingSink) or FLOW not in crossdock.connections.capabilities(view.target).finds:
        return "unknown", "this target cannot be asked"
    found = crossdock.store.delivery(view.id)
    payload = found[1].payload if found else b""
    if not payload:
        return "unknown", "its record was forgotten, or erased"
    try:
        record = msgspec.json.decode(payload, type=crossdock.connections.flow(FLOW).record)
        return fate_of(sink.count(record, view.key))
    except CrossdockError as error:
        return "unknown", f"{error.code}: {error}"
    except msgspec.DecodeError:
        return "unknown", "its record cannot be read"


def _print(begin: datetime, end: datetime, accounts: list[Account], questioned: list[Effect], *, as_json: bool) -> None:
    if as_json:
        told = {"from": begin, "to": end, "targets": accounts, "questioned": questioned}
        console.print_json(msgspec.json.encode(told).decode())
        return
    say(f"delivered {begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC")
    table = Table("target", "flow", "delivered", "asked", "confirmed", "missing", "doubled", "unknown", box=None)
    for one in accounts:
        table.add_row(*map(str, msgspec.structs.astuple(one)))
    console.print(table)
    for effect in questioned:
        style = "yellow" if effect.fate == "unknown" else "red"
        say(
            plain(effect.fate, style),
            f" order {effect.order} at {effect.target} (delivery {effect.delivery}): {effect.why}",
        )
