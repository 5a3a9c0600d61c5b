"""Stock out of Business One: each scan reads all items, by their codes. What is as it was makes no work."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from crossdock.contract.connector import RowPage, Watermark
from crossdock.erp.sap_b1.client import B1Client, Listed, text
from crossdock.erp.sap_b1.settings import LevelSettings
from crossdock.errors import Misconfigured

STOCKS = "ItemWarehouseInfoCollection"


class Levels:
    """The flow inventory. See contract.connector.RowSource."""

    def __init__(self, client: B1Client, settings: LevelSettings) -> None:
        self._client = client
        self._settings = settings

    def changes(self, since: Watermark | None) -> Iterator[RowPage]:
        """Pages behind the last code, until one is empty: a server may give less than is asked for."""
        after = str(since.value.get("after", "")) if since else ""
        while True:
            found = self._page(after)
            codes = [str(row.get("ItemCode") or "") for row in found.rows]
            if after and after in codes:
                raise Misconfigured("Items: the Service Layer does not compare by ItemCode")
            after = codes[-1] if codes else ""
            yield RowPage(rows=self._rows(found), watermark=Watermark(value={"after": after}), complete=not codes)
            if not codes:
                return

    def _page(self, after: str) -> Listed:
        size = self._settings.page_size
        query = [("$select", f"ItemCode,{STOCKS}"), ("$orderby", "ItemCode"), ("$top", str(size))]
        query += [("$filter", f"ItemCode gt {text(after)}")] if after else []
        return self._client.rows("Items", query, size)

    def _rows(self, found: Listed) -> tuple[Mapping[str, Any], ...]:
        told = []
        for row in found.rows:
            stocks = row.get(STOCKS)
            if not isinstance(stocks, list):
                raise Misconfigured(f"Items are told without {STOCKS}: may the user see it?")
            told += [self._row(str(row["ItemCode"]), one, found) for one in stocks if self._wanted(one)]
        return tuple(told)

    def _wanted(self, stock: Mapping[str, Any]) -> bool:
        return not self._settings.warehouses or stock.get("WarehouseCode") in self._settings.warehouses

    def _row(self, sku: str, stock: Mapping[str, Any], found: Listed) -> dict[str, Any]:
        quantity = Decimal(stock.get("InStock") or 0)
        if self._settings.meaning == "available":
            quantity -= Decimal(stock.get("Committed") or 0)
        return {
            "sku": sku,
            "qty": f"{quantity:f}",
            "warehouse": str(stock.get("WarehouseCode") or ""),
            "meaning": self._settings.meaning,
            "as_of": found.at.isoformat(),
        }
