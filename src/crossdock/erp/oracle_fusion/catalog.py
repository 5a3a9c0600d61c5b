"""Items and prices out of Oracle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from crossdock.erp.oracle_fusion.client import FusionClient, Row, quoted
from crossdock.erp.oracle_fusion.levels import ITEMS
from crossdock.erp.oracle_fusion.settings import CatalogSettings, PriceSettings
from crossdock.errors import Misconfigured


class Catalog:
    """The flow products: the items of one organization, by the time of their change."""

    path = ITEMS
    expand = ""

    def __init__(self, settings: CatalogSettings) -> None:
        self._settings = settings
        self.key = settings.item_key
        self.change_field = settings.change_field
        self.overlap_s = settings.overlap_s
        self.parts = [f"OrganizationCode={quoted(settings.organization)}"]
        named = (self.key, "ItemNumber", settings.change_field, settings.status_field, *settings.fields.values())
        self.fields = tuple(dict.fromkeys(name for name in named if name))

    def rows(self, client: FusionClient, part: int, found: Sequence[Row], at: str) -> list[dict[str, Any]]:  # noqa: ARG002  the protocol's
        """A row for each item."""
        return [self._row(row, at) for row in found if row.get("ItemNumber")]

    def _row(self, row: Row, at: str) -> dict[str, Any]:
        values = {code: row[field] for code, field in self._settings.fields.items() if row.get(field) is not None}
        return {"sku": str(row["ItemNumber"]), **values, **self._status(row), "as_of": at}

    def _status(self, row: Row) -> dict[str, str]:
        field = self._settings.status_field
        if not field:
            return {}
        if field not in row:
            raise Misconfigured(f"reads.products: an item has no {field}")
        value = str(row[field]).casefold()
        sold = value in {one.casefold() for one in self._settings.enabled}
        return {"status": "enabled" if sold else "disabled"}


class Prices:
    """The flow prices: one charge of each item of one price list, as it is valid now."""

    change_field = ""
    overlap_s = 0
    key = "PriceListItemId"
    parts = ("",)
    fields: tuple[str, ...] = ()
    expand = "charges"

    def __init__(self, settings: PriceSettings) -> None:
        self._settings = settings
        self.path = f"/priceLists/{settings.price_list}/child/items"

    def rows(self, client: FusionClient, part: int, found: Sequence[Row], at: str) -> list[dict[str, Any]]:  # noqa: ARG002  the protocol's
        """A row for each item that has a price now."""
        settings, now = self._settings, datetime.fromisoformat(at)
        common = {"kind": "base", "scope": settings.scope, "currency": settings.currency, "as_of": at}
        said = {"tax": settings.tax} if settings.tax else {}
        priced = [(self._item(row), self._price(row, now)) for row in found]
        return [{"sku": sku, "price": price} | common | said for sku, price in priced if price is not None]

    def _item(self, row: Row) -> str:
        if not row.get(self._settings.item_field):
            raise Misconfigured(f"reads.prices: an item has no {self._settings.item_field}")
        return str(row[self._settings.item_field])

    def _price(self, row: Row, now: datetime) -> Decimal | int | None:
        """Of several that are valid, the one that began last."""
        charges = [
            one for one in children(row, "charges") if one.get("PricingChargeDefinitionCode") == self._settings.charge
        ]
        valid = [one for one in charges if _is_valid(one, now)]
        if not valid:
            return None
        price = max(valid, key=lambda one: str(one.get("StartDate") or "")).get(self._settings.price_field)
        if isinstance(price, bool) or not isinstance(price, int | Decimal):
            raise Misconfigured(f"reads.prices: a charge has no {self._settings.price_field}")
        return price


def children(row: Row, name: str) -> Sequence[Mapping[str, Any]]:
    """Of a row with its children expanded: a list, or a collection from framework version 3 on."""
    found = row.get(name)
    if isinstance(found, dict):
        if found.get("hasMore") is True:
            raise Misconfigured(f"reads: an item has more {name} than come with it")
        found = found.get("items")
    if not isinstance(found, list):
        raise Misconfigured(f"reads: an item comes without its {name}")
    return found


def _is_valid(charge: Mapping[str, Any], now: datetime) -> bool:
    begins, ends = (_moment(charge.get(name)) for name in ("StartDate", "EndDate"))
    return (begins is None or begins <= now) and (ends is None or now < ends)


def _moment(value: Any) -> datetime | None:
    if not value:
        return None
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError as error:
        raise Misconfigured("reads.prices: a charge's date is none") from error
    if moment.tzinfo is None:
        raise Misconfigured("reads.prices: a charge's date has no zone")
    return moment
