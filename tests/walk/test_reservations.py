"""Available quantities, written so that the store sells exactly what the ERP has: over real HTTP, both storages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from crossdock.api.serving import Serving
from crossdock.sandbox.run import ErpServer, StoreServer
from crossdock.sandbox.store import Store
from crossdock.settings import Settings
from tests.databases import postgres_url, sqlite_url
from tests.walk.test_fulfilment import World, with_documents
from tests.walk.test_sandbox_bugs import TOKEN, configured
from tests.walk.world import until

PLACES = {"MI": "wh_milan", "RM": "wh_rome"}


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield sqlite_url(tmp_path)
        return
    with postgres_url() as url:
        yield url


@pytest.fixture
def world(tmp_path: Path, database: str) -> Iterator[World]:
    shop, erp = StoreServer(seed=5, token=TOKEN), ErpServer(seed=6, token=TOKEN)
    shop.start()
    erp.start()
    told = with_documents(configured(tmp_path, shop, erp), database).model_dump(exclude_unset=True)
    back = told["routes"][-1]
    back["flows"] = [*back["flows"], "inventory"]
    back["options"] = {"inventory": {"warehouses": PLACES, "meaning": "available"}}
    serving = Serving(Settings.model_validate(told))
    serving.start()
    found = World(shop, erp, serving)
    try:
        yield found
    finally:
        found.http.close()
        serving.stop()
        shop.stop()
        erp.stop()


def tell(world: World, sku: str, available: float, as_of: datetime | None = None) -> str:
    row = {"sku": sku, "qty": available, "warehouse": "MI"} | ({"as_of": as_of.isoformat()} if as_of else {})
    answer = world.http.post("/rest/V2/erp/inventory/update", json={"items": [row]})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["rows"][0]["outcome"])


def there(world: World, sku: str, place: str = "wh_milan") -> float:
    return float(world.shop.do(lambda store: store.source_items[sku, place]["quantity"]))


def salable(world: World, sku: str) -> float:
    path = f"/rest/all/V1/inventory/get-product-salable-quantity/{sku}/2"
    return float(httpx.get(f"{world.shop.url}{path}", headers={"Authorization": f"Bearer {TOKEN}"}).json())


def _stock(store: Store, sku: str, code: str, kept: dict[str, Any]) -> None:
    store.source_items[sku, code] = kept


def bought(world: World) -> tuple[dict[str, Any], str, int]:
    """An order of one stocked SKU that the ERP has, its SKU and pieces; all of it was in stock before."""
    for _ in range(40):
        order = world.placed("simple")
        row = order["items"][0]
        if len([one for one in order["items"] if one["sku"] == row["sku"]]) == 1:
            break
    for code in ("wh_milan", "wh_rome"):
        kept = {"sku": row["sku"], "source_code": code, "quantity": 0, "status": 1}
        world.shop.do(partial(_stock, sku=row["sku"], code=code, kept=kept))
    until(lambda: "ext_order_id" in world.order(order["entity_id"]))
    return order, row["sku"], row["qty_ordered"]


def test_what_the_erp_has_taken_off_already_is_not_taken_off_twice(world: World) -> None:
    order, sku, pieces = bought(world)
    assert tell(world, sku, 50, datetime.now(UTC)) == "applied"
    assert there(world, sku) == 50 + pieces
    assert salable(world, sku) == 50
    ledger = world.crossdock.store.levels.reserved("store", "erp", "orders", [sku.casefold()])
    assert [(number, int(quantity)) for _, number, quantity, _ in ledger] == [(order["increment_id"], pieces)]
    # it ships: from that source the store itself takes the pieces, and what can be sold stays as it is
    world.push("shipments", number="SH-1", order=order["increment_id"], warehouse="MI")
    assert world.settled("shipments", "SH-1")["state"] == "delivered"
    until(lambda: there(world, sku) == 50)
    assert salable(world, sku) == 50


def test_a_level_from_before_the_erp_had_the_order_is_written_as_it_is(world: World) -> None:
    before = datetime.now(UTC)
    _, sku, pieces = bought(world)
    assert tell(world, sku, 50, before) == "applied"
    assert there(world, sku) == 50
    assert salable(world, sku) == 50 - pieces


def test_a_level_that_lacks_what_left_is_not_lowered_again_by_its_shipment(world: World) -> None:
    """The ERP ships, tells the level, then the shipment: the store takes the pieces off what lacks them already."""
    order, sku, pieces = bought(world)
    shipped_at = datetime.now(UTC)
    for meaning, place in (("on_hand", "RM"), ("available", "MI")):
        row = {"sku": sku, "qty": 50, "warehouse": place, "meaning": meaning, "as_of": datetime.now(UTC).isoformat()}
        world.http.post("/rest/V2/erp/inventory/update", json={"items": [row]})
    until(lambda: there(world, sku, "wh_rome") == 50 and there(world, sku) == 50 + pieces)
    document = {"number": "SH-3", "order": order["increment_id"], "warehouse": "RM"}
    world.push("shipments", **document, shipped_at=shipped_at.isoformat())
    assert world.settled("shipments", "SH-3")["state"] == "delivered"
    until(lambda: there(world, sku, "wh_rome") == 50 and there(world, sku) == 50)


def test_a_level_from_before_a_shipment_does_not_bring_its_pieces_back(world: World) -> None:
    order, sku, pieces = bought(world)
    before = datetime.now(UTC)
    world.push("shipments", number="SH-4", order=order["increment_id"], warehouse="RM")
    assert world.settled("shipments", "SH-4")["state"] == "delivered"
    row = {"sku": sku, "qty": 50, "warehouse": "RM", "meaning": "on_hand", "as_of": before.isoformat()}
    world.http.post("/rest/V2/erp/inventory/update", json={"items": [row]})
    until(lambda: there(world, sku, "wh_rome") == 50 - pieces)
    # told anew: the same number, and now it lacks them
    row["as_of"] = datetime.now(UTC).isoformat()
    world.http.post("/rest/V2/erp/inventory/update", json={"items": [row]})
    until(lambda: there(world, sku, "wh_rome") == 50)


def test_a_shipment_from_another_source_is_reckoned_with_by_itself(world: World) -> None:
    order, sku, pieces = bought(world)
    assert tell(world, sku, 50, datetime.now(UTC)) == "applied"
    world.shop.do(lambda store: store.source_items[sku, "wh_rome"].update(quantity=pieces))
    world.push("shipments", number="SH-2", order=order["increment_id"], warehouse="RM")
    assert world.settled("shipments", "SH-2")["state"] == "delivered"
    until(lambda: there(world, sku) == 50)  # nobody has told a level since
    assert there(world, sku, "wh_rome") == 0


def test_a_cancellation_gives_nothing_back_that_the_erp_still_lacks(world: World) -> None:
    order, sku, pieces = bought(world)
    assert tell(world, sku, 50, datetime.now(UTC)) == "applied"
    assert there(world, sku) == 50 + pieces
    world.shop.do(lambda store: store.change(order["entity_id"], "cancel"))
    until(lambda: there(world, sku) == 50)
    assert salable(world, sku) == 50
    assert tell(world, sku, 50 + pieces, datetime.now(UTC)) == "applied", "the ERP has given it back"
    assert salable(world, sku) == 50 + pieces
