"""Prices and products that an ERP lists in its own words, read into the store over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from crossdock.app import Crossdock
from crossdock.cli.main import app
from crossdock.erp.rest.rows import columns
from crossdock.erp.rest.settings import ReadSettings
from crossdock.feeds.polling import Road, Tally
from crossdock.flows import PRICES, PRODUCTS
from crossdock.sandbox.faults import NONE, Bugs, Faults
from crossdock.sandbox.run import ErpServer, StoreServer
from crossdock.settings import Settings
from tests.databases import postgres_url, sqlite_url
from tests.walk.files import toml
from tests.walk.test_prices import EASY, SCOPES
from tests.walk.test_sandbox_bugs import TOKEN, configured
from tests.walk.world import until

Row = dict[str, Any]
PRICE_READS = {
    "path": "/prices?after_seq={since}&limit={limit}",
    "change_field": "seq",
    "head_field": "head",
    "page_size": 4,
    "interval_s": 0.1,
    "fields": {"kind": "'base'", "sku": "sku", "scope": "scope", "price": "amount.net", "version": "seq"},
}
PRODUCT_READS = {
    "path": "/products?changed_since={since}&after_id={after}&limit={limit}",
    "change_field": "changed_at",
    "change_is": "time",
    "id_field": "id",
    "page_size": 4,
    "interval_s": 0.1,
    "fields": {
        "sku": "sku",
        "name": "texts[?lang=='en'].name | [0]",
        "price": "list_price",
        "attributes": "{color: colour, description: texts[0].long}",
        "categories": "groups[].path",
        "images": "pictures[].{source: url, label: title}",
    },
}
OWNED = ["name", "description", "color", "categories"]


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield sqlite_url(tmp_path)
        return
    with postgres_url() as url:
        yield url


class Town:
    """A store and an ERP that lists prices and products."""

    def __init__(self, folder: Path, database: str, stack: ExitStack, faults: Faults) -> None:
        self.stack, self.folder = stack, folder
        self.shop, self.erp = StoreServer(seed=5, token=TOKEN), ErpServer(seed=6, token=TOKEN, faults=faults)
        for server in (self.shop, self.erp):
            server.start()
            stack.callback(server.stop)
        told = configured(folder, self.shop, self.erp).model_dump(exclude_unset=True)
        told["database"] = {"url": database}
        told["connections"]["store"]["settling_s"] = 0.3
        told["connections"]["erp"]["reads"] = {"prices": PRICE_READS, "products": PRODUCT_READS}
        options = {
            "prices": {"scopes": SCOPES, "currency": "EUR", "guard": EASY},
            "products": {"owned": OWNED, "websites": ["base"]},
        }
        back = {"source": "erp", "target": "store", "flows": ["prices", "products"], "options": options}
        told["routes"] = [*told["routes"], back]
        self.settings = Settings.model_validate(told)

    def crossdock(self) -> Crossdock:
        one = Crossdock(self.settings)
        self.stack.callback(one.stop)
        one.start()
        return one

    def scan(self, flow: str, *, full: bool = False) -> Tally | None:
        """By a Crossdock that does nothing by itself."""
        idle = Crossdock(self.settings)
        try:
            return idle.readers.by_road[Road(source="erp", target="store", flow=flow)].scan(full=full)
        finally:
            idle.store.close()

    def says(self, *words: str) -> Any:
        file = self.folder / "crossdock.toml"
        file.write_text(toml(self.settings.model_dump(mode="json", exclude_unset=True)))
        done = CliRunner().invoke(app, [*words, "-c", str(file)])
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    def lists(self, what: str, *rows: Row) -> None:
        self.erp.do(lambda erp: erp.lists[what].change(rows))

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """What the store itself answers, over HTTP."""
        head = {"Authorization": f"Bearer {TOKEN}"}
        return httpx.request(method, f"{self.shop.url}/rest/all/V1/{path}", json=body, headers=head).json()

    def price(self, sku: str) -> float | None:
        rows = self.ask("POST", "products/base-prices-information", {"skus": [sku]})
        return {row["store_id"]: float(row["price"]) for row in rows}.get(0)

    def product(self, sku: str) -> Row:
        found: Row = self.ask("GET", f"products/{sku}")
        return found


@contextmanager
def town_of(folder: Path, database: str, faults: Faults = NONE) -> Iterator[Town]:
    with ExitStack() as stack:
        yield Town(folder, database, stack, faults)


@pytest.fixture
def town(tmp_path: Path, database: str) -> Iterator[Town]:
    with town_of(tmp_path, database) as found:
        yield found


def priced(number: int, net: str) -> Row:
    return {"sku": f"SIM-{number:04}", "scope": "STD", "amount": {"net": net, "gross": "0"}}


def article(number: int, name: str) -> Row:
    texts = [{"lang": "de", "name": "x", "long": f"About {number}"}, {"lang": "en", "name": name, "long": "x"}]
    groups = [{"path": "Men/Shirts"}]
    return {"sku": f"NEW-{number}", "list_price": "9.5", "texts": texts, "colour": None, "groups": groups}


def test_prices_that_the_erp_lists_reach_the_store(town: Town) -> None:
    town.lists("prices", *(priced(number, f"{number}.25") for number in range(1, 8)))
    town.crossdock()
    until(lambda: [town.price(f"SIM-{number:04}") for number in range(1, 8)] == [n + 0.25 for n in range(1, 8)])
    town.lists("prices", priced(3, "3.5"))
    until(lambda: town.price("SIM-0003") == 3.5)
    whole: list[Tally] = []

    def read_all() -> bool:
        tally = town.scan("prices", full=True)
        whole.extend([tally] if tally else [])
        return bool(whole)

    until(read_all)
    assert (whole[0].rows, whole[0].changed) == (7, 0), "a full run reads everything and changes nothing"


def test_products_that_the_erp_lists_reach_the_store(town: Town) -> None:
    town.lists("products", *(article(number, f"Shirt {number}") for number in range(1, 7)))
    town.crossdock()
    until(lambda: all(town.product(f"NEW-{number}").get("name") == f"Shirt {number}" for number in range(1, 7)))
    custom = {one["attribute_code"]: one["value"] for one in town.product("NEW-2")["custom_attributes"]}
    assert custom["description"] == "About 2"
    town.lists("products", article(2, "Blouse"))
    until(lambda: town.product("NEW-2")["name"] == "Blouse")


def test_what_is_committed_late_comes_too(tmp_path: Path, database: str) -> None:
    with town_of(tmp_path, database, Faults(bugs=Bugs(late_commits=0.5, late_commit_s=0.7))) as town:
        town.crossdock()
        for number in range(1, 9):
            town.lists("prices", priced(number, f"{number}.75"))
            town.lists("products", article(number, f"Late {number}"))
        until(lambda: [town.price(f"SIM-{number:04}") for number in range(1, 9)] == [n + 0.75 for n in range(1, 9)])
        until(lambda: all(town.product(f"NEW-{number}").get("name") == f"Late {number}" for number in range(1, 9)))


def test_a_row_that_no_database_can_hold_is_rejected_and_the_rest_goes_on(town: Town) -> None:
    town.lists("prices", {"sku": "A\x00B", "scope": "STD", "amount": {"net": "1"}}, priced(1, "4.25"))
    town.crossdock()
    until(lambda: town.price("SIM-0001") == 4.25)
    (feed,) = town.says("feeds", "list", "--rejected", "--json")
    assert (feed["flow"], feed["total"], feed["rejected"]) == ("prices", 2, 1)
    (row,) = town.says("feeds", "show", str(feed["id"]), "--rejected", "--json")
    assert row == {"row": 1, "about": "AB", "outcome": "rejected", "reason": "sku: has control characters"}
    assert len(town.says("feeds", "show", str(feed["id"]), "--json")) == 2


def test_nested_fields_become_tiers_and_images() -> None:
    tiers = {
        "kind": "'tier'",
        "sku": "code",
        "tiers": "steps[].{scope: list, group: 'ALL GROUPS', quantity: from, price: net}",
    }
    settings = ReadSettings.model_validate({"path": "/p?after={cursor}", "cursor_field": "c", "fields": tiers})
    row = columns({"code": "A", "steps": [{"list": "STD", "from": 10, "net": "9.5"}]}, settings)
    options = {"scopes": SCOPES, "currency": "EUR", "tiers": "replace"}
    assert PRICES.state is not None
    price = PRICES.state.reader(options)(row)
    assert [(str(step.quantity), str(step.amount)) for step in price.steps] == [("10", "9.5")]
    settings = ReadSettings.model_validate(
        {"path": "/p?after={cursor}", "cursor_field": "c"} | {"fields": PRODUCT_READS["fields"]}
    )
    pictures = [{"url": "https://img.example.com/a.jpg", "title": "Front"}, {"url": "https://img.example.com/b.jpg"}]
    told = columns(article(1, "Shirt") | {"pictures": pictures}, settings)
    assert PRODUCTS.state is not None
    product = PRODUCTS.state.reader({"owned": [*OWNED, "images"], "initial": []})(told)
    assert [(one.source, one.label) for one in product.pictures or ()] == [
        (one["url"], one.get("title", "")) for one in pictures
    ]
