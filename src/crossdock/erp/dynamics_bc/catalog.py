"""List prices, items and customers out of Business Central, each by its own stamp."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from crossdock.erp.dynamics_bc.client import BcClient
from crossdock.erp.dynamics_bc.directory import text_in
from crossdock.erp.dynamics_bc.settings import CatalogSettings, PeopleSettings, PriceSettings
from crossdock.transport.odata import Row

ADDRESS = "main"


class Prices:
    """The flow prices: the unit price on the item's card. Nought is told of none: that is a price nobody has set."""

    path, where, expand = "items", "", ""

    def __init__(self, settings: PriceSettings) -> None:
        self._settings = settings

    def rows(self, client: BcClient, records: Sequence[Row], at: datetime) -> list[dict[str, Any]]:  # noqa: ARG002  a telling's signature
        """A row for each item that has one."""
        common = {
            "kind": "base",
            "scope": self._settings.scope,
            "currency": self._settings.currency,
            "as_of": at.isoformat(),
        }
        return [
            {
                "sku": row["number"],
                "price": row["unitPrice"],
                "tax": "included" if row.get("priceIncludesTax") else "excluded",
            }
            | common
            for row in records
            if row.get("unitPrice")
        ]


class Catalog:
    """The flow products."""

    path, where, expand = "items", "", ""

    def __init__(self, settings: CatalogSettings) -> None:
        self._fields = settings.fields

    def rows(self, client: BcClient, records: Sequence[Row], at: datetime) -> list[dict[str, Any]]:  # noqa: ARG002  as above
        """A row for each item. It is enabled as long as it is not blocked."""
        return [
            {code: row[field] for code, field in self._fields.items() if row.get(field) not in (None, "")}
            | {
                "sku": row["number"],
                "status": "disabled" if row.get("blocked") else "enabled",
                "as_of": at.isoformat(),
            }
            for row in records
        ]


class People:
    """The flow customers."""

    path, where, expand = "customers", "", ""

    def __init__(self, settings: PeopleSettings) -> None:
        self._settings = settings

    def rows(self, client: BcClient, records: Sequence[Row], at: datetime) -> list[dict[str, Any]]:  # noqa: ARG002  as above
        """A row for each customer with an e-mail address."""
        return [self._row(row) for row in records if "@" in text_in(row, "email")]

    def _row(self, row: Row) -> dict[str, Any]:
        first, last = names_in(row)
        told = {
            "number": text_in(row, "number"),
            "as_of": text_in(row, "lastModifiedDateTime"),
            "website": self._settings.website,
            "email": text_in(row, "email").split(";")[0].strip(),
            "first_name": first,
            "last_name": last,
            "vat_id": text_in(row, "taxRegistrationNumber"),
        }
        kept: dict[str, Any] = {name: value for name, value in told.items() if value}
        address = self._address(row, first, last)
        return kept | ({"addresses": [address]} if address else {})

    def _address(self, row: Row, first: str, last: str) -> dict[str, Any] | None:
        street = [line for line in (text_in(row, "addressLine1"), text_in(row, "addressLine2")) if line]
        country = text_in(row, "country")
        told = {
            "first_name": first,
            "last_name": last,
            "city": text_in(row, "city"),
            "country": self._settings.countries.get(country, country),
            "street": street,
        }
        if not all(told.values()) or len(told["country"]) != 2:  # the store takes no address without them
            return None
        more = {
            "postcode": text_in(row, "postalCode"),
            "region": text_in(row, "state"),
            "telephone": text_in(row, "phoneNumber"),
        }
        kept = {name: value for name, value in more.items() if value}
        return {"number": ADDRESS, "default_billing": True, "default_shipping": True} | told | kept


def names_in(row: Row) -> tuple[str, str]:
    """Of a person, all but the last word and the last word; of a company none: its name is nobody's."""
    if text_in(row, "type") != "Person":
        return "", ""
    first, _, last = text_in(row, "displayName").strip().rpartition(" ")
    return (first.strip(), last) if first else ("", "")
