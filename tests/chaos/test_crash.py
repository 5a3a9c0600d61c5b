"""kill -9 between every two steps of an order's walk: after a restart the order is in the ERP once, and acknowledged."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.databases import postgres_url
from tests.material import needs_shared
from tests.recorded_server import serve
from tests.walk.world import Erp, Shop, recorded, until

pytestmark = needs_shared
ROOT = Path(__file__).parent.parent.parent

# Each step, and how often it comes in one order's walk: a look, the order, the acknowledgement.
STEPS = [
    ("before-record", 1),
    ("after-record", 1),
    ("page-read", 1),
    ("page-stored", 1),
    ("before-look", 1),
    ("after-look", 1),
    ("before-send", 1),
    ("before-send", 2),
    ("after-send", 1),
    ("after-send", 2),
    ("before-settle", 1),
    ("before-settle", 2),
    ("before-settle", 3),
    ("after-settle", 1),
    ("after-settle", 2),
    ("after-settle", 3),
]


@contextmanager
def child(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    running = subprocess.Popen([sys.executable, "-m", "tests.chaos.child", str(folder), *arguments], cwd=ROOT)
    try:
        yield running
    finally:
        if running.poll() is None:
            running.terminate()
        running.wait(60)


def survive(folder: Path, point: str, nth: int, database: str = "") -> tuple[Shop, Erp, int]:
    shop, erp = Shop(), Erp()
    with serve(shop.answer) as store, serve(erp.answer) as target:
        number = shop.add(recorded("009_configurable_a"))
        place = (store.url, target.url, database)
        with child(folder, *place, point, str(nth), str(number)) as doomed:
            assert doomed.wait(60) == -9, "it did not come to that step"
        with child(folder, *place, "never", "1", str(number)):
            until(lambda: bool(shop.comments.get(number)) and "ext_order_id" in shop.orders[number], 60)
    return shop, erp, number


@pytest.mark.parametrize(("point", "nth"), STEPS)
def test_killed_at_any_step_the_order_is_there_once(tmp_path: Path, point: str, nth: int) -> None:
    shop, erp, number = survive(tmp_path, point, nth)
    assert len(erp.kept) == 1
    assert shop.orders[number]["ext_order_id"] == "SO-1"
    assert len(shop.comments[number]) == 1


@pytest.mark.services
@pytest.mark.parametrize(("point", "nth"), [("after-send", 1), ("before-settle", 2), ("after-settle", 1)])
def test_the_same_on_postgresql(tmp_path: Path, point: str, nth: int) -> None:
    with postgres_url() as url:
        _, erp, _ = survive(tmp_path, point, nth, url)
    assert len(erp.kept) == 1
