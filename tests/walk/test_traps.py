"""What a real Magento does where one would not expect it (recorded): each trap is sprung first, then walked past.

`plain` is what a client does that takes the store at its word; it shows that the stand-in store has the trap too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from crossdock.api.serving import Serving
from crossdock.sandbox.faults import NONE, Faults
from crossdock.sandbox.run import ErpServer, StoreServer
from crossdock.settings import Settings
from tests.databases import sqlite_url
from tests.walk.test_sandbox_bugs import TOKEN, configured
from tests.walk.world import settled, until

Row = dict[str, Any]
PLACES = {"MI": "wh_milan", "RM": "wh_rome", "GONE": "wh_nowhere"}
STATES = ("inventory", "prices", "products")
DOCUMENTS = ("shipments", "invoices", "order_updates")
OPTIONS: Row = {
    "inventory": {"warehouses": PLACES},
    "prices": {"scopes": {"ALL": {"store": 0, "website": 0}}, "currency": "EUR", "guard": {"least_rows": 1000}},
    "products": {"owned": ["name", "price"], "guard": {"gone_percent": 100}},
}
AS_UTC = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


class World:
    def __init__(self, shop: StoreServer, serving: Serving) -> None:
        self.shop, self.crossdock = shop, serving.crossdock
        login = {"Authorization": f"Bearer {TOKEN}"}
        self.ours = httpx.Client(base_url=f"{serving.url}/rest", headers=login, timeout=60)
        self.plain = httpx.Client(base_url=f"{shop.url}/rest", headers=login, timeout=60)

    def push(self, flow: str, *rows: Row) -> list[tuple[str, str]]:
        answer = self.ours.post(f"/V2/erp/{flow}/update", json={"items": list(rows)})
        assert answer.status_code == 200, answer.text
        return [(row["outcome"], row.get("reason", "")) for row in answer.json()["rows"]]

    def document(self, path: str, **told: Any) -> Row:
        """As it has settled."""
        assert self.ours.post(f"/V1/erp/{path}", json=told).status_code == 202
        found: Row = {}

        def done() -> bool:
            found.update(self.ours.get(f"/V1/erp/{path}/{told['number']}").json())
            return bool(found["state"] != "pending")

        until(done)
        return found

    def level(self, sku: str, place: str) -> float | None:
        row = self.shop.do(lambda store: store.source_items.get((sku, place)))
        return row["quantity"] if row else None

    def placed(self) -> Row:
        number = self.shop.place(1, ["simple"])[0]
        return dict(self.shop.do(lambda store: store.orders[number]))


@contextmanager
def world_with(folder: Path, faults: Faults = NONE, wait_s: float = 20) -> Iterator[World]:
    shop, erp = StoreServer(seed=5, token=TOKEN, faults=faults), ErpServer(seed=6, token=TOKEN)
    shop.start()
    erp.start()
    told = configured(folder, shop, erp).model_dump(exclude_unset=True)
    told["database"] = {"url": sqlite_url(folder)}
    client = {"token": told["connections"]["erp"]["auth"]["token"], "connection": "erp"}
    told["api"] = {"port": 0, "clients": {"sap": client}, "rows_at_once": 80, "wait_s": wait_s}
    told["connections"]["store"]["settling_s"] = 0.3
    back = {"source": "erp", "target": "store", "flows": [*STATES, *DOCUMENTS], "options": OPTIONS}
    told["routes"] = [*told["routes"], back]
    serving = Serving(Settings.model_validate(told))
    serving.start()
    world = World(shop, serving)
    try:
        yield world
    finally:
        world.ours.close()
        world.plain.close()
        serving.stop()
        shop.stop()
        erp.stop()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with world_with(tmp_path) as found:
        yield found


def source_item(sku: str, quantity: float, place: str = "wh_milan") -> Row:
    return {"sku": sku, "source_code": place, "quantity": quantity, "status": 1}


def test_a_level_of_an_unknown_sku_is_no_ghost_row(world: World) -> None:
    told = world.plain.post("/all/V1/inventory/source-items", json={"sourceItems": [source_item("GHOST-1", 5)]})
    assert (told.status_code, world.level("GHOST-1", "wh_milan")) == (200, 5), "a real store takes it (recorded)"
    outcome, why = world.push("inventory", {"sku": "GHOST-2", "qty": 5, "warehouse": "MI"})[0]
    assert outcome == "rejected"
    assert "SKU" in why
    assert world.level("GHOST-2", "wh_milan") is None


def test_a_lock_time_out_in_a_400_is_tried_again(tmp_path: Path) -> None:
    with world_with(tmp_path, Faults(classes={"write": {"locked": 1.0}}), wait_s=1) as world:
        items = {"sourceItems": [source_item("SIM-0001", 5)]}
        told = world.plain.post("/all/V1/inventory/source-items", json=items)
        assert told.status_code == 400
        assert told.json()["message"] == "Could not save Source Item"
        assert world.level("SIM-0001", "wh_milan") == 100
        row = {"sku": "SIM-0001", "qty": 5, "warehouse": "MI"}
        answer = world.ours.post("/V2/erp/inventory/update", json={"items": [row]}, timeout=60)
        assert answer.status_code == 202, "not refused: it is still owed"
        world.shop.do(lambda store: setattr(store.lottery, "faults", NONE))
        until(lambda: world.level("SIM-0001", "wh_milan") == 5)


def test_one_bad_row_does_not_fail_its_call(world: World) -> None:
    items = [source_item("SIM-0001", 7), source_item("SIM-0002", 7, "wh_nowhere")]
    told = world.plain.post("/all/V1/inventory/source-items", json={"sourceItems": items})
    assert (told.status_code, world.level("SIM-0001", "wh_milan")) == (400, 100), "the good row fails with it"
    rows = [{"sku": f"SIM-000{n}", "qty": 7, "warehouse": place} for n, place in ((1, "MI"), (2, "GONE"), (3, "MI"))]
    outcomes = [outcome for outcome, _ in world.push("inventory", *rows)]
    assert outcomes == ["applied", "rejected", "applied"]
    assert [world.level(f"SIM-000{n}", "wh_milan") for n in (1, 2, 3)] == [7, 100, 7]


def test_errors_of_prices_inside_a_200_are_each_its_rows(world: World) -> None:
    prices = [{"sku": "NOPE", "store_id": 0, "price": 3}, {"sku": "SIM-0001", "store_id": 0, "price": 3}]
    told = world.plain.post("/all/V1/products/base-prices", json={"prices": prices})
    assert told.status_code == 200
    assert len(told.json()) == 1, "and it does not say of which row"
    rows = [{"kind": "base", "sku": sku, "scope": "ALL", "price": 4} for sku in ("NOPE", "SIM-0002")]
    assert [outcome for outcome, _ in world.push("prices", *rows)] == ["rejected", "applied"]


def test_prices_do_not_go_by_bulk_whose_operations_are_complete_though_they_failed(world: World) -> None:
    prices = [{"prices": [{"sku": "NOPE", "store_id": 0, "price": 3}]}]
    uuid = world.plain.post("/all/async/bulk/V1/products/base-prices", json=prices).json()["bulk_uuid"]
    told: Row = {}

    def done() -> bool:
        told.update(world.plain.get(f"/all/V1/bulk/{uuid}/detailed-status").json()["operations_list"][0])
        return bool(told["status"] != 4)

    until(done)
    assert told["status"] == 1, "complete"
    assert "NOPE" in told["result_serialized_data"], "the error stands only here"
    world.shop.do(lambda store: store.requests.clear())
    world.push("prices", {"kind": "base", "sku": "SIM-0001", "scope": "ALL", "price": 4})
    sent = world.shop.do(lambda store: [one for one in store.requests if one.startswith("POST")])
    assert any("products/base-prices" in one for one in sent)
    assert not [one for one in sent if "bulk" in one]


def test_a_shipment_never_leaves_from_default_unasked(world: World) -> None:
    order = world.placed()
    sku = order["items"][0]["sku"]
    before = world.level(sku, "default")
    world.plain.post(f"/all/V1/order/{order['entity_id']}/ship", json={})
    shipped = world.shop.do(lambda store: [*store.shipments.values()][-1])
    assert shipped["extension_attributes"]["source_code"] == "default", "though it is in no stock of this website"
    order = world.placed()
    refused = world.ours.post("/V1/erp/shipments", json={"number": "S-1", "order": order["increment_id"]})
    assert (refused.status_code, "warehouse" in refused.text) == (400, True)
    assert (
        world.document("shipments", number="S-2", order=order["increment_id"], warehouse="MI")["state"] == "delivered"
    )
    shipped = world.shop.do(lambda store: [*store.shipments.values()][-1])
    assert shipped["extension_attributes"]["source_code"] == "wh_milan"
    assert before is None or world.level(sku, "default") is not None


def test_more_than_is_open_is_never_cut_without_a_word(world: World) -> None:
    order = world.placed()
    line = order["items"][0]
    body = {"items": [{"order_item_id": line["item_id"], "qty": 99}]}
    told = world.plain.post(f"/all/V1/order/{order['entity_id']}/ship", json=body)
    assert told.status_code == 200
    shipped = world.shop.do(lambda store: [*store.shipments.values()][-1])
    assert shipped["items"][0]["qty"] == line["qty_ordered"], "99 became what was open"
    order = world.placed()
    lines = [{"sku": order["items"][0]["sku"], "qty": 99}]
    told_us = world.document("shipments", number="S-3", order=order["increment_id"], warehouse="MI", lines=lines)
    assert told_us["state"] == "dead"
    assert "99" in told_us["documents"][0]["reason"]


def test_a_refused_cancellation_that_comes_with_200_is_a_refusal(world: World) -> None:
    order = world.placed()
    world.document("invoices", number="I-1", order=order["increment_id"])
    world.document("shipments", number="S-4", order=order["increment_id"], warehouse="MI")
    told = world.plain.post(f"/all/V1/orders/{order['entity_id']}/cancel")
    assert (told.status_code, told.json()) == (200, False)
    ended = world.document("order-updates", number="U-1", order=order["increment_id"], action="cancel")
    assert ended["state"] == "dead"


def test_a_write_is_for_every_store_view(world: World) -> None:
    def name(scope: str) -> str:
        told = world.plain.get(f"/{scope}/V1/products/SIM-0001").json()["name"]
        return str(told)

    world.plain.post("/V1/products", json={"product": {"sku": "SIM-0001", "name": "One view only"}})
    assert name("default") == "One view only"
    assert name("us") != "One view only", "without `all` it is written for one view"
    world.push("products", {"sku": "SIM-0002", "name": "For all"})
    for scope in ("all", "default", "us"):
        assert world.plain.get(f"/{scope}/V1/products/SIM-0002").json()["name"] == "For all"


def test_a_filters_date_is_utc_without_an_offset(world: World) -> None:
    number = world.placed()["entity_id"]
    # acknowledged, so that nobody changes it any more; and polled, so that dates have been asked by
    until(lambda: world.shop.do(lambda store: "ext_order_id" in store.orders[number]) and settled(world.crossdock))

    def found(value: str) -> int:
        rule = "searchCriteria[filter_groups][0][filters][0]"
        query = {f"{rule}[field]": "updated_at", f"{rule}[value]": value, f"{rule}[condition_type]": "lteq"}
        count: int = world.plain.get("/all/V1/orders", params=query).json()["total_count"]
        return count

    stamp = world.shop.do(lambda store: max(one["updated_at"] for one in store.orders.values()))
    earlier = stamp.replace(" ", "T") + "+14:00"  # fourteen hours before that order was changed
    assert found(earlier) == 1, "the offset is not read"
    asked = world.shop.do(lambda store: [one for one in store.requests if "updated_at" in one and "B14" not in one])
    dates = [value for one in asked for _, value in parse_qsl(urlsplit(one).query) if value[:2] == "20"]
    assert dates
    assert all(AS_UTC.fullmatch(value) for value in dates), dates
