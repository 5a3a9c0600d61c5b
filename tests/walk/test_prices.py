"""Prices from an ERP, pushed and as a file, to the store over real HTTP, and what the store really holds then."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import hypothesis
import pytest
from hypothesis import strategies as st
from typer.testing import CliRunner

from crossdock.api.serving import Serving
from crossdock.cli.main import app
from crossdock.sandbox.faults import NONE, Faults
from crossdock.sandbox.run import ErpServer, StoreServer
from crossdock.settings import Settings
from tests.databases import postgres_url, sqlite_url
from tests.long import only_at_length
from tests.walk.files import toml
from tests.walk.test_sandbox_bugs import TOKEN, configured
from tests.walk.world import settled, until

V1, V2 = "/rest/V1/erp/prices/update", "/rest/V2/erp/prices/update"
SCOPES = {"STD": {"store": 0, "website": 0}, "US": {"store": 2, "website": 1}, "LOST": {"store": 99, "website": 9}}
EASY = {"change_percent": 50, "rows_percent": 100, "zero_percent": 100}
Row = dict[str, Any]
runner = CliRunner()


class World:
    def __init__(self, shop: StoreServer, serving: Serving) -> None:
        self.shop, self.crossdock = shop, serving.crossdock
        self.http = httpx.Client(base_url=serving.url, headers={"Authorization": "Bearer t0ken"}, timeout=60)

    def push(self, *rows: Row, path: str = V2, **headers: str) -> httpx.Response:
        return self.http.post(path, json={"items": list(rows)}, headers=headers)

    def pushed(self, *rows: Row) -> list[str]:
        answer = self.push(*rows)
        assert answer.status_code == 200, answer.text
        return [row["outcome"] for row in answer.json()["rows"]]

    def reasons(self, *rows: Row) -> list[str]:
        return [row.get("reason", "") for row in self.push(*rows).json()["rows"]]

    def told(self, kind: str, sku: str) -> list[Row]:
        """What the store itself answers, over HTTP."""
        name = {"base": "base-prices", "special": "special-price", "tier": "tier-prices", "cost": "cost"}[kind]
        url = f"{self.shop.url}/rest/all/V1/products/{name}-information"
        answer = httpx.post(url, json={"skus": [sku]}, headers={"Authorization": f"Bearer {TOKEN}"})
        return sorted(answer.json(), key=str)

    def price(self, sku: str) -> float:
        return float({row["store_id"]: row["price"] for row in self.told("base", sku)}[0])

    def writes(self, what: str = "") -> int:
        marks = ("POST", "PUT")
        return self.shop.do(
            lambda store: sum(
                one.startswith(marks) and f"products/{what}" in one and "information" not in one
                for one in store.requests
            )
        )


def base(sku: str, price: Any, scope: str = "STD", **more: Any) -> Row:
    return {"kind": "base", "sku": sku, "scope": scope, "price": price} | more


def special(sku: str, price: Any, begins: str = "", ends: str = "", **more: Any) -> Row:
    return {"kind": "special", "sku": sku, "scope": "STD", "price": price, "from": begins, "to": ends} | more


def tier(sku: str, quantity: Any, group: str = "ALL GROUPS", scope: str = "STD", **more: Any) -> Row:
    return {"kind": "tier", "sku": sku, "scope": scope, "group": group, "quantity": quantity} | more


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield sqlite_url(tmp_path)
        return
    with postgres_url() as url:
        yield url


def with_prices(plain: Settings, database: str, options: Row) -> Settings:
    told = plain.model_dump(exclude_unset=True)
    told["database"] = {"url": database}
    client = {"token": plain.connections["erp"]["auth"]["token"], "connection": "erp"}
    told["api"] = {"port": 0, "clients": {"sap": client}, "rows_at_once": 80, "wait_s": 20}
    told["connections"]["store"]["settling_s"] = 0.3
    prices = {"scopes": SCOPES, "currency": "EUR", "guard": EASY} | options
    back = {"source": "erp", "target": "store", "flows": ["prices"], "options": {"prices": prices}}
    told["routes"] = [*told["routes"], back]
    return Settings.model_validate(told)


@contextmanager
def world_with(folder: Path, database: str, faults: Faults = NONE, **options: Any) -> Iterator[World]:
    shop, erp = StoreServer(seed=5, token=TOKEN, faults=faults), ErpServer(seed=6, token=TOKEN)
    shop.start()
    erp.start()
    serving = Serving(with_prices(configured(folder, shop, erp), database, options))
    serving.start()
    world = World(shop, serving)
    try:
        yield world
    finally:
        world.http.close()
        serving.stop()
        shop.stop()
        erp.stop()


@pytest.fixture
def world(tmp_path: Path, database: str) -> Iterator[World]:
    with world_with(tmp_path, database) as found:
        yield found


def test_every_kind_of_price_reaches_the_store(world: World) -> None:
    rows = [
        base("SIM-0001", "11.50"),
        special("SIM-0001", 9.99, "2026-11-27", "2026-11-30"),
        tier("SIM-0001", 5, price="8"),
        tier("SIM-0001", 2, "general", discount=10),
        {"kind": "cost", "sku": "SIM-0001", "scope": "STD", "price": "4.123456"},
    ]
    answer = world.push(*rows, path=V1)
    assert answer.json() == {"success": True, "result": {"success_count": 5, "error_count": 0, "errors": []}}
    sku = {"sku": "SIM-0001"}
    assert world.told("base", "SIM-0001") == [{"price": 11.5, "store_id": 0, **sku}]
    days = {"price_from": "2026-11-27 00:00:00", "price_to": "2026-11-30 00:00:00"}
    assert world.told("special", "SIM-0001") == [{"price": 9.99, "store_id": 0, **days, **sku}]
    found = {
        (row["customer_group"], row["quantity"], row["price_type"], row["price"])
        for row in world.told("tier", "SIM-0001")
    }
    assert found == {("all groups", 5, "fixed", 8), ("General", 2, "discount", 10)}
    assert world.told("cost", "SIM-0001") == [{"cost": 4.123456, "store_id": 0, **sku}]
    before = world.writes()
    assert world.pushed(*rows) == ["unchanged"] * 5
    assert world.writes() == before


def test_failed_rows_inside_a_200_cost_themselves_only(world: World) -> None:
    shirt = {"id": 999, "entity_id": 999, "sku": "TSHIRT", "name": "T", "type_id": "configurable"}
    world.shop.do(lambda store: store.catalog.rows.update(tshirt=shirt))
    assert world.pushed(base("SIM-0001", 3), base("TSHIRT", 4), base("SIM-0002", 5)) == [
        "applied",
        "rejected",
        "applied",
    ]
    assert (world.price("SIM-0001"), world.price("SIM-0002")) == (3, 5)
    rows = [tier("SIM-0001", 2, price=3), tier("SIM-0002", 2, "Nobody", price=3), tier("SIM-0003", "0.5", price=3)]
    answer = world.push(*rows).json()["rows"]
    assert [row["outcome"] for row in answer] == ["applied", "rejected", "rejected"]
    assert "No such entity with Customer Group = Nobody" in answer[1]["reason"]
    assert "Invalid attribute Quantity = 0.5" in answer[2]["reason"]
    assert [len(world.told("tier", f"SIM-000{n}")) for n in (1, 2, 3)] == [1, 0, 0]


def test_an_error_that_fits_two_rows_is_told_of_the_right_one(world: World) -> None:
    """Both rows are of one SKU: the quantity among the error's parameters tells which is meant."""
    world.shop.do(lambda store: setattr(store.prices, "scope", "website"))
    rows = [tier("SIM-0001", 2, "General", price=3), tier("SIM-0001", 2, "General", "US", price=4)]
    assert world.pushed(rows[0]) == ["applied"]
    answer = world.push(rows[1], tier("SIM-0001", 3, "General", "US", price=4)).json()["rows"]
    assert [row["outcome"] for row in answer] == ["rejected", "applied"]
    assert "We found a duplicate website" in answer[0]["reason"]


