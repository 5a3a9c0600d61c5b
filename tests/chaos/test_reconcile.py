"""Comparisons and repairs under kill -9, beside workers that deliver the same: nothing doubled, nothing left behind."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crossdock.reconciliation.drift import RunState
from tests.chaos import reconciling
from tests.databases import postgres_url, sqlite_url
from tests.long import at_length, only_at_length
from tests.walk.files import toml
from tests.walk.reconciled import Town
from tests.walk.test_reconcile_inventory import SKUS, levels
from tests.walk.test_reconcile_orders import Orders
from tests.walk.world import until

ROOT = Path(__file__).parent.parent.parent
SIDES = ["erp-side-read", "store-side-read", "drifts-kept"]


def child(town: Town, flow: str, point: str = "never", nth: int = 1) -> int:
    file = town.folder / "crossdock.toml"
    file.write_text(toml(town.settings.model_dump(mode="json", exclude_unset=True)))
    words = [sys.executable, "-m", "tests.chaos.reconcile_child", str(file), flow, point, str(nth)]
    return subprocess.run(words, cwd=ROOT, capture_output=True, check=False, timeout=120).returncode


def again(town: Town, flow: str) -> None:
    """The claim of the dead one runs out, then it is done anew."""
    until(lambda: child(town, flow) == 0, 120)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.services)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield sqlite_url(tmp_path)
        return
    with postgres_url() as url:
        yield url


@pytest.mark.parametrize("point", [*SIDES, "repaired"])
def test_stock_is_as_the_erp_has_it_wherever_the_repair_died(tmp_path: Path, point: str) -> None:
    with ExitStack() as stack:
        town = Town(tmp_path, sqlite_url(tmp_path), stack)
        levels(town)
        for number in range(1, SKUS + 1):
            town.overwrite(f"SIM-{number:04}", 900)
        assert child(town, "inventory", point) == -9, "it did not come to that step"
        again(town, "inventory")
        with town.working() as crossdock:
            until(lambda: all(town.level(f"SIM-{n:04}") == n + 7 for n in range(1, SKUS + 1)), 60)
            town.settled(crossdock, "inventory")
            states = [run.state for run in crossdock.store.reconciliations.runs("inventory")]
            assert states[-1] is (RunState.DONE if point == "repaired" else RunState.INTERRUPTED)
        assert town.compare()[1] == []


def test_orders_are_there_once_wherever_the_repair_died_while_workers_run(tmp_path: Path, database: str) -> None:
    if database.startswith("sqlite"):
        only_at_length("as on PostgreSQL")
    luck = random.Random(3)
    with ExitStack() as stack:
        orders = Orders(Town(tmp_path, database, stack))
        town = orders.town
        planted = orders.plant()
        repaired = {key for key, cause in planted.items() if cause in {"never-captured", "dead-letter"}}
        with town.working() as crossdock:
            crossdock.store.resume("erp", "test", datetime.now(UTC))
            for point in [*SIDES, "looks-recorded", "replayed", "repaired"]:
                child(town, "orders", point, luck.randint(1, 2))
                again(town, "orders")
            until(lambda: repaired <= town.erp.do(lambda erp: set(erp._by_number)), 60)
            town.settled(crossdock, "looks")
        assert town.erp.do(lambda erp: erp.doubles()) == [orders.number(orders.ids[4])], "only the planted one"
        assert not repaired & {one.key for one in town.compare("orders")[1]}


@pytest.mark.parametrize(
    "storage",
    [
        pytest.param("sqlite", marks=at_length("as on PostgreSQL")),
        pytest.param("postgres", marks=pytest.mark.services),
    ],
)
def test_a_storm_of_drifts_ends_with_both_sides_alike_and_nothing_twice(storage: str) -> None:
    found = reconciling.run(5, 3, storage)
    assert found["kills"] > 0
    assert (found["levels"], found["lacking"], found["doubled"]) == (0, 0, 0), found
