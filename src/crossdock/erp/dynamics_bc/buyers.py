"""Whose an order is: found among the customers, made where it is not there."""

from __future__ import annotations

from crossdock.erp.dynamics_bc.client import BcClient
from crossdock.erp.dynamics_bc.directory import Directory
from crossdock.erp.dynamics_bc.mapping import build_buyer, customer_number
from crossdock.erp.dynamics_bc.settings import BcSettings
from crossdock.errors import Conflict, Rejected, Temporary
from crossdock.model.order import Order
from crossdock.transport.odata import Query, eq, exactly

FIELDS = ("id", "number", "email", "blocked")
NEW = "(NEW CUSTOMER)"
BLOCKED = frozenset({"All", "Ship", "Invoice"})


class Buyers:
    """Safe between threads. Two orders of one new buyer at once make one customer where numbers are ours."""

    def __init__(self, directory: Directory, settings: BcSettings) -> None:
        self._directory = directory
        self._settings = settings

    def number(self, order: Order, client: BcClient) -> str:
        """The customer's number. Raises Rejected for one who is not there and may not be made, or is blocked."""
        return self._known(order, client) or self._made(order, client)

    def expected(self, order: Order, client: BcClient) -> str:
        """The number that `number` would come to, and nobody is made: NEW where Business Central would give it."""
        ours = customer_number(order, self._settings) if self._settings.customer.numbers == "ours" else NEW
        return self._known(order, client) or ours

    def _known(self, order: Order, client: BcClient) -> str:
        found = self._settings.customer.number or self._found(order, client)
        if not found and not self._settings.customer.create:
            raise Rejected("Business Central does not have this buyer, and customer.create is off")
        return found

    def _found(self, order: Order, client: BcClient) -> str:
        for how in self._settings.customer.match:
            email = (order.buyer.email or order.billing.email).strip().lower()
            value = customer_number(order, self._settings) if how == "number" else email
            if value and (number := self._one(how, value, client)):
                return number
        return ""

    def _one(self, field: str, value: str, client: BcClient) -> str:
        query = Query(where=eq(field, value), select=FIELDS, order="number")
        rows = exactly(client.page(self._directory.path("customers"), query).rows, field, value)
        free = [row for row in rows if row.get("blocked") not in BLOCKED]
        if rows and not free:
            raise Rejected(f"customer {rows[0]['number']} is blocked in Business Central")
        return str(free[0]["number"]) if free else ""

    def _made(self, order: Order, client: BcClient) -> str:
        ours = self._settings.customer.numbers == "ours"
        number = customer_number(order, self._settings) if ours else ""
        values = build_buyer(order, number, self._directory.countries(order))
        try:
            made = client.create(self._directory.path("customers"), values)
        except Conflict as conflict:
            raise Temporary(f"customer {number} was made by another just now") from conflict
        if not made.get("number"):
            raise Temporary("a customer was made, but the answer does not say its number: it is looked for again")
        return str(made["number"])
