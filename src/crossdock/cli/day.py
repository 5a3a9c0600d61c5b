"""`crossdock demo --day`: a day of a merchant. Everything goes both ways, with faults, and is compared at the end."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from rich.table import Table

from crossdock import log
from crossdock.api.serving import Serving
from crossdock.cli.common import console
from crossdock.cli.day_sides import PLACES, Side, sides_of
from crossdock.cli.demo_targets import TOKEN
from crossdock.delivery.store import DeadFilter, DeliveryView
from crossdock.errors import DeliveryError
from crossdock.model.base import Record
from crossdock.sandbox import customers
from crossdock.sandbox.catalog import Catalog
from crossdock.sandbox.faults import NONE, STORM
from crossdock.sandbox.merchant import Merchant
from crossdock.sandbox.run import ErpServer, StoreServer
from crossdock.sandbox.store import Store
from crossdock.settings import Settings
from crossdock.transport.auth import Bearer
from crossdock.transport.http import Http
from crossdock.transport.wire import HttpRequest

BACK = (
    "inventory",
    "prices",
    "products",
    "customers",
    "shipments",
    "tracks",
    "invoices",
    "credit_memos",
    "order_updates",
)
FOUND = {
    "find_change": "/orders/{order_number}/changes",
    "find_refund": "/orders/{order_number}/refunds",
    "find_customer": "/customers?key={key}",
}
FLOWS = ["orders", "cancellations", "holds", "payments", "refunds", "customers"]
ERP = {"dedupes": False, "settling_s": 1, "flows": FLOWS, "paths": FOUND}
TAKEN = frozenset({200, 202})
WAIT_SECONDS = 420.0
NEW_NAME = "Verdi"
EXTRA_SKUS = tuple(f"TSHIRT-{color}" for color in ("GREEN", "RED", "BLUE"))


class Day(Record, frozen=True, kw_only=True):
    """How it ended. `difference`: everything of which the two sides say something else."""

    sides: tuple[Side, ...]
    dead: int
    faults: dict[str, int]
    seconds: float

    @property
    def difference(self) -> int:
        """Nothing, on a good day."""
        return sum(len(side.differing) for side in self.sides)


class DayDemo:
    """The store, the ERP with its merchant, and Crossdock between them."""

    def __init__(self, seed: int, settings: Settings, shop: StoreServer, erp: ErpServer) -> None:
        self.shop, self.erp = shop, erp
        self.serving = Serving(_both_ways(settings))
        self._http = Http()
        self._auth = Bearer("sandbox")
        self.merchant = Merchant(erp, self._push, PLACES, seed)

    def run(self, orders: int) -> Day:
        """Open, sell, ship, close; then wait until nothing is under way."""
        began = time.monotonic()
        self.shop.do(lambda store: store.catalog.add(EXTRA_SKUS))
        self.merchant.open([*_skus(Catalog()), *EXTRA_SKUS])
        placer = threading.Thread(target=self._place, args=(orders,))
        placer.start()
        done, refunded = 0, False
        while time.monotonic() - began < WAIT_SECONDS:
            done += self.merchant.work()
            if done >= orders // 2 and not refunded:
                refunded = True
                self.merchant.reprice(0.2)
                self.merchant.rename(0.1)
                self.merchant.marry()
                self.shop.do(_married)
            if done + self._parked() >= orders and not placer.is_alive() and self._quiet():
                break
            time.sleep(0.2)
        placer.join()
        self._refund_some()
        while not (self._quiet() and self._heard()) and time.monotonic() - began < WAIT_SECONDS:
            time.sleep(0.2)
        return self.compared(time.monotonic() - began)

    def compared(self, seconds: float) -> Day:
        """Both sides, thing by thing."""
        drawn = [self.shop.store.lottery.drawn, self.erp.erp.lottery.drawn]
        faults = {name: sum(one.get(name, 0) for one in drawn) for name in sorted({*drawn[0], *drawn[1]})}
        letters = self._dead()
        sides = self.shop.do(lambda store: sides_of(store, self.erp, self.merchant))
        return Day(sides=sides, dead=len(letters), faults=faults, seconds=round(seconds, 1))

    def _place(self, orders: int) -> None:
        for _ in range(orders):
            self.shop.do(lambda store: store.place())
            time.sleep(0.05)

    def _refund_some(self) -> None:
        """The shop's own people give back an order here and there, in the back office."""
        numbers = [
            number
            for number, order in self.shop.do(lambda store: list(store.orders.items()))
            if order["state"] == "complete" and not order.get("total_refunded") and number % 9 == 0
        ]
        for number in numbers:
            self.shop.do(_refunded(number))
        until = time.monotonic() + 60
        while numbers and time.monotonic() < until:
            told = self.erp.do(lambda erp: sum(one.name == "refunds" for one in erp.effects))
            if told >= len(numbers):
                return
            time.sleep(0.2)

    def _push(self, path: str, body: Mapping[str, Any]) -> int:
        """Again and again until it is taken: it is the same document under the same number."""
        request = HttpRequest(
            method="POST",
            url=f"{self.serving.url}/rest/{path}",
            headers={"Content-Type": "application/json"},
            query=(),
            body=msgspec.json.encode(body),
        )
        until = time.monotonic() + 60
        while True:
            try:
                status = self._http.send(self._auth.apply(request)).status
            except DeliveryError:
                status = 0
            if status in TAKEN or time.monotonic() > until:
                return status
            time.sleep(0.1)

    def _quiet(self) -> bool:
        counts = self.serving.crossdock.store.counts()
        return not any(count for (_, _, state), count in counts.items() if state in {"pending", "leased"})

    def _heard(self) -> bool:
        """Whether the ERP knows of the customer's new name: until then the store is yet to be looked at."""
        people = self.erp.do(lambda erp: [*erp.people.kept.values()])
        return any(one["customer"].get("last_name") == NEW_NAME for one in people)

    def _dead(self) -> Sequence[DeliveryView]:
        return self.serving.crossdock.store.dead(DeadFilter())

    def _parked(self) -> int:
        return sum(letter.flow == "orders" for letter in self._dead())


