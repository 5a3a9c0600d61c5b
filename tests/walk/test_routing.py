"""Several ERPs behind one store: each order goes to one of them, and what follows goes where the order went."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crossdock.app import Crossdock
from crossdock.errors import ConfigurationError
from crossdock.settings import Settings
from tests.databases import postgres_url, sqlite_url
from tests.material import needs_shared
from tests.recorded_server import serve
from tests.walk.world import Erp, Shop, recorded, settings, settled, until

pytestmark = needs_shared
DOMESTIC, ABROAD = "001_smoke", "061_addr_us"


class World:
    def __init__(self, shop: Shop, home: Erp, abroad: Erp, crossdock: Crossdock) -> None:
        self.shop, self.home, self.abroad, self.crossdock = shop, home, abroad, crossdock

    def delivered(self, *numbers: int) -> None:
        until(lambda: all(self.shop.comments.get(number) for number in numbers) and settled(self.crossdock))


def tables_of(folder: Path, shop: str, home: str, abroad: str, database: str) -> dict[str, Any]:
    tables = settings(folder, shop, home, database).model_dump(mode="json", exclude_defaults=True)
    tables["connections"]["abroad"] = tables["connections"]["erp"] | {"base_url": abroad}
    always = {"eligibility": {"*": "always"}}
    tables["routes"] = [
        {"source": "store", "target": "abroad", "options": always | {"when": {"countries": ["US"]}}},
        {"source": "store", "target": "erp", "options": always},
    ]
    return tables


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.services)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield sqlite_url(tmp_path)
        return
    with postgres_url() as url:
        yield url


@pytest.fixture
def world(database: str, tmp_path: Path) -> Iterator[World]:
    shop, home, abroad = Shop(), Erp(), Erp()
    with serve(shop.answer) as one, serve(home.answer) as two, serve(abroad.answer) as three:
        crossdock = Crossdock(Settings(**tables_of(tmp_path, one.url, two.url, three.url, database)))
        crossdock.start()
        try:
            yield World(shop, home, abroad, crossdock)
        finally:
            crossdock.stop()


def test_each_order_goes_to_one_erp_and_its_cancellation_there_too(world: World) -> None:
    ours, theirs = world.shop.add(recorded(DOMESTIC)), world.shop.add(recorded(ABROAD))
    world.delivered(ours, theirs)
    assert world.home.numbers() == [recorded(DOMESTIC)["increment_id"]]
    assert world.abroad.numbers() == [recorded(ABROAD)["increment_id"]]
    moved = {"state": "canceled", "status": "canceled"}  # and by now it would go elsewhere
    address = world.shop.orders[theirs]["extension_attributes"]["shipping_assignments"][0]["shipping"]["address"]
    address["country_id"] = "IT"
    world.shop.touch(theirs, **moved)
    until(lambda: any(told.endswith("/cancel") for told in world.abroad.told) and settled(world.crossdock))
    assert world.home.numbers() == [recorded(DOMESTIC)["increment_id"]]
    assert world.home.told == []


def test_a_route_behind_one_that_takes_all_is_refused(tmp_path: Path) -> None:
    tables = tables_of(tmp_path, "http://127.0.0.1:1", "http://127.0.0.1:2", "http://127.0.0.1:3", "")
    tables["routes"].reverse()
    with pytest.raises(ConfigurationError, match=r"routes\[1\]: routes\[0\] takes every order before it"):
        Crossdock(Settings(**tables))
    tables["routes"][1]["options"]["shares"] = True
    Crossdock(Settings(**tables)).store.close()
