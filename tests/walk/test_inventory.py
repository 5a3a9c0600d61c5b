"""Stock levels from an ERP's push to the store's source items, over real HTTP, and what the store really holds then."""

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
from crossdock.sandbox.faults import NONE, Bugs, Faults
from crossdock.sandbox.run import ErpServer, StoreServer
from crossdock.settings import Settings
from tests.databases import postgres_url, sqlite_url
from tests.walk.files import toml
from tests.walk.test_sandbox_bugs import TOKEN, configured
from tests.walk.world import until

KNOWN = {f"SIM-{number:04}" for number in range(1, 121)}
V1, V2 = "/rest/V1/erp/inventory/update", "/rest/V2/erp/inventory/update"
PLACES = {"MI": "wh_milan", "RM": "wh_rome"}


class World:
    def __init__(self, shop: StoreServer, serving: Serving) -> None:
        self.shop, self.crossdock = shop, serving.crossdock
        self.http = httpx.Client(base_url=serving.url, headers={"Authorization": "Bearer t0ken"}, timeout=60)

    def push(self, *rows: dict[str, Any], path: str = V2, **headers: str) -> httpx.Response:
        return self.http.post(path, json={"items": list(rows)}, headers=headers)

    def level(self, sku: str, place: str = "wh_milan") -> tuple[float, int] | None:
        row = self.shop.do(lambda store: store.source_items.get((sku, place)))
        return (row["quantity"], row["status"]) if row else None

    def writes(self) -> int:
        return self.shop.do(
            lambda store: sum(one.startswith("POST") and "source-items" in one for one in store.requests)
        )

    def outcomes(self, response: httpx.Response) -> list[str]:
        assert response.status_code == 200, response.text
        return [row["outcome"] for row in response.json()["rows"]]


def stock(sku: str, qty: Any, warehouse: str = "MI", **more: Any) -> dict[str, Any]:
    return {"sku": sku, "qty": qty, "warehouse": warehouse} | more


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield sqlite_url(tmp_path)
        return
    with postgres_url() as url:
        yield url


def with_stock(plain: Settings, database: str, guard: dict[str, Any]) -> Settings:
    told = plain.model_dump(exclude_unset=True)
    told["database"] = {"url": database}
    told["api"] = {
        "port": 0,
        "clients": {"sap": {"token": plain.connections["erp"]["auth"]["token"], "connection": "erp"}},
    }
    told["api"] |= {"rows_at_once": 50, "wait_s": 10}
    options = {"inventory": {"warehouses": PLACES, "guard": guard}}
    back = {"source": "erp", "target": "store", "flows": ["inventory"], "options": options}
    told["routes"] = [*told["routes"], back]
    return Settings.model_validate(told)


@contextmanager
def world_with(folder: Path, database: str, faults: Faults = NONE, **guard: Any) -> Iterator[World]:
    shop, erp = StoreServer(seed=5, token=TOKEN, faults=faults), ErpServer(seed=6, token=TOKEN)
    shop.start()
    erp.start()
    serving = Serving(with_stock(configured(folder, shop, erp), database, guard))
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


def test_the_first_version_answers_as_its_contract_says(world: World) -> None:
    answer = world.push(stock("SIM-0001", 61), stock("SIM-0002", 0, "RM"), path=V1)
    assert answer.status_code == 200
    assert answer.json() == {"success": True, "result": {"success_count": 2, "error_count": 0, "errors": []}}
    assert world.level("SIM-0001") == (61, 1)
    assert world.level("SIM-0002", "wh_rome") == (0, 0)


def test_the_first_version_counts_what_the_store_did(world: World) -> None:
    answer = world.push(stock("SIM-0001", 7), stock("NOPE", 5), stock("SIM-0002", 5, "??"), path=V1).json()
    assert answer["success"] is False
    assert answer["result"]["success_count"] == 1
    assert answer["result"]["error_count"] == 2
    assert {one["sku"] for one in answer["result"]["errors"]} == {"NOPE", "SIM-0002"}
    assert world.level("SIM-0001") == (7, 1)
    assert world.level("NOPE") is None, "a ghost row"


