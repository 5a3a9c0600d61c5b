"""Orders into S/4HANA: looked for, made in one deep insert, their sums compared.

SAP does not tell one request from its repetition: resends make several sales orders (SAP KBA 2931385). So an order is
looked up by our reference before it is sent, at each attempt; what holds two workers apart is Crossdock's own lane.
With `own_numbers` the number of the order is the shop's, and SAP refuses it a second time by itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from crossdock.contract.lookups import Lookups
from crossdock.contract.message import Receipt
from crossdock.contract.shadow import Shown
from crossdock.erp.sap_s4.client import Row, SapClient, Write, key
from crossdock.erp.sap_s4.mapping import odata
from crossdock.erp.sap_s4.mapping.orders import (
    EXPAND,
    EXPAND_SUMS,
    SalesOrder,
    build_order,
    items_of,
    links_of,
    number_of,
    parse_order,
    reference_of,
    same_party,
)
from crossdock.erp.sap_s4.mapping.pricing import Priced, difference, expected, predict, price_order
from crossdock.erp.sap_s4.mapping.showing import WHOLE, shown_of, told_of
from crossdock.erp.sap_s4.parties import sold_to
from crossdock.erp.sap_s4.settings import SapS4Settings
from crossdock.errors import Conflict, DeliveryError, NotReady, OutcomeUnknown, Rejected, Temporary
from crossdock.flows.personal import people_in
from crossdock.model.order import Order

SERVICE = "API_SALES_ORDER_SRV"
ORDERS = "A_SalesOrder"
MANY = 100


class Orders:
    """The sales orders of one sales organisation, by our reference."""

    def __init__(self, client: SapClient, settings: SapS4Settings) -> None:
        self._client = client
        self._settings = settings

    def under(self, references: Sequence[str]) -> list[SalesOrder]:
        """Every sales order with one of these references. Raises Temporary where SAP may not have told all."""
        return [one for one, _ in self.told(references, self._expand())]

    def told(self, references: Sequence[str], expand: str) -> list[tuple[SalesOrder, Row]]:
        """The same, each with the row as SAP tells it."""
        area = self._settings.sales
        named = " or ".join(f"PurchaseOrderByCustomer eq {odata.text(one)}" for one in references)
        where = f" and SalesOrganization eq {odata.text(area.organization)}" if area else ""
        query = (("$filter", f"({named}){where}"), ("$expand", expand), ("$top", str(MANY)))
        found = self._client.rows(SERVICE, ORDERS, query)
        if found.more or len(found.rows) >= MANY:
            raise Temporary(f"{len(found.rows)} sales orders or more under {len(references)} references")
        orders = [(parse_order(row, self._settings), row) for row in found.rows]
        if any(one is None for one, _ in orders):
            raise Temporary("a sales order was read without its number")
        wanted = set(references)  # a database that compares without case or blanks tells more than was asked for
        return [(one, row) for one, row in orders if one is not None and one.reference in wanted]

    def read(self, number: str) -> SalesOrder | None:
        """By SAP's number."""
        row = self._client.one(SERVICE, key(ORDERS, SalesOrder=number), (("$expand", self._expand()),))
        return parse_order(row, self._settings) if row is not None else None

    def block(self, order: SalesOrder, reason: str) -> None:
        """Sets the delivery block, or takes it away ("")."""
        self._client.change(
            SERVICE,
            Write(path=key(ORDERS, SalesOrder=order.number), body={"DeliveryBlockReason": reason}, etag=order.etag),
        )

    def _expand(self) -> str:
        return EXPAND_SUMS if self._settings.check == "sums" else EXPAND


