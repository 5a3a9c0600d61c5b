"""Customers into Business Central: looked up, and made or changed as far as they differ."""

from __future__ import annotations

from crossdock.contract.message import Receipt
from crossdock.erp.dynamics_bc.client import BcClient
from crossdock.erp.dynamics_bc.directory import Directory, text_in
from crossdock.erp.dynamics_bc.people import build_changes, number_of
from crossdock.erp.dynamics_bc.settings import BcSettings
from crossdock.errors import Conflict, Rejected, Temporary
from crossdock.flows.personal import people_of
from crossdock.model.customer import CustomerChange
from crossdock.transport.odata import Query, Row, eq, exactly

SET = "customers"


class CustomerSink:
    """A put writes what differs, under the ETag that it has read: a second one finds nothing left to write."""

    def __init__(self, client: BcClient, directory: Directory, settings: BcSettings) -> None:
        self._client = client
        self._directory = directory
        self._settings = settings

    def put(self, change: CustomerChange, key: str) -> Receipt:  # noqa: ARG002  Business Central has no place for a key
        """Raises Rejected for one who is to be changed and is not there."""
        client = self._client.about(people_of(change))
        row = self._row(change, client)
        values = build_changes(change, row, self._country)
        if row is None:
            return self._made(change, values, client)
        number = text_in(row, "number")
        if values:
            path = self._directory.path(f"{SET}({row['id']})")
            client.change(path, text_in(row, "@odata.etag") or "*", values)
        return Receipt(external_id=number, number=number, found=not values)

    def find(self, change: CustomerChange, key: str) -> Receipt | None:  # noqa: ARG002  as above
        """The customer, where all that was to be written stands there."""
        row = self._row(change, self._client.about(people_of(change)))
        if row is None or build_changes(change, row, self._country):
            return None
        return Receipt(external_id=text_in(row, "number"), number=text_in(row, "number"), found=True)

    def _made(self, change: CustomerChange, values: dict[str, str], client: BcClient) -> Receipt:
        if change.number or not change.new:
            raise Rejected(f"Business Central has no customer {change.number}")
        ours = self._settings.customer.numbers == "ours"
        told = ({"number": number_of(change, self._settings)} if ours else {}) | values
        try:
            made = client.create(self._directory.path(SET), told)
        except Conflict as conflict:
            raise Temporary("the customer was made by another just now") from conflict
        number = text_in(made, "number")
        if not number:
            raise Temporary("a customer was made, but the answer does not say its number: it is looked for again")
        return Receipt(external_id=number, number=number)

    def _row(self, change: CustomerChange, client: BcClient) -> Row | None:
        by_number = bool(change.number) or "number" in self._settings.customer.match
        if by_number:
            number = number_of(change, self._settings)
            rows = self._exactly("number", number, client)
            if rows or change.number:
                return rows[0] if rows else None
        if "email" not in self._settings.customer.match or not change.email:
            return None
        rows = self._exactly("email", change.email.strip().lower(), client)
        if len(rows) > 1:
            raise Rejected(f"{len(rows)} customers of Business Central have this e-mail address")
        return rows[0] if rows else None

    def _exactly(self, field: str, value: str, client: BcClient) -> list[Row]:
        rows = client.page(self._directory.path(SET), Query(where=eq(field, value))).rows
        return exactly(rows, field, value)

    def _country(self, code: str) -> str:
        return self._directory.translate("countries", code) or code
