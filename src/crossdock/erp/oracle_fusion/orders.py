"""Orders into Oracle: made as a draft, its totals compared, then submitted.

A put may die between any two steps: so it looks first, and goes on from what it finds. Only a submitted order counts as
there (a draft, where the settings leave it at that); a draft of ours is gone on with, never made again, never deleted.

Who holds the lock: Crossdock's own lane lets one worker at a time put one order. Whether Oracle refuses a second order
with the same source system and id is not public: it is not relied upon.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossdock.contract.lookups import Named
from crossdock.contract.message import Receipt
from crossdock.contract.shadow import Shown
from crossdock.erp.oracle_fusion.client import FusionClient
from crossdock.erp.oracle_fusion.mapping import build_order
from crossdock.erp.oracle_fusion.money import Part, parts_of
from crossdock.erp.oracle_fusion.sales import ORDERS, Sale, Sales
from crossdock.erp.oracle_fusion.settings import FusionSettings
from crossdock.erp.oracle_fusion.showing import shown_of, told_of
from crossdock.erp.oracle_fusion.terms import terms_of
from crossdock.errors import OutcomeUnknown, Rejected
from crossdock.flows.parts import NET_GROSS, difference, expected, summed
from crossdock.flows.personal import people_in
from crossdock.model.order import Order


class OrderSink:
    """Makes the order once, proves its sums, submits it."""

    def __init__(self, client: FusionClient, tables: Named, settings: FusionSettings) -> None:
        self._client = client
        self._tables = tables
        self._settings = settings

    def put(self, order: Order, key: str) -> Receipt:
        """The order, once. Raises Rejected where its sums would not be the shop's, with the difference."""
        client, sales = self._at(order)
        parts, body = self.body(order, key)
        sale = sales.claimed(order.number, key)
        if sale is None:
            sale = self._made(client, sales, order, body)
            return self._entered(sales, sale, order, parts, found=False)
        if sale.canceled:
            raise Rejected(f"order {sale.number} was cancelled in Oracle; it is not made again")
        return self._entered(sales, sale, order, parts, found=True)

    def find(self, order: Order, key: str) -> Receipt | None:
        """An order of ours that is as far as it should be; None for a draft, which a put goes on with."""
        _, sales = self._at(order)
        sale = sales.ours(order.number, key)
        if sale is None or not sales.is_entered(sale):
            return None
        if sale.is_draft:
            sales.prove(order.number, sale, expected(order))
        return sales.receipt(order.number, sale, _line_ids(list(parts_of(order))), found=True)

    def show(self, order: Order, key: str) -> Shown | None:  # noqa: ARG002  whoever has made it
        """By our reference, under whatever key; a draft too."""
        _, sales = self._at(order)
        _, body = self.body(order, "")
        found = sales.anyones(order.number)
        if not found:
            return None
        row, lines = sales.whole(found[0])
        ours = told_of(body, expected(order), self._settings)
        theirs = shown_of(row, lines, ours)
        return Shown(ours=ours, theirs=theirs, number=found[0].number, times=len(found))

    def count(self, order: Order, key: str) -> int:
        """How many orders of ours there are that were made in full."""
        _, sales = self._at(order)
        return sales.count(order.number, key)

    def body(self, order: Order, key: str) -> tuple[list[Part], Mapping[str, Any]]:
        """What is sent. Raises MappingError, MissingEntry, and Rejected where it does not come to the order's sums."""
        parts = list(parts_of(order))
        if told := difference(summed((part.net, part.tax) for part in parts), expected(order), NET_GROSS):
            raise Rejected(f"the order would not come to the shop's sums: {told}")
        terms = terms_of(order, parts, self._tables, self._settings)
        return parts, build_order(order, key, parts, terms, self._settings)

    def _at(self, order: Order) -> tuple[FusionClient, Sales]:
        client = self._client.about(people_in(order))
        return client, Sales(client, self._settings)

    def _made(self, client: FusionClient, sales: Sales, order: Order, body: Mapping[str, Any]) -> Sale:
        answered = client.create(ORDERS, body)
        if answered.get("HeaderId") is None:
            raise OutcomeUnknown("a new order, but the answer names no HeaderId", status=201)
        sale = sales.newest(order.number)
        if sale is None:  # another try would make another one: a person must look
            raise Rejected(
                f"order {answered['HeaderId']} was made and cannot be read: has our user the business unit's data?"
            )
        return sale

    def _entered(self, sales: Sales, sale: Sale, order: Order, parts: list[Part], *, found: bool) -> Receipt:
        if sale.is_draft:
            sales.prove(order.number, sale, expected(order))
            if self._settings.submit:
                sale = sales.submit(order.number)
        return sales.receipt(order.number, sale, _line_ids(parts), found=found)


def _line_ids(parts: list[Part]) -> list[str]:
    return [part.line_id for part in parts if part.line_id]
