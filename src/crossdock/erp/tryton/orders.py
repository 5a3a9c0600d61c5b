"""Orders into Tryton.

A put is made of steps, and may die between any two: so it looks first, and goes on from what it finds. Only a sale that
is confirmed (or a quotation, where the settings leave it at that) counts as there; a draft of ours that was left behind
is gone on with, not doubled.

Who holds the lock: Crossdock's own lane lets one worker at a time put one order. Where Tryton has the unique module,
its constraint stands behind that. Two at once on one draft are kept apart by its age: a draft that was touched just
now belongs to whoever is at it (two concurrent confirms can make two invoices).
"""

from __future__ import annotations

from collections.abc import Sequence

from crossdock.contract.message import Receipt
from crossdock.contract.shadow import Shown
from crossdock.erp.tryton.client import TrytonClient
from crossdock.erp.tryton.directory import Directory
from crossdock.erp.tryton.mapping import build_sale, people_in
from crossdock.erp.tryton.parties import Parties
from crossdock.erp.tryton.pricing import predict, price_order
from crossdock.erp.tryton.sales import SALE, Sale, Sales
from crossdock.erp.tryton.settings import TrytonSettings
from crossdock.erp.tryton.showing import shown_order, shown_sale
from crossdock.errors import Conflict, Rejected, Temporary
from crossdock.flows.parts import Priced, difference, expected
from crossdock.model.order import Order


class OrderSink:
    """Finds or makes the customer, makes the sale, proves its sums, confirms it."""

    count_at_once = 50  # references in one address: a proxy before Tryton may take no more than 8 KB of it

    def __init__(self, client: TrytonClient, directory: Directory, parties: Parties, settings: TrytonSettings) -> None:
        self._client = client
        self._directory = directory
        self._parties = parties
        self._settings = settings

    def put(self, order: Order, key: str) -> Receipt:
        """The sale, once. Raises Rejected where Tryton's sums would not be the order's, with the difference."""
        company = self._directory.company()
        client = self._client.about(people_in(order), company=company)
        sales = Sales(client, company, self._settings)
        lines = price_order(order, self._directory.rounding())
        sale = sales.ours(order.number, key)
        if sale is not None:
            return self._continue(sales, sale, order, lines)
        sales.refuse_strangers(order.number, key)
        self._refuse_difference(order, lines)
        return self._make(client, sales, order, key, lines)

    def find(self, order: Order, key: str) -> Receipt | None:
        """A sale of ours that is as far as it should be; None for a draft, which a put goes on with."""
        company = self._directory.company()
        sales = Sales(self._client.about(people_in(order), company=company), company, self._settings)
        sale = sales.ours(order.number, key)
        if sale is None or not sales.is_entered(sale):
            return None
        lines = price_order(order, self._directory.rounding())
        return sales.receipt(sale, _line_ids(lines), found=True)

    def show(self, order: Order, key: str) -> Shown | None:
        """The sale under the order's reference, whoever has made it: its sums and lines."""
        company = self._directory.company()
        client = self._client.about(people_in(order), company=company)
        sales = Sales(client, company, self._settings)
        found = sales.under(order.number)
        if not found:
            return None
        sale = next((one for one in found if one.key == key), found[0])
        lines = price_order(order, self._directory.rounding())
        ours = shown_order(order, lines, self._directory.lookups(order, lines), self._directory.code_of, self._settings)
        theirs = shown_sale(order, sales, sale, self._settings)
        return Shown(ours=ours, theirs=theirs, number=sale.number or str(sale.id), times=len(found))

    def count(self, order: Order, key: str) -> int:
        """How many sales of ours there are that are entered in full; a cancelled one was made, and counts."""
        return self.count_many([(order, key)])[0]

    def count_many(self, rows: Sequence[tuple[Order, str]]) -> list[int]:
        """The same of each, in one search by the orders' references."""
        company = self._directory.company()
        people = tuple(text for order, _ in rows for text in people_in(order))
        sales = Sales(self._client.about(people, company=company), company, self._settings)
        made = sales.made([order.number for order, _ in rows])
        return [made[key] for _, key in rows]

    def _make(self, client: TrytonClient, sales: Sales, order: Order, key: str, lines: tuple[Priced, ...]) -> Receipt:
        lookups = self._directory.lookups(order, lines)
        customer = self._parties.customer(order, client)
        values = build_sale(order, key, lines, lookups, customer, self._settings, self._directory.code_of)
        try:
            made = client.create(SALE, values)
        except Conflict as conflict:
            raise self._lost(sales, order, key, conflict) from conflict
        sale = sales.get(made)
        if told := difference(sale.amounts, expected(order)):
            sales.discard(sale)
            raise Rejected(f"the sale would not come to the order's sums: {told}")
        return sales.receipt(sales.enter(sale), _line_ids(lines), found=False)

    def _continue(self, sales: Sales, sale: Sale, order: Order, lines: tuple[Priced, ...]) -> Receipt:
        """With what an earlier attempt has left behind."""
        sale = sales.gone_on_with(sale, expected(order))
        return sales.receipt(sale, _line_ids(lines), found=True)

    def _lost(self, sales: Sales, order: Order, key: str, conflict: Conflict) -> Conflict | Temporary:
        """Another was faster: its sale is at work, and is looked at again in a while."""
        sale = sales.ours(order.number, key)
        return conflict if sale is None else Temporary(f"sale {sale.id} was made by another worker just now")

    def _refuse_difference(self, order: Order, lines: tuple[Priced, ...]) -> None:
        """Before anything is made there: what Tryton is going to compute is known."""
        if told := difference(predict(lines, self._directory.rounding()), expected(order)):
            raise Rejected(f"the sale would not come to the order's sums: {told}")


def _line_ids(lines: tuple[Priced, ...]) -> tuple[str, ...]:
    return tuple(line.line_id for line in lines)