def run_day(orders: int, seed: int, *, calm: bool, json: Path | None, settings: Callable[..., Settings]) -> bool:
    """A whole day; whether the two sides agree at its end."""
    os.environ.setdefault("CROSSDOCK_DEMO_TOKEN", "sandbox")
    os.environ.setdefault("CROSSDOCK_DEMO_WEBHOOK", "demo-webhook-secret")
    faults = NONE if calm else STORM
    with tempfile.TemporaryDirectory(prefix="crossdock-day-") as folder, log.kept_in(Path(folder) / "crossdock.log"):
        shop, erp = StoreServer(seed=seed, faults=faults), ErpServer(seed=seed + 1, faults=faults)
        shop.start()
        erp.start()
        table = {"kind": "rest", "base_url": erp.url, "auth": {"scheme": "bearer", "token": TOKEN}, **ERP}
        day = DayDemo(seed, settings(Path(folder), shop.url, table), shop, erp)
        day.serving.start()
        console.print(
            "A day: orders out; stock, prices, products, shipments, refunds in; customers both ways; faults everywhere."
        )
        try:
            found = day.run(orders)
            letters = day._dead()  # noqa: SLF001  one's own
        finally:
            day.serving.stop()
            shop.stop()
            erp.stop()
    if json:
        json.write_bytes(msgspec.json.format(msgspec.json.encode(found)))
    _report(found)
    for letter in letters:
        console.print(f"waits for a person: {letter.flow} {letter.reference}: {letter.reason}", highlight=False)
    return not found.difference


def _both_ways(settings: Settings) -> Settings:
    told = settings.model_dump(exclude_unset=True)
    told["api"] |= {"wait_s": 0, "clients": {"erp": {"token": TOKEN, "connection": "erp"}}}
    told["connections"]["store"]["settling_s"] = 1
    there = {"flows": FLOWS, "options": {"bundles": "exploded", "customers": {"website": "base"}}}
    options = {
        "inventory": {"warehouses": PLACES},
        "products": {"owned": ["name"], "initial": ["price"]},
        "customers": {"website": "base"},
        "prices": {"scopes": {"ALL": {"store": 0, "website": 0}}, "currency": "EUR", "guard": {"least_rows": 1000}},
    }
    back = {"source": "erp", "target": "store", "flows": BACK, "options": options}
    told["routes"] = [told["routes"][0] | there, back]
    return Settings.model_validate(told)


def _skus(catalog: Catalog) -> list[str]:
    return [row["sku"] for row in catalog.rows.values()]


def _married(store: Store) -> None:
    """Of the store's own customers the first one changes her name, in her account."""
    customers.save(store, store.customers[min(store.customers)], {"lastname": NEW_NAME})


def _refunded(number: int) -> Callable[[Store], int]:
    return lambda store: store.refund(number)


def _report(day: Day) -> None:
    table = Table("", "ERP", "store", "differing", box=None)
    for side in day.sides:
        table.add_row(side.what, str(side.erp), str(side.store), str(len(side.differing)))
    console.print(table)
    for side in day.sides:
        for name in side.differing[:5]:
            console.print(f"[red]differs[/red]: {side.what}: {name}", highlight=False)
    struck = ", ".join(f"{count} {name}" for name, count in day.faults.items())
    console.print(f"In {day.seconds} s. What went wrong on the way: {struck or 'nothing'}.", highlight=False)
    good = (
        f"[green]difference {day.difference}[/green]"
        if not day.difference
        else f"[red]difference {day.difference}[/red]"
    )
    console.print(f"{good}; {day.dead} wait for a person.")
