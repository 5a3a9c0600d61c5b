"""Stock out of SAP. API_MATERIAL_STOCK_SRV keeps no time of change: each scan reads everything.

Crossdock makes no work of a level that is as it was. With `zeros` the scan goes along the products of the plants, so
that a product whose last row of stock is gone is told as 0, and not left as it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from crossdock.erp.sap_s4.client import Row, SapClient
from crossdock.erp.sap_s4.mapping import odata
from crossdock.erp.sap_s4.mapping.rows import both, either, is_free, levels
from crossdock.erp.sap_s4.places import Leg, Spot, after_page
from crossdock.erp.sap_s4.reading import Part, together
from crossdock.erp.sap_s4.settings import StockSettings


class Levels:
    """The flow inventory."""

    def __init__(self, settings: StockSettings) -> None:
        self._settings = settings
        plants = either("Plant", settings.plants)
        self._stocks = Leg(
            service="API_MATERIAL_STOCK_SRV",
            entity_set="A_MatlStkInAcctMod",
            key="Material",
            unique=False,
            narrow=both(plants, either("InventoryStockType", settings.stock_types)),
        )
        self._products = Leg(
            service="API_PRODUCT_SRV", entity_set="A_ProductPlant", key="Product", unique=False, narrow=plants
        )

    def everything(self) -> Sequence[Leg]:
        """Along the products, or along the stocks."""
        return (self._products if self._settings.zeros and not self._settings.by_location else self._stocks,)

    def changed(self, day: str, now: datetime) -> Sequence[Leg]:  # noqa: ARG002  the port's signature
        """Nobody knows."""
        return ()

    def rows(self, client: SapClient, page: Part, at: datetime) -> list[dict[str, Any]]:
        """A row for each material and place of the page."""
        if page.leg == self._stocks:
            return levels(filter(is_free, page.rows), (), self._settings, at)
        known = [(odata.word(row, "Product"), odata.word(row, "Plant")) for row in page.rows]
        return levels(filter(is_free, self._between(client, page)), known, self._settings, at)

    def _between(self, client: SapClient, page: Part) -> Iterator[Row]:
        """All stocks of the page's products: between two keys, since thousands of them would not fit an address."""
        upto = f"Material le {odata.text(page.upto)}" if page.upto else ""
        leg = Leg(
            service=self._stocks.service,
            entity_set=self._stocks.entity_set,
            key="Material",
            unique=False,
            narrow=both(self._stocks.narrow, upto),
        )
        spot = Spot(after=page.after)
        while spot.leg == 0:
            part, _ = together(client, leg, spot, None, self._settings.page_size)
            yield from part.rows
            spot = after_page(leg, spot, part.rows, None, last=part.last)
