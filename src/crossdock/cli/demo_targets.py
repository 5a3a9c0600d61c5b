"""The ERPs that the demo can deliver into: a stand-in that misbehaves, or a real Tryton."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from crossdock.erp.tryton.client import Query, RestWire, TrytonClient
from crossdock.erp.tryton.settings import DUPLICATE
from crossdock.sandbox import tryton
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
        return {"kind": "rest", "base_url": self._server.url, "auth": auth, "dedupes": False, "settling_s": 1}

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
        self.url = self._server.url

    def start(self) -> None:
        """Raises Misconfigured where it cannot be installed."""
        self._server.start()

    def stop(self) -> None:
        """End."""
        self._server.stop()

    def table(self) -> Mapping[str, Any]:
        """A Tryton connection."""
        return tryton.settings(self._server.url)

    def there(self) -> list[str]:
        """Asked over its own API: every sale that is not cancelled."""
        wire = RestWire(self._server.url, self._server.database)
        client = TrytonClient(Http(), Bearer(tryton.KEY), wire, duplicate=DUPLICATE).about((), company=1)
        query = Query(model="sale.sale", domain=(("state", "!=", "cancelled"),), fields=("reference",))
        return [str(row["reference"]) for row in client.search(query).rows]

    def received_at(self, number: str) -> datetime | None:  # noqa: ARG002  the port's signature
        """It is not asked."""
        return None

    def drawn(self) -> Mapping[str, int]:
        """None."""
        return {}
