"""Prices, products and customers out of NetSuite: each row is one of SuiteQL's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec

from crossdock.erp.netsuite.client import NetsuiteClient
from crossdock.erp.netsuite.mapping.suiteql import Table
from crossdock.erp.netsuite.reading import Found, Told, adapted, is_true, moment, number
from crossdock.erp.netsuite.settings import CatalogSettings, PeopleSettings, PriceSettings

PRICES = Table(
    source="pricing p JOIN item i ON i.id = p.item",
    columns={"sku": "i.itemid", "price": "p.unitprice"},
    keys=("p.item",),
    stamp="i.lastmodifieddate",
)
ITEMS = Table(
    source="item i",
    columns={"sku": "i.itemid", "inactive": "i.isinactive"},
    keys=("i.id",),
    stamp="i.lastmodifieddate",
)
CUSTOMERS = Table(
    source="customer c",
    columns={},
    keys=("c.id",),
    stamp="c.lastmodifieddate",
    where=("c.email IS NOT NULL",),
)
LONGEST = 255
ATTRIBUTE = "attributes."


class Prices:
    """The flow prices. A price has no time of its own: its item's is taken, which saving a price moves."""

    def __init__(self, settings: PriceSettings, sku_field: str) -> None:
        self._settings = settings
        columns = dict(PRICES.columns) | {"sku": f"i.{sku_field}"}
        of = (f"p.pricelevel = {settings.level}", f"p.currency = {settings.currency_id}", "p.quantity = 0")
        self.table = adapted(msgspec.structs.replace(PRICES, columns=columns, where=of), settings)

    def rows(self, client: NetsuiteClient, found: Sequence[Found], at: datetime) -> Iterator[Told]:  # noqa: ARG002  the port's signature
        """A row for each item that has a price."""
        common = {"kind": "base", "scope": self._settings.scope, "currency": self._settings.currency}
        said = {"tax": self._settings.tax} if self._settings.tax else {}
        for one in found:
            price = number(one.columns["price"], 6)
            if one.columns["sku"] and price is not None:
                row = {"sku": one.columns["sku"], "price": f"{price:f}", "as_of": at.isoformat()}
                yield f"{one.keys}", row | common | said


class Catalog:
    """The flow products: inactive ones too, which are disabled."""

    def __init__(self, settings: CatalogSettings, sku_field: str) -> None:
        self._settings = settings
        fields = {f"f_{code}": f"i.{field}" for code, field in settings.fields.items()}
        columns = dict(ITEMS.columns) | {"sku": f"i.{sku_field}"} | fields
        self.table = adapted(msgspec.structs.replace(ITEMS, columns=columns), settings)

    def rows(self, client: NetsuiteClient, found: Sequence[Found], at: datetime) -> Iterator[Told]:  # noqa: ARG002  the port's signature
        """A row for each item that has a SKU."""
        for one in found:
            told = one.columns
            if told["sku"]:
                values = {code: told[f"f_{code}"] for code in self._settings.fields if told[f"f_{code}"] is not None}
                status = "disabled" if is_true(told["inactive"]) else "enabled"
                yield f"{one.keys}", {"sku": told["sku"], **values, "status": status, "as_of": at.isoformat()}


class People:
    """The flow customers: those with an e-mail address, told as of their own last change."""

    def __init__(self, settings: PeopleSettings, zone: str) -> None:
        self._settings = settings
        self._zone = zone
        columns = {f"f{place}": f"c.{column}" for place, column in enumerate(settings.fields.values())}
        self.table = adapted(msgspec.structs.replace(CUSTOMERS, columns=columns), settings)

    def rows(self, client: NetsuiteClient, found: Sequence[Found], at: datetime) -> Iterator[Told]:  # noqa: ARG002  the port's signature
        """A row for each customer. What NetSuite leaves out is not spoken of."""
        placed = {"website": self._settings.website} if self._settings.website else {}
        for one in found:
            row = {"number": str(one.keys[0]), **self._told(one), **placed, "as_of": moment(one.stamp, self._zone)}
            yield f"{one.keys}", row

    def _told(self, one: Found) -> dict[str, Any]:
        values = {name: one.columns[f"f{place}"] for place, name in enumerate(self._settings.fields)}
        texts = {name: str(value)[:LONGEST] for name, value in values.items() if value not in (None, "")}
        plain = {name: text for name, text in texts.items() if not name.startswith(ATTRIBUTE)}
        own = {name.removeprefix(ATTRIBUTE): text for name, text in texts.items() if name.startswith(ATTRIBUTE)}
        return plain | ({"attributes": own} if own else {})
