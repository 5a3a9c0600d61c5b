"""Whose an order is, and what its codes are called: found among the customers, made where it is not there."""

from __future__ import annotations

from collections.abc import Iterable

from crossdock.contract.lookups import Lookups
from crossdock.erp.dynamics_fo.client import FoClient
from crossdock.erp.dynamics_fo.mapping import Names, account_of, build_buyer, item_of, number_of, tax_code_of
from crossdock.erp.dynamics_fo.settings import FoSettings
from crossdock.errors import Conflict, Rejected, Temporary
from crossdock.flows.parts import Priced
from crossdock.model.order import Order
from crossdock.transport.odata import Query, any_of, eq, exactly

MOST_NAMED = 5
AT_ONCE = 40  # items in one address


class Buyers:
    """Safe between threads: an account is ours, so two orders of one new buyer at once make one customer."""

    def __init__(self, settings: FoSettings, lookups: Lookups) -> None:
        self._settings = settings
        self._lookups = lookups

    def names(self, order: Order, client: FoClient, *, make: bool = True) -> Names:
        """Everything that the head names; `make`: a buyer who is not there is made. Raises MissingEntry, Rejected."""
        translate = self.translate
        return Names(
            customer=self._account(order, client, make=make),
            currency=translate("currencies", order.totals.currency) or order.totals.currency,
            payment_terms=translate("payment_terms", order.payment.method) or "",
            delivery_mode=translate("shipping_methods", order.shipping_method) or "",
            countries=self.countries(order),
        )

    def countries(self, order: Order) -> dict[str, str]:
        """What the order's countries are called there, where a lookup says so."""
        codes = {order.billing.country, order.shipping.country if order.shipping else ""} - {""}
        return {code: found for code in codes if (found := self.translate("countries", code))}

    def translate(self, table: str, value: str) -> str | None:
        """A lookup; None where there is no such table."""
        return self._lookups.find(table, value) if value else None

    def tax_code(self, line: Priced) -> str:
        """The line's item tax group, "" where none is said."""
        return tax_code_of(line, self._settings, self.translate)

    def refuse_unknown(self, lines: Iterable[Priced], client: FoClient) -> None:
        """Raises Rejected with the items that are not released to this company."""
        wanted = list(dict.fromkeys(item_of(line, self._settings) for line in lines))
        there: set[str] = set()
        for start in range(0, len(wanted), AT_ONCE):
            where = any_of("ItemNumber", wanted[start : start + AT_ONCE])
            query = Query(where=where, select=("dataAreaId", "ItemNumber"))
            there |= {str(row["ItemNumber"]).upper() for row in client.every(self._settings.sets.products, query)}
        if missing := [item for item in wanted if item.upper() not in there]:
            raise Rejected(f"company {client.company} has no released product {', '.join(missing[:MOST_NAMED])}")

    def _account(self, order: Order, client: FoClient, *, make: bool) -> str:
        wish = self._settings.customer
        if wish.account:
            return wish.account
        email = order.buyer.email or order.billing.email
        account = account_of(order.buyer.id, email, self._settings, number_of(order.number, self._settings))
        entity = self._settings.sets.customers
        query = Query(where=eq("CustomerAccount", account), select=("dataAreaId", "CustomerAccount", "OnHoldStatus"))
        rows = exactly(client.page(entity, query).rows, "CustomerAccount", account)
        if rows and rows[0].get("OnHoldStatus") == "All":
            raise Rejected(f"customer {account} is on hold")
        if not rows and not wish.create:
            raise Rejected(f"there is no customer {account}, and customer.create is off")
        if not rows and make:
            self._make(order, account, client)
        return account

    def _make(self, order: Order, account: str, client: FoClient) -> None:
        values = build_buyer(order, account, self._settings, self.countries(order))
        try:
            client.create(self._settings.sets.customers, values)
        except Conflict as conflict:
            raise Temporary(f"customer {account} was made by another just now") from conflict
