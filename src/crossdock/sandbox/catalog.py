"""The stand-in store's products, sources and stocks, as far as stock levels ask for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from crossdock.sandbox.search import listed, read_criteria
from crossdock.sandbox.wire import Answer

if TYPE_CHECKING:
    from crossdock.sandbox.routes import Call
    from crossdock.sandbox.store import Store

Row = dict[str, Any]
COLUMNS = {"entity_id", "id", "sku", "name", "type_id", "status", "visibility", "created_at", "updated_at", "price"}
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

    def has(self, sku: str) -> bool:
        """Whether there is one of this SKU."""
        return sku.strip().casefold() in self.rows


def products(store: Store, call: Call) -> Answer:
    """A list of them. One that asks for SKUs alone is answered without a scan."""
    rows = [*store.catalog.rows.values()]
    criteria = read_criteria(call.asked.query)
    if not isinstance(criteria, Answer) and len(criteria.groups) == 1 and len(criteria.groups[0]) == 1:
        rows = _named(store.catalog.rows, criteria.groups[0][0], rows)
    return listed(rows, call.asked.query, COLUMNS, store.faults.bugs)


def _named(known: Mapping[str, Row], one: Mapping[str, str], rows: list[Row]) -> list[Row]:
    kind = one.get("condition_type", "eq")
    if one.get("field") != "sku" or kind not in {"eq", "in"}:
        return rows
    skus = one.get("value", "").split(",") if kind == "in" else [one.get("value", "")]
    return [known[sku.strip().casefold()] for sku in skus if sku.strip().casefold() in known]


def of(rows: list[Row], columns: set[str]) -> Any:
    """A list call over fixed rows."""
    return lambda store, call: listed(rows, call.asked.query, columns, store.faults.bugs)


sources = of(SOURCES, {"source_code", "name", "enabled"})
stocks = of(STOCKS, {"stock_id", "name"})
links = of(LINKS, {"stock_id", "source_code", "priority"})
