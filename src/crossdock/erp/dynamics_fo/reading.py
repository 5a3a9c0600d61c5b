"""Rows out of Finance and Operations: whole each time, since its entities tell no time of change.

A page begins at the item at which the last one ended, and tells that item again: its rows may have been parted. A
server's link is followed only where one item fills a whole page; none is kept.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

import msgspec

from crossdock.contract.connector import RowPage, Watermark
from crossdock.erp.dynamics_fo.client import FoClient
from crossdock.erp.dynamics_fo.settings import CatalogSettings, FoSettings, LevelSettings, PriceSettings, ReadSettings
from crossdock.errors import Misconfigured
from crossdock.model.base import Record
from crossdock.transport.odata import Query, Row, any_of, both, literal

ITEM = "ItemNumber"
VARIANT = ("ProductConfigurationId", "ProductSizeId", "ProductColorId", "ProductStyleId", "ProductVersionId")


class Place(Record, frozen=True, kw_only=True):
    """The watermark: the item at which the scan goes on, "" at the beginning of one."""

    item: str = ""


class Telling(Protocol):
    """What is particular about a flow: the set, which of its records, which of their fields."""

    @property
    def entity(self) -> str:
        """The set."""

    @property
    def where(self) -> str:
        """A filter, or ""."""

    @property
    def select(self) -> tuple[str, ...]:
        """Fields."""

    def rows(self, records: Sequence[Row], at: datetime) -> list[dict[str, Any]]:
        """Rows of a push for these records, read at that moment by the server's clock."""


class WholeRows:
    """One flow's rows. See contract.connector.RowSource."""

    def __init__(self, client: FoClient, telling: Telling, settings: ReadSettings) -> None:
        self._client = client
        self._telling = telling
        self._settings = settings

    def changes(self, since: Watermark | None) -> Iterator[RowPage]:
        """Everything, page after page; a scan that was broken off goes on at the item that it had reached."""
        place = Place() if since is None else msgspec.convert(since.value, Place)
        link, held = "", list[Row]()
        while True:
            found = self._client.page(self._telling.entity, self._query(place), link)
            records = [*held, *found.rows]
            last = str(records[-1][ITEM]) if records else ""
            parted = last if found.next else ""
            # of the item that the page ends with, there may be more on the next one
            told = [row for row in records if str(row[ITEM]) != parted]
            held = [row for row in records if str(row[ITEM]) == parted] if not told and parted else []
            link = found.next if held else ""
            place = Place(item=parted)
            rows = self._telling.rows(told, found.at)
            yield RowPage(
                rows=tuple(rows), watermark=Watermark(value=msgspec.to_builtins(place)), complete=not found.next
            )
            if not found.next:
                return

    def _query(self, place: Place) -> Query:
        behind = f"{ITEM} ge {literal(place.item)}" if place.item else ""
        telling = self._telling
        return Query(
            where=both(telling.where, behind), order=ITEM, select=telling.select, size=self._settings.page_size
        )


class Levels:
    """The flow inventory: sums by SKU and warehouse, over sites, owners and whatever else parts them."""

    def __init__(self, settings: FoSettings, levels: LevelSettings) -> None:
        self._levels = levels
        self._quantity = "OnHandQuantity" if levels.meaning == "on_hand" else "AvailableOnHandQuantity"
        self.entity = settings.sets.on_hand
        self.where = any_of("InventoryWarehouseId", levels.warehouses) if levels.warehouses else ""
        self.select = ("dataAreaId", ITEM, "InventoryWarehouseId", self._quantity, *VARIANT)

    def rows(self, records: Sequence[Row], at: datetime) -> list[dict[str, Any]]:
        """A row for each."""
        sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for row in records:
            sku = self._sku(row)
            if sku:
                sums[sku, str(row["InventoryWarehouseId"])] += Decimal(str(row[self._quantity]))
        common = {"meaning": self._levels.meaning, "as_of": at.isoformat()}
        return [{"sku": sku, "qty": qty, "warehouse": place} | common for (sku, place), qty in sums.items()]

    def _sku(self, row: Row) -> str:
        """Of a variant "", where nothing says how its SKU is made."""
        parts = [str(row[field]) for field in VARIANT if row.get(field)]
        if parts and not self._levels.variant_separator:
            return ""
        return self._levels.variant_separator.join([str(row[ITEM]), *parts])


class Prices:
    """The flow prices: the base price of each released product, for one piece. Nought is told of none."""

    where = ""
    select = ("dataAreaId", ITEM, "SalesPrice", "SalesPriceQuantity")

    def __init__(self, settings: FoSettings, prices: PriceSettings) -> None:
        self._prices = prices
        self.entity = settings.sets.products

    def rows(self, records: Sequence[Row], at: datetime) -> list[dict[str, Any]]:
        """A row for each that has one. A price of several pieces is told only where that of one comes out even."""
        common = {
            "kind": "base",
            "scope": self._prices.scope,
            "currency": self._prices.currency,
            "as_of": at.isoformat(),
        } | ({"tax": self._prices.tax} if self._prices.tax else {})
        return [
            {"sku": str(row[ITEM]), "price": price} | common for row in records if (price := price_of(row)) is not None
        ]


class Catalog:
    """The flow products."""

    where = ""

    def __init__(self, settings: FoSettings, catalog: CatalogSettings) -> None:
        self._catalog = catalog
        self.entity = settings.sets.products
        fields = ("dataAreaId", ITEM, *catalog.fields.values())
        self.select = tuple(dict.fromkeys((*fields, *(("ProductLifecycleStateId",) if catalog.off_states else ()))))

    def rows(self, records: Sequence[Row], at: datetime) -> list[dict[str, Any]]:
        """A row for each."""
        return [self._row(row, at) for row in records]

    def _row(self, row: Row, at: datetime) -> dict[str, Any]:
        if missing := [field for field in self._catalog.fields.values() if field not in row]:
            raise Misconfigured(f"reads.products.fields: a released product has no {missing[0]}")
        told = {code: row[field] for code, field in self._catalog.fields.items() if row[field] not in (None, "")}
        off = self._catalog.off_states
        state = "disabled" if row.get("ProductLifecycleStateId") in off else "enabled"
        return {"sku": str(row[ITEM]), **told, **({"status": state} if off else {}), "as_of": at.isoformat()}


def price_of(row: Row) -> Decimal | None:
    """None where there is none, or none of one piece to six decimals."""
    price = Decimal(str(row.get("SalesPrice") or 0))
    pieces = Decimal(str(row.get("SalesPriceQuantity") or 1))
    if not price or not pieces:
        return None
    one = (price / pieces).quantize(Decimal("0.000001"))
    return one.normalize() if one * pieces == price else None


def telling_of(flow: str, settings: FoSettings) -> Telling | None:
    """None for a flow that the settings do not read."""
    read = settings.reads.asked().get(flow)
    if isinstance(read, LevelSettings):
        return Levels(settings, read)
    if isinstance(read, PriceSettings):
        return Prices(settings, read)
    return Catalog(settings, read) if isinstance(read, CatalogSettings) else None
