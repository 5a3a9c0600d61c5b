"""kill -9 between every two steps of a bulk: every product is there, and nothing that was accepted goes again."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from crossdock.sandbox.faults import Faults
from crossdock.sandbox.run import ErpServer, StoreServer
from tests.chaos.bulk_child import ROWS
from tests.databases import postgres_url, sqlite_url
from tests.walk.files import toml
from tests.walk.test_bulks import ASYNC, BULK
from tests.walk.test_products import with_products
from tests.walk.test_sandbox_bugs import TOKEN, configured
from tests.walk.world import until

ROOT = Path(__file__).parent.parent.parent
# long enough for a slow machine: a request that is given up would be sent again; short, since doubt lasts as long
DEADLINES = {"connect_s": 3, "read_s": 4, "total_s": 5}
STEPS = [
    ("before-hand-over", 1),
    ("after-hand-over", 1),  # written down, not sent
    ("before-accept", 1),  # accepted by the store, under a uuid that nobody knows
    ("after-accept", 1),
    ("before-settle-batch", 1),
    ("before-close", 1),  # the store has ended, and was asked
    ("after-close", 1),
]


@contextmanager
def child(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    running = subprocess.Popen([sys.executable, "-m", "tests.chaos.bulk_child", *arguments], cwd=ROOT)
    try:
        yield running
    finally:
        if running.poll() is None:
            running.terminate()
        running.wait(60)


def survive(folder: Path, point: str, nth: int, database: str) -> None:
    shop, erp = StoreServer(seed=5, token=TOKEN, faults=Faults(bulk_s=0.5)), ErpServer(seed=6, token=TOKEN)
    shop.start()
    erp.start()
    try:
        settings = with_products(configured(folder, shop, erp), database, {}, DEADLINES, **BULK)
        config = folder / "crossdock.toml"
        config.write_text(toml(settings.model_dump(mode="json", exclude_unset=True)))
        with child(str(config), point, str(nth)) as doomed:
            assert doomed.wait(60) == -9, "it did not come to that step"

        def is_right() -> bool:
            return shop.do(lambda store: all(store.catalog.find(f"NEW-{n:03}") is not None for n in range(ROWS)))

        def is_settled() -> bool:
            return settled_in(settings.database.url)

        with child(str(config), "never", "1"):
            until(lambda: is_right() and is_settled(), 90)
        sent = shop.do(lambda store: [one for one in store.requests if ASYNC in one or one.startswith("POST")])
        assert len(sent) == 1, sent
    finally:
        shop.stop()
        erp.stop()


def settled_in(database: str) -> bool:
    """Read from the database itself: every product is delivered, and nothing is under way."""
    from sqlalchemy import func, select

    from crossdock.storage.engine import open_engine
    from crossdock.storage.tables import deliveries, handed

    engine = open_engine(database)
    try:
        with engine.connect() as connection:
            here = select(func.count()).where(deliveries.c.flow == "products", deliveries.c.state == "delivered")
            found = connection.execute(here).scalar_one(), connection.execute(select(func.count()).select_from(handed))
            count, under_way = found[0], found[1].scalar_one()
    finally:
        engine.dispose()
    return bool(count == ROWS and under_way == 0)


@pytest.mark.parametrize(("point", "nth"), STEPS)
def test_killed_at_any_step_every_product_is_there_and_went_once(tmp_path: Path, point: str, nth: int) -> None:
    survive(tmp_path, point, nth, sqlite_url(tmp_path))


@pytest.mark.services
def test_the_same_on_postgresql(tmp_path: Path) -> None:
    with postgres_url() as url:
        survive(tmp_path, "before-accept", 1, url)
