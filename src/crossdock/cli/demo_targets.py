"""The ERPs that the demo can deliver into: stand-ins that misbehave, or a real Tryton."""

from __future__ import annotations

import importlib
import os
import pkgutil
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from crossdock.erp.tryton.client import Query, RestWire, TrytonClient
from crossdock.erp.tryton.settings import DUPLICATE
from crossdock.sandbox import erps, tryton
from crossdock.sandbox.faults import Faults
from crossdock.sandbox.run import ErpServer
from crossdock.transport.auth import Bearer
from crossdock.transport.http import Http

TOKEN = "env:CROSSDOCK_DEMO_TOKEN"  # noqa: S105  a reference


class Target(Protocol):
    """One ERP as the demo needs it."""

    @property
    def url(self) -> str:
        """Where it answers."""

    def start(self) -> None:
        """Ready when it returns."""

    def stop(self) -> None:
        """Ended."""

    def table(self) -> Mapping[str, Any]:
        """The connection's settings."""

    def there(self) -> list[str]:
        """The order numbers that it has, one entry an order: a number twice is a double."""

    def received_at(self, number: str) -> datetime | None:
        """When it got the order, where it tells."""

    def drawn(self) -> Mapping[str, int]:
        """Which faults struck, how often."""

    def lookups(self) -> Mapping[str, Mapping[str, str]]:
        """Entries by table that the connection needs."""


@runtime_checkable
class HasStock(Protocol):
    """An ERP whose stock levels are read; its connection's settings read them."""

    def warehouses(self) -> Mapping[str, str]:
        """The ERP's name of a warehouse -> the store's source."""

    def restock(self, sku: str, quantity: int) -> None:
        """So many pieces lie in the first of them."""


def named() -> list[str]:
    """What --erp takes."""
    return [
        "sandbox",
        "tryton",
        *sorted(one.name for one in pkgutil.iter_modules(erps.__path__) if one.name != "odata"),
    ]


def target_of(erp: str, folder: Path, seed: int, faults: Faults) -> Target:
    """`erp` is one of `named()`. A kind's stand-in is found by its name: nothing here knows any of them."""
    if erp == "tryton":
        return RealTryton(folder / "tryton")
    if erp == "sandbox":
        return StandIn(seed, faults)
    made: Target = importlib.import_module(f"{erps.__name__}.{erp}").StandIn(seed, faults)
    return made


class StandIn:
    """The sandbox ERP. It does not dedupe: a second POST is a second order."""

    def __init__(self, seed: int, faults: Faults) -> None:
        self._server = ErpServer(seed=seed, faults=faults)
        self.url = self._server.url

    def start(self) -> None:
        """Serve."""
        self._server.start()

    def stop(self) -> None:
        """End."""
        self._server.stop()

    def table(self) -> Mapping[str, Any]:
        """A REST connection."""
        auth = {"scheme": "bearer", "token": TOKEN}
        stock = {"path": "/stock?since={since}&limit={limit}", "change_field": "seq", "overlap": 5, "interval_s": 1}
        return {
            "kind": "rest",
            "base_url": self._server.url,
            "auth": auth,
            "dedupes": False,
            "settling_s": 1,
            "reads": {"inventory": stock},
        }

    def lookups(self) -> Mapping[str, Mapping[str, str]]:
        """None."""
        return {}

    def warehouses(self) -> Mapping[str, str]:
        """One."""
        return {"MI": "wh_milan"}

    def restock(self, sku: str, quantity: int) -> None:
        """Into its list of levels."""
        self._server.do(lambda erp: erp.levels.change([{"sku": sku, "qty": quantity, "warehouse": "MI"}]))

    def there(self) -> list[str]:
        """From its memory."""
        return [one["order_number"] for one in self._server.erp.orders]

    def received_at(self, number: str) -> datetime | None:
        """From its memory."""
        return self._server.erp.received_at.get(number)

    def drawn(self) -> Mapping[str, int]:
        """From its lottery."""
        return self._server.erp.lottery.drawn


class RealTryton:
    """A Tryton that is installed, filled and started beside us; it makes no faults of its own."""

    def __init__(self, folder: Path) -> None:
        os.environ["CROSSDOCK_DEMO_TRYTON_KEY"] = tryton.KEY
        self._server = tryton.TrytonServer(folder)

    @property
    def url(self) -> str:
        """Empty before it runs."""
        return self._server.url

    def start(self) -> None:
        """Raises Misconfigured where it cannot be installed."""
        self._server.start()

    def stop(self) -> None:
        """End."""
        self._server.stop()

    def table(self) -> Mapping[str, Any]:
        """A Tryton connection."""
        return {**tryton.settings(self._server.url), "reads": {"inventory": {"interval_s": 1, "overlap_s": 5}}}

    def there(self) -> list[str]:
        """Asked over its own API: every sale that is not cancelled."""
        found = self._rows("sale.sale", ("state", "!=", "cancelled"), "reference")
        return [str(row["reference"]) for row in found]

    def warehouses(self) -> Mapping[str, str]:
        """One, by its code."""
        return {"WH": "wh_milan"}

    def restock(self, sku: str, quantity: int) -> None:
        """By a stock-taking in the warehouse's storage."""
        (product,) = self._rows("product.product", ("code", "=", sku), "code")
        (place,) = self._rows("stock.location", ("type", "=", "warehouse"), "storage_location")
        line = {"product": product["id"], "quantity": quantity}
        taken = {"location": place["storage_location"], "lines": [["create", [line]]]}
        client = self._client()
        client.press("stock.inventory", client.create("stock.inventory", taken), "confirm")

    def _client(self) -> TrytonClient:
        wire = RestWire(self._server.url, self._server.database)
        return TrytonClient(Http(), Bearer(tryton.KEY), wire, duplicate=DUPLICATE).about((), company=1)

    def _rows(self, model: str, condition: tuple[Any, ...], *fields: str) -> Sequence[Mapping[str, Any]]:
        return self._client().search(Query(model=model, domain=(condition,), fields=fields)).rows

    def received_at(self, number: str) -> datetime | None:  # noqa: ARG002  the port's signature
        """It is not asked."""
        return None

    def drawn(self) -> Mapping[str, int]:
        """None."""
        return {}

    def lookups(self) -> Mapping[str, Mapping[str, str]]:
        """None."""
        return {}
