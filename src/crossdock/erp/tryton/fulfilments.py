"""Shipments that were done and invoices that were posted in Tryton, as documents of the orders they are for.

Both lead to their sale by the origin of their lines. A sale without our key is not the shop's, and is passed over;
so is a line for what the shop does not sell: shipping, discounts. A line is called by the id of the order's line, which
its sale's line keeps in its note; by the product's code where there is none (a sale from before that note).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from crossdock.erp.tryton.client import Row, TrytonClient
from crossdock.erp.tryton.levels import MOVE, PRODUCT
from crossdock.erp.tryton.mapping import key_in, line_in, order_of
from crossdock.erp.tryton.places import Domain, Leg
from crossdock.erp.tryton.reading import EITHER, among, number
from crossdock.erp.tryton.sales import SALE
from crossdock.erp.tryton.settings import TrytonSettings
from crossdock.model.base import Record

SHIPMENT, INVOICE, INVOICE_LINE, SALE_LINE = (
    "stock.shipment.out",
    "account.invoice",
    "account.invoice.line",
    "sale.line",
)
DONE: Domain = (("state", "=", "done"),)
POSTED: Domain = (("type", "=", "out"), ("state", "in", ["posted", "paid"]))
LEFT: Domain = (*DONE, ("to_location.type", "=", "customer"))


class Part(Record, frozen=True, kw_only=True):
    """One line of a document: the document's id, the sale's line and the product that it is of, and how many."""

    document: int
    origin: int
    product: int
    quantity: Decimal
    at: datetime


class Named(Record, frozen=True, kw_only=True):
    """A part in the shop's words."""

    order: str
    line: Mapping[str, str]
    part: Part


class Shipments:
    """The flow shipments. `called` gives what rows call each warehouse, by its id."""

    everything = (Leg(model=SHIPMENT, domain=DONE),)
    changed = (
        Leg(model=SHIPMENT, stamp="create_date", domain=DONE),
        Leg(model=SHIPMENT, stamp="write_date", domain=DONE),
    )

    def __init__(self, settings: TrytonSettings, called: Callable[[], Mapping[int, str]]) -> None:
        self._settings = settings
        self._called = called

    def rows(self, client: TrytonClient, leg: Leg, links: Sequence[int], at: datetime) -> list[dict[str, Any]]:  # noqa: ARG002  both legs are shipments
        """A row for each shipment and order."""
        called = self._called()
        heads = {int(row["id"]): row for row in among(client, SHIPMENT, "id", links, ("number", "warehouse"))}
        found = documents(client, list(shipped(client, links)), self._settings)
        return [
            row | {"warehouse": called[int(heads[ident]["warehouse"])], "shipped_at": first_of(parts)}
            for ident, parts in found.items()
            for row in told(heads[ident]["number"], parts)
        ]


class Invoices:
    """The flow invoices. Credit notes, whose quantities are below 0, are none."""

    everything = (Leg(model=INVOICE, domain=POSTED),)
    changed = (
        Leg(model=INVOICE, stamp="create_date", domain=POSTED),
        Leg(model=INVOICE, stamp="write_date", domain=POSTED),
    )

    def __init__(self, settings: TrytonSettings) -> None:
        self._settings = settings

    def rows(self, client: TrytonClient, leg: Leg, links: Sequence[int], at: datetime) -> list[dict[str, Any]]:  # noqa: ARG002  both legs are invoices
        """A row for each invoice and order."""
        numbers = {int(row["id"]): row["number"] for row in among(client, INVOICE, "id", links, ("number",))}
        found = documents(client, list(self._parts(client, links)), self._settings)
        return [row for ident, parts in found.items() for row in told(numbers[ident], parts)]

    def _parts(self, client: TrytonClient, links: Sequence[int]) -> Iterator[Part]:
        fields = ("invoice", "origin", "product", "quantity", "create_date", "write_date")
        for row in among(client, INVOICE_LINE, "invoice", links, fields, (("type", "=", "line"),)):
            origin = linked(row["origin"], SALE_LINE)
            if origin and row["product"] and row["quantity"] > 0:
                yield part_of(row, int(row["invoice"]), origin, row["quantity"])


def shipped(client: TrytonClient, shipments: Sequence[int]) -> Iterator[Part]:
    """What has left by these shipments."""
    fields = ("shipment", "origin", "product", "internal_quantity", "create_date", "write_date")
    named = [f"{SHIPMENT},{ident}" for ident in shipments]
    for row in among(client, MOVE, "shipment", named, fields, LEFT):
        document, origin = linked(row["shipment"], SHIPMENT), linked(row["origin"], SALE_LINE)
        if document and origin:
            yield part_of(row, document, origin, row["internal_quantity"])


def documents(client: TrytonClient, parts: Sequence[Part], settings: TrytonSettings) -> dict[int, list[Named]]:
    """The parts that are of orders of ours, by their document."""
    lines = _by_id(among(client, SALE_LINE, "id", _unique(part.origin for part in parts), ("sale", "note")))
    sales = among(client, SALE, "id", _unique(int(line["sale"]) for line in lines.values()), ("reference", "comment"))
    orders = {row["id"]: order_of(row["reference"], settings) for row in sales if key_in(row["comment"])}
    sold = _by_id(among(client, PRODUCT, "id", _unique(part.product for part in parts), ("code", "type"), (EITHER,)))
    beside = settings.products.beside()
    found: dict[int, list[Named]] = defaultdict(list)
    for part in parts:
        line = lines.get(part.origin)
        order = orders.get(line["sale"]) if line else None
        product = sold.get(part.product)
        if line and order and product:
            code, ours = str(product["code"]), line_in(line["note"])
            # what the shop sells may be a service in Tryton: our line's id tells it from shipping, and its own discount
            if code in beside or not (ours or product["type"] == "goods"):
                continue
            name = {"line": ours} if ours else {"sku": code}
            found[part.document].append(Named(order=order, line=name, part=part))
    return found


def told(document: Any, parts: Sequence[Named]) -> Iterator[dict[str, Any]]:
    """A row for each order; where there are several, the document's number is not enough of a name."""
    orders = _unique(one.order for one in parts)
    for order in orders:
        sums: dict[tuple[tuple[str, str], ...], Decimal] = defaultdict(Decimal)
        for one in parts:
            if one.order == order:
                sums[tuple(one.line.items())] += one.part.quantity
        lines = [dict(name) | {"qty": number(quantity)} for name, quantity in sums.items()]
        yield {"number": str(document) if len(orders) == 1 else f"{document}/{order}", "order": order, "lines": lines}


def first_of(parts: Sequence[Named]) -> str:
    """When it left: Tryton keeps the day only, and the moment at which a move was written last."""
    return min(one.part.at for one in parts).isoformat()


def part_of(row: Row, document: int, origin: int, quantity: Any) -> Part:
    """Of a row with its times."""
    return Part(
        document=document,
        origin=origin,
        product=int(row["product"]),
        quantity=Decimal(str(quantity)),
        at=row["write_date"] or row["create_date"],
    )


def linked(reference: Any, model: str) -> int:
    """The id in a reference to a record of this model, 0 for another's: `model,id`."""
    named, _, ident = str(reference or "").partition(",")
    return int(ident) if named == model and ident.isdecimal() else 0


def _by_id(rows: Iterator[Row]) -> dict[int, Row]:
    return {int(row["id"]): row for row in rows}


def _unique(values: Iterator[Any]) -> list[Any]:
    return list(dict.fromkeys(values))