def test_without_a_token_nothing_is_taken(world: World) -> None:
    for path in (V1, V2):
        answer = httpx.post(f"{world.http.base_url}{path}", json={"items": [stock("SIM-0001", 3)]})
        assert answer.status_code == 401
        assert answer.json() == {"success": False, "message": "Unauthorized"}
    assert world.level("SIM-0001") == (100, 1)


def test_a_body_without_items_is_refused(world: World) -> None:
    for body in (b"{}", b"[]", b'{"items": 3}', b"no json", b"\xff"):
        answer = world.http.post(V1, content=body)
        assert answer.status_code == 400
        assert answer.json()["success"] is False
    assert world.http.post(V1, content=b"{}").json()["message"] == "Invalid payload: missing items array"


def test_the_second_version_answers_row_by_row(world: World) -> None:
    world.push(stock("SIM-0003", 9, version=10))
    rows = [
        stock("SIM-0001", "12.5"),
        stock("SIM-0002", 100),
        stock("SIM-0003", 8, version=9),
        stock("ghost", 1),
        stock("SIM-0004", "many"),
        stock("", 1),
        stock("SIM-0005", 1, "nowhere"),
    ]
    answer = world.push(*rows)
    assert world.outcomes(answer) == ["applied", "applied", "stale", "rejected", "rejected", "rejected", "rejected"]
    assert world.level("SIM-0001") == (12.5, 1)
    assert world.level("SIM-0003") == (9, 1)
    again = world.push(*rows[:2])
    assert world.outcomes(again) == ["unchanged", "unchanged"]


def test_a_level_that_the_store_has_makes_no_call(world: World) -> None:
    world.push(stock("SIM-0001", 61))
    before = world.writes()
    assert world.outcomes(world.push(stock("SIM-0001", 61), stock("sim-0001 ", "61.0"))) == ["unchanged", "unchanged"]
    assert world.writes() == before


def test_an_older_level_never_wins(world: World) -> None:
    world.push(stock("SIM-0001", 5, as_of="2026-11-23T10:00:00+01:00"))
    late = world.push(stock("SIM-0001", 50, as_of="2026-11-23T08:59:59Z"))
    assert world.outcomes(late) == ["stale"]
    assert world.level("SIM-0001") == (5, 1)


def test_an_unchanged_level_still_moves_the_version_on(world: World) -> None:
    world.push(stock("SIM-0001", 5, version=1))
    world.push(stock("SIM-0001", 5, version=7))
    assert world.outcomes(world.push(stock("SIM-0001", 6, version=6))) == ["stale"]


def test_of_two_rows_of_one_sku_the_last_wins(world: World) -> None:
    answer = world.push(stock("SIM-0001", 1), stock("SIM-0001", 2))
    assert world.outcomes(answer) == ["stale", "applied"]
    assert world.level("SIM-0001") == (2, 1)


def test_the_same_key_does_the_same_once(world: World) -> None:
    first = world.push(stock("SIM-0001", 3), **{"Idempotency-Key": "a"})
    world.push(stock("SIM-0001", 4))
    again = world.push(stock("SIM-0001", 3), **{"Idempotency-Key": "a"})
    assert again.json() == first.json(), "the stored answer"
    assert world.level("SIM-0001") == (4, 1)
    other = world.push(stock("SIM-0001", 9), **{"Idempotency-Key": "a"})
    assert other.status_code == 422


def test_one_bad_row_costs_one_row(tmp_path: Path, database: str) -> None:
    with world_with(tmp_path, database) as world:
        world.crossdock.connections.by_name["store"].inventory._check_skus = True  # type: ignore[attr-defined]
        rows = [stock(f"SIM-{number:04}", number, status=1) for number in range(1, 41)]
        rows[17] = stock("gone", 3)
        found = world.outcomes(world.push(*rows))
    assert found.count("applied") == 39
    assert found[17] == "rejected"


def test_a_lock_time_out_is_tried_again(tmp_path: Path, database: str) -> None:
    with world_with(tmp_path, database, Faults(bugs=Bugs(source_items_collide=True))) as world:
        for place in ("MI", "RM"):
            assert world.push(*(stock(f"SIM-{n:04}", n, place) for n in range(1, 30))).status_code == 200
        assert world.level("SIM-0029", "wh_rome") == (29, 1)


