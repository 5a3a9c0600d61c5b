"""Customers into S/4HANA as business partners, and out of it.

A put looks at the partner as it is and changes what is not as told, in one change set: doing it twice changes nothing,
and whether it was done can be seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from crossdock.contract.message import Receipt
from crossdock.erp.sap_s4.client import Row, SapClient, Write, key
from crossdock.erp.sap_s4.mapping import odata
from crossdock.erp.sap_s4.mapping.customers import Step, build_partner, customers, external_id, steps, untold
from crossdock.erp.sap_s4.mapping.rows import both
from crossdock.erp.sap_s4.parties import SERVICE
from crossdock.erp.sap_s4.places import Leg
from crossdock.erp.sap_s4.reading import Part
from crossdock.erp.sap_s4.settings import PeopleSettings, SapS4Settings
from crossdock.errors import Conflict, OutcomeUnknown, Rejected
from crossdock.model.customer import CustomerChange

PARTNERS = "A_BusinessPartner"
EXPAND = "to_BusinessPartnerAddress/to_EmailAddress,to_BusinessPartnerAddress/to_PhoneNumber,to_BusinessPartnerTax"


class CustomerSink:
    """Finds or makes the partner, and makes it what was told."""

    def __init__(self, client: SapClient, settings: SapS4Settings) -> None:
        self._client = client
        self._settings = settings

    def put(self, change: CustomerChange, key: str) -> Receipt:  # noqa: ARG002  the state itself is looked at
        """Raises Rejected where SAP does not know the number that it is said to have."""
        client = self._client.about(_people(change))
        partner = self._partner(client, change)
        if partner is None:
            return self._make(client, change)
        writes = [_write(step) for step in steps(partner, change, self._settings.partner)]
        if writes:
            client.change_all(SERVICE, [writes])
        return self._receipt(partner, change, found=False)

    def find(self, change: CustomerChange, key: str) -> Receipt | None:  # noqa: ARG002  the state itself is looked at
        """Whether the partner is there, and all that was told is so."""
        partner = self._partner(self._client.about(_people(change)), change)
        if partner is None or steps(partner, change, self._settings.partner):
            return None
        return self._receipt(partner, change, found=True)

    def _partner(self, client: SapClient, change: CustomerChange) -> Row | None:
        field, value = (
            "BusinessPartnerIDByExtSystem",
            external_id(change.id, change.website, change.email, self._settings.sold_to),
        )
        if change.number:
            field, value = "Customer", change.number
        query = (("$filter", f"{field} eq {odata.text(value)}"), ("$expand", EXPAND), ("$top", "2"))
        found = client.rows(SERVICE, PARTNERS, query).rows
        if len(found) > 1:
            raise Conflict("several business partners have our reference of this customer")
        if change.number and not found:
            raise Rejected(f"SAP has no customer {change.number}")
        return found[0] if found else None

    def _make(self, client: SapClient, change: CustomerChange) -> Receipt:
        row = client.create(SERVICE, PARTNERS, build_partner(change, self._settings.partner, self._settings.sold_to))
        if not odata.word(row, "BusinessPartner"):
            raise OutcomeUnknown("a new business partner, but the answer names no number")
        return self._receipt(row, change, found=False)

    def _receipt(self, partner: Row, change: CustomerChange, *, found: bool) -> Receipt:
        """The customer's number; a partner that no role has made a customer is known by its own."""
        number = odata.word(partner, "Customer") or odata.word(partner, "BusinessPartner")
        left = untold(change)
        detail = f"SAP has no place for {', '.join(left)}" if left else ""
        return Receipt(external_id=number, number=number, found=found, detail=detail)


class People:
    """The flow customers: persons that are customers, by the day of their change."""

    def __init__(self, settings: PeopleSettings) -> None:
        self._settings = settings

    def everything(self) -> Sequence[Leg]:
        """By their numbers."""
        return (self._leg(""),)

    def changed(self, day: str, now: datetime) -> Sequence[Leg]:  # noqa: ARG002  the port's signature
        """Who was changed, and who was made: SAP keeps no day of change of the latter."""
        return (self._leg("LastChangeDate"), self._leg("CreationDate"))

    def rows(self, client: SapClient, page: Part, at: datetime) -> list[dict[str, Any]]:  # noqa: ARG002  all is there
        """A row for each."""
        return customers(page.rows, self._settings)

    def _leg(self, stamp: str) -> Leg:
        grouping = self._settings.grouping
        named = f"BusinessPartnerGrouping eq {odata.text(grouping)}" if grouping else ""
        return Leg(
            service=SERVICE,
            entity_set=PARTNERS,
            key="BusinessPartner",
            stamp=stamp,
            daily=True,
            clock="LastChangeDate",
            narrow=both("BusinessPartnerCategory eq '1'", named),
            expand=EXPAND,
            versions=("ETag", "LastChangeDate", "LastChangeTime") if stamp else (),
        )


def _write(step: Step) -> Write:
    path = key(step.entity_set, **step.keys) if step.keys else step.entity_set
    return Write(path=path, body=step.body, etag=step.etag, method=step.method)


def _people(change: CustomerChange) -> tuple[str, ...]:
    """Every text about the person: it must not come back in an error."""
    found = [change.email]
    for value in change.fields.values():
        parts = value.values() if isinstance(value, dict) else [value]
        for part in parts:
            found += [str(one) for one in (part if isinstance(part, list) else [part]) if isinstance(one, str)]
    return tuple(dict.fromkeys(one for one in found if one))
