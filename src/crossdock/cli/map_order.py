"""`crossdock map order FILE…`: what becomes of an order, without any network. The integrator's first tool."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import typer
from rich.text import Text

from crossdock.app import connection_of
from crossdock.cli.common import ConfigOption, JsonOption, complaints, console, plain, refuse, settings_or_exit
from crossdock.cli.order_files import orders_in
from crossdock.cli.order_view import view_order, view_proof, view_totals_line
from crossdock.contract.message import Problem
from crossdock.erp.rest.mapping import build_order_payload
from crossdock.errors import ConfigurationError, CrossdockError, MessageError
from crossdock.flows import ORDERS
from crossdock.flows.eligibility import Decision, decide
from crossdock.flows.expansion import Strategy, expand
from crossdock.flows.keys import effect_key
from crossdock.flows.orders import OrderOptions
from crossdock.flows.proof import Proof, describe_difference, prove, settle
from crossdock.magento.mapping.orders import parse_order
from crossdock.model.base import Record
from crossdock.model.order import Order
from crossdock.settings import Settings

Preview = Callable[[Order], Mapping[str, Any]]
Show = Literal["all", "proof"]

ENCODER = msgspec.json.Encoder(decimal_format="number")


class Mapped(Record, frozen=True, kw_only=True):
    """One order, what would be sent, and whether its money adds up. `refused`: why nothing would be sent."""

    file: str
    order: Order
    payload: Mapping[str, Any]
    proof: Proof
    proof_holds: bool
    difference: str = ""
    decision: Decision
    refused: str = ""


def describe(file: str, order: Order, options: OrderOptions, preview: Preview) -> Mapped:
    """What becomes of this order under a route's `options`. Nothing is sent; pure if `preview` is."""
    proof = prove(order)
    settled = settle(order, proof, options.on_mismatch, options.accept_cents)
    sent = expand(order if isinstance(settled, Problem) else settled, options.bundles)
    payload, refused = _previewed(sent, preview)
    return Mapped(
        file=file,
        order=order,
        payload=payload,
        proof=proof,
        proof_holds=proof.holds,
        difference="" if proof.holds else describe_difference(proof),
        decision=decide(order, options.eligibility, 0, order.updated_at),
        refused=refused or (settled.reason if isinstance(settled, Problem) else ""),
    )


def _previewed(order: Order, preview: Preview) -> tuple[Mapping[str, Any], str]:
    try:
        return preview(order), ""
    except CrossdockError as error:
        return {}, str(error)


def map_order(
    files: Annotated[
        list[Path],
        typer.Argument(help="Orders as the store sends them: one, a list, or a search result. `-` is standard input."),
    ],
    to: Annotated[str, typer.Option(help="What would be sent to this connection; else the custom ERP's payload.")] = "",
    bundles: Annotated[
        str, typer.Option(help="parent, exploded or prorata; else as the connection's route says.")
    ] = "",
    show: Annotated[str, typer.Option(help="all, or proof: one line an order.")] = "all",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """The order as we understand it, what would be sent, and the money proof; exit code 1 names each that fails."""
    options, preview = _rules(to, bundles, show, config)
    mapped: list[Mapped] = []
    failed: list[str] = []
    for name, found in _read(files):
        if isinstance(found, str):
            failed.append(f"{name}: {found}")
            continue
        one = describe(name, found, options, preview)
        mapped.append(one)
        failed += [] if one.proof_holds else [f"{name}: order {found.number}: {one.difference}"]
        if not as_json:
            _print(one, only_proof=show == "proof", target=to)
    if as_json:
        typer.echo(ENCODER.encode(mapped))
    elif mapped:
        console.print(_summary(mapped))
    for text in failed:
        complaints.print(Text("! ", style="red"), plain(text), sep="", highlight=False, soft_wrap=True)
    if failed:
        raise typer.Exit(1)


def _read(files: Sequence[Path]) -> Iterator[tuple[str, Order | str]]:
    """Each order of each file, or what is wrong there. One bad order hides none of the others."""
    for file in files:
        name = "standard input" if str(file) == "-" else str(file)
        try:
            saved = typer.get_binary_stream("stdin").read() if str(file) == "-" else file.read_bytes()
            found = list(orders_in(saved))
        except OSError as error:
            yield name, error.strerror or "cannot be read"
            continue
        except MessageError as error:
            yield name, str(error)
            continue
        if not found:
            yield name, "no orders in it"
        for place, raw in enumerate(found, start=1):
            where = name if len(found) == 1 else f"{name} ({place} of {len(found)})"
            yield where, _parsed(raw)


def _parsed(raw: bytes) -> Order | str:
    try:
        return parse_order(raw)
    except MessageError as error:
        return str(error)


def _rules(to: str, bundles: str, show: str, config: Path | None) -> tuple[OrderOptions, Preview]:
    """The route's options and what shows the payload; every wrong option is refused with exit code 2."""
    try:
        settings = settings_or_exit(config) if to else None
        options = _route_options(settings, to)
        if bundles:
            options = msgspec.structs.replace(options, bundles=_chosen(bundles, Strategy, "--bundles"))
        _chosen(show, Show, "--show")
        return options, _preview(settings, to)
    except ConfigurationError as error:
        refuse(error)
        raise typer.Exit(2) from error


def _chosen(value: str, kind: Any, option: str) -> Any:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise ConfigurationError([f"{option}: {value!r} is not one that there is (see --help)"]) from error


def _route_options(settings: Settings | None, to: str) -> OrderOptions:
    """Of the first route that ends there; the defaults where none does."""
    for route in settings.routes if settings else ():
        if route.target == to:
            return msgspec.convert(route.options.of_orders(), OrderOptions)
    return OrderOptions()


def _preview(settings: Settings | None, to: str) -> Preview:
    if settings is None:
        return lambda order: build_order_payload(order, effect_key("store", "order", order.id, "place"))
    connector = connection_of(settings, to)
    return lambda order: connector.preview(ORDERS, order)


def _print(one: Mapped, *, only_proof: bool, target: str) -> None:
    if only_proof:
        console.print(_verdict(one), soft_wrap=True)
        return
    order = one.order
    console.rule(plain(f"order {order.number}   {view_totals_line(order.totals)}   {one.file}"), align="left")
    console.print(view_order(order, one.proof))
    console.print(_heading(f"what {target or 'a custom ERP'} would be sent"))
    if one.payload:
        console.print_json(ENCODER.encode(one.payload).decode())
    console.print(view_proof(one.proof))
    if one.refused:
        console.print(plain(f"it would wait for a person: {one.refused}", "yellow"))
    elif one.decision.eligibility != "now":
        console.print(plain(f"it would not go now: {one.decision.reason}", "yellow"))
    console.print()


def _heading(text: str) -> Text:
    return plain(text, "bold")


def _verdict(one: Mapped) -> Text:
    order = one.order
    mark = Text("✓ ", style="green") if one.proof_holds else Text("✗ ", style="bold red")
    total = view_totals_line(order.totals)
    told = plain(f"{order.number}  {order.state}  {total}  {len(order.lines)} lines  {one.file}")
    return mark + told + (plain(f"  {one.difference}", "red") if one.difference else Text())


def _summary(mapped: Sequence[Mapped]) -> Text:
    wrong = sum(not one.proof_holds for one in mapped)
    if not wrong:
        return Text(f"{len(mapped)} order{'s' * (len(mapped) > 1)}: the money adds up in every currency", style="green")
    return Text(f"{len(mapped)} order{'s' * (len(mapped) > 1)}: {wrong} whose money does not add up", style="bold red")
