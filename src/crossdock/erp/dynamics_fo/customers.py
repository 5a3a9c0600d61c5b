"""Customers into Finance and Operations: looked up by account, and made or changed as far as they differ."""

from __future__ import annotations

from collections.abc import Callable

from crossdock.contract.message import Receipt
from crossdock.erp.dynamics_fo.client import FoClient
from crossdock.erp.dynamics_fo.mapping import account_of
from crossdock.erp.dynamics_fo.people import Values, build_changes
from crossdock.erp.dynamics_fo.settings import FoSettings
from crossdock.errors import Conflict, Rejected, Temporary
from crossdock.flows.personal import people_of
from crossdock.model.customer import CustomerChange
from crossdock.transport.odata import Query, Row, eq, exactly


class CustomerSink:
    """A put writes what differs, under the ETag that it has read: a second one finds nothing left to write."""

    def __init__(self, client: FoClient, settings: FoSettings, country: Callable[[str], str | None]) -> None:
        self._client = client
        self._settings = settings
        self._country = country

    def put(self, change: CustomerChange, key: str) -> Receipt:  # noqa: ARG002  there is no place for a key
        """Raises Rejected for one who is to be changed and is not there."""
        client, account = self._client.about(people_of(change)), self._account(change)
        row = self._row(account, client)
        values = build_changes(change, row, self._country)
        if row is None:
            self._make(change, account, values, client)
        elif values:
            path = client.path(self._settings.sets.customers, CustomerAccount=account)
            client.change(path, str(row.get("@odata.etag") or "*"), values)
        return Receipt(external_id=account, number=account, found=row is not None and not values)

    def find(self, change: CustomerChange, key: str) -> Receipt | None:  # noqa: ARG002  as above
        """The customer, where all that was to be written stands there."""
        account = self._account(change)
        row = self._row(account, self._client.about(people_of(change)))
        if row is None or build_changes(change, row, self._country):
            return None
        return Receipt(external_id=account, number=account, found=True)

    def _make(self, change: CustomerChange, account: str, values: Values, client: FoClient) -> None:
        if change.number or not change.new:
            raise Rejected(f"there is no customer {account}")
        wish = self._settings.customer
        if not (wish.group and wish.currency):
            raise Rejected("new customers need customer.group and customer.currency in the settings")
        common = {
            "CustomerAccount": account,
            "PartyType": "Organization" if "OrganizationName" in values else "Person",
            "CustomerGroupId": wish.group,
            "SalesCurrencyCode": wish.currency,
        }
        try:
            client.create(self._settings.sets.customers, common | values)
        except Conflict as conflict:
            raise Temporary(f"customer {account} was made by another just now") from conflict

    def _row(self, account: str, client: FoClient) -> Row | None:
        found = client.page(self._settings.sets.customers, Query(where=eq("CustomerAccount", account))).rows
        rows = exactly(found, "CustomerAccount", account)
        return rows[0] if rows else None

    def _account(self, change: CustomerChange) -> str:
        return change.number or account_of(change.id, change.email, self._settings)
