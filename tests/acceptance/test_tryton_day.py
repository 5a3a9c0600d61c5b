"""A merchant's day between a sandbox store that misbehaves and a real Tryton: at its end both say the same."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import psycopg
import pytest

from crossdock.api.serving import Serving
from crossdock.cli import demo
from crossdock.delivery.store import DeadFilter
from crossdock.sandbox import customers as people
from crossdock.sandbox.faults import STORM
from crossdock.sandbox.run import StoreServer
from crossdock.sandbox.store import Store
from crossdock.settings import Settings
from tests.acceptance.both_sides import SOURCE, WAREHOUSE, Side, differing, lines_of, of_store, of_tryton
from tests.acceptance.clerks_day import CARRIER, SHOP, Business
from tests.databases import postgres_url
from tests.erp.tryton.clerk import Clerk
from tests.tryton_server import Tryton, start_tryton
from tests.walk.world import until

LONG = pytest.mark.skipif(
    os.environ.get("CROSSDOCK_LONG") != "1", reason="a day in Tryton takes minutes: make test-long"
)
pytestmark = [pytest.mark.services, pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.xdist_group("tryton")]
PATIENCE = 300.0
FLOWS = ["orders", "cancellations", "refunds", "customers"]
BACK = ["inventory", "prices", "products", "customers", "shipments", "tracks", "invoices", "credit_memos"]
# orders of customers come first: the stand-in store names the customer by the order's number
KINDS = [
    *("customer", "customer", "simple", "several", "configurable", "mixed", "bundle", "dynamic_bundle", "virtual"),
    *("coupon", "bundle_coupon", "inclusive", "dollars", "simple", "several", "virtual", "mixed", "coupon"),
    *("configurable", "simple", "several", "inclusive", "dynamic_bundle"),
]
NEVER = (13, 15)  # places of orders that are cancelled before anybody hears of them
LATE = 11  # that of one that is cancelled when Tryton has begun with it
DONE = len(KINDS) - len(NEVER) - 1
THERE = {
    "orders": DONE + 1,
    "invoices": DONE,
    "parcels": DONE - KINDS.count("virtual") + 1,
    "refunds of the store": 2,
    "credit memos of Tryton": 2,
    "customers": 5,
}
SHIPPED = 25  # lines, at least


class Day:
    """The store, Crossdock and the people in Tryton."""

    def __init__(self, tryton: Tryton, folder: Path, overlap: float) -> None:
        self.tryton, self.clerk = tryton, Clerk(tryton)
        self.shop = StoreServer(seed=8, faults=STORM)
        self.shop.start()
        self.serving = Serving(settings(folder, self.shop.url, tryton, overlap))
        self.never: list[str] = []
        self.late: list[str] = []
        self.business = Business(tryton, self.clerk, self.late)
        self.goods: list[str] = []

    def stop(self) -> None:
        self.serving.stop()
        self.shop.stop()

    def open(self) -> None:
        self.shop.do(lambda store: store.catalog.add(f"TSHIRT-{one}" for one in ("GREEN", "RED", "BLUE")))
        self.clerk.category(SHOP)
        self.goods = self.business.open()
        self.serving.start()
        until(
            lambda: all(self.clerk.rows("party.party", [("code", "=", f"M{n}")], "code") for n in (1, 2, 3)), PATIENCE
        )

    def sell(self) -> None:
        for place, kind in enumerate(KINDS):
            number = self.shop.do(_cancelled(kind) if place in NEVER else _placed(kind))
            if place in NEVER:
                self.never.append(self.number(number))
            if place == LATE:
                self.late.append(self.number(number))

    def number(self, entity: int) -> str:
        return str(self.shop.do(lambda store: store.orders[entity]["increment_id"]))

    def work(self) -> None:
        """Until every order was dealt with; in between things change on both sides."""
        wanted, changed = DONE, False
        until_then = time.monotonic() + PATIENCE
        while (done := self.business.work()) < wanted or not changed:
            assert time.monotonic() < until_then, (done, self.dead())
            if done >= wanted // 3 and not changed:
                changed = True
                self.change()
            time.sleep(0.2)

    def change(self) -> None:
        self.business.reprice(self.goods[:5], Decimal(31))
        self.business.rename(self.goods[5:10], "Fine")
        self.business.count(self.goods[10:13], 77)
        self.business.welcome("TEL-1", "Ada Lovelace", "Milano")
        self.business.move("M1", "Torino")
        self.shop.do(lambda store: people.save(store, store.customers[2], {"lastname": "Verdi"}))
        self.shop.do(_registered)
        (late,) = self.late
        until(lambda: bool(self.tryton.sales(late)), PATIENCE)
        until(lambda: self.tryton.sales(late)[0]["state"] == "processing", PATIENCE)
        assert self.shop.do(lambda store: store.change(LATE + 1, "cancel"))

    def close(self) -> None:
        """The evening, when the store has all invoices and parcels: both sides give something back."""

        def complete(store: Store) -> list[int]:
            return [n for n, one in store.orders.items() if one["state"] == "complete"]

        until(lambda: len(self.shop.do(complete)) == len(self.business.done), PATIENCE)
        orders = self.shop.do(complete)
        self.business.give_back(self.number(orders[3]), self.number(orders[8]))
        for number in orders[5], orders[10]:
            self.shop.do(_refunded(number))
        taken_back = [("origin", "like", "sale.sale,%"), ("reference", "like", "% CM %"), ("state", "=", "processing")]
        until(lambda: len(self.clerk.rows("sale.sale", taken_back, "state")) == 2, PATIENCE)
        self.business.post_refunds()

    def sides(self) -> tuple[Side, Side]:
        lines = self.shop.do(lines_of)
        left = of_tryton(self.tryton, self.clerk, lines)
        return left, self.shop.do(lambda store: of_store(store, self.never, [*left["prices"]]))

    def rested(self) -> bool:
        counts = self.serving.crossdock.store.counts()
        waits = any(count for (_, _, state), count in counts.items() if state in {"pending", "leased"})
        return not waits and not differing(*self.sides())

    def dead(self) -> list[tuple[str, str, str]]:
        return [(one.flow, one.reference, one.reason or "") for one in self.serving.crossdock.store.dead(DeadFilter())]


def settings(folder: Path, shop_url: str, tryton: Tryton, overlap: float) -> Settings:
    common = {"interval_s": 1, "overlap_s": overlap}
    reads: dict[str, Any] = dict.fromkeys(BACK, common)
    reads["prices"] = common | {"scope": "STD"}
    reads["products"] = common | {"fields": {"name": "name", "price": "list_price_used"}}
    reads["customers"] = common | {"category": SHOP}
    reads["tracks"] = common | {"carriers": {CARRIER: "pigeon_post"}}
    told = demo.settings(folder, shop_url, tryton.settings(flows=FLOWS, reads=reads)).model_dump(exclude_unset=True)
    told["connections"]["store"]["settling_s"] = 1
    rules = {"website": "base", "owners": {"email": "store"}}
    there = {"flows": FLOWS, "options": {"bundles": "exploded", "customers": rules}}
    options = {
        "inventory": {"warehouses": {WAREHOUSE: SOURCE}},
        "products": {"owned": ["name"], "initial": ["price"]},
        "customers": rules,
        "prices": {
            "scopes": {"STD": {"store": 0, "website": 0}},
            "currency": "EUR",
            "tax": "excluded",
            "guard": {"least_rows": 1000},
        },
    }
    told["routes"] = [
        told["routes"][0] | there,
        {"source": "erp", "target": "store", "flows": BACK, "options": options},
    ]
    return Settings.model_validate(told)


def _placed(kind: str) -> Callable[[Store], int]:
    return lambda store: store.place(kind)


def _cancelled(kind: str) -> Callable[[Store], int]:
    def act(store: Store) -> int:
        number = store.place(kind)
        assert store.change(number, "cancel")
        return number

    return act


def _refunded(number: int) -> Callable[[Store], int]:
    return lambda store: store.refund(number)


def _first(kept: dict[Any, Any]) -> Any:
    return next(iter(kept.values()))


# what must be seen where the store says something else
SPOILS: dict[str, Callable[[Store], Any]] = {
    "orders": lambda store: _first(store.orders).update(grand_total=1),
    "refunds of the store": lambda store: [one.update(comments=["by crossdock"]) for one in store.memos.values()],
    "credit memos of Tryton": lambda store: store.memos.clear(),
    "shipped lines": lambda store: _first(store.shipments)["items"][0].update(qty=99),
    "parcels": lambda store: _first(store.shipments)["tracks"].append({"track_number": "T-twice"}),
    "invoices": lambda store: store.invoices.update({999: _first(store.invoices)}),
    "stock levels": lambda store: store.source_items["SIM-0007", SOURCE].update(quantity=1),
    "prices": lambda store: store.prices.kept["base"]["sim-0007", 0].update(price=1),
    "product names": lambda store: store.catalog.rows["sim-0007"].update(name="Shirt"),
    "customers": lambda store: store.customers[1].update(lastname="Rossa"),
}


def _registered(store: Store) -> None:
    told = {"firstname": "Nina", "lastname": "Neri", "email": "nina@example.com", "website_id": 1}
    people.make(store, cast("Any", SimpleNamespace(body={"customer": told})))


@pytest.fixture(params=[pytest.param("sqlite", marks=LONG), pytest.param("postgres", marks=LONG)])
def day(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Day]:
    monkeypatch.setenv("CROSSDOCK_DEMO_TOKEN", "sandbox")
    monkeypatch.setenv("CROSSDOCK_DEMO_WEBHOOK", "demo-webhook-secret")
    with ExitStack() as stack:
        database = ""
        if request.param == "postgres":
            database = stack.enter_context(postgres_url())
            with psycopg.connect(database, autocommit=True) as admin:
                name = database.rpartition("/")[2]
                admin.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off')  # filling it is quicker so
        tryton = stack.enter_context(start_tryton(tmp_path / "tryton", more=True, postgres=database))
        made = Day(tryton, tmp_path, 30 if database else 5)
        stack.callback(made.stop)
        yield made


def test_a_day_ends_with_no_difference(day: Day) -> None:
    day.open()
    day.sell()
    day.work()
    day.close()
    end = time.monotonic() + PATIENCE
    while not day.rested() and time.monotonic() < end:
        time.sleep(1)
    left, right = day.sides()
    assert differing(left, right) == {}, day.dead()
    # Tryton cannot cancel what it has begun to process (README of erp/tryton): a person must
    ((flow, number, reason),) = day.dead()
    assert (flow, number) == ("cancellations", day.late[0])
    assert "processing already: a person must cancel it" in reason
    assert {what: len(names) for what, names in left.items()} == THERE | {
        "shipped lines": len(left["shipped lines"]),
        **dict.fromkeys(("stock levels", "prices", "product names"), len(day.goods)),
    }
    assert len(left["shipped lines"]) > SHIPPED
    assert day.shop.store.lottery.drawn.keys() >= {"error_after", "reset_after", "garbage_after", "busy"}
    for what, spoil in SPOILS.items():
        day.shop.do(spoil)
        assert what in differing(left, day.sides()[1]), f"{what} differ, and it was not seen"
