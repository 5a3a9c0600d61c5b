"""Credit notes that were posted in Tryton for our orders, as credit memos of the shop.

A line with a quantity below 0 leads to its order by the line that it credits (Tryton's wizard "Credit"), or by the
return that it was invoiced for and that return's origin (its wizard "Return Sale"). What a refund of the shop's own has
made is passed over. Goods are told by how many; what was credited of them at another price than they were sold at, and
whatever else was credited, is told as an adjustment with its tax, and shipping without tax.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from crossdock.erp.tryton.client import Row, TrytonClient
from crossdock.erp.tryton.fulfilments import INVOICE, INVOICE_LINE, POSTED, SALE_LINE, linked
from crossdock.erp.tryton.levels import PRODUCT
from crossdock.erp.tryton.mapping import RETURN_MARK, key_in, line_in, order_of
from crossdock.erp.tryton.places import Leg
from crossdock.erp.tryton.reading import EITHER, among, number
from crossdock.erp.tryton.sales import SALE
from crossdock.erp.tryton.settings import TrytonSettings
from crossdock.flows.parts import ONE
from crossdock.model.base import Record
from crossdock.model.money import ZERO

CENT = Decimal("0.01")


class Priced(Record, frozen=True, kw_only=True):
    """A line of a sale or of an invoice. `name`: the order line's id, or the code of goods, or "" for neither."""

    name: str
    by_id: bool
    goods: bool
    shipping: bool
    quantity: Decimal
    net: Decimal
    gross: Decimal  # both as exact as price and rate say


class Books(Record, frozen=True, kw_only=True):
    """What rows are made of: records by their ids."""

    lines: Mapping[int, Row]  # of sales
    sales: Mapping[int, Row]
    rates: Mapping[int, Decimal]  # of taxes, 0.22 for 22 %
    products: Mapping[int, Row]
    shipping: str
    beside: frozenset[str]  # codes of what stands for nothing that the shop sells

    def priced(self, row: Row, line: Row) -> Priced:
        """`row` has the amounts; `line` is the sale's line that it comes from."""
        product = self.products.get(row["product"] or 0) or {"code": "", "type": ""}
        ours, code = line_in(line["note"]), product["code"]
        goods = code not in self.beside and (bool(ours) or product["type"] == "goods")
        quantity = Decimal(str(row["quantity"]))
        net = quantity * row["unit_price"]
        rate = sum((self.rates.get(int(tax), ZERO) for tax in row["taxes"] or ()), ZERO)
        return Priced(
            name=ours or (str(product["code"]) if goods else ""),
            by_id=bool(ours),
            goods=goods,
            shipping=bool(self.shipping) and product["code"] == self.shipping,
            quantity=quantity,
            net=net,
            gross=net * (ONE + rate),
        )

    def sold(self, sale: int) -> list[Priced]:
        """The lines of an order's sale."""
        return [self.priced(line, line) for line in self.lines.values() if line["sale"] == sale]

    def order_sale(self, line: Row, settings: TrytonSettings) -> int:
        """The sale of an order of ours that a sale's line belongs to, or is returned of; 0 for none."""
        sale = self.sales.get(int(line["sale"]))
        if sale is None or key_in(sale["comment"], RETURN_MARK):
            return 0
        first = self.sales.get(linked(sale["origin"], SALE), sale) if sale["origin"] else sale
        return int(first["id"]) if key_in(first["comment"]) and order_of(first["reference"], settings) else 0


class CreditNotes:
    """The flow credit_memos."""

    everything = (Leg(model=INVOICE, domain=POSTED),)
    changed = (
        Leg(model=INVOICE, stamp="create_date", domain=POSTED),
        Leg(model=INVOICE, stamp="write_date", domain=POSTED),
    )

    def __init__(self, settings: TrytonSettings) -> None:
        self._settings = settings

    def rows(self, client: TrytonClient, leg: Leg, links: Sequence[int], at: datetime) -> list[dict[str, Any]]:  # noqa: ARG002  both legs are invoices
        """A row for each credit note and order."""
        credited = _credited(client, links)
        if not credited:
            return []
        numbers = {int(row["id"]): row["number"] for row in among(client, INVOICE, "id", links, ("number",))}
        books = _books(client, [line for _, line in credited], [row for row, _ in credited], self._settings)
        found: dict[tuple[int, int], list[Priced]] = defaultdict(list)
        for row, origin in credited:
            line = books.lines.get(origin)
            if line and (sale := books.order_sale(line, self._settings)):
                found[int(row["invoice"]), sale].append(books.priced(row, line))
        return [self._row(numbers[invoice], invoice, sale, found, books) for invoice, sale in found]

    def _row(
        self,
        named: Any,
        invoice: int,
        sale: int,
        found: Mapping[tuple[int, int], list[Priced]],
        books: Books,
    ) -> dict[str, Any]:
        order = order_of(books.sales[sale]["reference"], self._settings)
        alone = sum(1 for document, _ in found if document == invoice) == 1
        head = {"number": str(named) if alone else f"{named}/{order}", "order": order}
        return head | credit_of(found[invoice, sale], books.sold(sale))


