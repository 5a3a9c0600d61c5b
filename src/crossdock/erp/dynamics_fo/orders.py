"""Orders into Finance and Operations.

Where numbers are ours, head and lines are one change set, and a number that is taken is refused: that keeps orders
single. Where they are given there, the head is entered first: a put may die between the two, and goes on from what it
finds. Then Crossdock's own lane alone keeps two workers apart. Only an order with all its lines counts as there.
"""

from __future__ import annotations

from collections.abc import Sequence

from crossdock.contract.message import Receipt
from crossdock.contract.shadow import Shown
from crossdock.erp.dynamics_fo.buyers import Buyers
from crossdock.erp.dynamics_fo.client import FoClient
from crossdock.erp.dynamics_fo.mapping import Values, build_header, build_lines, number_of
from crossdock.erp.dynamics_fo.pricing import price_order
from crossdock.erp.dynamics_fo.sales import Sales, SalesOrder
from crossdock.erp.dynamics_fo.settings import FoSettings
from crossdock.erp.dynamics_fo.showing import AMOUNT, TAX, TOTAL, shown
from crossdock.errors import Conflict, MappingError, OutcomeUnknown, Rejected, Temporary
from crossdock.flows.parts import Role, difference, expected
from crossdock.flows.personal import people_in
from crossdock.flows.quotes import Quote, predict
from crossdock.model.money import ZERO
from crossdock.model.order import Order


