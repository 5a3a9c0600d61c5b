"""What a store calls its customer groups, websites and regions. Remembered for an hour."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from crossdock.errors import Temporary
from crossdock.magento.client import MagentoClient, segment
from crossdock.magento.mapping.wire import JsonObject, rows, text
from crossdock.magento.search import criteria

REMEMBERED_S = 3600.0
MOST_GROUPS = 300


class People:
    """Safe for many threads. Every method raises DeliveryError."""

    def __init__(self, client: MagentoClient, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[float, Any]] = {}

    def groups(self) -> dict[str, str]:
        """Id -> code."""
        found: dict[str, str] = self._remembered("groups", self._asked_groups)
        return found

    def websites(self) -> dict[str, str]:
        """Id -> code; needs the right Magento_Backend::store."""
        found: dict[str, str] = self._remembered("websites", self._asked_websites)
        return found

    def region(self, country: str, name: str, code: str) -> JsonObject:
        """As an address holds it. A country without a list of regions takes any name."""
        known: list[JsonObject] = self._remembered(f"regions of {country}", lambda: self._asked_regions(country))
        for row in known:
            if (code and text(row, "code").casefold() == code.casefold()) or (
                not code and name and text(row, "name").casefold() == name.casefold()
            ):
                return {"region": text(row, "name"), "region_code": text(row, "code"), "region_id": int(row["id"])}
        return {"region": name, "region_code": code, "region_id": 0}

    def _asked_groups(self) -> dict[str, str]:
        told = self._client.get("V1/customerGroups/search", criteria((), sort=("id",), size=MOST_GROUPS))
        return _codes(rows(told if isinstance(told, dict) else {}, "items"), "customer groups")

    def _asked_websites(self) -> dict[str, str]:
        return _codes(rows({"items": self._client.get("V1/store/websites")}, "items"), "websites")

    def _asked_regions(self, country: str) -> list[JsonObject]:
        answer = self._client.find(f"V1/directory/countries/{segment(country)}")
        told = answer.json() if answer is not None else {}
        return rows(told if isinstance(told, dict) else {}, "available_regions")

    def _remembered(self, name: str, ask: Callable[[], Any]) -> Any:
        with self._lock:
            at, value = self._kept.get(name, (float("-inf"), None))
        if self._clock() - at <= REMEMBERED_S:
            return value
        value = ask()
        with self._lock:
            self._kept[name] = (self._clock(), value)
        return value


def _codes(listed: list[JsonObject], what: str) -> dict[str, str]:
    found = {text(row, "id"): text(row, "code") for row in listed if text(row, "code")}
    if not found:
        raise Temporary(f"the store does not tell its {what}")
    return found
