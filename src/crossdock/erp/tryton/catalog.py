"""List prices and products out of Tryton.

A price, and most of what a product says, stands at its template: changing that changes no variant. So both are looked
at, and a template's change tells of all its variants.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from crossdock.erp.tryton.client import Row, TrytonClient
from crossdock.erp.tryton.levels import GOODS, PRODUCT
from crossdock.erp.tryton.places import Domain, Leg
from crossdock.erp.tryton.reading import EITHER, among
from crossdock.erp.tryton.settings import CatalogSettings, PriceSettings

TEMPLATE = "product.template"
ARCHIVED_TOO = (*GOODS, EITHER)
BOTH = (TEMPLATE, PRODUCT)
CHANGED = (
    *(Leg(model=model, stamp="create_date", domain=(EITHER,)) for model in BOTH),
    *(Leg(model=model, stamp="write_date", domain=(EITHER,)) for model in BOTH),
)


class Prices:
    """The flow prices: the list price of each product in its own unit. `currency` gives the company's."""

    everything = (Leg(model=PRODUCT, domain=GOODS),)
    changed = CHANGED

    def __init__(self, settings: PriceSettings, currency: Callable[[], str]) -> None:
        self._settings = settings
        self._currency = currency

    def rows(self, client: TrytonClient, leg: Leg, links: Sequence[int], at: datetime) -> list[dict[str, Any]]:
        """A row for each product that has a price."""
        common = {"kind": "base", "scope": self._settings.scope, "currency": self._currency(), "as_of": at.isoformat()}
        said = {"tax": self._settings.tax} if self._settings.tax else {}
        return [
            {"sku": row["code"], "price": row["list_price_used"]} | common | said
            for row in variants(client, leg, links, ("code", "list_price_used"))
            if row["list_price_used"] is not None
        ]


class Catalog:
    """The flow products: archived ones too, which are disabled."""

    everything = (Leg(model=PRODUCT, domain=ARCHIVED_TOO),)
    changed = CHANGED

    def __init__(self, settings: CatalogSettings) -> None:
        self._fields = settings.fields

    def rows(self, client: TrytonClient, leg: Leg, links: Sequence[int], at: datetime) -> list[dict[str, Any]]:
        """A row for each code. It is enabled as long as its product, and that one's template, is active and sold."""
        codes = _codes(variants(client, leg, links, ("code",), ARCHIVED_TOO))
        fields = dict.fromkeys(("code", "template", "active", "salable", *self._fields.values()))
        found = list(among(client, PRODUCT, "code", codes, tuple(fields), ARCHIVED_TOO))
        templates = list(dict.fromkeys(int(row["template"]) for row in found))
        live = {row["id"] for row in among(client, TEMPLATE, "id", templates, ("active",), (EITHER,)) if row["active"]}
        # an archived product may have left its code to another
        chosen = {row["code"]: row for row in sorted(found, key=lambda row: bool(row["active"]))}
        return [
            self._row(row, at, sold=row["active"] and row["salable"] and row["template"] in live)
            for row in chosen.values()
        ]

    def _row(self, row: Row, at: datetime, *, sold: bool) -> dict[str, Any]:
        values = {code: row[field] for code, field in self._fields.items() if row.get(field) is not None}
        return {"sku": row["code"], **values, "status": "enabled" if sold else "disabled", "as_of": at.isoformat()}


def variants(
    client: TrytonClient, leg: Leg, links: Sequence[int], fields: Sequence[str], which: Domain = GOODS
) -> list[Row]:
    """The goods that have a code, of these templates or of these ids."""
    field = "template" if leg.model == TEMPLATE else "id"
    return [row for row in among(client, PRODUCT, field, links, fields, which) if row["code"]]


def _codes(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(str(row["code"]) for row in rows))
