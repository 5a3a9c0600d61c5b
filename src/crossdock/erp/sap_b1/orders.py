"""Orders into Business One, and their cancellation.

Nothing there keeps a repeated request from making a second order. So an order is looked up by our reference before it
is sent, at each attempt; what holds two workers apart is Crossdock's own lane.
"""

from __future__ import annotations

from collections.abc import Sequence

from crossdock.contract.lookups import Lookups
from crossdock.contract.message import Receipt
from crossdock.contract.shadow import Shown
from crossdock.erp.sap_b1.client import B1Client, text
from crossdock.erp.sap_b1.mapping import (
    NO,
    YES,
    Document,
    Line,
    Row,
    build_order,
    customer_of,
    expected,
    links_of,
    parse_document,
    predict,
    price_order,
    reference_of,
)
from crossdock.erp.sap_b1.settings import SapB1Settings
from crossdock.erp.sap_b1.showing import HEAD, shown_of, told_of
from crossdock.errors import Conflict, NotReady, OutcomeUnknown, Rejected, Temporary
from crossdock.flows.parts import NET_GROSS, difference
from crossdock.flows.personal import people_in
from crossdock.model.change import OrderChange
from crossdock.model.order import Order

ORDERS = "Orders"
MANY = 100
FIELDS = "DocEntry,DocNum,CardCode,Cancelled,DocumentStatus,DocTotal,VatSum,DocTotalFc,VatSumFc,DocumentLines"


class Documents:
    """The orders of one company, by our reference."""

    def __init__(self, client: B1Client, settings: SapB1Settings) -> None:
        self._client = client
        self._settings = settings

    def under(self, references: Sequence[str], currency: str = "") -> list[Document]:
        """Every order with one of these references. Raises Temporary where not all may have been told."""
        return [one for one, _ in self.told(references, currency)]

    def told(self, references: Sequence[str], currency: str = "", more: str = "") -> list[tuple[Document, Row]]:
        """The same, each with the row as it was told; `more`: fields that are asked for besides."""
        field = self._settings.reference_field
        named = " or ".join(f"{field} eq {text(one)}" for one in references)
        query = (
            ("$filter", named),
            ("$select", ",".join(filter(None, (FIELDS, field, more)))),
            ("$orderby", "DocEntry"),
        )
        found = self._client.rows(ORDERS, query, MANY)
        if found.more:
            raise Temporary(f"{len(found.rows)} orders or more under {len(references)} references")
        wanted = set(references)
        own = currency or self._settings.currency
        told = [(parse_document(row, self._settings, own), row) for row in found.rows]
        if any(one is None for one, _ in told):
            raise Temporary("an order was read without its DocEntry")
        return [(one, row) for one, row in told if one is not None and one.reference in wanted]

    def single(self, reference: str, currency: str = "") -> Document | None:
        """The one with this reference; of several the one that is not cancelled. Raises Conflict for more."""
        found = self.under([reference], currency)
        live = [one for one in found if not one.cancelled] or found[:1]
        if len(live) > 1:
            raise Conflict(f"orders {', '.join(one.number for one in live)} have this reference")
        return live[0] if live else None

    def cancel(self, document: Document) -> None:
        """The bound action `Cancel`."""
        self._client.act(f"{ORDERS}({document.entry})/Cancel")