@pytest.mark.parametrize("kind", ["base", "special", "tier", "cost"])
def test_an_unknown_sku_is_refused_before_it_spoils_a_call(world: World, kind: str) -> None:
    more: Row = {"group": "General", "quantity": 2} if kind == "tier" else {}
    rows = [{"kind": kind, "sku": sku, "scope": "STD", "price": 7} | more for sku in ("SIM-0001", "NOPE", "SIM-0002")]
    assert world.pushed(*rows) == ["applied", "rejected", "applied"]
    assert len(world.told(kind, "SIM-0002")) == 1


def test_a_product_that_went_since_it_was_looked_up_costs_itself_only(world: World) -> None:
    rows = [tier(f"SIM-{number:04}", 2, price=7) for number in range(1, 21)]
    assert set(world.pushed(*rows)) == {"applied"}
    world.shop.do(lambda store: store.catalog.rows.pop("sim-0007"))
    found = world.pushed(*(row | {"price": 6} for row in rows))
    assert found.count("applied") == 19
    assert found[6] == "rejected"


def test_scopes_are_explicit_and_must_be_there(world: World) -> None:
    rows = [base("SIM-0001", 3, "??"), base("SIM-0001", 3, ""), base("SIM-0001", 3, "LOST"), base("SIM-0001", 3, "US")]
    reasons = world.reasons(*rows, tier("SIM-0001", 2, scope="LOST", price=1))
    wanted = ["is not in the route's", "scope: is missing", "no store view 99", "price scope global", "no website 9"]
    assert [one in reason for one, reason in zip(wanted, reasons, strict=True)] == [True] * 5, reasons
    assert world.price("SIM-0001") == 10
    assert world.writes() == 0


