"""What a store reserves of a SKU, as the store itself has it: its sources' quantities less the salable one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from decimal import Decimal

from crossdock.errors import DeliveryError, Rejected
from crossdock.magento.client import MagentoClient, segment
from crossdock.magento.mapping.wire import JsonObject, decimal, decode, flag, rows, text
from crossdock.magento.search import criteria, where
from crossdock.model.base import Record
from crossdock.model.money import ZERO

REMEMBERED_S = 3600.0
MOST = 300


class Topology(Record, frozen=True, kw_only=True):
    """The sources, those of them that are enabled, and each stock's."""

    sources: frozenset[str]
    enabled: frozenset[str]
    stocks: dict[int, tuple[str, ...]]

    def stock_of(self, place: str) -> int | None:
        """The stock that a source is in; of several, the last one: the first is the default stock."""
        return max((stock for stock, places in self.stocks.items() if place in places), default=None)


class Sold(Record, frozen=True, kw_only=True):
    """Of a SKU: what the enabled sources of a stock hold, and what the store says it can sell of it."""

    sku: str
    there: Decimal
    salable: Decimal


class Reservations:
    """Asks for one SKU at a time: there are only as many as have orders that wait. Safe for many threads."""

    def __init__(self, client: MagentoClient, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._lock = threading.Lock()
        self._topology: tuple[float, Topology] | None = None

    def of(self, place: str, skus: Sequence[str]) -> dict[str, Decimal]:
        """By SKU in small letters, what the stock of this source reserves. Raises DeliveryError.

        A SKU of which the store does not say (an unknown one answers a plain-text 500: recorded) is left out.
        """
        topology = self.topology()
        stock = topology.stock_of(place)
        if stock is None:
            return {}
        found = {sku.casefold(): self._one(topology, stock, sku) for sku in skus}
        return {sku: reserved for sku, reserved in found.items() if reserved is not None}

    def topology(self) -> Topology:
        """Remembered for an hour. Raises DeliveryError."""
        with self._lock:
            known = self._topology
        if known is not None and self._clock() - known[0] < REMEMBERED_S:
            return known[1]
        sources = self._listed("V1/inventory/sources", "source_code")
        links = self._listed("V1/inventory/stock-source-links", "stock_id")
        stocks: dict[int, tuple[str, ...]] = {}
        for link in links:
            stock = int(text(link, "stock_id") or 0)
            stocks[stock] = (*stocks.get(stock, ()), text(link, "source_code"))
        enabled = frozenset(text(one, "source_code") for one in sources if flag(one, "enabled"))
        every = frozenset(text(one, "source_code") for one in sources)
        topology = Topology(sources=every, enabled=enabled, stocks=stocks)
        with self._lock:
            self._topology = (self._clock(), topology)
        return topology

    def _one(self, topology: Topology, stock: int, sku: str) -> Decimal | None:
        found = sold_of(self._client, topology, stock, sku)
        return None if found is None else found.there - found.salable

    def _listed(self, path: str, sort: str) -> list[JsonObject]:
        return rows(decode(self._client.fetch("GET", path, criteria((), sort=(sort,), size=MOST)).body), "items")


def sold_of(client: MagentoClient, topology: Topology, stock: int, sku: str) -> Sold | None:
    """Asked now; None where the store does not say of it. Raises DeliveryError."""
    query = criteria(((where("sku", "eq", sku),),), sort=("source_code",), size=MOST)
    items = rows(decode(client.fetch("GET", "V1/inventory/source-items", query).body), "items")
    places = set(topology.stocks[stock]) & topology.enabled
    there = sum((decimal(one, "quantity", "source item") for one in items if _counts(one, places)), ZERO)
    try:
        path = f"V1/inventory/get-product-salable-quantity/{segment(sku)}/{stock}"
        salable = Decimal(client.fetch("GET", path).body.decode().strip().strip('"'))
    except (DeliveryError, ArithmeticError, UnicodeDecodeError) as error:
        if isinstance(error, DeliveryError) and not isinstance(error, Rejected) and error.status != 500:
            raise
        return None
    return Sold(sku=sku, there=there, salable=salable)


def _counts(item: JsonObject, places: set[str]) -> bool:
    """A source item that is out of stock adds nothing to what can be sold."""
    return text(item, "source_code") in places and flag(item, "status")
