"""What an ERP did with an order, from its push to the store's documents, over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from crossdock.api.serving import Serving
from crossdock.sandbox.faults import NONE, Faults
from crossdock.sandbox.run import ErpServer, StoreServer
from crossdock.settings import Settings
from tests.databases import postgres_url, sqlite_url
from tests.walk.test_sandbox_bugs import TOKEN, configured
from tests.walk.world import until

BACK = ("shipments", "tracks", "invoices", "credit_memos", "order_updates")
PLACES = {"MI": "wh_milan", "RM": "wh_rome"}


class World:
    def __init__(self, shop: StoreServer, erp: ErpServer, serving: Serving) -> None:
        self.shop, self.erp, self.serving, self.crossdock = shop, erp, serving, serving.crossdock
        self.http = httpx.Client(base_url=serving.url, headers={"Authorization": "Bearer t0ken"}, timeout=60)

    def push(self, flow: str, **document: Any) -> httpx.Response:
        return self.http.post(f"/rest/V1/erp/{flow.replace('_', '-')}", json=document)

    def state(self, flow: str, number: str) -> dict[str, Any]:
        told: dict[str, Any] = self.http.get(f"/rest/V1/erp/{flow.replace('_', '-')}/{number}").json()
        return told

    def settled(self, flow: str, number: str) -> dict[str, Any]:
        """Once nothing of it is pending."""
        found: dict[str, Any] = {}

        def done() -> bool:
            found.update(self.state(flow, number))
            return bool(found["state"] != "pending")

        until(done)
        return found

    def placed(self, kind: str = "") -> dict[str, Any]:
        number = self.shop.place(1, [kind] if kind else ())[0]
        return self.order(number)

    def order(self, number: int) -> dict[str, Any]:
        return dict(self.shop.do(lambda store: store.orders[number]))

    def documents(self, kind: str, order: dict[str, Any]) -> list[dict[str, Any]]:
        rows = self.shop.do(lambda store: list(getattr(store, kind).values()))
        return [row for row in rows if row["order_id"] == order["entity_id"]]


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield sqlite_url(tmp_path)
        return
    with postgres_url() as url:
        yield url


def with_documents(plain: Settings, database: str) -> Settings:
    told = plain.model_dump(exclude_unset=True)
    told["database"] = {"url": database}
    token = plain.connections["erp"]["auth"]["token"]
    told["api"] = {"port": 0, "clients": {"sap": {"token": token, "connection": "erp"}}}
    back = {"source": "erp", "target": "store", "flows": BACK, "options": {"inventory": {"warehouses": PLACES}}}
    told["connections"]["store"]["settling_s"] = 0.3
    told["routes"] = [*told["routes"], back]
    return Settings.model_validate(told)


@contextmanager
def world_with(folder: Path, database: str, faults: Faults = NONE) -> Iterator[World]:
    shop, erp = StoreServer(seed=5, token=TOKEN, faults=faults), ErpServer(seed=6, token=TOKEN)
    shop.start()
    erp.start()
    serving = Serving(with_documents(configured(folder, shop, erp), database))
    serving.start()
    world = World(shop, erp, serving)
    try:
        yield world
    finally:
        world.http.close()
        world.serving.stop()
        shop.stop()
        erp.stop()


@pytest.fixture
def world(tmp_path: Path, database: str) -> Iterator[World]:
    with world_with(tmp_path, database) as found:
        yield found


def line_of(order: dict[str, Any]) -> dict[str, Any]:
    return next(row for row in order["items"] if not row["is_virtual"] and "parent_item_id" not in row)


def test_a_shipment_is_made_once_from_the_source_that_it_left(world: World) -> None:
    order = world.placed("simple")
    document = {
        "number": "SH-1",
        "order": order["increment_id"],
        "warehouse": "MI",
        "lines": [{"line": str(line_of(order)["item_id"]), "qty": 1}],
        "tracks": [{"number": "1Z9", "carrier": "ups", "title": "UPS"}],
    }
    assert world.push("shipments", **document).status_code == 202
    assert world.settled("shipments", "SH-1")["state"] == "delivered"
    again = world.push("shipments", **document)
    assert (again.status_code, again.json()["state"]) == (200, "delivered")
    assert world.push("shipments", **(document | {"warehouse": "RM"})).status_code == 409
    made = world.documents("shipments", order)
    assert [one["extension_attributes"]["source_code"] for one in made] == ["wh_milan"], "never from default unasked"
    assert [one["track_number"] for one in made[0]["tracks"]] == ["1Z9"]
    assert made[0]["comments"][0]["comment"] == "ERP shipment SH-1 from wh_milan (crossdock erp)"


def test_a_shipment_from_two_warehouses_is_two_at_the_store(world: World) -> None:
    order = world.placed("simple")
    line = line_of(order)
    if line["qty_ordered"] < 2:
        world.shop.do(lambda store: store.orders[order["entity_id"]]["items"][0].update(qty_ordered=2))
    lines = [{"sku": line["sku"], "qty": 1, "warehouse": place} for place in ("MI", "RM")]
    world.push("shipments", number="SH-2", order=order["increment_id"], lines=lines)
    told = world.settled("shipments", "SH-2")
    assert (told["state"], len(told["documents"])) == ("delivered", 2), told
    made = world.documents("shipments", order)
    assert sorted(one["extension_attributes"]["source_code"] for one in made) == ["wh_milan", "wh_rome"]


def test_more_than_is_open_is_refused_where_the_store_would_cut_it(world: World) -> None:
    order = world.placed("simple")
    lines = [{"sku": line_of(order)["sku"], "qty": 99}]
    world.push("shipments", number="SH-3", order=order["increment_id"], warehouse="MI", lines=lines)
    told = world.settled("shipments", "SH-3")
    assert told["state"] == "dead"
    assert "99 is wanted" in told["documents"][0]["reason"]
    assert world.documents("shipments", order) == []


def test_a_warehouse_that_is_not_mapped_is_refused_at_the_door(world: World) -> None:
    order = world.placed("simple")
    for document in (
        {"number": "SH-4", "order": order["increment_id"], "warehouse": "default"},
        {"number": "SH-4", "order": order["increment_id"]},
        {"number": "", "order": order["increment_id"], "warehouse": "MI"},
        {"number": "SH-4", "warehouse": "MI"},
        {"number": "SH-4", "order": order["increment_id"], "warehouse": "MI", "lines": [{"sku": "A", "qty": 0}]},
    ):
        assert world.push("shipments", **document).status_code == 400
    assert world.http.get("/rest/V1/erp/shipments/SH-4").status_code == 404
    assert world.documents("shipments", order) == []


def test_without_a_token_nothing_is_told(world: World) -> None:
    for answer in (
        httpx.post(f"{world.http.base_url}/rest/V1/erp/shipments", json={}),
        httpx.get(f"{world.http.base_url}/rest/V1/erp/shipments/SH-1"),
    ):
        assert answer.status_code == 401


def test_an_order_that_the_store_has_not_is_a_dead_letter(world: World) -> None:
    world.push("shipments", number="SH-5", order="000999999", warehouse="MI")
    told = world.settled("shipments", "SH-5")
    assert (told["state"], told["documents"][0]["reason"]) == ("dead", "the store has no order 000999999")


def test_a_configurable_is_shipped_by_its_child_line_too(world: World) -> None:
    order = world.placed("configurable")
    child = next(row for row in order["items"] if "parent_item_id" in row)
    lines = [{"line": str(child["item_id"]), "qty": 1}]
    world.push("shipments", number="SH-6", order=order["increment_id"], warehouse="RM", lines=lines)
    assert world.settled("shipments", "SH-6")["state"] == "delivered"
    made = world.documents("shipments", order)
    assert made[0]["items"][0]["order_item_id"] == child["parent_item_id"]


def test_parcels_that_come_before_their_shipment_wait_for_it_and_hold_up_nothing(world: World) -> None:
    order = world.placed("simple")
    world.push("tracks", number="SH-8", order=order["increment_id"], tracks=[{"number": "T-9"}])
    until(lambda: "no shipment" in str(world.state("tracks", "SH-8")))
    world.push("shipments", number="SH-8", order=order["increment_id"], warehouse="MI")
    assert world.settled("shipments", "SH-8")["state"] == "delivered"
    assert world.settled("tracks", "SH-8")["state"] == "delivered"
    (made,) = world.documents("shipments", order)
    assert [one["track_number"] for one in made["tracks"]] == ["T-9"]


def test_parcels_that_come_later_go_to_their_shipment(world: World) -> None:
    order = world.placed("simple")
    world.push("shipments", number="SH-7", order=order["increment_id"], warehouse="MI")
    tracks = [{"number": "T-1"}, {"number": "T-2"}]
    world.push("tracks", number="SH-7", order=order["increment_id"], tracks=tracks)
    until(lambda: sum(len(one["tracks"]) for one in world.documents("shipments", order)) == 2)
    again = world.push("tracks", number="SH-7", order=order["increment_id"], tracks=tracks)
    assert again.status_code == 200
    assert [one["track_number"] for one in world.documents("shipments", order)[0]["tracks"]] == ["T-1", "T-2"]
    world.push("tracks", number="SH-7", order=order["increment_id"], tracks=[{"number": "T-3"}])
    told = world.settled("tracks", "SH-7")
    assert (told["state"], len(told["documents"])) == ("delivered", 2), "each time that parcels were added, once"
    assert [one["track_number"] for one in world.documents("shipments", order)[0]["tracks"]] == ["T-1", "T-2", "T-3"]
    assert world.http.get("/rest/V1/erp/tracks/SH").status_code == 404


def test_an_invoice_then_a_credit_memo_that_does_not_come_back(world: World) -> None:
    order = world.placed("simple")
    until(lambda: "ext_order_id" in world.order(order["entity_id"]))  # the ERP has it
    world.push("invoices", number="IN-1", order=order["increment_id"])
    assert world.settled("invoices", "IN-1")["state"] == "delivered"
    assert len(world.documents("invoices", order)) == 1
    line = line_of(order)
    lines = [{"line": line["item_id"], "qty": 1, "back_to_stock": True}]
    world.push("credit_memos", number="CM-1", order=order["increment_id"], lines=lines, shipping=0)
    assert world.settled("credit_memos", "CM-1")["state"] == "delivered"
    memos = world.documents("memos", order)
    assert [one["items"][0]["qty"] for one in memos] == [1]
    # the store's own next credit memo does go to the ERP: so the look that saw both has left the first one out
    world.shop.do(lambda store: store.document(order["entity_id"], "refund", {"arguments": {"adjustment_positive": 1}}))
    until(lambda: world.crossdock.store.counts().get(("refunds", "erp", "delivered")) == 1)
    told = world.erp.do(lambda erp: [one.name for one in erp.effects])
    assert told.count("refunds") == 1, told


def kept_up(world: World, flow: str, number: str) -> bool:
    """Whether it is done, after what a process looks after every half minute."""
    world.crossdock._watch()
    return bool(world.state(flow, number)["state"] == "delivered")


def test_a_credit_memo_that_comes_before_its_invoice_goes_on_by_itself(world: World) -> None:
    order = world.placed("simple")
    line = line_of(order)
    about = {"order": order["increment_id"], "lines": [{"line": line["item_id"], "qty": 1}]}
    world.push("credit_memos", number="CM-7", **about, shipping=0)
    told = world.settled("credit_memos", "CM-7")
    assert told["state"] == "dead"
    assert "1 is wanted, 0 is open" in told["documents"][0]["reason"]
    world.push("invoices", number="IN-7", **about)
    assert world.settled("invoices", "IN-7")["state"] == "delivered", "the credit memo held up its invoice"
    until(lambda: kept_up(world, "credit_memos", "CM-7"))
    assert len(world.documents("memos", order)) == 1


def test_what_waits_for_a_hold_to_end_goes_on_by_itself(world: World) -> None:
    order = world.placed("simple")
    world.shop.do(lambda store: store.change(order["entity_id"], "hold"))
    world.push("shipments", number="SH-H", order=order["increment_id"], warehouse="MI")
    assert "on hold" in world.settled("shipments", "SH-H")["documents"][0]["reason"]
    world.shop.do(lambda store: store.change(order["entity_id"], "unhold"))
    until(lambda: kept_up(world, "shipments", "SH-H"))
    assert len(world.documents("shipments", order)) == 1


def test_what_waited_when_the_process_ended_goes_on_in_the_next_one(world: World) -> None:
    order = world.placed("simple")
    world.shop.do(lambda store: store.change(order["entity_id"], "hold"))
    world.push("shipments", number="SH-I", order=order["increment_id"], warehouse="MI")
    assert "on hold" in world.settled("shipments", "SH-I")["documents"][0]["reason"]
    world.serving.stop()
    world.shop.do(lambda store: store.change(order["entity_id"], "unhold"))
    world.serving = Serving(world.crossdock.settings)
    world.serving.start()
    crossdock = world.serving.crossdock

    def carried() -> bool:
        crossdock._watch()
        return crossdock.store.counts().get(("shipments", "store", "delivered")) == 1

    until(carried)
    assert len(world.documents("shipments", order)) == 1


def test_what_was_pushed_first_is_done_first(world: World) -> None:
    order = world.placed("simple")
    line = line_of(order)
    about = {"order": order["increment_id"], "lines": [{"line": line["item_id"], "qty": 1}]}
    world.push("invoices", number="IN-9", **about)
    world.push("credit_memos", number="CM-9", **about, shipping=0)
    world.push("shipments", number="SH-A", order="000999999", warehouse="MI")  # its dead look holds nobody up
    world.push("shipments", number="SH-B", **about, warehouse="MI")
    assert world.settled("credit_memos", "CM-9")["state"] == "delivered", "the credit memo overtook its invoice"
    assert len(world.documents("invoices", order)) == 1


def test_more_than_was_captured_is_never_given_back(world: World) -> None:
    order = world.placed("simple")
    world.push("invoices", number="IN-2", order=order["increment_id"])
    assert world.settled("invoices", "IN-2")["state"] == "delivered"
    world.push("credit_memos", number="CM-2", order=order["increment_id"], adjustment_positive="10000")
    told = world.settled("credit_memos", "CM-2")
    assert told["state"] == "dead"
    assert "what was captured is left" in told["documents"][0]["reason"]
    assert world.documents("memos", order) == []


def test_a_cancellation_of_the_erp_is_done_once_and_not_told_back(world: World) -> None:
    order = world.placed("simple")
    until(lambda: "ext_order_id" in world.order(order["entity_id"]))
    world.push("order_updates", number="UP-1", order=order["increment_id"], action="cancel", comment="sold out")
    assert world.settled("order_updates", "UP-1")["state"] == "delivered"
    assert world.order(order["entity_id"])["state"] == "canceled"
    # a customer's own cancellation, later, is told: when it is, the look at the first one is long over
    other = world.placed("simple")
    until(lambda: "ext_order_id" in world.order(other["entity_id"]))
    world.shop.do(lambda store: store.change(other["entity_id"], "cancel"))
    until(lambda: world.crossdock.store.counts().get(("cancellations", "erp", "delivered")) == 1)
    events = world.crossdock.store.timeline("store", str(order["entity_id"]))
    assert not [one for one in events if one.flow == "cancellations"]


def test_a_cancellation_that_the_store_refuses_with_200_is_a_dead_letter(world: World) -> None:
    order = world.placed("simple")
    world.push("invoices", number="IN-3", order=order["increment_id"])
    world.push("shipments", number="SH-8", order=order["increment_id"], warehouse="MI")
    assert world.settled("shipments", "SH-8")["state"] == "delivered"
    world.push("order_updates", number="UP-2", order=order["increment_id"], action="cancel")
    told = world.settled("order_updates", "UP-2")
    assert told["state"] == "dead"
    assert "refuses to cancel" in told["documents"][0]["reason"]


def test_hold_and_release_and_a_comment(world: World) -> None:
    order = world.placed("simple")
    world.push("order_updates", number="UP-3", order=order["increment_id"], action="hold")
    assert world.settled("order_updates", "UP-3")["state"] == "delivered"
    assert world.order(order["entity_id"])["state"] == "holded"
    world.push("shipments", number="SH-9", order=order["increment_id"], warehouse="MI")
    assert "on hold" in world.settled("shipments", "SH-9")["documents"][0]["reason"]
    world.push("order_updates", number="UP-4", order=order["increment_id"], action="unhold")
    assert world.settled("order_updates", "UP-4")["state"] == "delivered"
    until(lambda: kept_up(world, "shipments", "SH-9"))
    assert world.order(order["entity_id"])["state"] == "processing"
    visible = {"action": "comment", "comment": "It is being packed", "visible": True, "status": "processing"}
    world.push("order_updates", number="UP-5", order=order["increment_id"], **visible)
    assert world.settled("order_updates", "UP-5")["state"] == "delivered"
    wrong = {"action": "comment", "comment": "complete?", "status": "complete"}
    world.push("order_updates", number="UP-6", order=order["increment_id"], **wrong)
    assert world.settled("order_updates", "UP-6")["state"] == "dead"


def test_an_answer_that_is_lost_makes_no_second_document(tmp_path: Path, database: str) -> None:
    with world_with(
        tmp_path, database, Faults(classes={"document": {"reset_after": 0.4, "error_after": 0.2, "busy": 0.2}})
    ) as world:
        orders = [world.placed("simple") for _ in range(6)]
        for n, order in enumerate(orders):
            lines = [{"sku": line_of(order)["sku"], "qty": 1}]
            document = {"number": f"F-{n}", "order": order["increment_id"]}
            world.push("shipments", **document, warehouse="MI", lines=lines)
            world.push("invoices", **document, lines=lines)
        for n in range(len(orders)):
            for flow in ("shipments", "invoices"):
                assert world.settled(flow, f"F-{n}")["state"] == "delivered"
        for order in orders:
            assert len(world.documents("shipments", order)) == 1
            assert len(world.documents("invoices", order)) == 1