def test_a_store_whose_websites_have_prices_of_their_own(tmp_path: Path) -> None:
    with world_with(tmp_path, sqlite_url(tmp_path)) as world:
        world.shop.do(lambda store: setattr(store.prices, "scope", "website"))
        assert world.pushed(base("SIM-0001", 3, "US"), base("SIM-0001", 4)) == ["applied", "applied"]
        assert {row["store_id"]: row["price"] for row in world.told("base", "SIM-0001")} == {0: 4, 1: 3, 2: 3}


def test_a_currency_that_is_not_the_stores_is_refused(tmp_path: Path) -> None:
    with world_with(tmp_path, sqlite_url(tmp_path), currency="") as world:
        rows = [base("SIM-0001", 3, currency="EUR"), base("SIM-0002", 3, currency="USD"), base("SIM-0003", 3)]
        assert world.pushed(*rows) == ["applied", "rejected", "rejected"]
        assert "the store's base currency is EUR" in world.reasons(*rows)[1]
        assert world.price("SIM-0002") == 10


def test_an_older_price_never_wins(world: World) -> None:
    assert world.pushed(base("SIM-0001", 5, version=10)) == ["applied"]
    assert world.pushed(base("SIM-0001", 4, version=9), base("SIM-0002", 4, version=1)) == ["stale", "applied"]
    assert world.price("SIM-0001") == 5


def test_a_special_price_without_an_end_does_not_keep_the_old_one(world: World) -> None:
    world.pushed(special("SIM-0001", 9, "2026-11-27", "2026-11-30"))
    assert world.pushed(special("SIM-0001", 8, "2026-12-01")) == ["applied"]
    (row,) = world.told("special", "SIM-0001")
    assert (row["price"], row["price_from"], row.get("price_to")) == (8, "2026-12-01 00:00:00", None)


def test_what_is_withdrawn_is_gone_and_its_neighbours_stay(world: World) -> None:
    world.pushed(special("SIM-0001", 9), tier("SIM-0001", 2, price=8), tier("SIM-0001", 5, price=7))
    gone = [special("SIM-0001", "", remove=True), tier("SIM-0001", 2, remove="true"), tier("SIM-0002", 2, remove=True)]
    assert world.pushed(*gone) == ["applied"] * 3
    assert world.told("special", "SIM-0001") == []
    assert [row["quantity"] for row in world.told("tier", "SIM-0001")] == [5]


