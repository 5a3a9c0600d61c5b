"""The customer of an order: found by its external id, made where it is not there."""

from __future__ import annotations

from crossdock.erp.netsuite.client import NetsuiteClient, Values
from crossdock.erp.netsuite.mapping.customers import build_customer, order_customer
from crossdock.erp.netsuite.settings import NetsuiteSettings
from crossdock.errors import Conflict, OutcomeUnknown, Rejected, Temporary
from crossdock.model.order import Order

CUSTOMER = "customer"
NEW = "(new customer)"


class Entities:
    """Customers of one account."""

    def __init__(self, settings: NetsuiteSettings) -> None:
        self._settings = settings

    def customer(self, client: NetsuiteClient, order: Order, subsidiary: str) -> str:
        """The internal id. Raises Temporary where nobody knows whether it was made: it is looked for next time."""
        return self._known(client, order) or self._made(client, order, subsidiary)

    def expected(self, client: NetsuiteClient, order: Order) -> str:
        """The same, and nobody is made: NEW for one who would be."""
        return self._known(client, order) or NEW

    def _known(self, client: NetsuiteClient, order: Order) -> str:
        chosen = self._settings.customers
        if not order.buyer.id and chosen.guest:
            return chosen.guest
        external = order_customer(order, self._settings)
        found = client.get(CUSTOMER, f"eid:{external}")
        if found is None and not chosen.create:
            raise Rejected(f"NetSuite has no customer {external}, and customers.create is off")
        return "" if found is None else str(found["id"])

    @staticmethod
    def put(client: NetsuiteClient, external: str, values: Values) -> str:
        """Made or changed; the internal id, which is asked for where the answer names the record otherwise."""
        ident = client.put(CUSTOMER, external, values)
        if ident:
            return ident
        found = client.get(CUSTOMER, f"eid:{external}")
        if found is None:
            raise OutcomeUnknown(f"customer {external} was taken, but NetSuite does not find it yet")
        return str(found["id"])

    def _made(self, client: NetsuiteClient, order: Order, subsidiary: str) -> str:
        external = order_customer(order, self._settings)
        try:
            return self.put(client, external, build_customer(order, self._settings, subsidiary))
        except OutcomeUnknown as error:
            raise Temporary(f"customer {external}: {error}", status=error.status) from error
        except Conflict as error:
            raise Rejected(f"customer {external} cannot be made: {error}", status=error.status) from error
