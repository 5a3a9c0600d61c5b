"""Comparing, understanding and repairing over HTTP: what the console and programs of others do."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from crossdock.api.serving import Serving
from crossdock.app import Crossdock, Role
from crossdock.reconciliation.drift import RunState
from crossdock.security.tokens import NewToken, hash_of, new_token
from tests.databases import sqlite_url
from tests.walk.reconciled import Town, stock
from tests.walk.world import until


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with ExitStack() as stack:
        found = Town(tmp_path, sqlite_url(tmp_path), stack)
        found.lists("stock", *(stock(number, number + 7) for number in range(1, 6)))
        found.lists("stock", *(stock(number, 40, "RM") for number in range(1, 4)))  # the store begins with these
        found.scan()
        yield found


def asks(serving: Serving, *scopes: str) -> httpx.Client:
    secret = new_token()
    new = NewToken(name=f"for {scopes}", hash=hash_of(secret), scopes=scopes)
    serving.crossdock.store.access.add_token(new, "cli:test", datetime.now(UTC))
    return httpx.Client(
        base_url=f"{serving.url}/api/v1/reconciliations", headers={"Authorization": f"Bearer {secret}"}, timeout=20
    )


def ended(client: httpx.Client) -> dict[str, Any]:
    """The newest run, once it has ended."""

    def newest() -> dict[str, Any]:
        return dict(next(iter(client.get("/").json()), {}))

    until(lambda: newest().get("state") not in {None, "running"})
    return newest()


def test_a_drift_is_found_understood_and_repaired_once(town: Town) -> None:
    serving = Serving(town.settings)
    serving.start()
    try:
        until(lambda: all(town.level(f"SIM-{number:04}") == number + 7 for number in range(1, 6)))
        town.settled(serving.crossdock, "inventory")
        town.overwrite("SIM-0002", 500)
        with asks(serving, "operate") as client, asks(serving, "read") as viewer:
            told = {(one["flow"], one["store"], one["erp"]) for one in client.get("/comparisons").json()}
            assert {("orders", "store", "erp"), ("inventory", "store", "erp")} <= told
            assert viewer.post("/", json={"flow": "inventory"}).status_code == 403
            assert client.post("/", json={"flow": "parcels"}).status_code == 404
            begun = client.post("/", json={"flow": "inventory"})
            assert begun.status_code == 202
            run = ended(client)
            assert [one["id"] for one in begun.json()["begun"]] == [run["id"]]
            assert (run["state"], run["compared"], run["drifts"]) == ("done", 8, 1)
            whole = viewer.get(f"/{run['id']}").json()
            counts = {"found": 1, "repairable": 1, "repaired": 0, "ended": 0}
            assert whole["causes"] == [{"cause": "overwritten-in-store"} | counts]
            (drift,) = viewer.get(f"/{run['id']}/drifts").json()["drifts"]
            assert (drift["key"], drift["store_value"], drift["erp_value"]) == ("wh_milan/sim-0002", "500", "9")
            assert (drift["repair"], drift["repairable"]) == ("owe", True)
            plan = {"why": "somebody typed it in", "keys": ["wh_milan/sim-0002"]}
            assert viewer.post(f"/{run['id']}/apply", json=plan).status_code == 403
            assert client.post(f"/{run['id']}/apply", json=plan | {"why": " "}).status_code == 400
            assert client.post(f"/{run['id']}/apply", json=plan | {"causes": ["luck"]}).status_code == 400
            assert client.post(f"/{run['id']}/apply", json=plan).json()["repaired"] == 1
            until(lambda: town.level("SIM-0002") == 9)
            before = town.writes()
            again = client.post(f"/{run['id']}/apply", json=plan).json()
            assert (again["repaired"], again["ended"]) == (0, 0)
            assert town.writes() == before
            assert client.post("/", json={"flow": "inventory"}).status_code == 202
            until(lambda: client.get("/").json()[0]["id"] > run["id"])
            assert ended(client)["drifts"] == 0
            (found,) = viewer.get("/history", params={"key": "wh_milan/sim-0002"}).json()
            assert (found["run"]["id"], found["drift"]["state"]) == (run["id"], "repaired")
            pieces = [one for one in viewer.get("/totals").json() if one["unit"] == "pieces at wh_milan"]
            sums = [[Decimal(one[name]) for name in ("in_store", "in_erp", "difference")] for one in pieces]
            assert sums == [[50, 50, 0]]
    finally:
        serving.stop()


def test_two_at_once_cannot_compare_the_same(town: Town) -> None:
    with town.working() as crossdock:
        work = crossdock.reconciling
        (one,) = work.of("inventory")
        claimed = one.claim()
        assert claimed is not None
        assert work.begin(one, "test") is None
        one.release(claimed)
        assert work.begin(one, "test") is not None
        until(lambda: [str(run.state) for run in crossdock.store.reconciliations.runs("inventory")] == ["done"])


def test_one_that_no_schedule_knows_is_dropped_as_the_process_stops(town: Town) -> None:
    """It has written to neither end; the next one of its road finds it interrupted."""
    with town.working() as crossdock:
        (one,) = crossdock.reconciling.of("inventory")
        assert crossdock.reconciling.timetables == []
        assert not one.stopping.is_set()
    assert one.stopping.is_set()


def test_one_that_a_person_began_ends_before_the_database_is_closed(town: Town) -> None:
    """Also in a process that compares nothing by itself."""
    reached = threading.Event()

    def held(name: str) -> None:
        if name == "erp-side-read":
            reached.set()
            compares.stopping.wait(60)

    one = Crossdock(town.settings, roles=frozenset({Role.API}), failpoint=held)
    one.start()
    (compares,) = one.reconciling.of("inventory")
    assert one.reconciling.begin(compares, "test") is not None
    assert reached.wait(60)
    one.stop()
    with town.idle() as other:
        assert [run.state for run in other.store.reconciliations.runs()] == [RunState.INTERRUPTED]
    assert [thread for thread in threading.enumerate() if thread.name == compares.road.name()] == []