class OrderSink:
    """Finds or makes the sales order, and compares its sums."""

    count_at_once = 20  # references in one address: a proxy before SAP may take no more than 8 KB of it

    def __init__(self, client: SapClient, settings: SapS4Settings, lookups: Lookups) -> None:
        self._client = client
        self._settings = settings
        self._lookups = lookups

    def put(self, order: Order, key: str) -> Receipt:  # noqa: ARG002  the reference stands for it
        """The sales order, once. Raises Rejected where its sums would not be the order's, with the difference."""
        client = self._client.about(people_in(order))
        items = price_order(order, self._settings)
        refuse_difference(order, items, self._settings)
        party = sold_to(order, self._settings, self._lookups, client)
        body = build_order(order, items, party, self._settings, self._lookups)
        orders = Orders(client, self._settings)
        found = self._ours(orders, order, party)
        if found is not None:
            return self._there_already(found, order, items)
        return self._make(client, orders, order, items, body)

    def find(self, order: Order, key: str) -> Receipt | None:  # noqa: ARG002  the reference stands for it
        """By our reference and the customer. Raises Rejected where it is there with other sums, or cancelled."""
        client = self._client.about(people_in(order))
        party = sold_to(order, self._settings, self._lookups, client)
        found = self._ours(Orders(client, self._settings), order, party)
        if found is None:
            return None
        return self._there_already(found, order, price_order(order, self._settings))

    def show(self, order: Order, key: str) -> Shown | None:  # noqa: ARG002  whoever has made it
        """By our reference, whatever customer it is of; one that was cancelled in SAP too."""
        client = self._client.about(people_in(order))
        items = price_order(order, self._settings)
        party = self._party(order, client)
        ours = told_of(order, items, build_order(order, items, party, self._settings, self._lookups), self._settings)
        found = Orders(client, self._settings).told([reference_of(order.number, self._settings)], WHOLE)
        if not found:
            return None
        live = [(one, row) for one, row in found if not one.rejected] or found
        one, row = next(((one, row) for one, row in live if same_party(one.sold_to, party)), live[0])
        theirs = shown_of(row, ours, self._settings)
        if not party:
            theirs.pop("SoldToParty", None)
        return Shown(ours=ours, theirs=theirs, number=one.number, times=len(live))

    def _party(self, order: Order, client: SapClient) -> str:
        """Nobody ("") where the customer is to come by the flow customers, which a shadow does not carry."""
        try:
            return sold_to(order, self._settings, self._lookups, client)
        except NotReady:
            return ""

    def count(self, order: Order, key: str) -> int:
        """How many sales orders there are with our reference; a cancelled one was made, and counts."""
        return self.count_many([(order, key)])[0]

    def count_many(self, rows: Sequence[tuple[Order, str]]) -> list[int]:
        """The same of each, in one search by their references."""
        people = tuple(text for order, _ in rows for text in people_in(order))
        references = [reference_of(order.number, self._settings) for order, _ in rows]
        found = Orders(self._client.about(people), self._settings).under(references)
        return [sum(one.reference == reference for one in found) for reference in references]

    def _ours(self, orders: Orders, order: Order, party: str) -> SalesOrder | None:
        """Raises Conflict where our reference is at another customer's order, or at several of this one."""
        found = orders.under([reference_of(order.number, self._settings)])
        strangers = [one for one in found if not same_party(one.sold_to, party)]
        if strangers:
            number = strangers[0].number
            raise Conflict(f"sales order {number} has this reference, of another customer: see reference_prefix")
        live = [one for one in found if not one.rejected] or found
        if len(live) > 1:
            raise Conflict(f"sales orders {', '.join(one.number for one in live)} have this reference")
        return live[0] if live else None

    def _make(
        self, client: SapClient, orders: Orders, order: Order, items: Sequence[Priced], body: dict[str, object]
    ) -> Receipt:
        try:
            row = client.create(SERVICE, ORDERS, body)
        except Rejected as refused:
            raise self._taken(orders, order, refused) from refused
        made = parse_order(row, self._settings)
        if made is None:
            raise OutcomeUnknown("a new sales order, but the answer names no number")
        if self._settings.check != "none":
            self._compare(orders, self._again(orders, made.number), order)
        return Receipt(external_id=made.number, number=made.number, links=items_of(items))

    def _again(self, orders: Orders, number: str) -> SalesOrder:
        found = orders.read(number)
        if found is None:
            raise Temporary(f"sales order {number} was made, and cannot be read yet")
        return found

    def _taken(self, orders: Orders, order: Order, refused: Rejected) -> DeliveryError:
        """With own numbers a refusal may only say that the number is there: another attempt has made it."""
        if not self._settings.own_numbers:
            return refused
        found = orders.read(number_of(order))
        if found is None:
            return refused
        if found.reference != reference_of(order.number, self._settings):
            return Conflict(f"sales order {found.number} is there already, with another reference")
        return Temporary(f"sales order {found.number} is there already: it is looked at again")

    def _there_already(self, found: SalesOrder, order: Order, items: Sequence[Priced]) -> Receipt:
        """Raises Rejected where nobody wants it any more, or where its sums are not the order's."""
        if found.rejected:
            raise Rejected(f"sales order {found.number} was cancelled in SAP; it is not made again")
        if self._settings.check != "none":
            self._refuse_sums(found, order)
        links = links_of(found) if self._settings.line_id_field else items_of(items)
        return Receipt(external_id=found.number, number=found.number, found=True, links=links)

    def _compare(self, orders: Orders, made: SalesOrder, order: Order) -> None:
        try:
            self._refuse_sums(made, order)
        except Rejected:
            if (block := self._settings.blocks.difference) and made.block != block:
                orders.block(made, block)
            raise

    def _refuse_sums(self, found: SalesOrder, order: Order) -> None:
        if found.sums is None:
            raise Rejected(f"sales order {found.number} is there, but SAP tells no net amount of it: see check")
        if told := difference(found.sums, expected(order, self._settings)):
            raise Rejected(f"sales order {found.number} is there, and does not come to the order's sums: {told}")


def refuse_difference(order: Order, items: Sequence[Priced], settings: SapS4Settings) -> None:
    """Before anything is made there: what SAP is going to compute is known. Raises Rejected."""
    if told := difference(predict(items, settings), expected(order, settings)):
        raise Rejected(f"the sales order would not come to the order's sums: {told}")
