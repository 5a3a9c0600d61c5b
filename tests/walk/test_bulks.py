"""Products in bulks that the store carries out later: what becomes of each row, read back from the store itself."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from crossdock.cli.main import app
from crossdock.sandbox.faults import Bugs, Faults
from tests.databases import sqlite_url
from tests.walk.files import toml
from tests.walk.test_products import Row, World, database, product, with_products, world_with
from tests.walk.world import settled, until

__all__ = ["database", "with_products"]
BULK = {"bulk_from": 5, "bulk_deadline_s": 60}  # longer than any queue in here, also on a slow machine
SOON_STUCK = BULK | {"bulk_deadline_s": 1}
QUICK = {"connect_s": 0.3, "read_s": 0.6, "total_s": 0.8}
bulk_world = partial(world_with, wait_s=0.5)
ASYNC = "/rest/all/async/bulk/V1/products"


def rows_of(count: int, **more: Any) -> list[Row]:
    return [product(f"NEW-{n:03}", **more) for n in range(count)]


def outcomes(world: World, job: str) -> dict[str, Row]:
    path = f"/rest/V2/erp/products/jobs/{job}"
    told = world.http.get(path, params={"limit": 1000}).json()
    return {row["sku"]: row for row in told["rows"]}


def carried(world: World, rows: list[Row], seconds: float = 40) -> dict[str, Row]:
    """Pushed, waited for, and what its job says of each row."""
    answer = world.push(*rows)
    assert answer.status_code in {200, 202}, answer.text
    until(lambda: settled(world.crossdock), seconds)
    return outcomes(world, answer.json()["job"])


def bulks(world: World) -> int:
    return world.shop.do(lambda store: sum(ASYNC in one for one in store.requests))


def names(world: World, count: int) -> list[Any]:
    return [(world.told(f"NEW-{n:03}") or {}).get("name") for n in range(count)]


def left(world: World) -> int:
    return len(world.crossdock.store.ledger("store").batches())


def test_many_products_go_as_one_bulk_and_few_go_one_by_one(tmp_path: Path, database: str) -> None:
    with bulk_world(tmp_path, database, connection=BULK) as world:
        told = carried(world, rows_of(30, color="Red"))
        assert {row["outcome"] for row in told.values()} == {"applied"}
        assert names(world, 30) == [f"Name of NEW-{n:03}" for n in range(30)]
        assert bulks(world) == 1
        assert world.writes() == 1, "and nothing was sent besides"
        assert left(world) == 0
        assert world.pushed(product("NEW-001", color="Blue")) == ["applied"]
        assert bulks(world) == 1


def test_each_row_is_told_by_what_the_store_did_with_it(tmp_path: Path, database: str) -> None:
    with bulk_world(tmp_path, database, connection=BULK) as world:
        rows = rows_of(10)
        rows[3]["name"] = rows[2]["name"]  # the same address: refused when it is carried out
        rows[5]["material"] = ["Cotton"]  # not in its attribute set: dropped, and told as a success
        rows[7]["color"] = "Mauve"  # never sent
        told = carried(world, rows)
        assert bulks(world) == 1
        bad = {sku: row["reason"] for sku, row in told.items() if row["outcome"] == "rejected"}
        assert {*bad} == {"NEW-003", "NEW-005", "NEW-007"}
        assert "URL key" in bad["NEW-003"]
        assert "did not keep: material" in bad["NEW-005"]
        assert sum(row["outcome"] == "applied" for row in told.values()) == 7
        assert [world.told(f"NEW-{n:03}") is not None for n in (3, 7)] == [False, False]


def test_an_entry_of_a_wrong_type_costs_itself_though_the_store_refuses_the_whole_call(tmp_path: Path) -> None:
    with bulk_world(tmp_path, sqlite_url(tmp_path), connection=BULK, missing="disable") as world:
        rows = rows_of(6)
        world.shop.do(lambda store: setattr(store, "answer", refusing(store.answer)))
        told = carried(world, rows)
        assert {row["outcome"] for row in told.values()} == {"applied"}
        assert names(world, 6) == [row["name"] for row in rows]


def refusing(answer: Any) -> Any:
    from crossdock.sandbox.wire import Answer

    def instead(asked: Any) -> Any:
        if "/async/" in asked.path:
            return Answer(status=400, body={"message": "Error occurred during processing. The type is invalid."})
        return answer(asked)

    return instead


def test_what_failed_retriably_or_by_a_lock_is_sent_again(tmp_path: Path) -> None:
    faults = Faults(classes={"write": {"locked": 0.2}}, bugs=Bugs(bulk_retriable_every=6))
    with bulk_world(tmp_path, sqlite_url(tmp_path), faults, connection=BULK | {"bulk_from": 1}) as world:
        told = carried(world, rows_of(18))
        assert {row["outcome"] for row in told.values()} == {"applied"}
        assert names(world, 18) == [f"Name of NEW-{n:03}" for n in range(18)]
        drawn = world.shop.do(lambda store: dict(store.lottery.drawn))
        assert drawn["bulk_retriable"] > 0
        assert drawn["locked"] > 0


@pytest.mark.parametrize(
    "bugs",
    [
        Bugs(bulk_lost_every=7),
        Bugs(bulk_never_starts=True),
        Bugs(bulk_stays_open=True),
        Bugs(bulk_told_failed=True),
    ],
    ids=["one stuck", "all stuck", "done but open", "told failed"],
)
def test_stuck_operations_are_settled_by_reading_the_products(tmp_path: Path, bugs: Bugs) -> None:
    with bulk_world(tmp_path, sqlite_url(tmp_path), Faults(bugs=bugs), connection=SOON_STUCK) as world:
        answer = world.push(*rows_of(10))
        if bugs.bulk_never_starts:
            until(lambda: bulks(world) > 1)  # it was given up, and went again
            world.shop.set_faults(Faults())
        until(lambda: settled(world.crossdock), 40)
        told = outcomes(world, answer.json()["job"])
        assert {row["outcome"] for row in told.values()} == {"applied"}, told
        assert names(world, 10) == [f"Name of NEW-{n:03}" for n in range(10)]
        if bugs.bulk_stays_open:
            assert world.writes() == 1, "it was there: nothing was sent again"


def test_a_newer_state_waits_until_the_older_ones_operation_has_ended(tmp_path: Path) -> None:
    """Sent at once it would be overwritten by the older one, which the store still has in its queue."""
    with bulk_world(tmp_path, sqlite_url(tmp_path), Faults(bulk_s=2), connection=BULK) as world:
        world.push(*rows_of(6, description="old", version=1))
        until(lambda: bulks(world) == 1)
        world.push(product("NEW-001", description="new", version=2))
        until(lambda: settled(world.crossdock), 40)
        assert world.field("NEW-001", "description") == "new"
        assert world.field("NEW-002", "description") == "old"


def test_a_store_that_is_down_in_the_middle_gets_the_rest_later(tmp_path: Path) -> None:
    faults = Faults(down=0.25, classes={"write": {"reset_after": 0.2, "error_after": 0.1, "garbage_after": 0.1}})
    connection = BULK | {"batch_size": 10}
    with bulk_world(tmp_path, sqlite_url(tmp_path), faults, connection=connection, deadlines=QUICK) as world:
        told = carried(world, rows_of(30), 90)
        world.shop.set_faults(Faults())
        assert {row["outcome"] for row in told.values()} == {"applied"}, told
        assert names(world, 30) == [f"Name of NEW-{n:03}" for n in range(30)]


def test_an_answer_that_got_lost_is_found_among_the_stores_bulks(tmp_path: Path, database: str) -> None:
    faults = Faults(classes={"write": {"reset_after": 1}})
    with bulk_world(tmp_path, database, faults, connection=BULK, deadlines=QUICK) as world:
        answer = world.push(*rows_of(8))
        until(lambda: bulks(world) == 1)
        world.shop.set_faults(Faults())
        until(lambda: settled(world.crossdock), 40)
        assert {row["outcome"] for row in outcomes(world, answer.json()["job"]).values()} == {"applied"}
        assert bulks(world) == 1, "it was not sent again"


def test_the_stores_queue_is_not_filled_beyond_its_limit(tmp_path: Path) -> None:
    connection = BULK | {"batch_size": 10, "bulk_ahead": 20}
    with bulk_world(tmp_path, sqlite_url(tmp_path), Faults(bulk_per_s=60, bulk_s=0.05), connection=connection) as world:
        world.push(*rows_of(40))
        until(lambda: settled(world.crossdock), 40)
        assert names(world, 40)[-1] == "Name of NEW-039"
        assert 10 <= world.shop.do(lambda store: store.jobs.longest) <= 20


def test_the_status_of_a_bulk_is_told_in_the_documented_shape(tmp_path: Path) -> None:
    with bulk_world(tmp_path, sqlite_url(tmp_path), connection=BULK) as world:
        rows = rows_of(6)
        rows[3]["name"] = rows[2]["name"]
        carried(world, rows)
        uuid = world.shop.do(lambda store: next(iter(store.jobs._kept)))
        told = world.http.get(f"/rest/V1/erp/bulk/{uuid}/status")
        assert told.status_code == 200, told.text
        assert told.json() == {
            "bulk_uuid": uuid,
            "status": 3,
            "operations_total": 6,
            "operations_successful": 5,
            "operations_failed": 1,
            "start_time": told.json()["start_time"],
            "user_id": 1,
        }
        other = "00000000-0000-0000-0000-000000000000"
        assert world.http.get(f"/rest/V1/erp/bulk/{other}/status").status_code == 404
        refused = httpx.get(f"{world.http.base_url}/rest/V1/erp/bulk/{uuid}/status")
        assert refused.status_code == 401


def test_a_file_is_waited_for_and_its_bulk_is_told_on_the_command_line(tmp_path: Path) -> None:
    with bulk_world(tmp_path, sqlite_url(tmp_path), Faults(bulk_per_s=20), connection=BULK) as world:
        config = tmp_path / "crossdock.toml"
        config.write_text(toml(world.crossdock.settings.model_dump(mode="json", exclude_defaults=True)))
        lines = [f"NEW-{n:03},Name {n or 1},1.50" for n in range(20)]  # two of one name
        (tmp_path / "products.csv").write_text("\n".join(["sku,name,price", *lines]))

        def say(*words: str) -> Any:
            return CliRunner().invoke(app, [*words, "-c", str(config)])

        imported = say("import", "products", str(tmp_path / "products.csv"), "--wait")
        assert imported.exit_code == 1, imported.output
        assert "settled: 19 applied, 1 rejected" in imported.output
        assert "URL key" in imported.output
        uuid = world.shop.do(lambda store: next(iter(store.jobs._kept)))
        told = say("bulk", "status", uuid, "--follow")
        assert told.exit_code == 1, "one of it failed"
        assert "20 operations, 19 succeeded, 1 failed, 0 open" in told.output
        assert say("bulk", "status", "00000000-0000-0000-0000-000000000000").exit_code == 1
        assert say("bulk", "status", uuid, "--connection", "erp").exit_code == 2
        assert "nothing is under way" in say("bulk", "list").output
        world.shop.set_faults(Faults(bulk_s=60))
        world.push(*rows_of(6, description="other"))
        until(lambda: bulks(world) == 2)
        until(lambda: [bool(one.get("ticket")) for one in json.loads(say("bulk", "list", "--json").stdout)] == [True])
        assert uuid not in say("bulk", "list").output
        open_one = json.loads(say("bulk", "list", "--json").stdout)
        assert [(one["connection"], one["rows"]) for one in open_one] == [("store", 6)]
        state = json.loads(say("bulk", "status", open_one[0]["ticket"], "--json").stdout)
        assert (state["status"], state["open"]) == (0, 6)