def test_ladders_replace_all_that_their_sku_has(tmp_path: Path) -> None:
    with world_with(tmp_path, sqlite_url(tmp_path), tiers="replace") as world:
        step = {"scope": "STD", "group": "ALL GROUPS", "quantity": 5, "price": 8}
        two = {"kind": "tier", "sku": "SIM-0001", "tiers": [step, step | {"quantity": 10, "price": 7}]}
        one = two | {"tiers": [step | {"quantity": 20, "price": 6}]}
        other = two | {"sku": "SIM-0002"}
        assert world.pushed(two, other) == ["applied", "applied"]
        assert world.pushed(one) == ["applied"]
        assert [row["quantity"] for row in world.told("tier", "SIM-0001")] == [20]
        assert len(world.told("tier", "SIM-0002")) == 2
        assert world.pushed(two | {"tiers": []}) == ["applied"]
        assert world.told("tier", "SIM-0001") == []
        assert world.reasons(tier("SIM-0001", 5, price=8))[0].startswith(
            ("group", "quantity", "scope", "tiers", "price")
        )


def test_prices_that_change_too_much_wait_for_a_person(tmp_path: Path, database: str) -> None:
    guard = {"change_percent": 30, "rows_percent": 20, "least_rows": 2}
    with world_with(tmp_path, database, guard=guard) as world:
        skus = [f"SIM-{number:04}" for number in range(1, 11)]
        assert set(world.pushed(*(base(sku, 10) for sku in skus))) == {"applied"}
        assert set(world.pushed(*(base(sku, 12) for sku in skus))) == {"applied"}
        answer = world.push(*(base(sku, 1200) for sku in skus)).json()
        assert {row["outcome"] for row in answer["rows"]} == {"held"}
        assert world.price("SIM-0001") == 12
        assert world.pushed(base("SIM-0001", 13)) == ["applied"], "the rest goes on"
        held = world.crossdock.store.levels.feed(int(answer["job"]))
        assert held is not None
        assert "change by more than 30" in held.reason
        assert world.crossdock.feeds.approve(held, "maria", "new currency")
        until(lambda: world.price("SIM-0010") == 1200)
        assert world.price("SIM-0001") == 13, "newer than the feed that was held"


def test_maintenance_locks_and_lost_answers_in_the_middle_lose_no_price(tmp_path: Path, database: str) -> None:
    if database.startswith("sqlite"):
        only_at_length("as on PostgreSQL")
    rates = {"down": 0.3, "locked": 0.2, "reset_after": 0.2, "error_after": 0.1}
    with world_with(tmp_path, database) as world:
        world.shop.set_faults(Faults(classes={"write": rates, "read": {"down": 0.3, "error_before": 0.2}}))
        for turn in range(1, 6):
            rows = [base(f"SIM-{n:04}", turn * 100 + n, version=turn) for n in range(1, 31)]
            rows += [tier(f"SIM-{n:04}", 2, price=turn * 10 + n, version=turn) for n in range(1, 31)]
            world.push(*rows)
        until(lambda: settled(world.crossdock), 60)
        struck = world.shop.do(lambda store: dict(store.lottery.drawn))
        world.shop.set_faults(NONE)
        assert {"down", "locked", "reset_after"} <= struck.keys()
        for n in range(1, 31):
            assert world.price(f"SIM-{n:04}") == 500 + n
            assert [row["price"] for row in world.told("tier", f"SIM-{n:04}")] == [50 + n]


@pytest.fixture
def filed(tmp_path: Path) -> Iterator[World]:
    with world_with(tmp_path, f"sqlite:///{tmp_path}/crossdock.sqlite") as found:
        plain = found.crossdock.settings.model_dump(mode="json", exclude_unset=True)
        (tmp_path / "crossdock.toml").write_text(toml(plain))
        yield found


