"""Orders into Business Central.

It keeps no reference single: what holds two workers apart is Crossdock's own lane, one worker at a time for one order.
A put looks under our reference first, whatever the spine has done before: an order that is there with the same sums is
the answer, one with other sums is a conflict for a person.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from crossdock.contract.message import Receipt
from crossdock.contract.shadow import Shown
from crossdock.erp.dynamics_bc.buyers import Buyers
from crossdock.erp.dynamics_bc.client import BcClient, read_part
from crossdock.erp.dynamics_bc.directory import Directory
from crossdock.erp.dynamics_bc.mapping import Values, build_order, reference_of
from crossdock.erp.dynamics_bc.pricing import price_order
from crossdock.erp.dynamics_bc.sales import Sales, SalesOrder, made_in, order_in
from crossdock.erp.dynamics_bc.settings import BcSettings
from crossdock.erp.dynamics_bc.showing import shown
from crossdock.errors import Conflict, MappingError, OutcomeUnknown, Rejected, Temporary
from crossdock.flows.parts import difference, expected
from crossdock.flows.personal import people_in
from crossdock.flows.quotes import Quote, predict
from crossdock.model.order import Order
from crossdock.transport.odata import BatchPart, Query, eq


class OrderSink:
    """Finds or makes the customer, makes the order with its lines, and proves its sums."""

    count_at_once = 40  # references in one address

    def __init__(self, client: BcClient, directory: Directory, buyers: Buyers, settings: BcSettings) -> None:
        self._client = client
        self._directory = directory
        self._buyers = buyers
        self._settings = settings

    def put(self, order: Order, key: str) -> Receipt:  # noqa: ARG002  Business Central has no place for a key
        """The order, once. Raises Rejected where its sums would not be the order's, with the difference."""
        client = self._client.about(people_in(order))
        sales = self._sales(client)
        reference = self._reference(order)
        if there := sales.under([reference])[reference]:
            return self._taken(there, order)
        quote = self._proven_quote(order)
        values = self._values(order, quote, lambda: self._buyers.number(order, client))
        return self._proven(sales, self._made(client, values), order)

    def find(self, order: Order, key: str) -> Receipt | None:  # noqa: ARG002  as above
        """The order under our reference, where it is the one that was sent: open with its sums, or posted."""
        reference = self._reference(order)
        there = self._sales(self._client.about(people_in(order))).under([reference])[reference]
        return next((one.receipt(found=True) for one in there if self._same(one, order)), None)

    def show(self, order: Order, key: str) -> Shown | None:  # noqa: ARG002  as above
        """The order under our reference, whoever has made it. Raises Rejected where ours would not be sent."""
        client = self._client.about(people_in(order))
        documents = self._sales(client).documents(self._reference(order))
        if not documents:
            return None
        values = self._values(order, self._proven_quote(order), lambda: self._buyers.expected(order, client))
        return shown(values, expected(order), documents)

    def count(self, order: Order, key: str) -> int:
        """How many orders there are under its reference, posted ones among them."""
        return self.count_many([(order, key)])[0]

    def count_many(self, rows: Sequence[tuple[Order, str]]) -> list[int]:
        """The same of each, in one look."""
        references = [self._reference(order) for order, _ in rows]
        people = tuple(text for order, _ in rows for text in people_in(order))
        found = self._sales(self._client.about(people)).under(references)
        return [len(found[reference]) for reference in references]

    def quote(self, order: Order) -> Quote:
        """The lines, with or without their tax in the prices."""
        settings = self._settings
        return price_order(
            order,
            settings.tax_rounding,
            decimals=settings.price_decimals,
            gross=settings.prices_with_tax,
            even_out=settings.even_out_cents,
        )

    def _proven_quote(self, order: Order) -> Quote:
        quote = self.quote(order)
        if told := difference(predict(quote, self._settings.tax_rounding), expected(order)):
            raise Rejected(f"the order would not come to the store's sums: {told}")
        return quote

    def _values(self, order: Order, quote: Quote, customer: Callable[[], str]) -> Values:
        try:
            self._directory.refuse_unknown(quote.lines)
            names = self._directory.names(order, customer())
            return build_order(order, quote, names, self._settings, self._directory.tax_code)
        except MappingError as error:
            if type(error) is not MappingError:
                raise  # a missing entry of a lookup names its table itself
            raise Rejected(str(error)) from error

    def _made(self, client: BcClient, values: Values) -> SalesOrder:
        path = self._directory.path("salesOrders")
        query = Query(where=eq("externalDocumentNumber", values["externalDocumentNumber"]), expand="salesOrderLines")
        if self._settings.entry == "batch":
            parts = [BatchPart(method="POST", path=path, values=values), read_part(path, query)]
            return made_in(client.batch(parts, writes=True))
        made = str(client.create(path, values)["id"])
        try:
            rows = client.page(path, query).rows
        except Temporary as error:
            raise OutcomeUnknown("a new order that could not be read again") from error
        order = next((order_in(row) for row in rows if str(row.get("id")) == made), None)
        if order is None:
            raise OutcomeUnknown("a new order that is not there when it is looked for")
        return order

    def _proven(self, sales: Sales, made: SalesOrder, order: Order) -> Receipt:
        """What Business Central computed is held against the order; what differs is deleted again."""
        if not self._settings.check_totals:
            return made.receipt(found=False)
        if made.amounts is None:
            raise OutcomeUnknown(f"order {made.number} was made, and its sums are not told")
        if told := difference(made.amounts, expected(order)):
            sales.discard(made)
            raise Rejected(f"the order did not come to the store's sums, and was deleted again: {told}")
        return made.receipt(found=False)

    def _taken(self, there: Sequence[SalesOrder], order: Order) -> Receipt:
        for one in there:
            if self._same(one, order):
                return one.receipt(found=True)
        numbers = ", ".join(one.number for one in there[:3])
        told = difference(there[0].amounts, expected(order)) if there[0].amounts else "its sums are not told"
        raise Conflict(f"order {numbers} has this external document number already, and is another: {told}")

    def _same(self, one: SalesOrder, order: Order) -> bool:
        return one.posted or not self._settings.check_totals or one.amounts == expected(order)

    def _sales(self, client: BcClient) -> Sales:
        return Sales(client, self._directory, self._settings)

    def _reference(self, order: Order) -> str:
        try:
            return reference_of(order.number, self._settings)
        except MappingError as error:
            raise Rejected(str(error)) from error
