"""The store's side: its webhook subscriptions, and whether everything answers."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from crossdock.app import Crossdock
from crossdock.cli.common import ConfigOption, JsonOption, complain, console, plain, refuse, say, settings_or_exit
from crossdock.cli.schedule import Line, lines_of
from crossdock.errors import ConfigurationError, CrossdockError
from crossdock.feeds.schedules import WRONG
from crossdock.magento import subscriptions, topology
from crossdock.magento.connector import MagentoConnector
from crossdock.model.base import Record
from crossdock.security.secrets import resolve
from crossdock.settings import Settings

app = typer.Typer(no_args_is_help=True, help="The store's webhook subscriptions.")
NameArgument = Annotated[str, typer.Argument(help="The store's connection.")]


class Finding(Record, frozen=True, kw_only=True):
    """One thing that was checked."""

    ok: bool
    what: str
    detail: str


@app.command()
def subscribe(name: NameArgument = "store", config: ConfigOption = None) -> None:
    """Make the Mage-OS module's missing subscriptions to this Crossdock, and read each back."""
    settings = settings_or_exit(config)
    try:
        shop = _shop(settings, name)
        token = resolve(shop.settings.webhooks.secrets[0]) if shop.settings.webhooks.secrets else ""
        made = subscriptions.ensure(shop.client, shop.settings.webhooks.events, shop.webhook_url, token)
    except ConfigurationError as error:
        refuse(error)
        raise typer.Exit(2) from error
    except CrossdockError as error:
        complain(error)
        raise typer.Exit(1) from error
    for one in made:
        say(f"subscribed {one.event} -> {one.url}")
    say(f"{len(made)} subscriptions made, {len(shop.settings.webhooks.events) - len(made)} were there and on")


@app.command("list")
def list_subscriptions(name: NameArgument = "store", config: ConfigOption = None) -> None:
    """Every subscription that the store has."""
    settings = settings_or_exit(config)
    try:
        found = subscriptions.listed(_shop(settings, name).client)
    except ConfigurationError as error:
        refuse(error)
        raise typer.Exit(2) from error
    except CrossdockError as error:
        complain(error)
        raise typer.Exit(1) from error
    for one in found:
        say(f"{one.id:5} {'on ' if one.active else 'OFF'} {one.event} -> {one.url}")
    if not found:
        say("the store has no subscriptions")


def doctor(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Does every connection answer and know us, are the subscriptions there? Exit code 1 where not."""
    settings = settings_or_exit(config)
    try:
        crossdock = Crossdock(settings)
    except ConfigurationError as error:
        refuse(error)
        raise typer.Exit(2) from error
    try:
        findings = examine(crossdock)
    finally:
        crossdock.store.close()
    if as_json:
        console.print_json(msgspec.json.encode(findings).decode())
    else:
        for one in findings:
            say(plain("ok   ", "green") if one.ok else plain("BAD  ", "red"), f"{one.what}: {one.detail}")
    if not all(one.ok for one in findings):
        raise typer.Exit(1)


def examine(crossdock: Crossdock) -> list[Finding]:
    """Every check, each with what it found."""
    findings = []
    paused = {one.connection: one.reason for one in crossdock.store.paused()}
    for name, connector in crossdock.connections.by_name.items():
        health = connector.probe()
        findings.append(Finding(ok=health.ok, what=f"{name} answers", detail=health.detail))
        if name in paused:
            findings.append(Finding(ok=False, what=f"{name} is paused", detail=paused[name]))
        if isinstance(connector, MagentoConnector) and connector.settings.webhooks.format == "async-events":
            findings.append(_subscribed(connector))
        if isinstance(connector, MagentoConnector) and (places := _places(crossdock, name)):
            findings += _topology(connector, places)
    return findings + _schedules(crossdock)


def _schedules(crossdock: Crossdock) -> list[Finding]:
    """Whether what is to be read is read."""
    return [
        Finding(
            ok=one.state not in {*WRONG, "new"},
            what=f"{one.route} by its schedule {one.schedule}",
            detail=f"{one.state} {_explained(one)}".strip(),
        )
        for one in lines_of(crossdock)
        if one.schedule != "never"
    ]


def _explained(one: Line) -> str:
    if one.state == "new":
        return "to every poller: none has run since it was written"
    due = f"due {one.next_at:%Y-%m-%d %H:%M} UTC" if one.next_at and one.state == "missed" else ""
    return "; ".join(part for part in (due, one.detail) if part)


def _subscribed(shop: MagentoConnector) -> Finding:
    what = f"{shop.name} subscriptions"
    if not shop.settings.webhooks.enabled:
        return Finding(ok=True, what=what, detail="webhooks are switched off here: only polled")
    try:
        absent = subscriptions.missing(shop.client, shop.settings.webhooks.events, shop.webhook_url)
    except CrossdockError as error:
        return Finding(ok=False, what=what, detail=f"{error.code}: {error}")
    if absent:
        return Finding(ok=False, what=what, detail=f"missing or off: {', '.join(absent)}; `crossdock store subscribe`")
    return Finding(ok=True, what=what, detail="all there and on")


def _places(crossdock: Crossdock, store: str) -> frozenset[str]:
    """The sources that a route brings stock levels to."""
    routes = [route for name in crossdock.connections.by_name for route in crossdock.connections.routes(name)]
    wanted = [route for route in routes if route.target == store and "inventory" in route.flows]
    return frozenset(place for route in wanted for place in route.states["inventory"]["warehouses"].values())


def _topology(shop: MagentoConnector, places: frozenset[str]) -> list[Finding]:
    what = f"{shop.name} sources and stocks"
    try:
        found = topology.lint(shop.reserved.topology(), places)
    except CrossdockError as error:
        return [Finding(ok=False, what=what, detail=f"{error.code}: {error}")]
    told = [Finding(ok=False, what=what, detail=one) for one in found]
    return told or [Finding(ok=True, what=what, detail=f"{', '.join(sorted(places))} are sold")]


def _shop(settings: Settings, name: str) -> MagentoConnector:
    from crossdock.magento.connector import build

    table = settings.connections.get(name)
    if table is None or table["kind"] != "magento":
        raise ConfigurationError([f"connections.{name}: there is no such Magento connection"])
    return build(name, table)
