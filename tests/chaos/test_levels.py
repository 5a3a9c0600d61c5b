"""Stock levels under kill -9: between every two steps of a batch, and in a storm of three roads."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest

from crossdock.sandbox.faults import NONE
from tests.chaos import levels
from tests.databases import sqlite_url
from tests.long import at_length
from tests.walk.test_inventory import V2
from tests.walk.world import until

STEPS = ["before-send-batch", "after-send-batch", "before-settle-batch", "after-settle-batch"]


@pytest.mark.parametrize("point", STEPS)
def test_killed_at_any_step_the_newest_level_is_there(point: str) -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        storm = levels.Storm(folder, 1, sqlite_url(folder), stack)
        storm.shop.do(lambda store: setattr(store.lottery, "faults", NONE))
        words = [sys.executable, "-m", "tests.chaos.level_child", str(storm.config), point, "1"]
        with subprocess.Popen(words, cwd=levels.ROOT, stdout=subprocess.PIPE, text=True) as doomed:
            stack.callback(doomed.kill)
            assert doomed.stdout is not None
            url = doomed.stdout.readline().strip()
            rows = [{"sku": "SIM-0001", "qty": 7, "warehouse": "MI", "version": 1}]
            head = {"Authorization": "Bearer t0ken"}
            with suppress(httpx.HTTPError):  # it dies before it has answered, or has told its caller to ask again later
                httpx.post(f"{url}{V2}", json={"items": rows}, headers=head, timeout=60).raise_for_status()
            assert doomed.wait(60) == -9, "it did not come to that step"
        storm.start()
        place = ("SIM-0001", "wh_milan")
        until(lambda: storm.shop.do(lambda store: store.source_items[place]["quantity"]) == 7, 60)
        rows = [{"sku": "SIM-0001", "qty": 8, "warehouse": "MI", "version": 2}]
        until(lambda: storm._push(V2, rows), 60)
        until(lambda: storm.shop.do(lambda store: store.source_items[place]["quantity"]) == 8, 60)


@pytest.mark.parametrize(
    "storage",
    [
        pytest.param("sqlite", marks=at_length("as on PostgreSQL")),
        pytest.param("postgres", marks=pytest.mark.services),
    ],
)
def test_a_storm_of_levels_ends_with_the_newest(storage: str) -> None:
    found = levels.run(25, 3, storage)
    assert found["kills"] > 0
    assert found["faults"] > 0
    assert found["wrong"] == 0, found
