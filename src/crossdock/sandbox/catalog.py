"""The stand-in store's products by SKU, its sources and its stocks. What can be done with a product: products.py."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from crossdock.sandbox import shop
from crossdock.sandbox.search import listed

Row = dict[str, Any]
SIMPLE = 120
SOURCES = [
    {"source_code": code, "name": code, "enabled": code != "wh_closed", "country_id": "IT", "postcode": "00000"}
    for code in ("default", "wh_closed", "wh_milan", "wh_rome")
]
STOCKS = [
    {"stock_id": 1, "name": "Default Stock", "extension_attributes": {"sales_channels": []}},
    {
        "stock_id": 2,
        "name": "EU stock",
        "extension_attributes": {"sales_channels": [{"type": "website", "code": "base"}]},
    },
]
LINKS = [
    {"stock_id": 1, "source_code": "default", "priority": 1},
    {"stock_id": 2, "source_code": "wh_milan", "priority": 1},
    {"stock_id": 2, "source_code": "wh_rome", "priority": 2},
]


class Catalog:
    """Products by SKU. A real store finds a SKU whatever its case, and trims it (recorded)."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.add(f"SIM-{number:04}" for number in range(1, SIMPLE + 1))

    def add(self, skus: Iterable[str]) -> int:
        """New simple products; returns how many were new."""
        before = len(self.rows)
        for sku in skus:
            number = len(self.rows) + 1
            row = {"id": number, "entity_id": number, "sku": sku, "name": f"Product {sku}", "type_id": "simple"}
            self.rows.setdefault(sku.strip().casefold(), row | {"attribute_set_id": 4, "status": 1, "visibility": 4})
        return len(self.rows) - before

    def find(self, sku: str) -> Row | None:
        """The one of this SKU."""
        return self.rows.get(sku.strip().casefold())

    def make(self, sku: str, name: str, stamp: str) -> Row:
        """A new one."""
        number = max((row["id"] for row in self.rows.values()), default=0) + 1
        row = {"id": number, "entity_id": number, "sku": sku, "name": name, "type_id": "simple", "attribute_set_id": 4}
        row |= {"status": 1, "visibility": 4, "created_at": stamp, "custom": {"url_key": url_key(name)}}
        self.rows[sku.strip().casefold()] = row
        return row

    def url_key(self, row: Row) -> str:
        """Its own, else what its name makes; one that came with the store has one of its SKU."""
        return str(row.get("custom", {}).get("url_key") or url_key(f"product {row['sku']}"))

    def key_is_taken(self, key: str, sku: str) -> bool:
        """By another product than this."""
        mine = sku.strip().casefold()
        return any(self.url_key(row) == key for name, row in self.rows.items() if name != mine)


def url_key(name: str) -> str:
    """As Magento makes it of a name."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def of(rows: list[Row], columns: set[str]) -> Any:
    """A list call over fixed rows."""
    return lambda store, call: listed(rows, call.asked.query, columns, store.faults.bugs)


sources = of(SOURCES, {"source_code", "name", "enabled"})
stocks = of(STOCKS, {"stock_id", "name"})
customer_groups = of(shop.CUSTOMER_GROUPS, {"id", "code"})
links = of(LINKS, {"stock_id", "source_code", "priority"})