class OrderSink:
    """Finds or makes the order, and compares its sums."""

    count_at_once = 10

    def __init__(self, client: B1Client, settings: SapB1Settings, lookups: Lookups) -> None:
        self._client = client
        self._settings = settings
        self._lookups = lookups

    def put(self, order: Order, key: str) -> Receipt:  # noqa: ARG002  the reference stands for it
        """The order, once. Raises Rejected where its sums would not be the store's, with the difference."""
        client = self._client.about(people_in(order))
        lines = price_order(order, self._settings, self._lookups)
        refuse_difference(order, lines, self._settings)
        customer = customer_of(order, self._settings, self._lookups)
        body = build_order(order, lines, customer, self._settings, self._lookups)
        documents = Documents(client, self._settings)
        found = self._ours(documents, order, customer)
        if found is not None:
            return self._there_already(found, order, lines)
        made = parse_document(client.create(ORDERS, body), self._settings, order.totals.currency)
        if made is None:
            raise OutcomeUnknown("a new order, but the answer names no DocEntry")
        self._compare(documents, made, order)
        return Receipt(external_id=str(made.entry), number=made.number, links=links_of(made, lines))

    def find(self, order: Order, key: str) -> Receipt | None:  # noqa: ARG002  the reference stands for it
        """By our reference. Raises Rejected where it is there with other sums, or cancelled."""
        documents = Documents(self._client.about(people_in(order)), self._settings)
        found = self._ours(documents, order, customer_of(order, self._settings, self._lookups))
        if found is None:
            return None
        return self._there_already(found, order, price_order(order, self._settings, self._lookups))

    def show(self, order: Order, key: str) -> Shown | None:  # noqa: ARG002  whoever has made it
        """By our reference, whatever customer it is of; one that was cancelled too."""
        documents = Documents(self._client.about(people_in(order)), self._settings)
        lines = price_order(order, self._settings, self._lookups)
        customer = customer_of(order, self._settings, self._lookups)
        body = build_order(order, lines, customer, self._settings, self._lookups)
        found = documents.told([reference_of(order.number, self._settings)], order.totals.currency, HEAD)
        if not found:
            return None
        live = [(one, row) for one, row in found if not one.cancelled] or found
        one, row = next(((one, row) for one, row in live if one.customer == customer), live[0])
        ours = told_of(order, lines, body, self._settings)
        return Shown(ours=ours, theirs=shown_of(row, ours, self._settings), number=one.number, times=len(live))

    def count(self, order: Order, key: str) -> int:
        """How many orders there are with our reference; a cancelled one was made, and counts."""
        return self.count_many([(order, key)])[0]

    def count_many(self, rows: Sequence[tuple[Order, str]]) -> list[int]:
        """The same of each, in one search."""
        people = tuple(one for order, _ in rows for one in people_in(order))
        references = [reference_of(order.number, self._settings) for order, _ in rows]
        found = Documents(self._client.about(people), self._settings).under(references)
        return [sum(one.reference == reference for one in found) for reference in references]

    def _ours(self, documents: Documents, order: Order, customer: str) -> Document | None:
        found = documents.single(reference_of(order.number, self._settings), order.totals.currency)
        if found is not None and found.customer != customer:
            raise Conflict(f"order {found.number} has this reference, of another customer: see reference_prefix")
        return found

    def _there_already(self, found: Document, order: Order, lines: Sequence[Line]) -> Receipt:
        if found.cancelled:
            raise Rejected(f"order {found.number} was cancelled in Business One; it is not made again")
        self._refuse_sums(found, order)
        return Receipt(external_id=str(found.entry), number=found.number, found=True, links=links_of(found, lines))

    def _compare(self, documents: Documents, made: Document, order: Order) -> None:
        try:
            self._refuse_sums(made, order)
        except Rejected:
            if self._settings.cancel_difference:
                documents.cancel(made)
            raise

    def _refuse_sums(self, found: Document, order: Order) -> None:
        if not self._settings.check:
            return
        if found.sums is None:
            raise Rejected(f"order {found.number} is there, but its sums are not told: see check")
        if told := difference(found.sums, expected(order, self._settings), NET_GROSS):
            raise Rejected(f"order {found.number} is there, and does not come to the store's sums: {told}")


def refuse_difference(order: Order, lines: Sequence[Line], settings: SapB1Settings) -> None:
    """Before anything is made: what Business One is going to compute is known. Raises Rejected."""
    if told := difference(predict(lines, settings), expected(order, settings), NET_GROSS):
        raise Rejected(f"the order would not come to the store's sums: {told}")


class CancellationSink:
    """Cancels what is open; doing it twice changes nothing."""

    def __init__(self, client: B1Client, settings: SapB1Settings) -> None:
        self._documents = Documents(client, settings)
        self._settings = settings

    def put(self, change: OrderChange, key: str) -> Receipt:  # noqa: ARG002  the state itself is looked at
        """Raises Rejected for what is closed already, NotReady where there is no such order (yet)."""
        found = self._documents.single(reference_of(change.order_number, self._settings))
        if found is None:
            raise NotReady("Business One has no order with this reference (yet)")
        if not found.cancelled:
            if found.closed:
                raise Rejected(f"order {found.number} is closed: a person must see what was delivered")
            self._documents.cancel(found)
        return Receipt(external_id=str(found.entry), number=found.number)

    def find(self, change: OrderChange, key: str) -> Receipt | None:  # noqa: ARG002  the state itself is looked at
        """Whether it is cancelled."""
        found = self._documents.single(reference_of(change.order_number, self._settings))
        if found is None or not found.cancelled:
            return None
        return Receipt(external_id=str(found.entry), number=found.number, found=True)

    def show(self, change: OrderChange, key: str) -> Shown | None:  # noqa: ARG002  whoever has cancelled it
        """None for an order that is open; one that was closed without being cancelled is shown so."""
        found = self._documents.single(reference_of(change.order_number, self._settings))
        if found is None or not (found.cancelled or found.closed):
            return None
        theirs = {"Cancelled": YES if found.cancelled else NO}
        return Shown(ours={"Cancelled": YES}, theirs=theirs, number=found.number)
