"""Prices and products on both sides: planted drifts, found, rightly named and repaired, over real HTTP, both storages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from crossdock.reconciliation.drift import Cause, Repair
from tests.databases import postgres_url, sqlite_url
from tests.walk.reconciled import Town, causes
from tests.walk.test_prices import EASY, SCOPES
from tests.walk.test_sandbox_bugs import TOKEN
from tests.walk.test_state_polling import PRICE_READS, PRODUCT_READS
from tests.walk.world import until

SKUS = 12
Row = dict[str, Any]


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield sqlite_url(tmp_path)
        return
    with postgres_url() as url:
        yield url


@pytest.fixture
def town(tmp_path: Path, database: str) -> Iterator[Town]:
    reads = {
        "prices": PRICE_READS | {"interval_s": 0, "page_size": 100},
        "products": PRODUCT_READS | {"interval_s": 0, "page_size": 100},
    }
    options = {
        "prices": {"scopes": SCOPES, "currency": "EUR", "guard": EASY},
        "products": {"owned": ["name", "description"], "websites": ["base"]},
    }
    with ExitStack() as stack:
        yield Town(tmp_path, database, stack, reads=reads, options=options, flows=["prices", "products"])


def priced(number: int, net: str) -> Row:
    return {"sku": f"SIM-{number:04}", "scope": "STD", "amount": {"net": net, "gross": "0"}}


def ask(town: Town, method: str, path: str, body: Any = None) -> Any:
    head = {"Authorization": f"Bearer {TOKEN}"}
    return httpx.request(method, f"{town.shop.url}/rest/all/V1/{path}", json=body, headers=head).json()


def price(town: Town, number: int) -> float:
    rows = ask(town, "POST", "products/base-prices-information", {"skus": [f"SIM-{number:04}"]})
    return {row["store_id"]: float(row["price"]) for row in rows}[0]


def overwrite(town: Town, number: int, amount: float) -> None:
    row = {"sku": f"SIM-{number:04}", "store_id": 0, "price": amount}
    assert ask(town, "POST", "products/base-prices", {"prices": [row]}) == []


@pytest.fixture
def shop(town: Town) -> Town:
    town.lists("prices", *(priced(number, f"{number}.50") for number in range(1, SKUS + 1)))
    town.scan("prices")
    with town.working() as crossdock:
        until(lambda: price(town, SKUS) == SKUS + 0.5)
        town.settled(crossdock, "prices")
    return town


def test_prices_of_every_cause_are_found_and_named_and_repaired(shop: Town) -> None:
    assert shop.compare("prices")[1] == []
    shop.lists("prices", priced(999, "3"))
    shop.erp.do(lambda erp: None)
    shop.scan("prices")
    with shop.working() as crossdock:
        until(lambda: ("prices", "store", "dead") in crossdock.store.counts())
    shop.lists("prices", priced(6, "99"))
    shop.scan("prices")
    overwrite(shop, 2, 500)
    overwrite(shop, 8, 8.495)
    shop.lists("prices", priced(4, "77"), priced(30, "5"))
    run, drifts = shop.compare("prices")
    assert causes(drifts) == {
        "price/base/0/sim-0002": "overwritten-in-store",
        "price/base/0/sim-0004": "changed-in-erp",
        "price/base/0/sim-0030": "never-captured",
        "price/base/0/sim-0999": "dead-letter",
        "price/base/0/sim-0006": "still-waiting",
        "price/base/0/sim-0008": "rounding",
    }
    found = {one.key.rpartition("/")[2]: one for one in drifts}
    assert (found["sim-0002"].erp_value, found["sim-0002"].store_value) == ("2.5", "500")
    assert found["sim-0002"].repair is Repair.OWE
    with shop.working() as crossdock:
        crossdock.reconciling.repairs.apply(run, "test", "w")
        until(lambda: [price(shop, n) for n in (2, 4, 6, 30)] == [2.5, 77, 99, 5])
        shop.settled(crossdock, "prices")
    assert set(causes(shop.compare("prices")[1]).values()) == {"rounding", "dead-letter"}


def test_prices_are_summed_by_kind(shop: Town) -> None:
    overwrite(shop, 2, 500)
    run, _ = shop.compare("prices")
    with shop.idle() as one:
        totals = one.store.reconciliations.totals(run.began_at.date(), "prices")
    sums = {(total.side, total.unit): total.amount for total in totals}
    told = sum((Decimal(number) + Decimal("0.5") for number in range(1, SKUS + 1)), Decimal(0))
    assert sums["erp", "base prices"] == told
    assert sums["store", "base prices"] == told - Decimal("2.5") + 500


def product(number: int, name: str) -> Row:
    return {"sku": f"SIM-{number:04}", "texts": [{"lang": "en", "name": name, "long": "soft"}], "list_price": "5"}


def test_what_the_erp_owns_of_a_product_is_compared_field_by_field(town: Town) -> None:
    town.lists("products", *(product(number, f"Product {number}") for number in range(1, 5)))
    town.scan("products")
    with town.working() as crossdock:
        until(lambda: ask(town, "GET", "products/SIM-0004")["name"] == "Product 4")
        town.settled(crossdock, "products")
    assert town.compare("products")[1] == []
    body = {"product": {"sku": "SIM-0002", "name": "By hand", "price": 99}}  # the price is the store's own
    ask(town, "PUT", "products/SIM-0002", body)
    town.lists("products", product(3, "Another"))
    run, drifts = town.compare("products")
    found = [(one.key, one.field, one.erp_value, one.store_value, one.cause) for one in drifts]
    assert sorted(found) == [
        ("product/sim-0002", "name", "Product 2", "By hand", Cause.OVERWRITTEN),
        ("product/sim-0003", "name", "Another", "Product 3", Cause.CHANGED_IN_ERP),
    ]
    with town.working() as crossdock:
        crossdock.reconciling.repairs.apply(run, "test", "w")
        until(lambda: ask(town, "GET", "products/SIM-0002")["name"] == "Product 2")
        until(lambda: ask(town, "GET", "products/SIM-0003")["name"] == "Another")
        town.settled(crossdock, "products")
    assert town.compare("products")[1] == []
