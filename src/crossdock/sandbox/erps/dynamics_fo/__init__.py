"""A stand-in for Finance and Operations' OData interface over real HTTP, from the vendor's field tables: SIMULATED.

It knows the sets and fields that Crossdock uses and refuses all others; sees only what a request names with
`cross-company`; takes a change set whole or not at all; refuses an order's number that is taken, keeps references as
often as they come, and prices a line by a trade agreement where it has one.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from crossdock.sandbox.erps.dynamics_fo.books import Books
from crossdock.sandbox.erps.dynamics_fo.contract import CLIENT, COMPANY, EXTRAS, RATES, SECRET, TOKEN_PATH
from crossdock.sandbox.erps.dynamics_fo.server import FoServer
from crossdock.sandbox.faults import Faults


class StandIn:
    """As the demo and the storms need it."""

    def __init__(self, seed: int, faults: Faults) -> None:
        os.environ["CROSSDOCK_DEMO_FO_CLIENT"] = CLIENT
        os.environ["CROSSDOCK_DEMO_FO_SECRET"] = SECRET
        self._server = FoServer(seed=seed, faults=faults)
        self.url = self._server.url

    def start(self) -> None:
        """Serve."""
        self._server.start()

    def stop(self) -> None:
        """End."""
        self._server.stop()

    def table(self) -> Mapping[str, Any]:
        """A connection to it."""
        return settings(self.url, even_out_cents=10, reads={"inventory": {"interval_s": 1}})

    def warehouses(self) -> Mapping[str, str]:
        """One."""
        return {"11": "wh_milan"}

    def restock(self, sku: str, quantity: int) -> None:
        """What lies there."""
        self._server.do(lambda books: books.set_stock(sku, Decimal(quantity)))

    def there(self) -> list[str]:
        """The orders' references."""
        return self._server.do(
            lambda books: [row["CustomersOrderReference"] for row in books.tables["SalesOrderHeadersV2"]]
        )

    def received_at(self, number: str) -> datetime | None:
        """By the real clock."""
        return self._server.received.get(number)

    def drawn(self) -> Mapping[str, int]:
        """Which faults struck."""
        return self._server.lottery.drawn

    def lookups(self) -> Mapping[str, Mapping[str, str]]:
        """None are needed: the settings name what is there."""
        return {}


def settings(url: str, **more: Any) -> dict[str, Any]:
    """A connection's table that fits the company in here."""
    auth = {
        "scheme": "oauth2",
        "token_url": f"{url}{TOKEN_PATH}",
        "client_id": "env:CROSSDOCK_DEMO_FO_CLIENT",
        "client_secret": "env:CROSSDOCK_DEMO_FO_SECRET",
        "scope": f"{url}/.default",
    }
    return {
        "kind": "dynamics_fo",
        "url": url,
        "auth": auth,
        "company": COMPANY,
        "customer": {"group": "10", "currency": "EUR"},
        "extras": EXTRAS,
        "taxes": {rate: f"VAT{rate}" for rate in RATES},
        "settling_s": 1,
    } | more


__all__ = ["CLIENT", "SECRET", "Books", "FoServer", "StandIn", "settings"]
