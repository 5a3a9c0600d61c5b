"""A recorded day replayed: byte for byte the same with the same settings, and exactly what a changed one changes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from crossdock.app import Crossdock
from crossdock.cli.main import app
from crossdock.settings import Settings
from crossdock.storage.replays import Question
from tests.databases import postgres_url, sqlite_url
from tests.material import needs_shared
from tests.recorded_server import Reply, serve
from tests.walk.files import toml
from tests.walk.world import Erp, Shop, recorded, recorded_names, rests, settings, settled, until

pytestmark = needs_shared
FEW = ("001_smoke", "011_bundle_dyn_a", "061_addr_us")
STAMP = "%Y-%m-%dT%H:%M:%S"


class World:
    def __init__(self, folder: Path, shop: Shop, erp: Erp, tables: dict[str, Any]) -> None:
        self.folder, self.shop, self.erp, self.tables = folder, shop, erp, tables
        self.began = datetime.now(UTC) - timedelta(seconds=1)
        self.crossdock = Crossdock(Settings(**tables))
        self.crossdock.start()

    def stop(self) -> None:
        if self.crossdock is not None:
            self.crossdock.stop()
            self.crossdock = None  # type: ignore[assignment]  # nothing of it is asked for any more

    def day(self, names: Any) -> None:
        """All of them through, to the last acknowledgement; then nothing runs."""
        for name in names:
            self.shop.add(recorded(name))
        wanted = len({recorded(name)["entity_id"] for name in names})
        until(lambda: self.heard() >= wanted and rests(self.crossdock), 120)

    def heard(self) -> int:
        counts = self.crossdock.store.counts()
        return sum(number for (flow, _, _), number in counts.items() if flow == "looks")

    def replay(self, *more: str, code: int = 0, **erp: Any) -> dict[str, Any]:
        connections = self.tables["connections"]
        changed = self.tables | {"connections": connections | {"erp": connections["erp"] | erp}}
        return self.under(changed, *more, code=code)

    def under(self, tables: dict[str, Any], *more: str, code: int = 0) -> dict[str, Any]:
        file = self.folder / "now.toml"
        file.write_text(toml(tables))
        period = f"{self.began:{STAMP}}..{datetime.now(UTC) + timedelta(seconds=5):{STAMP}}"
        words = ["replay", "--as-of", period, "--dry-run", "--json", "--config", str(file), *more]
        done = CliRunner().invoke(app, words)
        assert done.exit_code == code, done.output
        found: dict[str, Any] = json.loads(done.stdout)
        return found


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.services)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield sqlite_url(tmp_path)
        return
    with postgres_url() as url:
        yield url


@pytest.fixture
def world(database: str, tmp_path: Path) -> Iterator[World]:
    shop, erp = Shop(), Erp()
    with serve(shop.answer) as one, serve(erp.answer) as two:
        tables = settings(tmp_path, one.url, two.url, database).model_dump(mode="json", exclude_defaults=True)
        made = World(tmp_path, shop, erp, tables)
        try:
            yield made
        finally:
            made.stop()


def test_all_recorded_orders_replay_byte_for_byte(world: World, database: str) -> None:
    if database.startswith("postgres") and os.environ.get("CROSSDOCK_LONG") != "1":
        pytest.skip("as on SQLite, at length: CROSSDOCK_LONG=1")
    names = recorded_names()
    world.day(names)
    world.stop()
    sent, asked, rows = len(world.erp.kept), len(world.erp.asked), world.began
    assert sent > 150
    found = world.replay()
    assert found["bytes_different"] == 0
    assert found["bytes_compared"] > 2000 * sent
    assert found["counts"]["same"] == found["deliveries"] >= sent
    assert (len(world.erp.kept), len(world.erp.asked), world.began) == (sent, asked, rows)


def test_one_changed_setting_changes_exactly_its_field(world: World) -> None:
    world.day(FEW)
    world.stop()
    payloads = {"orders": {"fields": {"terms": "payment.method"}}}
    found = world.replay(payloads=payloads, code=1)
    assert [(one["field"], one["count"], one["then"]) for one in found["fields"]] == [("terms", 3, "")]
    assert found["counts"] == {"same": 0, "changed": 3, "stops": 0, "starts": 0, "unknown": 0}
    told = world.replay("--reveal", "--why", "a new field", payloads=payloads, code=1)
    assert told["fields"][0]["now"] == recorded(told_name(told["fields"][0]["reference"]))["payment"]["method"]


def told_name(number: str) -> str:
    return next(name for name in FEW if recorded(name)["increment_id"] == number)


def test_rules_of_the_look_are_replayed_too(world: World) -> None:
    world.day(FEW)
    world.stop()
    always = {"eligibility": {"*": "always"}}
    exploded = world.tables | {"routes": [world.tables["routes"][0] | {"options": always | {"bundles": "exploded"}}]}
    found = world.under(exploded, code=1)
    assert (found["counts"]["same"], found["counts"]["changed"]) == (2, 1)
    assert "items[].sku" in {one["field"] for one in found["fields"]}
    never = {"eligibility": {"*": "never"}}
    found = world.under(world.tables | {"routes": [world.tables["routes"][0] | {"options": never}]}, code=1)
    assert found["counts"]["stops"] == 3
    assert "is never exported" in found["others"][0]["why"]


def test_what_did_not_go_then_and_would_now_is_told(world: World) -> None:
    world.stop()
    never = {"eligibility": {"*": "never"}}
    world.crossdock = Crossdock(Settings(**world.tables | {"routes": [world.tables["routes"][0] | {"options": never}]}))
    world.crossdock.start()
    world.day(FEW[:1])
    world.stop()
    found = world.replay(code=1)
    assert found["counts"]["starts"] == 1
    assert found["others"][0]["reference"] == recorded(FEW[0])["increment_id"]


def test_a_day_with_changes_and_trouble_replays_the_same(world: World) -> None:
    world.erp.before = [Reply(503, {"message": "busy"})]
    world.erp.after = [Reply(200, b"not what was agreed")]
    number = world.shop.add(recorded(FEW[0]))
    until(lambda: bool(world.shop.comments.get(number)) and settled(world.crossdock))
    world.shop.touch(number, state="holded", status="holded")
    until(lambda: any(told.endswith("/hold") for told in world.erp.told) and settled(world.crossdock))
    world.shop.touch(number, state="canceled", status="canceled")
    until(lambda: any(told.endswith("/cancel") for told in world.erp.told) and settled(world.crossdock))
    world.stop()
    found = world.replay()
    assert found["deliveries"] >= 3
    assert found["bytes_different"] == 0
    assert found["bytes_compared"] > 0
    assert {"orders", "holds", "cancellations"} <= {one.flow for one in promised(world)}
    the_trail_is_asked_for_answers(world)


def the_trail_is_asked_for_answers(world: World) -> None:
    """A look-up of then, and only of the same target and the same address."""
    store = Crossdock(Settings(**world.tables), roles=frozenset()).store
    try:
        history = store.replays.history("looks", "store", str(recorded(FEW[0])["entity_id"]))
        row = next(one for one in history.rows if one.operation == "GET /orders" and one.tells)
        asked = Question(target="erp", operation=row.operation, asked=row.beside.asked, request=b"")
        hour = timedelta(hours=1)
        assert store.replays.answered(asked, row.at) == row
        assert store.replays.answered(asked, row.at - hour / 2) == row
        assert store.replays.answered(asked, row.at - 2 * hour) is None
        assert store.replays.answered(asked, row.at + 25 * hour) is None
        assert store.replays.answered(msgspec.structs.replace(asked, target="store"), row.at) is None
        assert store.replays.answered(msgspec.structs.replace(asked, asked="another"), row.at) is None
    finally:
        store.close()


def promised(world: World) -> Any:
    store = Crossdock(Settings(**world.tables), roles=frozenset()).store
    try:
        return store.known("store", str(recorded(FEW[0])["entity_id"]))
    finally:
        store.close()


def test_the_mapping_of_each_try_is_recorded_and_held_against_todays(world: World) -> None:
    world.day(FEW[:1])
    world.stop()
    same = world.replay()
    assert [*same["mappings"]] == [same["now"]["store to erp"]]
    other = world.replay(payloads={"orders": {"fields": {"terms": "'x'"}}}, code=1)
    assert [*other["mappings"]] == [*same["mappings"]]
    assert other["now"]["store to erp"] != same["now"]["store to erp"]


def test_only_dead_letters_are_tried_again_without_dry_run(world: World) -> None:
    world.erp.before = [Reply(422, {"message": "no such SKU"})]
    number = world.shop.add(recorded(FEW[0]))
    fine = world.shop.add(recorded(FEW[1]))
    until(lambda: settled(world.crossdock) and ("orders", "erp", "dead") in world.crossdock.store.counts())
    until(lambda: bool(world.shop.comments.get(number) or world.shop.comments.get(fine)))
    world.stop()
    file = world.folder / "now.toml"
    file.write_text(toml(world.tables))
    words = ["replay", "--as-of", f"{world.began:%Y-%m-%d}..2999-01-01", "--config", str(file)]
    assert CliRunner().invoke(app, words).exit_code == 2
    done = CliRunner().invoke(app, [*words, "--why", "the SKU is there now"])
    assert done.exit_code == 0, done.output
    assert "1 dead letters of the period are tried again" in done.stdout
    world.crossdock = Crossdock(Settings(**world.tables))
    world.crossdock.start()
    until(lambda: len(world.erp.kept) == 2 and settled(world.crossdock))
    assert sorted(world.erp.numbers()) == sorted(recorded(name)["increment_id"] for name in FEW[:2])
