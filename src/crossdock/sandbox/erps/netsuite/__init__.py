"""A stand-in for NetSuite over real HTTP: OAuth, records by external id, SuiteQL over SQLite, asynchronous jobs.

Written from Oracle's help pages and property tables of its REST API Browser; src/crossdock/erp/netsuite/README.md says
what of it is verified, and what is not.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from datetime import datetime
from typing import Any, TypeVar

from crossdock.sandbox.clock import Clock
from crossdock.sandbox.erps.netsuite.account import Account
from crossdock.sandbox.faults import NONE, Faults
from crossdock.sandbox.wire import Answer, Asked, WireServer

T = TypeVar("T")
KEY, CLIENT = "CROSSDOCK_DEMO_NETSUITE_KEY", "CROSSDOCK_DEMO_NETSUITE_CLIENT"
PREFIX, PLACE = "MAG-", "Main"
WAIT_SECONDS = 30
CURRENCIES = {"USD": "1", "GBP": "2", "CAD": "3", "EUR": "4"}
EXTRA_ITEMS = ("shipping", "fpt", "fee", "credit", "rounding", "tax")


class StandIn:
    """One account. It dedupes as NetSuite does: an external id is one record, a PUT changes it."""

    def __init__(self, seed: int, faults: Faults = NONE, *, algorithm: str = "ES256") -> None:
        self.clock = Clock()
        self._server = WireServer(self._answer, self.clock)
        self.url = self._server.url
        self.account = Account(self.url, self.clock, seed=seed, faults=faults, algorithm=algorithm)
        self.account.sells_everything = True
        self._extra = self.account.stock([f"_{name}" for name in EXTRA_ITEMS])
        os.environ |= {KEY: self.account.door.private_key, CLIENT: self.account.door.client_id}

    def _answer(self, asked: Asked) -> Answer:
        return self.account.answer(asked)

    def start(self) -> None:
        """Serve."""
        self._server.start()

    def stop(self) -> None:
        """End."""
        self._server.stop()
        self.account.tables.close()

    def table(self) -> Mapping[str, Any]:
        """A NetSuite connection with tax details."""
        door = self.account.door
        login = {"scheme": "oauth2", "client_id": f"env:{CLIENT}", "certificate_id": door.certificate_id}
        return {
            "kind": "netsuite",
            "account": door.account,
            "url": self.url,
            "auth": login | {"private_key": f"env:{KEY}", "algorithm": door.algorithm},
            "settling_s": 1,
            "taxes": {"mode": "details", "codes": {"22": "6", "10": "7", "19": "8", "8.25": "9"}},
            "items": {name: str(self._extra[f"_{name}"]) for name in EXTRA_ITEMS},
            "currencies": CURRENCIES,
            "custom": {"line_id": "custcol_line_id"},
            "external_id_prefix": PREFIX,
            "reads": {"inventory": {"meaning": "on_hand", "interval_s": 1}},
        }

    def lookups(self) -> Mapping[str, Mapping[str, str]]:
        """Internal ids of currencies."""
        return {"currencies": CURRENCIES}

    def warehouses(self) -> Mapping[str, str]:
        """One."""
        return {PLACE: "wh_milan"}

    def restock(self, sku: str, quantity: int) -> None:
        """Of one location."""

        def count(account: Account) -> None:
            levels = {"quantityonhand": quantity, "quantityavailable": quantity}
            account.tables.put("location", id=1, name=PLACE)
            changed = {"lastquantityavailablechange": account.stamp()}
            account.tables.put("aggregateitemlocation", item=account.stock([sku])[sku], location=1, **levels, **changed)

        self.do(count)

    def there(self) -> list[str]:
        """From its memory."""
        kept = [*self.account.records.kept["salesOrder"].values()]
        return [str(one.get("externalId", "")).removeprefix(PREFIX) for one in kept]

    def received_at(self, number: str) -> datetime | None:
        """From its memory."""
        return self.account.records.received_at.get(f"{PREFIX}{number}")

    def drawn(self) -> Mapping[str, int]:
        """From its lottery."""
        return self.account.lottery.drawn

    def do(self, act: Callable[[Account], T]) -> T:
        """The result of `act(account)`, in the server's own thread, where nothing races."""
        done: Future[T] = Future()

        def run() -> None:
            try:
                done.set_result(act(self.account))
            except Exception as wrong:  # noqa: BLE001  the caller gets it
                done.set_exception(wrong)

        self._server.loop.call_soon_threadsafe(run)
        return done.result(WAIT_SECONDS)


__all__ = ["StandIn"]
