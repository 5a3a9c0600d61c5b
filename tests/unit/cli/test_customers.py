"""`crossdock customers`: a person's word, and the wish to be forgotten."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from typer.testing import CliRunner

from crossdock.cli.main import app
from crossdock.delivery.store import DeadFilter
from tests.databases import sqlite_url
from tests.walk.files import toml
from tests.walk.test_customers import World, world_with
from tests.walk.world import settled, until


def says(folder: Path, world: World, *verb: str, code: int = 0) -> str:
    file = folder / "crossdock.toml"
    file.write_text(toml(world.crossdock.settings.model_dump(mode="json", exclude_unset=True)))
    result = CliRunner().invoke(app, ["customers", *verb, "-c", str(file)], env={"COLUMNS": "300"})
    assert result.exit_code == code, (result.output, result.exception)
    return result.output


def test_a_conflict_is_decided_and_what_waited_is_resolved(tmp_path: Path) -> None:
    with world_with(tmp_path, sqlite_url(tmp_path)) as world:
        number, store = world.carried(1), world.crossdock.store
        world.push(number, middle_name="Anna")
        until(lambda: world.customer(1).get("middlename") == "Anna" and settled(world.crossdock))
        store.pause("erp", "test", "test", datetime.now(UTC))
        world.edit(1, middlename="Bruna")
        world.push(number, middle_name="Clara")
        until(lambda: bool(world.dead()))
        store.resume("erp", "test", datetime.now(UTC))
        assert "no customer 9" in says(tmp_path, world, "decide", "store", "9", "erp", "--side", "erp", code=1)
        assert "1 dead letters resolved" in says(tmp_path, world, "decide", "store", "1", "erp", "--side", "store")
        world.crossdock.wake()
        until(lambda: world.known(number)["customer"]["middle_name"] == "Bruna")
        assert store.dead(DeadFilter()) == []
        decided = [row for row in store.audit_export(bodies=False) if row.get("operation_type") == "decide"]
        assert len(decided) == 1


def test_an_erasure_is_told_with_where_it_went(tmp_path: Path) -> None:
    with world_with(tmp_path, sqlite_url(tmp_path)) as world:
        world.carried(1)
        world.quiet()
        assert "Nothing that is kept" in says(tmp_path, world, "erase", "--subject", "nobody@example.com")
        told = says(tmp_path, world, "erase", "--subject", "Customer1@Example.com")
        assert "Carried to erp, store." in told
        assert "store:customer:1" in told
        again = says(tmp_path, world, "erase", "--subject", "customer1@example.com")
        assert "they were erased before" in again
        assert len(world.crossdock.store.dead(DeadFilter(flow="erasures"))) == 2