def ran(folder: Path, *words: str) -> Any:
    return runner.invoke(app, [*words, "--config", str(folder / "crossdock.toml")])


def test_a_file_of_prices_reaches_the_store(filed: World, tmp_path: Path) -> None:
    header = ran(tmp_path, "import", "prices", "--template").output.strip()
    cells = {
        "a": "base,SIM-0001,STD,12.30,EUR,,,,,,,,,,",
        "b": "special,SIM-0001,STD,9.99,,,2026-11-27,2026-11-30,,,,,,,",
        "c": "tier,SIM-0001,STD,8,,,,,ALL GROUPS,5,,,,,",
        "d": "base,NOPE,STD,8,,,,,,,,,,,",
        "e": "base,SIM-0002,,8,,,,,,,,,,,",
        "f": "base,SIM-0003,STD,8,,,2026-01-01,,,,,,,,",
    }
    (tmp_path / "prices.csv").write_text("\n".join([header, *cells.values()]) + "\n")
    told = ran(tmp_path, "import", "prices", str(tmp_path / "prices.csv"), "--report", str(tmp_path / "bad.csv"))
    assert told.exit_code == 1, told.output
    assert "6 rows, 4 changed, 0 unchanged, 0 stale, 2 rejected" in told.output
    assert [line.split(",")[2] for line in (tmp_path / "bad.csv").read_text().splitlines()[1:]] == ["scope", "from"]
    until(lambda: filed.price("SIM-0001") == 12.3 and bool(filed.told("tier", "SIM-0001")))
    until(lambda: settled(filed.crossdock))
    assert filed.price("SIM-0002") == filed.price("SIM-0003") == 10
    again = ran(tmp_path, "import", "prices", str(tmp_path / "prices.csv"))
    assert "3 unchanged" in again.output, again.output


def test_a_price_is_explained_apart_from_stock(filed: World, tmp_path: Path) -> None:
    filed.pushed(base("SIM-0001", 12), special("SIM-0001", 9))
    told = ran(tmp_path, "explain", "price", "SIM-0001")
    assert told.exit_code == 0, told.output
    assert "price/base/0/sim-0001" in told.output
    assert "price/special/0/sim-0001" in told.output
    assert "12 EUR" in told.output
    assert "The price is in store" in told.output
    assert "what stands came by it" in told.output
    assert ran(tmp_path, "explain", "sku", "SIM-0001").exit_code == 1, "no level was ever told"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
ROW = st.fixed_dictionaries(
    {"kind": st.sampled_from(["base", "special", "tier", "cost"]) | JSON},
    optional={
        "sku": st.just("SIM-0001") | JSON,
        "scope": st.just("STD") | JSON,
        "price": st.just(3) | JSON,
        "currency": st.just("EUR") | JSON,
        "tax": JSON,
        "from": st.just("2026-01-01") | JSON,
        "to": st.just("2027-01-01") | JSON,
        "group": st.just("General") | JSON,
        "quantity": st.just(2) | JSON,
        "discount": JSON,
        "remove": JSON,
        "tiers": JSON,
        "version": JSON,
        "as_of": st.just("0001-01-01T00:00:00+14:00") | JSON,
    },
)


@pytest.mark.parametrize("tiers", ["merge", "replace"])
def test_hostile_bodies_are_answered_and_never_an_error_of_ours(tmp_path: Path, tiers: str) -> None:
    with world_with(tmp_path, sqlite_url(tmp_path), tiers=tiers) as world:

        @hypothesis.settings(max_examples=100, deadline=None, database=None)
        @hypothesis.given(st.sampled_from([V1, V2]), st.lists(ROW | JSON, max_size=4) | JSON)
        def fuzz(path: str, items: Any) -> None:
            answer = world.http.post(path, content=json.dumps({"items": items}).encode())
            assert answer.status_code in {200, 202, 400}, answer.text

        fuzz()
        assert world.http.post(
            V2, content=b'{"items": [{"kind": "base", "sku": "a", "price": 1e99999999999999999999}]}'
        ).json()["counts"] == {"rejected": 1}
