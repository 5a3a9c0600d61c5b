"""One timeline of everything that ever happened to a subject."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer
from rich.table import Table

from crossdock.cli.common import ConfigOption, JsonOption, complaints, console, plain, say, settings_or_exit, store_of
from crossdock.settings import Settings
from crossdock.storage.sql import SqlStore

app = typer.Typer(no_args_is_help=True, help="Why something is where it is: the whole story on one page.")


@app.command()
def order(
    number: Annotated[str, typer.Argument(help="The order's number, the store's own id, or the ERP's number.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """From the first hint to the acknowledgement: every attempt, every skip, with reasons."""
    with store_of(config) as store:
        subjects = store.find_subjects(number)
        if not subjects:
            say(f"nothing was ever heard of {number}; `crossdock coverage` counts what the store has", to=complaints)
            raise typer.Exit(1)
        for source, subject in subjects:
            _tell(store, source, subject, as_json=as_json)


@app.command()
def sku(
    name: Annotated[str, typer.Argument(help="As the ERP writes it.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Every level that was promised and written, at each of its places."""
    settings = settings_or_exit(config)
    with store_of(config) as store:
        _states(store, name, "inventory", "stock of", as_json=as_json)
        if not as_json:
            _reserved(settings, store, name)


@app.command()
def price(
    name: Annotated[str, typer.Argument(help="The SKU, as the ERP writes it.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Every price of a SKU that was promised and written: base, special, tier, cost, in each scope."""
    with store_of(config) as store:
        _states(store, name, "prices", "the", as_json=as_json)


@app.command()
def product(
    name: Annotated[str, typer.Argument(help="The SKU, as the ERP writes it.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """What of a product was promised, written and refused."""
    with store_of(config) as store:
        _states(store, name, "products", "the", as_json=as_json)


def _states(store: SqlStore, name: str, flow: str, kind: str, *, as_json: bool) -> None:
    found = [
        (source, subject)
        for source, subject in store.find_subjects(name)
        if any(event.flow == flow for event in store.timeline(source, subject))
    ]
    if not found:
        say(f"nothing was ever heard of {name}", to=complaints)
        raise typer.Exit(1)
    for source, subject in sorted(found):
        _tell(store, source, subject, as_json=as_json, kind=kind)


def _reserved(settings: Settings, store: SqlStore, name: str) -> None:
    """Orders that an ERP has taken off and their store still reserves: what is added to `available` quantities."""
    for route in settings.routes:
        for _, order, quantity, since in store.levels.reserved(route.source, route.target, "orders", [name.casefold()]):
            moment = since.strftime("%Y-%m-%d %H:%M:%S")
            say(f"{route.source} reserves {quantity} for order {order}, which {route.target} has since {moment}")


def _tell(store: SqlStore, source: str, subject: str, *, as_json: bool, kind: str = "order") -> None:
    events = store.timeline(source, subject)
    links = store.links(source, subject)
    if as_json:
        story = {"source": source, "subject": subject, "links": links, "events": events}
        console.print_json(msgspec.json.encode(story).decode())
        return
    others = [link for link in links if not link.part and link.target != source]  # the source's own is the subject
    names = ", ".join(f"in {link.target} as {link.number or link.external_id}" for link in others)
    say(plain(f"{kind} {subject} of {source}", "bold"), f": {names or 'no target is known to have it'}")
    table = Table("when (UTC)", "what", "flow", "target", "how", box=None)
    for event in events:
        moment = event.at.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        table.add_row(*map(plain, (moment, event.kind, event.flow, event.target, event.text)))
    console.print(table)
