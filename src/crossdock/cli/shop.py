"""The store's side: its webhook subscriptions."""

from __future__ import annotations

from typing import Annotated

import typer

from crossdock.cli.common import ConfigOption, complain, refuse, say, settings_or_exit
from crossdock.errors import ConfigurationError, CrossdockError
from crossdock.magento import subscriptions
from crossdock.magento.connector import MagentoConnector
from crossdock.security.places import secrets_of
from crossdock.settings import Settings

app = typer.Typer(no_args_is_help=True, help="The store's webhook subscriptions.")
NameArgument = Annotated[str, typer.Argument(help="The store's connection.")]


@app.command()
def subscribe(name: NameArgument = "store", config: ConfigOption = None) -> None:
    """Make the Mage-OS module's missing subscriptions to this Crossdock, and read each back."""
    settings = settings_or_exit(config)
    try:
        shop = _shop(settings, name)
        refs = shop.settings.webhooks.secrets
        token = secrets_of(settings.secrets)(refs[0]) if refs else ""
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


def _shop(settings: Settings, name: str) -> MagentoConnector:
    from crossdock.magento.connector import build

    table = settings.connections.get(name)
    if table is None or table["kind"] != "magento":
        raise ConfigurationError([f"connections.{name}: there is no such Magento connection"])
    return build(name, table, resolve=secrets_of(settings.secrets))
