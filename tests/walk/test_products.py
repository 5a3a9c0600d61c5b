"""Products from an ERP, pushed and as a file, to the store over real HTTP, and what the store really holds then."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

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
from tests.walk.files import toml
from tests.walk.test_sandbox_bugs import TOKEN, configured
from tests.walk.world import settled, until

V1, V2 = "/rest/V1/erp/products/update", "/rest/V2/erp/products/update"
OWNED = ["name", "weight", "description", "color", "ean", "categories", "variants", "images", "material"]
EASY = {"gone_percent": 100}
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

    def reason(self, row: Row) -> str:
        answer = self.push(row)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["rows"][0].get("reason", ""))

    def told(self, sku: str, scope: str = "all") -> Row | None:
        """What the store itself answers, over HTTP."""
        url = f"{self.shop.url}/rest/{scope}/V1/products/{quote(sku, safe='')}"
        answer = httpx.get(url, headers={"Authorization": f"Bearer {TOKEN}"})
        found: Row = answer.json()
        return found if answer.status_code == 200 else None

    def field(self, sku: str, name: str) -> Any:
        found = self.told(sku)
        assert found is not None
        custom = {one["attribute_code"]: one["value"] for one in found["custom_attributes"]}
        return found.get(name, custom.get(name, found["extension_attributes"].get(name)))

    def writes(self, mark: str = "V1/products") -> int:
        return self.shop.do(lambda store: sum(not one.startswith("GET") and mark in one for one in store.requests))


def product(sku: str, **more: Any) -> Row:
    return {"sku": sku, "name": f"Name of {sku}", "price": "12.50"} | more


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield sqlite_url(tmp_path)
        return
    with postgres_url() as url:
        yield url


def with_products(
    plain: Settings, database: str, options: Row, deadlines: Row | None = None, **connection: Any
) -> Settings:
    told = plain.model_dump(exclude_unset=True)
    told["database"] = {"url": database}
    client = {"token": plain.connections["erp"]["auth"]["token"], "connection": "erp"}
    told["api"] = {"port": 0, "clients": {"sap": client}, "rows_at_once": 80, "wait_s": 20}
    told["connections"]["store"] |= {"settling_s": 0.3, "products": connection} | (
        {"deadlines": deadlines} if deadlines else {}
    )
    options = {"owned": OWNED, "guard": EASY, "websites": ["base"]} | options
    back = {"source": "erp", "target": "store", "flows": ["products"], "options": {"products": options}}
    told["routes"] = [*told["routes"], back]
    return Settings.model_validate(told)


@contextmanager
def world_with(
    folder: Path,
    database: str,
    faults: Faults = NONE,
    connection: Row | None = None,
    deadlines: Row | None = None,
    wait_s: float = 20,
    **options: Any,
) -> Iterator[World]:
    shop, erp = StoreServer(seed=5, token=TOKEN, faults=faults), ErpServer(seed=6, token=TOKEN)
    shop.start()
    erp.start()
    told = with_products(configured(folder, shop, erp), database, options, deadlines, **(connection or {}))
    serving = Serving(told.model_copy(update={"api": told.api.model_copy(update={"wait_s": wait_s})}))
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


def test_a_new_product_is_made_with_what_its_row_says(world: World) -> None:
    row = product("NEW-1", weight="1.25", color="Red", ean="4006381333931", categories=["Men/Shirts", "6"])
    assert world.pushed(row | {"status": "disabled", "visibility": "search"}) == ["applied"]
    found = world.told("NEW-1")
    assert found is not None
    assert (found["name"], found["price"], found["weight"]) == ("Name of NEW-1", 12.5, 1.25)
    assert (found["type_id"], found["attribute_set_id"], found["status"], found["visibility"]) == ("simple", 4, 2, 3)
    assert world.field("NEW-1", "color") == "4"
    assert world.field("NEW-1", "ean") == "4006381333931"
    assert world.field("NEW-1", "category_ids") == ["4", "6"]
    assert world.field("NEW-1", "website_ids") == [1]


def test_the_first_version_counts_what_the_store_did(world: World) -> None:
    answer = world.push(product("NEW-1"), product("NEW-2", color="Mauve"), {"sku": "NEW-3"}, path=V1).json()
    assert answer["result"]["success_count"] == 1
    assert {one["sku"] for one in answer["result"]["errors"]} == {"NEW-2", "NEW-3"}
    assert world.told("NEW-2") is None


def test_of_a_product_that_is_there_only_what_the_erp_owns_is_touched(world: World) -> None:
    def by_hand(store: Any) -> None:
        row = store.catalog.find("SIM-0001")
        row |= {"status": 2, "visibility": 2, "weight": 7, "custom": {"short_description": "by the shop"}}

    world.shop.do(by_hand)
    row = product("sim-0001", status="enabled", visibility="both", price="99", short_description="by the ERP")
    assert world.pushed(row | {"description": "new"}) == ["applied"]
    found = world.told("SIM-0001")
    assert found is not None
    assert (found["status"], found["visibility"], found["price"], found["weight"]) == (2, 2, 10, 7)
    assert (found["name"], found["sku"]) == ("Name of sim-0001", "SIM-0001")
    assert world.field("SIM-0001", "short_description") == "by the shop"
    assert world.field("SIM-0001", "description") == "new"


def test_only_what_differs_is_sent_and_what_is_so_already_makes_no_call(world: World) -> None:
    world.pushed(product("NEW-1", color="Red", weight="1.50"))
    writes, stamp = world.writes(), world.field("NEW-1", "updated_at")
    world.shop.clock.shift(60)
    assert world.pushed(product("NEW-1", color="Red", weight=1.5)) == ["unchanged"]
    assert world.pushed(product("NEW-1", color="Red", weight="1.5", price="1")) == ["applied"], "but nothing to send"
    assert (world.writes(), world.field("NEW-1", "updated_at")) == (writes, stamp)
    world.pushed(product("NEW-1", color="Blue", weight="1.5"))
    sent = world.shop.do(lambda store: [one for one in store.requests if one.startswith("POST")][-1])
    assert sent == "POST /rest/all/V1/products"
    assert world.field("NEW-1", "color") == "5"


def test_what_is_written_is_written_for_all_store_views(world: World) -> None:
    world.pushed(product("SIM-0002", description="everywhere"))
    for scope in ("all", "default", "us"):
        found = world.told("SIM-0002", scope)
        assert found is not None
        assert found["name"] == "Name of SIM-0002", scope


def test_options_are_found_by_label_and_made_where_that_is_allowed(tmp_path: Path, database: str) -> None:
    with world_with(tmp_path, database) as world:
        assert "has no option 'Mauve'" in world.reason(product("NEW-1", color="Mauve"))
        assert world.writes("options") == 0
    with world_with(tmp_path, database, create_options=True) as world:
        rows = [product(f"NEW-{n}", color=color) for n, color in enumerate(["Mauve", "Mauve", "blue", "Mauve"])]
        assert world.pushed(*rows) == ["applied"] * 4
        assert world.writes("options") == 1
        assert {world.field(f"NEW-{n}", "color") for n in (0, 1, 3)} == {"1000"}
        assert world.field("NEW-2", "color") == "5"


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"color": "Red", "attribute_set": "Furniture"}, "no attribute set 'Furniture'"),
        ({"categories": ["Men/Hats"]}, "no category 'Men/Hats'"),
        ({"categories": ["Shirts"]}, "no category 'Shirts'"),
        ({"type": "bundle"}, "a bundle product is not made"),
        ({"material": ["Cotton"]}, "did not keep: material"),
        ({"name": "emoji \U0001f600"}, "four bytes"),
        ({"price": "10,50"}, "is no number"),
        ({"price": -1}, "is not between"),
        ({"status": "maybe"}, "is none of"),
        ({"name": "x" * 256}, "longer than 255"),
    ],
)
def test_what_cannot_be_done_is_told_of_its_row(tmp_path: Path, more: Row, why: str) -> None:
    with world_with(tmp_path, sqlite_url(tmp_path)) as world:
        rows = [product("NEW-0"), product("NEW-1") | more, product("NEW-2")]
        told = world.push(*rows).json()["rows"]
        assert [one["outcome"] for one in told] == ["applied", "rejected", "applied"], told
        assert why in told[1]["reason"]


def test_an_attribute_of_the_set_is_kept(world: World) -> None:
    assert world.pushed(product("NEW-1", attribute_set="Clothing", material="Wool|Cotton")) == ["applied"]
    assert world.field("NEW-1", "material") == "20,21"


def shirt(*colors: str) -> list[Row]:
    """A configurable product and its children, the parent first."""
    children = [product(f"SHIRT-{color}", color=color, visibility="none") for color in colors]
    names = [one["sku"] for one in children]
    return [product("SHIRT", type="configurable", variant_attributes="color", children="|".join(names)), *children]


@pytest.mark.parametrize("bulk_from", [0, 2], ids=["one by one", "in bulks"])
def test_a_configurable_product_is_linked_after_its_children_are_there(
    tmp_path: Path, database: str, bulk_from: int
) -> None:
    def linked(world: World) -> set[int]:
        return set(world.field("SHIRT", "configurable_product_links"))

    with world_with(tmp_path, database, connection={"bulk_from": bulk_from}) as world:
        world.push(*shirt("Red", "Blue"))
        until(lambda: settled(world.crossdock))
        red, blue = world.field("SHIRT-Red", "id"), world.field("SHIRT-Blue", "id")
        assert linked(world) == {red, blue}
        axes = world.field("SHIRT", "configurable_product_options")
        assert [(one["attribute_id"], {v["value_index"] for v in one["values"]}) for one in axes] == [("93", {4, 5})]
        writes = world.writes()
        assert world.pushed(*shirt("Red", "Blue")) == ["unchanged"] * 3
        assert world.writes() == writes
        assert world.pushed(shirt("Red")[0] | {"version": 1}) == ["applied"]
        assert linked(world) == {red}


def test_a_configurable_product_waits_for_a_child_that_is_not_there_yet(world: World) -> None:
    parent, red, blue = shirt("Red", "Blue")
    world.http.timeout = 1
    with contextlib.suppress(httpx.TimeoutException):
        world.push(parent, red)
    until(lambda: world.told("SHIRT-Red") is not None)
    assert world.told("SHIRT") is None
    world.http.timeout = 60
    assert world.pushed(blue) == ["applied"]
    until(lambda: settled(world.crossdock))
    assert len(world.field("SHIRT", "configurable_product_links")) == 2


@pytest.mark.parametrize(("owned", "status"), [(["name"], 2), (["name", "status"], 1)])
def test_a_disabled_product_stays_disabled_unless_its_status_is_the_erps(
    tmp_path: Path, owned: list[str], status: int
) -> None:
    with world_with(tmp_path, sqlite_url(tmp_path), owned=owned, missing="disable") as world:
        world.pushed(product("NEW-1", status="enabled"))
        world.shop.do(lambda store: store.catalog.rows["new-1"].update(status=2))
        assert world.pushed(product("NEW-1", name="Other", status="enabled")) == ["applied"]
        assert (world.field("NEW-1", "name"), world.field("NEW-1", "status")) == ("Other", status)


def test_a_type_and_an_attribute_set_are_never_changed(world: World) -> None:
    assert "a type is never changed" in world.reason(product("SIM-0001", type="virtual"))
    assert "it is never changed" in world.reason(product("SIM-0001", attribute_set="Clothing"))
    assert world.pushed(product("SIM-0001", type="simple", attribute_set="Default")) == ["applied"]


def test_two_names_that_make_the_same_address_are_refused_by_the_store(world: World) -> None:
    assert world.pushed(product("NEW-1", name="Same"), product("NEW-2", name="Same")) == ["applied", "rejected"]


def test_fields_are_emptied_by_name_alone(world: World) -> None:
    world.pushed(product("SIM-0003", description="long"))
    assert world.pushed(product("SIM-0003", description="", ean="1")) == ["applied"]
    assert world.field("SIM-0003", "description") == "long"
    assert world.pushed(product("SIM-0003", clear="description", ean="1")) == ["applied"]
    assert world.field("SIM-0003", "description") is None


def test_an_older_version_never_wins(world: World) -> None:
    world.pushed(product("SIM-0001", name="new", version=9))
    assert world.pushed(product("SIM-0001", name="old", version=8)) == ["stale"]
    assert world.field("SIM-0001", "name") == "new"


@pytest.mark.parametrize(("missing", "status"), [("ignore", 1), ("disable", 2), ("delete", None)])
def test_what_the_erp_has_no_more_goes_by_policy(tmp_path: Path, missing: str, status: int | None) -> None:
    with world_with(tmp_path, sqlite_url(tmp_path), missing=missing) as world:
        assert (
            world.pushed({"sku": "SIM-0004", "removed": True}, {"sku": "never", "removed": "true"}) == ["applied"] * 2
        )
        found = world.told("SIM-0004")
        assert (found["status"] if found else None) == status


def test_a_feed_that_empties_the_catalog_waits_for_a_person(tmp_path: Path, database: str) -> None:
    guard = {"gone_percent": 20, "least_rows": 3}
    with world_with(tmp_path, database, missing="disable", guard=guard) as world:
        rows = [{"sku": f"SIM-{n:04}", "removed": True} for n in range(1, 5)]
        assert world.pushed(*rows) == ["held"] * 4
        found = world.told("SIM-0001")
        assert found is not None
        assert found["status"] == 1


def test_a_store_that_fails_in_the_middle_gets_the_rest_later(tmp_path: Path, database: str) -> None:
    faults = Faults(classes={"write": {"down": 0.2, "locked": 0.1, "error_after": 0.05, "reset_after": 0.05}})
    with world_with(tmp_path, database, faults) as world:
        rows = [product(f"NEW-{n:02}", color="Red") for n in range(30)]
        assert world.push(*rows).status_code in {200, 202}
        until(lambda: settled(world.crossdock), 60)
        assert [world.field(f"NEW-{n:02}", "color") for n in range(30)] == ["4"] * 30
        assert world.shop.do(lambda store: store.lottery.drawn.get("down", 0)) > 0


def test_a_file_is_imported_as_if_it_had_been_pushed(world: World, tmp_path: Path) -> None:
    plain = world.crossdock.settings.model_dump(mode="json", exclude_defaults=True)
    config = tmp_path / "crossdock.toml"
    config.write_text(toml(plain))
    file = tmp_path / "products.csv"
    file.write_text("sku;name;price;color;categories\nCSV-1;One;1.50;Red;Men/Shirts|Women\nCSV-2;Two;2.50;;\n")
    told = runner.invoke(app, ["import", "products", str(file), "-c", str(config)])
    assert told.exit_code == 0, told.output
    until(lambda: world.told("CSV-2") is not None and settled(world.crossdock))
    assert world.field("CSV-1", "category_ids") == ["4", "6"]
    told = runner.invoke(app, ["explain", "product", "CSV-1", "-c", str(config)])
    assert told.exit_code == 0, told.output
    assert "delivered" in told.output


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
COLUMNS = "name price status visibility color categories images children variant_attributes clear removed version"
ROW = st.fixed_dictionaries(
    {"sku": st.just("SIM-0001") | JSON},
    optional=dict.fromkeys(COLUMNS.split(), JSON) | {"type": st.just("configurable") | JSON, "attributes": JSON},
)


def test_hostile_bodies_are_answered_and_never_an_error_of_ours(tmp_path: Path) -> None:
    with world_with(tmp_path, sqlite_url(tmp_path), create=False) as world:

        @hypothesis.settings(max_examples=150, deadline=None, database=None)
        @hypothesis.given(st.sampled_from([V1, V2]), st.lists(ROW | JSON, max_size=4) | JSON)
        def fuzz(path: str, items: Any) -> None:
            answer = world.http.post(path, content=json.dumps({"items": items}).encode())
            assert answer.status_code in {200, 202, 400}, answer.text
            assert "a bug" not in answer.text

        fuzz()
