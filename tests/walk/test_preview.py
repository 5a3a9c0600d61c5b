"""`crossdock map preview`: other settings tried on orders that were recorded, and nothing sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from crossdock.app import Crossdock
from crossdock.cli.main import app
from crossdock.settings import Settings
from tests.material import needs_shared
from tests.recorded_server import serve
from tests.walk.files import toml
from tests.walk.world import Erp, Shop, recorded, settings, settled, until

pytestmark = needs_shared
NAMES = ("001_smoke", "011_bundle_dyn_a", "061_addr_us")


class World:
    def __init__(self, folder: Path, erp: Erp, tables: dict[str, Any]) -> None:
        self.folder, self.erp, self.tables = folder, erp, tables

    def file(self, name: str, tables: dict[str, Any]) -> str:
        file = self.folder / name
        file.write_text(toml(tables))
        return str(file)

    def preview(self, tables: dict[str, Any], *more: str, code: int = 0) -> str:
        old, new = self.file("old.toml", self.tables), self.file("new.toml", tables)
        done = CliRunner().invoke(app, ["map", "preview", "--config", new, "--against", old, *more])
        assert done.exit_code == code, done.output
        return done.stdout

    def difference(self, tables: dict[str, Any], *more: str, code: int = 0) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.preview(tables, "--json", *more, code=code))
        return found

    def changed(self, **erp: Any) -> dict[str, Any]:
        connections = self.tables["connections"]
        return self.tables | {"connections": connections | {"erp": connections["erp"] | erp}}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    shop, erp = Shop(), Erp()
    with serve(shop.answer) as shop_server, serve(erp.answer) as erp_server:
        found = settings(tmp_path, shop_server.url, erp_server.url)
        tables = found.model_dump(mode="json", exclude_defaults=True)
        crossdock = Crossdock(Settings(**tables))
        crossdock.start()
        numbers = [shop.add(recorded(name)) for name in NAMES]
        try:
            until(lambda: all(shop.comments.get(number) for number in numbers) and settled(crossdock))
        finally:
            crossdock.stop()
        yield World(tmp_path, erp, tables)


def test_the_same_settings_change_nothing_and_nothing_is_sent(world: World) -> None:
    sent = len(world.erp.kept)
    assert world.difference(world.tables)["erp"] == {"orders": 3, "same": 3}
    assert "erp: 3 as before, 0 changed" in world.preview(world.tables)
    assert len(world.erp.kept) == sent


def test_each_field_that_would_change_is_counted_with_an_example(world: World) -> None:
    payloads = {"orders": {"fields": {"terms": "payment.method", "status": "'new'"}}}
    found = world.difference(world.changed(payloads=payloads))["erp"]
    assert "stops" not in found
    assert set(found["fields"]) == {"terms", "status"}
    assert found["fields"]["terms"]["count"] == 3
    assert found["fields"]["terms"].get("before") is None
    assert found["fields"]["terms"]["after"] == recorded(NAMES[2])["payment"]["method"]  # the newest order first
    assert "status" in world.preview(world.changed(payloads=payloads))


def test_what_would_not_go_any_more_is_told_by_its_reason_and_kind(world: World) -> None:
    tables = world.changed(payloads={"orders": {"lookups": {"payment.method": "terms"}}}) | {"lookups": {"terms": {}}}
    found = world.difference(tables, code=1)["erp"]
    assert sum(stop["count"] for stop in found["stops"].values()) == 3
    (reason, *_) = found["stops"]
    assert reason.startswith("lookup-missing: lookups.terms: has no entry for")
    assert "would not go any more" in world.preview(tables, code=1)


def test_an_order_that_would_go_elsewhere_is_told_at_both(world: World) -> None:
    connections = world.tables["connections"] | {"us": world.tables["connections"]["erp"]}
    always = {"eligibility": {"*": "always"}}
    routes = [
        {"source": "store", "target": "us", "options": always | {"when": {"countries": ["US"]}}},
        *world.tables["routes"],
    ]
    found = world.difference(world.tables | {"connections": connections, "routes": routes}, code=1)
    assert [*found["erp"]["stops"]] == ["goes to us"]
    assert found["us"]["started"] == found["erp"]["stops"]["goes to us"]["count"] == 1


def test_bundles_as_their_parts_change_only_the_order_with_a_bundle(world: World) -> None:
    routes = [{**world.tables["routes"][0], "options": world.tables["routes"][0]["options"] | {"bundles": "exploded"}}]
    found = world.difference(world.tables | {"routes": routes})["erp"]
    assert found["same"] == 2
    assert found["fields"]["items[].sku"]["count"] == 1


def test_only_the_newest_are_taken_where_that_is_asked(world: World) -> None:
    assert world.difference(world.tables, "--last", "2")["erp"]["orders"] == 2
