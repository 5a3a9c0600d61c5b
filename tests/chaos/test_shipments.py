"""kill -9 between every two steps of a shipment's walk: the store has it once, and its stock is right."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import func, select

from crossdock.sandbox.run import ErpServer, StoreServer
from crossdock.settings import Settings
from crossdock.storage.engine import open_engine
from crossdock.storage.tables import deliveries
from tests.chaos.shipment_child import LEVEL
from tests.databases import postgres_url, sqlite_url
from tests.walk.files import toml
from tests.walk.test_fulfilment import PLACES, line_of, with_documents
from tests.walk.test_sandbox_bugs import TOKEN, configured
from tests.walk.world import until

ROOT = Path(__file__).parent.parent.parent
# the look, the shipment; the level, and once more what the shipment has stirred
STEPS = [
    ("before-look", 1),
    ("after-look", 1),
    ("before-send", 1),
    ("after-send", 1),
    ("before-settle", 1),
    ("before-settle", 2),
    ("after-settle", 1),
    ("after-settle", 2),
    ("before-send-batch", 1),
    ("after-send-batch", 1),
    ("before-settle-batch", 1),
    ("after-settle-batch", 1),
]


@contextmanager
def child(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    running = subprocess.Popen([sys.executable, "-m", "tests.chaos.shipment_child", *arguments], cwd=ROOT)
    try:
        yield running
    finally:
        if running.poll() is None:
            running.terminate()
        running.wait(60)


def told(folder: Path, shop: StoreServer, erp: ErpServer, database: str) -> str:
    plain = with_documents(configured(folder, shop, erp), database).model_dump(exclude_unset=True)
    back = plain["routes"][-1]
    back["flows"] = [*back["flows"], "inventory"]
    back["options"] = {"inventory": {"warehouses": PLACES}}
    settings = Settings.model_validate(plain)
    path = folder / "crossdock.toml"
    path.write_text(toml(settings.model_dump(mode="json", exclude_unset=True)))
    return str(path)


def under_way(database: str) -> int:
    engine = open_engine(database)
    try:
        with engine.connect() as connection:
            query = select(func.count()).where(deliveries.c.state.in_(("pending", "leased")))
            return int(connection.execute(query).scalar_one())
    finally:
        engine.dispose()


def survive(folder: Path, point: str, nth: int, database: str) -> None:
    shop, erp = StoreServer(seed=5, token=TOKEN), ErpServer(seed=6, token=TOKEN)
    shop.start()
    erp.start()
    try:
        number = shop.place(1, ["simple"])[0]
        order = shop.do(lambda store: dict(store.orders[number]))
        line = line_of(order)
        config = told(folder, shop, erp, database)
        about = (order["increment_id"], str(line["item_id"]), str(line["qty_ordered"]), line["sku"])
        with child(config, point, str(nth), *about) as doomed:
            assert doomed.wait(60) == -9, "it did not come to that step"
        place = (line["sku"], "wh_milan")

        def is_right() -> bool:
            shipments = shop.do(lambda store: len(store.shipments))
            level = shop.do(lambda store: store.source_items.get(place, {}).get("quantity"))
            # a level on its way while the shipment was made is written once more: right in between is not the end
            return bool(shipments == 1 and level == LEVEL - line["qty_ordered"] and under_way(database) == 0)

        with child(config, "never", "1", *about):
            until(is_right, 60)
        assert is_right(), "it did not stay so"
    finally:
        shop.stop()
        erp.stop()


@pytest.mark.parametrize(("point", "nth"), STEPS)
def test_killed_at_any_step_the_shipment_is_there_once_and_the_stock_is_right(
    tmp_path: Path, point: str, nth: int
) -> None:
    survive(tmp_path, point, nth, sqlite_url(tmp_path))


@pytest.mark.services
@pytest.mark.parametrize(("point", "nth"), [("after-send", 1), ("before-settle", 2), ("after-send-batch", 1)])
def test_the_same_on_postgresql(tmp_path: Path, point: str, nth: int) -> None:
    with postgres_url() as url:
        survive(tmp_path, point, nth, url)
