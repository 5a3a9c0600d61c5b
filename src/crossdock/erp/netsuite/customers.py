"""Customers into NetSuite, by their external id: one who is new, and what has changed of one."""

from __future__ import annotations

from crossdock.contract.message import Receipt
from crossdock.erp.netsuite.client import NetsuiteClient
from crossdock.erp.netsuite.directory import Directory
from crossdock.erp.netsuite.entities import CUSTOMER, Entities
from crossdock.erp.netsuite.mapping.customers import Values, build_change, change_customer
from crossdock.erp.netsuite.settings import NetsuiteSettings
from crossdock.errors import Conflict, NotReady, Rejected
from crossdock.flows.personal import people_of
from crossdock.model.customer import CustomerChange


class CustomerSink:
    """PUT by external id: the same content twice is the same customer."""

    def __init__(self, client: NetsuiteClient, directory: Directory, settings: NetsuiteSettings) -> None:
        self._client = client
        self._directory = directory
        self._settings = settings

    def put(self, record: CustomerChange, key: str) -> Receipt:  # noqa: ARG002  the external id names whom it is about
        """One whom NetSuite knows by its own number is changed there; else it is the one of our external id."""
        client = self._client.about(people_of(record))
        values = self._values(record)
        if record.number:
            return self._changed(client, record, values)
        try:
            ident = Entities.put(client, change_customer(record, self._settings), values)
        except Conflict as error:
            raise Rejected(f"NetSuite has such a customer already: {error}", status=error.status) from error
        return Receipt(external_id=ident)

    def find(self, record: CustomerChange, key: str) -> Receipt | None:  # noqa: ARG002  the port's signature
        """The customer, where it has what it was to be told."""
        client = self._client.about(people_of(record))
        ident = record.number or f"eid:{change_customer(record, self._settings)}"
        found = client.get(CUSTOMER, ident)
        if found is None or not has(found, self._values(record)):
            return None
        return Receipt(external_id=str(found["id"]), found=True)

    def _changed(self, client: NetsuiteClient, record: CustomerChange, values: Values) -> Receipt:
        if client.get(CUSTOMER, record.number) is None:
            raise NotReady(f"NetSuite has no customer {record.number}")
        if values:
            client.patch(CUSTOMER, record.number, values)
        return Receipt(external_id=record.number)

    def _values(self, record: CustomerChange) -> Values:
        subsidiary = self._directory.subsidiary(record.website)
        return build_change(record, self._settings, self._directory.group, subsidiary)


def has(there: Values, wanted: Values) -> bool:
    """Whether a customer says all of this already; a reference by its id alone."""
    return all(_plain(there.get(name)) == _plain(value) for name, value in wanted.items())


def _plain(value: object) -> str:
    found = value.get("id") if isinstance(value, dict) else value
    return "" if found in (None, "") else str(found)
