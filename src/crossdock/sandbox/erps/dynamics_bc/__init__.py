"""A stand-in for Business Central's API v2.0 over real HTTP, from the vendor's contract: SIMULATED.

It knows the sets, fields and types that Crossdock uses, and refuses all others; keeps references as often as they come
(Business Central does not dedupe); computes an order's sums as a company does that rounds its VAT by document; deletes
an order that is posted in full; and takes a batch with `Isolation: snapshot` whole or not at all.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from crossdock.sandbox.erps.dynamics_bc.books import Books
from crossdock.sandbox.erps.dynamics_bc.contract import CLIENT, COMPANY_NAME, EXTRAS, RATES, ROOT, SECRET, TOKEN_PATH
from crossdock.sandbox.erps.dynamics_bc.server import BcServer
from crossdock.sandbox.faults import Faults


class StandIn:
    """As the demo and the storms need it."""

    def __init__(self, seed: int, faults: Faults) -> None:
        os.environ["CROSSDOCK_DEMO_BC_CLIENT"] = CLIENT
        os.environ["CROSSDOCK_DEMO_BC_SECRET"] = SECRET
        self._server = BcServer(seed=seed, faults=faults)
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
        """All stock is told as one place: API v2.0 knows no locations of it."""
        return {"MAIN": "wh_milan"}

    def restock(self, sku: str, quantity: int) -> None:
        """By a ledger entry of what is missing, or too much."""

        def post(books: Books) -> None:
            item = books.add_item(sku)
            books.post_entry(sku, Decimal(quantity) - item["inventory"])

        self._server.do(post)

    def subscribed(self) -> list[dict[str, Any]]:
        """Subscriptions to notifications, which it never sends."""
        return self._server.do(lambda books: [dict(row) for row in books.tables["subscriptions"]])

    def there(self) -> list[str]:
        """Orders, open and posted, one entry each."""

        def look(books: Books) -> list[str]:
            posted = {row["orderNumber"]: row["externalDocumentNumber"] for row in books.tables["salesInvoices"]}
            return [row["externalDocumentNumber"] for row in books.tables["salesOrders"]] + list(posted.values())

        return self._server.do(look)

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
        "client_id": "env:CROSSDOCK_DEMO_BC_CLIENT",
        "client_secret": "env:CROSSDOCK_DEMO_BC_SECRET",
        "scope": "https://api.businesscentral.dynamics.com/.default",
    }
    return {
        "kind": "dynamics_bc",
        "url": f"{url}{ROOT}",
        "auth": auth,
        "company": COMPANY_NAME,
        "extras": {role: f"Account:{number}" for role, number in EXTRAS.items()},
        "taxes": {rate: f"VAT{rate}" for rate in RATES},
        "settling_s": 1,
        "limits": {"concurrency": 5},
    } | more


__all__ = ["CLIENT", "SECRET", "BcServer", "Books", "StandIn", "settings"]