class OrderSink:
    """Finds or makes the customer, enters the order, proves the amounts of its lines."""

    count_at_once = 40  # references in one address

    def __init__(self, client: FoClient, buyers: Buyers, settings: FoSettings) -> None:
        self._client = client
        self._buyers = buyers
        self._settings = settings

    def put(self, order: Order, key: str) -> Receipt:  # noqa: ARG002  there is no place for a key
        """The order, once. Raises Rejected where its sums would not be the order's, with the difference."""
        client = self._client.about(people_in(order))
        sales, reference, quote = Sales(client, self._settings), self._reference(order), self.quote(order)
        there = sales.under(reference)
        whole = next((one for one in there if self._is_whole(one, quote)), None)
        if whole is not None:
            return self._taken(whole, quote)
        begun = self._begun(there)
        self._refuse_difference(quote, order)
        number = self._entered(order, quote, client, begun)
        return self._proven(sales, reference, number, quote, order)

    def find(self, order: Order, key: str) -> Receipt | None:  # noqa: ARG002  as above
        """The order under our reference, where it has all its lines and their amounts."""
        client = self._client.about(people_in(order))
        quote = self.quote(order)
        there = Sales(client, self._settings).under(self._reference(order))
        found = (one for one in there if self._is_whole(one, quote) and not _misses(one, quote))
        return next((one.receipt(found=True) for one in found), None)

    def show(self, order: Order, key: str) -> Shown | None:  # noqa: ARG002  as above
        """The order under our reference, whoever has entered it. Raises Rejected where ours would not be sent."""
        client, quote, reference = self._client.about(people_in(order)), self.quote(order), self._reference(order)
        sales = Sales(client, self._settings)
        if not sales.others(reference):
            return None
        self._refuse_difference(quote, order)
        head = self._head(order, quote, client, make=False)
        lines = [values for _, values in self._lines(order, quote, reference)]
        of_line = {name for values in lines for name in values}
        documents = sales.documents(reference, (TOTAL, TAX, *head), (AMOUNT, *sorted(of_line)))
        priced = list(zip(lines, quote.lines, strict=True))
        return shown(head, priced, expected(order), documents, self._settings.line_field) if documents else None

    def count(self, order: Order, key: str) -> int:  # noqa: ARG002  as above
        """How many orders there are under its reference that have lines."""
        client = self._client.about(people_in(order))
        return sum(1 for one in Sales(client, self._settings).under(self._reference(order)) if one.lines)

    def count_many(self, rows: Sequence[tuple[Order, str]]) -> list[int]:
        """The same of each, in one look, heads alone."""
        references = [self._reference(order) for order, _ in rows]
        people = tuple(text for order, _ in rows for text in people_in(order))
        found = Sales(self._client.about(people), self._settings).numbers(references)
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

    def _entered(self, order: Order, quote: Quote, client: FoClient, begun: SalesOrder | None) -> str:
        sets = self._settings.sets
        head = self._head(order, quote, client)
        if self._settings.order_numbers == "ours":
            number = str(head["SalesOrderNumber"])
            self._create_all(client, [(sets.headers, head), *self._lines(order, quote, number)])
            return number
        if begun is None:
            number = str(client.create(sets.headers, head).get("SalesOrderNumber") or "")
            if not number:
                raise OutcomeUnknown("a new order, but the answer does not say its number")
        else:
            number = begun.number
        self._create_all(client, self._lines(order, quote, number))
        return number

    def _create_all(self, client: FoClient, records: Sequence[tuple[str, Values]]) -> None:
        try:
            client.create_all(records)
        except Conflict as conflict:
            raise Temporary("the order's number was taken by another just now: it is looked for") from conflict

    def _refuse_difference(self, quote: Quote, order: Order) -> None:
        if told := difference(predict(quote, self._settings.tax_rounding), expected(order)):
            raise Rejected(f"the order would not come to the store's sums: {told}")

    def _head(self, order: Order, quote: Quote, client: FoClient, *, make: bool = True) -> Values:
        try:
            self._buyers.refuse_unknown(quote.lines, client)
            names = self._buyers.names(order, client, make=make)
            return build_header(order, names, self._settings, with_tax=quote.with_tax)
        except MappingError as error:
            raise _rejected(error) from error

    def _lines(self, order: Order, quote: Quote, number: str) -> list[tuple[str, Values]]:
        entity = self._settings.sets.lines
        try:
            lines = build_lines(order, quote, number, self._settings, self._buyers.tax_code)
        except MappingError as error:
            raise _rejected(error) from error
        return [(entity, line) for line in lines]

    def _begun(self, there: Sequence[SalesOrder]) -> SalesOrder | None:
        """A head of ours that an attempt has left without lines. Raises Conflict for anything else."""
        if not there:
            return None
        first = there[0]
        if first.lines or self._settings.order_numbers == "ours":
            raise Conflict(f"order {first.number} has this reference, and other lines than ours: a person must look")
        return first

    def _proven(self, sales: Sales, reference: str, number: str, quote: Quote, order: Order) -> Receipt:
        """The amounts of the lines as they came out, by trade agreements too, are held against what was meant."""
        made = next((one for one in sales.under(reference) if one.number == number), None)
        if made is None or not self._is_whole(made, quote):
            raise OutcomeUnknown(f"order {number} was entered, and is not there with its lines when it is looked for")
        told = _misses(made, quote)
        if not told and made.totals is not None:
            told = difference(made.totals, expected(order))
        if told:
            sales.discard(number)
            raise Rejected(f"the order did not come to the store's sums, and was deleted again: {told}")
        return made.receipt(found=False)

    def _taken(self, one: SalesOrder, quote: Quote) -> Receipt:
        if told := _misses(one, quote):
            raise Conflict(f"order {one.number} has this reference already, and is another: {told}")
        return one.receipt(found=True)

    def _is_whole(self, one: SalesOrder, quote: Quote) -> bool:
        ours = {line.line_id for line in quote.lines if line.line_id and line.role is Role.GOODS}
        return one.lines >= len(quote.lines) and ours <= one.links.keys()

    def _reference(self, order: Order) -> str:
        try:
            return number_of(order.number, self._settings)
        except MappingError as error:
            raise Rejected(str(error)) from error


def _misses(one: SalesOrder, quote: Quote) -> str:
    wanted = sum((line.amount for line in quote.lines), ZERO)
    if one.sum == wanted and one.with_tax == quote.with_tax:
        return ""
    return f"lines {one.sum} instead of {wanted} ({one.sum - wanted:+f})"


def _rejected(error: MappingError) -> Exception:
    """A missing entry of a lookup names its table itself, and stays what it is."""
    return error if type(error) is not MappingError else Rejected(str(error))