def test_a_large_push_is_a_job(world: World) -> None:
    rows = [stock(f"SIM-{number:04}", number + 1000) for number in range(1, 101)] + [stock("ghost", 1)]
    answer = world.push(*rows)
    assert answer.status_code == 202
    job = f"/rest/V2/erp/inventory/jobs/{answer.json()['job']}"
    until(lambda: world.http.get(job).json()["done"])
    told = world.http.get(job).json()
    assert told["counts"] == {"applied": 100, "rejected": 1, "unchanged": 0}
    assert told["total"] == 101
    page = world.http.get(job, params={"limit": 10}).json()
    assert [row["row"] for row in page["rows"]] == list(range(10))
    assert page["next"] == 9
    assert world.level("SIM-0100") == (1100, 1)


def test_a_feed_that_empties_the_shelves_waits_for_a_person(tmp_path: Path, database: str) -> None:
    with world_with(tmp_path, database, zero_percent=50, least_rows=5) as world:
        skus = [f"SIM-{number:04}" for number in range(1, 11)]
        world.push(*(stock(sku, 10) for sku in skus))
        empty = world.push(*(stock(sku, 0) for sku in skus))
        assert set(world.outcomes(empty)) == {"held"}
        assert world.level("SIM-0001") == (10, 1)
        assert world.outcomes(world.push(stock("SIM-0001", 3))) == ["applied"], "the rest goes on"
        levels = world.crossdock.store.levels
        held = levels.feed(int(empty.json()["job"]))
        assert held is not None
        assert held.state == "held"
        assert world.crossdock.feeds.approve(held, "maria", "the season is over")
        until(lambda: world.level("SIM-0010") == (0, 0))
        assert world.level("SIM-0001") == (3, 1), "newer than the feed that was held"


def test_the_trail_shows_a_level(world: World) -> None:
    world.push(stock("SIM-0001", 61))
    (place,) = world.crossdock.store.find_subjects("SIM-0001")
    events = [(one.kind, one.text) for one in world.crossdock.store.timeline(*place)]
    assert any(kind == "attempt" and "delivered" in text for kind, text in events), events


def test_a_sku_is_explained(world: World, tmp_path: Path) -> None:
    world.push(stock("SIM-0001", 61), stock("SIM-0001", 4, "RM"))
    plain = world.crossdock.settings.model_dump(mode="json", exclude_defaults=True)
    (tmp_path / "crossdock.toml").write_text(toml(plain))
    told = CliRunner().invoke(app, ["explain", "sku", "SIM-0001", "-c", str(tmp_path / "crossdock.toml")])
    assert told.exit_code == 0, told.output
    assert "stock of wh_milan/sim-0001" in told.output
    assert "stock of wh_rome/sim-0001" in told.output


def test_what_is_sent_is_a_number_as_it_was_given(world: World) -> None:
    world.push(stock("SIM-0001", "0.1000"))
    assert world.level("SIM-0001") == (0.1, 1)
    assert json.dumps(world.level("SIM-0001")) == "[0.1, 1]"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
ROW = st.fixed_dictionaries(
    {},
    optional={
        "sku": st.just("SIM-0001") | JSON,
        "qty": st.just(3) | JSON,
        "warehouse": st.just("MI") | JSON,
        "status": st.just(1) | JSON,
        "version": st.just(1) | JSON,
        "as_of": st.just("2026-01-01T00:00:00Z") | JSON,
        "meaning": st.just("available") | JSON,
    },
)


def test_hostile_bodies_are_answered_and_never_an_error_of_ours(tmp_path: Path) -> None:
    with world_with(tmp_path, sqlite_url(tmp_path)) as world:

        @hypothesis.settings(max_examples=150, deadline=None, database=None)
        @hypothesis.given(st.sampled_from([V1, V2]), st.lists(ROW | JSON, max_size=4) | JSON)
        def fuzz(path: str, items: Any) -> None:
            answer = world.http.post(path, content=json.dumps({"items": items}).encode())
            assert answer.status_code in {200, 202, 400}, answer.text

        fuzz()
        assert {sku for sku, _ in world.shop.do(lambda store: [*store.source_items])} <= KNOWN, "a ghost row"
