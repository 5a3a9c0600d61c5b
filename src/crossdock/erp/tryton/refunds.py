"""Credit memos into Tryton: returns of the order's sale.

Tryton's wizard that credits an invoice is not reachable over REST, and credits whole invoices; a credit note made by
itself would leave the sale without a word of it. A sale with quantities below 0 and the first one as its origin is what
Tryton's own wizard "Return Sale" makes; it comes to a credit note in draft, and goes by the same steps and is proven by
the same sums as an order.
"""

from __future__ import annotations

from crossdock.contract.message import Receipt
from crossdock.erp.tryton.client import Query, TrytonClient
from crossdock.erp.tryton.directory import Directory
from crossdock.erp.tryton.holding import holding
from crossdock.erp.tryton.levels import PRODUCT
from crossdock.erp.tryton.mapping import RETURN_MARK, Lookups
from crossdock.erp.tryton.people import texts_of
from crossdock.erp.tryton.pricing import predict, price_order
from crossdock.erp.tryton.reading import EITHER, among
from crossdock.erp.tryton.return_sale import (
    KEPT,
    Sold,
    as_order,
    build_return,
    negative,
    parse_sold,
    products_of,
    return_number,
    taxes_of,
)
from crossdock.erp.tryton.sales import SALE, Sale, Sales
from crossdock.erp.tryton.settings import TrytonSettings
from crossdock.errors import Conflict, NotReady, Rejected, Temporary
from crossdock.flows.parts import Priced, Role, difference, expected
from crossdock.model.order import Order
from crossdock.model.refund import Refund

LINE, TAX = "sale.line", "account.tax"


class RefundSink:
    """Makes a return of an order's sale, proves its sums, confirms it."""

    def __init__(self, client: TrytonClient, directory: Directory, settings: TrytonSettings) -> None:
        self._client = client
        self._directory = directory
        self._settings = settings

    def put(self, refund: Refund, key: str) -> Receipt:
        """Raises NotReady where Tryton does not have the order (yet), Rejected where the sums would be others."""
        sold = self._sold(self._inside(), refund, key)
        client = self._about(sold)
        sales = self._sales(client, RETURN_MARK)
        order = as_order(refund, sold)
        lines = price_order(order, self._directory.rounding())
        made = sales.ours(order.number, key)
        if made is not None:
            return _receipt(sales.gone_on_with(made, negative(expected(order))), found=True)
        sales.refuse_strangers(order.number, key)
        if told := difference(predict(lines, self._directory.rounding()), expected(order)):
            raise Rejected(f"the return would not come to the credit memo's sums: {told}")
        return _receipt(self._make(client, sales, order, key, lines, sold), found=False)

    def find(self, refund: Refund, key: str) -> Receipt | None:
        """A return of ours that is as far as it should be."""
        sales = self._sales(self._inside(), RETURN_MARK)
        made = sales.ours(return_number(refund), key)
        return _receipt(made, found=True) if made is not None and sales.is_entered(made) else None

    def count(self, refund: Refund, key: str) -> int:
        """How many returns of ours there are that are entered in full."""
        return self._sales(self._inside(), RETURN_MARK).made([return_number(refund)])[key]

    def _inside(self) -> TrytonClient:
        return self._client.about((), company=self._directory.company())

    def _about(self, sold: Sold) -> TrytonClient:
        """A credit memo names nobody, and an error of Tryton's might: its party's texts are kept out of them."""
        client = self._inside()
        people = [text for party in holding(client, [int(sold.head["party"] or 0)]) for text in texts_of(party)]
        return client.about(people, company=self._directory.company())

    def _sales(self, client: TrytonClient, mark: str) -> Sales:
        return Sales(client, self._directory.company(), self._settings, mark)

    def _make(
        self, client: TrytonClient, sales: Sales, order: Order, key: str, lines: tuple[Priced, ...], sold: Sold
    ) -> Sale:
        lookups = self._lookups(lines, sold)
        values = build_return(order, key, lines, sold, lookups, self._settings, self._directory.code_of)
        try:
            ident = client.create(SALE, values)
        except Conflict as conflict:
            raise Temporary("the return was made by another worker just now") from conflict
        sale = sales.get(ident)
        if told := difference(sale.amounts, negative(expected(order))):
            sales.discard(sale)
            raise Rejected(f"the return would not come to the credit memo's sums: {told}")
        return sales.enter(sale)

    def _lookups(self, lines: tuple[Priced, ...], sold: Sold) -> Lookups:
        goods = products_of([line for line in lines if line.role is Role.GOODS], sold)
        others = self._directory.products([line for line in lines if line.role is not Role.GOODS])
        return Lookups(
            company=self._directory.company(),
            currency=0,  # these two are taken from the order's sale
            warehouse=0,
            products=others | goods,
            taxes=taxes_of(lines, sold),
        )

    def _sold(self, client: TrytonClient, refund: Refund, key: str) -> Sold:
        sale = self._order_sale(client, refund, key)
        query = Query(model=SALE, domain=(("id", "=", sale.id),), fields=KEPT)
        (head,) = client.search(query).rows
        currency = self._directory.currency_id(refund.totals.currency)
        if head["currency"] != currency:
            raise Rejected(f"the order's sale is not in {refund.totals.currency}")
        fields = ("note", "description", "product", "unit", "taxes")
        own = (("sale", "=", sale.id), ("type", "=", "line"), ("product", "!=", None), ("quantity", ">", 0))
        order = (("sequence", "ASC"), ("id", "ASC"))
        lines = client.search(Query(model=LINE, domain=own, fields=fields, order=order)).rows
        taxes = sorted({int(one) for line in lines for one in line["taxes"] or ()})
        products = sorted({int(line["product"]) for line in lines})
        return parse_sold(
            sale.id,
            head,
            lines,
            {int(row["id"]): row for row in among(client, TAX, "id", taxes, ("type", "rate"), (EITHER,))},
            {int(row["id"]): str(row["code"]) for row in among(client, PRODUCT, "id", products, ("code",), (EITHER,))},
        )

    def _order_sale(self, client: TrytonClient, refund: Refund, key: str) -> Sale:
        """Made under the same source's key of that order."""
        source = key.split(":")[1]
        wanted = ["v1", source, "order", refund.order_id.replace("%", "%25").replace(":", "%3A")]
        sales = Sales(client, self._directory.company(), self._settings)
        found = [sale for sale in sales.under(refund.order_number) if sale.key.split(":")[:4] == wanted]
        sale = next(iter([*(one for one in found if one.state != "cancelled"), *found]), None)
        if sale is None or (sale.state != "cancelled" and not sales.is_entered(sale)):
            raise NotReady("Tryton does not have this order (yet)")
        if sale.state == "cancelled":
            raise Rejected(f"sale {sale.id} was cancelled in Tryton: there is nothing to give back of it")
        return sale


def _receipt(sale: Sale, *, found: bool) -> Receipt:
    return Receipt(external_id=str(sale.id), number=sale.number or str(sale.id), found=found, detail=sale.state)
