"""What a store tells of its views, and whether it has one price for all of them. Remembered for an hour."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import msgspec

from crossdock.errors import Temporary
from crossdock.magento.client import MagentoClient
from crossdock.magento.mapping.prices import View

REMEMBERED_S = 3600.0
CONFIGS = "V1/store/storeConfigs"
PRICE = "V1/products/attributes/price"


class Stores:
    """Safe for many threads. Every method raises DeliveryError."""

    def __init__(self, client: MagentoClient, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[float, Any]] = {}

    def views(self, *, again: bool = False) -> list[View]:
        """All but the admin's own; needs the right Magento_Backend::store. `again`: what is remembered may be old."""
        found: list[View] = self._remembered(CONFIGS, self._asked_views, again=again)
        return found

    def has_one_price(self, *, again: bool = False) -> bool:
        """Catalog price scope: global. Needs the right Magento_Catalog::attributes_attributes."""
        return bool(self._remembered(PRICE, self._asked_scope, again=again))

    def _asked_views(self) -> list[View]:
        body = self._client.fetch("GET", CONFIGS).body
        try:
            return msgspec.json.decode(body, type=list[View])
        except msgspec.DecodeError as error:
            raise Temporary("the store does not tell its store views") from error

    def _asked_scope(self) -> bool:
        told = self._client.get(PRICE, (("fields", "scope"),))
        scope = told.get("scope") if isinstance(told, dict) else None
        if scope not in {"global", "website", "store"}:
            raise Temporary("the store does not tell the scope of its prices")
        return bool(scope == "global")

    def _remembered(self, name: str, ask: Callable[[], Any], *, again: bool) -> Any:
        with self._lock:
            at, value = self._kept.get(name, (float("-inf"), None))
        if not again and self._clock() - at <= REMEMBERED_S:
            return value
        value = ask()
        with self._lock:
            self._kept[name] = (self._clock(), value)
        return value
