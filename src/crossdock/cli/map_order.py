"""`crossdock map order FILE…`: what becomes of an order, without any network. The integrator's first tool."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.table import Table

from crossdock.app import connection_of
from crossdock.cli.common import ConfigOption, JsonOption, complaints, console, refuse, settings_or_exit
from crossdock.erp.rest.mapping import build_order_payload
from crossdock.errors import ConfigurationError, MessageError
from crossdock.flows import ORDERS
from crossdock.flows.expansion import Strategy, expand
from crossdock.flows.keys import effect_key
from crossdock.flows.proof import Proof, describe_difference, prove
from crossdock.magento.mapping.orders import parse_order
from crossdock.model.base import Record
from crossdock.model.order import Order

ENCODER = msgspec.json.Encoder(decimal_format="number")


class Mapped(Record, frozen=True, kw_only=True):
    """One order, what would be sent, and whether its money adds up."""

    file: str
    order: Order
    payload: Mapping[str, Any]
    proof_holds: bool
    difference: str = ""


def orders_in(raw: bytes) -> Iterator[bytes]:
    """One order, a list of orders, or a search result with `items`: each order's own bytes. Raises DecodeError."""
    decoded = msgspec.json.decode(raw, type=msgspec.Raw | list[msgspec.Raw]) if raw.lstrip()[:1] == b"[" else None
    if isinstance(decoded, list):
        yield from (bytes(one) for one in decoded)
        return
    wrapped = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    if "entity_id" not in wrapped and "items" in wrapped:
        yield from (bytes(one) for one in msgspec.json.decode(wrapped["items"], type=list[msgspec.Raw]))
        return
    yield bytes(wrapped.get("order", wrapped.get("data", msgspec.Raw(raw))))


def map_order(
    files: Annotated[
        list[Path], typer.Argument(help="Orders as the store sends them: one, a list, or a search result.")
    ],
    to: Annotated[str, typer.Option(help="What would be sent to this connection; else the custom ERP's payload.")] = "",
    bundles: Annotated[str, typer.Option(help="parent, exploded or prorata.")] = "parent",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """The order as we understand it, what would be sent, and the money proof; exit code 1 names each that fails."""
    preview = _preview(to, config)
    failed: list[str] = []
    for file in files:
        try:
            mapped = [_mapped(file, one, bundles, preview) for one in orders_in(file.read_bytes())]
        except (MessageError, msgspec.DecodeError, OSError) as error:
            failed.append(f"{file}: {error}")
            continue
        for one in mapped:
            _print(one, as_json=as_json)
        failed += [f"{one.file}: order {one.order.number}: {one.difference}" for one in mapped if not one.proof_holds]
    for text in failed:
        complaints.print(f"[red]![/red] {text}", highlight=False)
    if failed:
        raise typer.Exit(1)


def _preview(to: str, config: Path | None) -> Any:
    if not to:
        return lambda order: build_order_payload(order, effect_key("store", "order", order.id, "place"))
    try:
        connector = connection_of(settings_or_exit(config), to)
    except ConfigurationError as error:
        refuse(error)
        raise typer.Exit(2) from error
    return lambda order: connector.preview(ORDERS, order)


def _mapped(file: Path, raw: bytes, bundles: str, preview: Any) -> Mapped:
    order = parse_order(raw)
    proof: Proof = prove(order)
    strategy = msgspec.convert(bundles, Strategy)
    sent = expand(order, strategy)
    return Mapped(
        file=str(file),
        order=order,
        payload=preview(sent),
        proof_holds=proof.holds,
        difference="" if proof.holds else describe_difference(proof),
    )


def _print(one: Mapped, *, as_json: bool) -> None:
    if as_json:
        console.print_json(ENCODER.encode(one).decode())
        return
    order = one.order
    console.rule(f"order {order.number}  {order.state}  {order.totals.grand_total} {order.totals.currency}")
    table = Table("line", "kind", "sku", "qty", "gross", "discount", "net", "tax", "comp.", "FPT", box=None)
    for line in order.lines:
        money = line.amounts
        cells = (line.quantity, money.gross, money.discount, money.net, money.tax, money.compensation, money.fpt)
        indent = "  " if line.parent_id else ""
        table.add_row(line.id, line.kind, indent + line.sku, *map(str, cells))
    console.print(table)
    console.print("would be sent:", style="bold")
    console.print_json(ENCODER.encode(one.payload).decode())
    mark = "[green]the money adds up[/green], in every currency, by header and by rows"
    console.print(mark if one.proof_holds else f"[red]{one.difference}[/red]")