def credit_of(credited: Iterable[Priced], sold: Sequence[Priced]) -> dict[str, Any]:
    """Lines, shipping and adjustments of what was credited of an order.

    Where no goods were, a line of none is told: a store would take a credit memo without lines for one of everything,
    and this one waits for a person instead.
    """
    back = [msgspec.structs.replace(one, quantity=-one.quantity, net=-one.net, gross=-one.gross) for one in credited]
    lines, adjustment = [], ZERO
    names = dict.fromkeys((one.name, one.by_id) for one in back if one.goods and one.name)
    for name, by_id in names:
        mine = [one for one in back if one.name == name]
        quantity = sum((one.quantity for one in mine if one.goods), ZERO)
        worth = _per_piece([one for one in sold if one.name == name])
        adjustment += sum((one.gross for one in mine), ZERO) - worth * quantity
        lines.append({"line" if by_id else "sku": name, "qty": number(quantity)})
    told = {name for name, _ in names}
    rest = [one for one in back if one.name not in told]
    shipping = sum((one.net for one in rest if one.shipping), ZERO)
    adjustment = (adjustment + sum((one.gross for one in rest if not one.shipping), ZERO)).quantize(CENT)
    nothing = [{"line" if one.by_id else "sku": one.name, "qty": 0} for one in sold if one.goods and one.name][:1]
    return {
        "lines": lines or nothing,
        "shipping": shipping.quantize(CENT),
        "adjustment_positive": max(adjustment, ZERO),
        "adjustment_negative": max(-adjustment, ZERO),
    }


def _per_piece(sold: Sequence[Priced]) -> Decimal:
    quantity = sum((one.quantity for one in sold if one.goods), ZERO)
    return sum((one.gross for one in sold), ZERO) / quantity if quantity else ZERO


def _credited(client: TrytonClient, invoices: Sequence[int]) -> list[tuple[Row, int]]:
    """The lines below 0 and the sale's line that each leads to."""
    fields = ("invoice", "origin", "product", "quantity", "unit_price", "taxes")
    below = (("type", "=", "line"), ("quantity", "<", 0))
    rows = list(among(client, INVOICE_LINE, "invoice", invoices, fields, below))
    first = sorted({ident for row in rows if (ident := linked(row["origin"], INVOICE_LINE))})
    origins = {int(row["id"]): row["origin"] for row in among(client, INVOICE_LINE, "id", first, ("origin",))}
    found = []
    for row in rows:
        credited = linked(row["origin"], INVOICE_LINE)
        ident = linked(origins.get(credited) if credited else row["origin"], SALE_LINE)
        if ident:
            found.append((row, ident))
    return found


def _books(client: TrytonClient, lines: Sequence[int], rows: Sequence[Row], settings: TrytonSettings) -> Books:
    fields = ("sale", "note", "product", "quantity", "unit_price", "taxes")
    named = list(among(client, SALE_LINE, "id", sorted(set(lines)), fields))
    head = ("reference", "comment", "origin")
    sales = _by_id(among(client, SALE, "id", sorted({int(line["sale"]) for line in named}), head))
    firsts = sorted({ident for sale in sales.values() if (ident := linked(sale["origin"], SALE))})
    sales |= _by_id(among(client, SALE, "id", firsts, head))
    own = (("type", "=", "line"),)
    known = _by_id([*named, *among(client, SALE_LINE, "sale", sorted(sales), fields, own)])
    every_line = [*known.values(), *rows]
    taxes = sorted({int(tax) for row in every_line for tax in row["taxes"] or ()})
    products = sorted({int(row["product"]) for row in every_line if row["product"]})
    told = among(client, "account.tax", "id", taxes, ("type", "rate"), (EITHER,))
    return Books(
        lines=known,
        sales=sales,
        rates={int(row["id"]): row["rate"] for row in told if row["type"] == "percentage"},
        products=_by_id(among(client, PRODUCT, "id", products, ("code", "type"), (EITHER,))),
        shipping=settings.products.shipping,
        beside=settings.products.beside(),
    )


def _by_id(rows: Iterable[Row]) -> dict[int, Row]:
    return {int(row["id"]): row for row in rows}
