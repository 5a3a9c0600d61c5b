"""Why something is where it is: a sentence first, then one timeline of everything that ever happened to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
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
    say,
    settings_or_exit,
    store_of,
)
from crossdock.delivery.records import Attempt
from crossdock.errors import MappingError, NotThere
from crossdock.operations.explain import Explainer, Kind, Subject
from crossdock.settings import Settings
from crossdock.storage.sql import SqlStore

SHOWN = 5  # traces of one subject: it begins one whenever it is heard of
app = typer.Typer(no_args_is_help=True, help="Why something is where it is: the whole story on one page.")
SHOWN = 5  # traces of one subject: it begins one whenever it is heard of
COLOURS = {"dead": "bold red", "pending": "yellow", "leased": "yellow", "shadowed": "cyan", "delivered": "green"}


@app.command()
def order(
    number: Annotated[str, typer.Argument(help="The order's number, the store's own id, or the ERP's number.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Where it is and why; then from the first hint to the acknowledgement: every attempt, every skip, with reasons."""
    _explain(Kind.ORDER, number, config, as_json=as_json)


@app.command()
def sku(
    name: Annotated[str, typer.Argument(help="As the ERP writes it.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Every level that was promised and written, at each of its places."""
    _explain(Kind.SKU, name, config, as_json=as_json)


@app.command()
def price(
    name: Annotated[str, typer.Argument(help="The SKU, as the ERP writes it.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Every price of a SKU in each scope: what was promised and written, by which feed, what is held or was older."""
    _explain(Kind.PRICE, name, config, as_json=as_json)


@app.command()
def product(
    name: Annotated[str, typer.Argument(help="The SKU, as the ERP writes it.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """What of a product was promised, written and refused."""
    _explain(Kind.PRODUCT, name, config, as_json=as_json)


@app.command()
def customer(
    who: Annotated[str, typer.Argument(help="The store's id, an ERP's number, or the fingerprint of an address.")] = "",
    config: ConfigOption = None,
    email: Annotated[bool, typer.Option("--email", help="Ask for an e-mail address: none stays in the shell.")] = False,
    reveal: Annotated[bool, typer.Option("--reveal", help="Show values; it is noted in the audit trail.")] = False,
    why: WhyOption = "",
    as_json: JsonOption = False,
) -> None:
    """What each side has of each field, whose it is, whose stands; values are masked unless `--reveal --why TEXT`."""
    if reveal and not why.strip():
        raise typer.BadParameter("is needed with --reveal", param_hint="--why")
    asked = typer.prompt("E-mail address", hide_input=True) if email else who
    if not asked:
        raise typer.BadParameter("say whom, or --email", param_hint="WHO")
    _explain(Kind.CUSTOMER, asked, config, as_json=as_json, reveal=why.strip() if reveal else "")


def _explain(kind: Kind, name: str, config: Path | None, *, as_json: bool, reveal: str = "") -> None:
    settings = settings_or_exit(config)
    now = datetime.now(UTC)
    with store_of(config) as store:
        try:
            found = Explainer(store, settings, now, revealed=bool(reveal)).told(kind, name)
        except NotThere as error:
            say(str(error), "; `crossdock coverage` counts what the store has", to=complaints)
            raise typer.Exit(1) from error
        except MappingError as error:
            complain(error)
            raise typer.Exit(2) from error
        for one in found:
            if reveal:
                store.note(_looked(one, reveal, now), now)
            _print_json(store, one) if as_json else _print(one, store.traces(one.source, one.subject))
        if kind is Kind.SKU and not as_json:
            _reserved(settings, store, name)


def _print_json(store: SqlStore, one: Subject) -> None:
    links = store.links(one.source, one.subject)
    events = store.timeline(one.source, one.subject)
    story = msgspec.to_builtins(one) | {"links": msgspec.to_builtins(links), "events": msgspec.to_builtins(events)}
    story["traces"] = store.traces(one.source, one.subject)
    story.pop("timeline")
    console.print_json(msgspec.json.encode(story).decode())


def _print(one: Subject, traces: Mapping[str, Sequence[str]]) -> None:
    others = [link for link in one.links if not link.part and link.target != one.source]  # its own is the subject
    names = ", ".join(f"in {link.target} as {link.number or link.external_id}" for link in others)
    kinds = {Kind.SKU: "stock of", Kind.PRICE: "the", Kind.PRODUCT: "the"}
    kind = kinds.get(Kind(one.kind), one.kind)
    subject = one.subject.removeprefix("customer:") if one.kind == Kind.CUSTOMER else one.subject
    say(plain(f"{kind} {subject} of {one.source}", "bold"), f": {names or 'no target is known to have it'}")
    if not one.reasons:
        say(plain(one.why, "bold"))
    for reason in one.reasons:
        say(plain(reason.why, COLOURS.get(reason.state, "")))
        if reason.next:
            say(f"  next: {reason.next}")
        for step in reason.do:
            say(f"  do:   {step}")
    for fact in one.facts:
        moment = f"{fact.at:%Y-%m-%d %H:%M:%S} " if fact.at else ""
        say(plain(fact.kind, "dim"), f" {moment}{fact.text}")
    for trace, flows in list(traces.items())[-SHOWN:]:
        say(plain(f"trace {trace}: {', '.join(dict.fromkeys(flows))}", "dim"))
    if one.fields:
        _print_fields(one)
    table = Table("when (UTC)", "what", "flow", "target", "how", box=None)
    for event in one.timeline:
        moment = event.at.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        table.add_row(*map(plain, (moment, event.kind, event.flow, event.target, event.text)))
    console.print(table)


def _print_fields(one: Subject) -> None:
    table = Table("field", "owner", "the store has", "since", "the ERP has", "since", "what stands", box=None)
    for field in one.fields:
        moments = [f"{at:%Y-%m-%d %H:%M:%S}" if at else "" for at in (field.store_at, field.erp_at)]
        cells = (field.field, field.owner, field.store_value, moments[0], field.erp_value, moments[1])
        table.add_row(*map(plain, (*cells, f"{field.by} ({field.erp})")))
    console.print(table)


def _reserved(settings: Settings, store: SqlStore, name: str) -> None:
    """Orders that an ERP has taken off and their store still reserves: what is added to `available` quantities."""
    for route in settings.routes:
        for _, order, quantity, since in store.levels.reserved(route.source, route.target, "orders", [name.casefold()]):
            moment = since.strftime("%Y-%m-%d %H:%M:%S")
            say(f"{route.source} reserves {quantity} for order {order}, which {route.target} has since {moment}")


def _looked(one: Subject, why: str, now: datetime) -> Attempt:
    return Attempt(
        operation="reveal", entity=one.kind, entity_id=one.subject, started_at=now, actor=person(), detail=why
    )
