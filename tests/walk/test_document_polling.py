"""Documents that an ERP lists, read into the store: each once, whatever else comes by other roads, over real HTTP."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import hypothesis
import pytest
from hypothesis import strategies as st

from crossdock.api.serving import Serving
from crossdock.app import Crossdock
from crossdock.delivery.store import DeadFilter, DeliveryView
from crossdock.feeds.polling import Road, RowReader, Tally
from crossdock.flows.documents import LOOK
from crossdock.sandbox.faults import NONE, Bugs, Faults
from crossdock.sandbox.run import ErpServer, StoreServer
from crossdock.settings import Settings
from tests.databases import postgres_url, sqlite_url
from tests.walk.files import toml
from tests.walk.test_fulfilment import BACK, line_of, with_documents
from tests.walk.test_sandbox_bugs import TOKEN, configured
from tests.walk.world import settled, until

ROOT = Path(__file__).parent.parent.parent
ROAD = Road(source="erp", target="store", flow="shipments")


def reads(flow: str) -> dict[str, Any]:
    return {
        "path": f"/{flow.replace('_', '-')}?after_seq={{since}}&limit={{limit}}",
        "change_field": "seq",
        "head_field": "head",
        "page_size": 4,
        "interval_s": 0.1,
    }


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield sqlite_url(tmp_path)
        return
    with postgres_url() as url:
        yield url


class Town:
    """A store and an ERP that lists documents, and Crossdocks between them on one database."""

    def __init__(self, folder: Path, database: str, stack: ExitStack, faults: Faults) -> None:
        self.stack = stack
        self.shop, self.erp = StoreServer(seed=5, token=TOKEN), ErpServer(seed=6, token=TOKEN, faults=faults)
        for server in (self.shop, self.erp):
            server.start()
            stack.callback(server.stop)
        told = with_documents(configured(folder, self.shop, self.erp), database).model_dump(exclude_unset=True)
        told["connections"]["erp"]["reads"] = {flow: reads(flow) for flow in BACK}
        self.settings = Settings.model_validate(told)
        self.config = folder / "crossdock.toml"
        self.config.write_text(toml(self.settings.model_dump(mode="json", exclude_unset=True)))

    def serve(self) -> Serving:
        one = Serving(self.settings)
        self.stack.callback(one.stop)
        one.start()
        return one

    def reader(self) -> RowReader:
        """Of shipments, and of a Crossdock that does nothing by itself."""
        idle = Crossdock(self.settings)
        self.stack.callback(idle.store.close)
        return idle.readers.by_road[ROAD]

    def lists(self, flow: str, *documents: dict[str, Any]) -> None:
        self.erp.do(lambda erp: erp.lists[flow.replace("_", "-")].change(documents))

    def placed(self) -> dict[str, Any]:
        number = self.shop.place(1, ["simple"])[0]
        return dict(self.shop.do(lambda store: store.orders[number]))

    def made(self, kind: str = "shipments") -> list[dict[str, Any]]:
        return self.shop.do(lambda store: list(getattr(store, kind).values()))

    def order(self, order: dict[str, Any]) -> dict[str, Any]:
        return dict(self.shop.do(lambda store: store.orders[order["entity_id"]]))


@contextmanager
def town_of(folder: Path, database: str, faults: Faults = NONE) -> Iterator[Town]:
    with ExitStack() as stack:
        yield Town(folder, database, stack, faults)


@pytest.fixture
def town(tmp_path: Path, database: str) -> Iterator[Town]:
    with town_of(tmp_path, database) as found:
        yield found


def shipment(number: str, order: dict[str, Any], **more: Any) -> dict[str, Any]:
    line = str(line_of(order)["item_id"])
    named = {"number": number, "order": order["increment_id"], "warehouse": "MI"}
    return named | {"lines": [{"line": line, "qty": 1}]} | more


def dead(serving: Serving) -> list[DeliveryView]:
    return serving.crossdock.store.dead(DeadFilter())


def scanned(reader: RowReader, *, full: bool = False) -> Tally:
    """Once nobody else reads."""
    found: list[Tally | None] = [None]

    def done() -> bool:
        found[0] = reader.scan(full=full)
        return found[0] is not None

    until(done)
    assert found[0] is not None
    return found[0]


def test_every_kind_of_document_that_the_erp_lists_is_carried_out(town: Town) -> None:
    shipped, stopped = town.placed(), town.placed()
    number = shipped["increment_id"]
    town.serve()
    town.lists("shipments", shipment("SH-1", shipped))
    until(lambda: len(town.made()) == 1)
    town.lists("tracks", {"number": "SH-1", "order": number, "tracks": [{"number": "1Z9", "carrier": "ups"}]})
    town.lists("invoices", {"number": "IN-1", "order": number})
    until(lambda: len(town.made("invoices")) == 1)
    town.lists(
        "credit_memos", {"number": "CM-1", "order": number, "lines": [{"sku": line_of(shipped)["sku"], "qty": 1}]}
    )
    town.lists("order_updates", {"number": "UP-1", "order": stopped["increment_id"], "action": "cancel"})
    until(lambda: len(town.made("memos")) == 1)
    until(lambda: town.order(stopped)["state"] == "canceled")
    until(lambda: [one["track_number"] for one in town.made()[0]["tracks"]] == ["1Z9"])


def test_a_document_that_is_pushed_and_listed_is_made_once(town: Town) -> None:
    order = town.placed()
    serving = town.serve()
    head = {"Authorization": "Bearer t0ken"}
    document = shipment("SH-1", order)
    with httpx.Client(base_url=serving.url, headers=head) as http:
        assert http.post("/rest/V1/erp/shipments", json=document).status_code == 202
        # the ERP's list writes it otherwise: a number as text, columns of its own
        lines = [{"line": document["lines"][0]["line"], "qty": "1.0000", "erp_line": 7}]
        town.lists("shipments", document | {"lines": lines, "clerk": "17"})
        reader = town.reader()
        until(lambda: serving.crossdock.store.checkpoint("erp", reader.road.stream()) is not None)
        until(lambda: http.get("/rest/V1/erp/shipments/SH-1").json()["state"] == "delivered")
        assert http.post("/rest/V1/erp/shipments", json=document).status_code == 200
    assert scanned(reader, full=True).conflicts == 0
    assert len(town.made()) == 1
    assert dead(serving) == []


def test_the_same_number_with_another_content_waits_for_a_person(town: Town) -> None:
    order = town.placed()
    serving = town.serve()
    town.lists("shipments", shipment("SH-1", order))
    until(lambda: len(town.made()) == 1)
    town.lists("shipments", shipment("SH-1", order, warehouse="RM"))
    until(lambda: len(dead(serving)) == 1)
    (letter,) = dead(serving)
    assert letter.reason == "its number came before with another content"
    assert letter.reference == order["increment_id"]
    assert scanned(town.reader(), full=True).rows == 1
    assert len(dead(serving)) == 1, "told once, however often it is read"
    assert len(town.made()) == 1


def replayed(serving: Serving, letter: DeliveryView) -> None:
    assert serving.crossdock.store.replay([letter.id], "test", letter.created_at) == 1
    serving.crossdock.wake()
    until(lambda: settled(serving.crossdock))


def test_another_version_is_tried_where_the_first_was_refused(town: Town) -> None:
    order = town.placed()
    line = str(line_of(order)["item_id"])
    serving = town.serve()
    town.lists("shipments", shipment("SH-1", order, lines=[{"line": line, "qty": 99}]))
    until(lambda: len(dead(serving)) == 1)
    assert dead(serving)[0].flow == "shipments", "the store refused it"
    town.lists("shipments", shipment("SH-1", order))
    until(lambda: len(dead(serving)) == 2)
    (other,) = [letter for letter in dead(serving) if letter.code == "parked"]
    replayed(serving, other)
    assert [row["qty"] for one in town.made() for row in one["items"]] == [1]
    assert dead(serving) == [], "what was refused has given way"
    with httpx.Client(base_url=serving.url, headers={"Authorization": "Bearer t0ken"}) as http:
        told = http.get("/rest/V1/erp/shipments/SH-1").json()
    assert (told["state"], told["success"]) == ("delivered", True)
    assert scanned(town.reader(), full=True).changed == 0
    until(lambda: settled(serving.crossdock))
    assert len(town.made()) == 1


def test_another_version_of_what_was_carried_out_is_refused_with_its_reason(town: Town) -> None:
    order, other = town.placed(), town.placed()
    serving = town.serve()
    town.lists("shipments", shipment("SH-1", order))
    until(lambda: len(town.made()) == 1)
    # of several warehouses, and of another order: neither makes it another shipment
    lines = [{"line": str(line_of(order)["item_id"]), "qty": 1, "warehouse": place} for place in ("MI", "RM")]
    town.lists("shipments", shipment("SH-1", order, lines=lines))
    until(lambda: len(dead(serving)) == 1)
    town.lists("shipments", shipment("SH-1", other))
    until(lambda: len(dead(serving)) == 2)
    for letter in dead(serving):
        replayed(serving, letter)
    told = [letter.reason for letter in dead(serving)]
    assert len(told) == 2
    assert all("carried out with another content: the ERP must give this one a number" in one for one in told)
    assert len(town.made()) == 1


def test_a_row_that_is_wrong_is_kept_and_shown_and_holds_up_nothing(town: Town) -> None:
    order, other = town.placed(), town.placed()
    serving = town.serve()
    town.lists(
        "shipments",
        shipment("SH-1", order, warehouse="MOON"),
        {"number": "SH-2\x00", "order": "\x00"},
        {"number": ["?"], "lines": "none"},
        shipment("SH-3", order),
        shipment("SH-4", other),
    )
    until(lambda: len(town.made()) == 2)
    until(lambda: len(dead(serving)) == 3)
    assert sorted(letter.reason for letter in dead(serving)) == [
        "number: has control characters",
        "number: is missing",
        "warehouse: 'MOON' is not in the route's options.inventory.warehouses",
    ]
    assert [letter.owner for letter in dead(serving)] == ["business"] * 3


def test_what_was_wrong_is_carried_out_once_it_is_put_right(town: Town) -> None:
    order = town.placed()
    town.lists("shipments", shipment("SH-1", order, warehouse="MOON"))
    assert scanned(town.reader()).rejected == 1
    town.lists("shipments", shipment("SH-1", order))
    serving = town.serve()
    until(lambda: len(town.made()) == 1)
    assert [letter.code for letter in dead(serving)] == ["parked"], "the wrong one is still to be seen"


def test_a_replayed_letter_is_carried_out_with_the_settings_put_right(town: Town) -> None:
    order = town.placed()
    town.lists("shipments", shipment("SH-1", order, warehouse="MOON"))
    assert scanned(town.reader()).rejected == 1
    told = town.settings.model_dump(exclude_unset=True)
    told["routes"][-1]["options"]["inventory"]["warehouses"] = {"MOON": "wh_milan"}
    town.settings = Settings.model_validate(told)
    serving = town.serve()
    (letter,) = dead(serving)
    serving.crossdock.store.replay([letter.id], "test", letter.created_at)
    serving.crossdock.wake()
    until(lambda: len(town.made()) == 1)
    until(lambda: settled(serving.crossdock))
    assert scanned(town.reader(), full=True).rows == 1
    until(lambda: settled(serving.crossdock))
    assert len(town.made()) == 1, "read anew it is the same one"


def test_what_is_committed_late_is_carried_out_too(tmp_path: Path, database: str) -> None:
    with town_of(tmp_path, database, Faults(bugs=Bugs(late_commits=0.5, late_commit_s=0.7))) as town:
        orders = [town.placed() for _ in range(8)]
        town.serve()
        for number, order in enumerate(orders):
            town.lists("shipments", shipment(f"SH-{number}", order))
        until(lambda: len(town.made()) == 8)
        assert sorted(one["order_id"] for one in town.made()) == sorted(order["entity_id"] for order in orders)


def test_of_many_only_one_reads(town: Town) -> None:
    orders = [town.placed() for _ in range(9)]
    town.lists("shipments", *(shipment(f"SH-{number}", order) for number, order in enumerate(orders)))
    crowd = [town.reader() for _ in range(4)]
    barrier = threading.Barrier(len(crowd))
    came: list[Tally | None] = []

    def go(reader: RowReader) -> None:
        barrier.wait()
        came.append(reader.scan())

    threads = [threading.Thread(target=go, args=(reader,)) for reader in crowd]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(tally.changed for tally in came if tally is not None) == 9, "every row once"


def test_who_lost_the_claim_stores_nothing_more(town: Town) -> None:
    town.lists("shipments", shipment("SH-1", town.placed()))
    reader = town.reader()
    slow = reader.claim()
    assert slow is not None
    reader.release(slow)
    assert scanned(reader).changed == 1
    town.lists("shipments", shipment("SH-2", town.placed()))
    with pytest.raises(Exception, match="another reader has"):
        reader.read(slow)
    assert scanned(reader).changed == 1, "what was not stored is read again"


@pytest.mark.parametrize(
    ("database", "point", "nth"), [("sqlite", "rows-read", 2), ("postgresql", "rows-stored", 1)], indirect=["database"]
)
def test_killed_between_two_pages_no_document_is_lost_or_doubled(
    tmp_path: Path, database: str, point: str, nth: int
) -> None:
    with town_of(tmp_path, database) as town:
        orders = [town.placed() for _ in range(6)]
        told = town.settings.model_dump(exclude_unset=True)
        told["connections"]["erp"]["reads"] = {"shipments": reads("shipments")}  # only one counts the steps
        town.settings = Settings.model_validate(told)
        town.config.write_text(toml(town.settings.model_dump(mode="json", exclude_unset=True)))
        town.lists("shipments", *(shipment(f"SH-{number}", order) for number, order in enumerate(orders)))
        words = [sys.executable, "-m", "tests.chaos.level_child", str(town.config), point, str(nth)]
        with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL) as doomed:
            assert doomed.wait(60) == -9, "it did not come to that step"
        serving = town.serve()
        until(lambda: len(town.made()) == 6, 60)
        until(lambda: settled(serving.crossdock))
        assert sorted(one["order_id"] for one in town.made()) == sorted(order["entity_id"] for order in orders)
        assert dead(serving) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=120),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
NAMES = ["number", "order", "warehouse", "lines", "tracks", "shipped_at", "comment", "notify", "action", "capture"]


@hypothesis.given(st.sampled_from(BACK), st.dictionaries(st.sampled_from(NAMES), JSON))
@hypothesis.settings(
    max_examples=30, deadline=None, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)
def test_whatever_a_row_holds_it_is_kept(desk: Crossdock, flow: str, row: dict[str, Any]) -> None:
    for _ in range(2):
        one = desk.incoming.heard("erp", "store", flow, row)
        desk.store.record([desk.incoming.arrival(one, "store", "poll")], one.message.occurred_at)
    view = desk.store.looks_at("erp", LOOK, [one.message.subject])[one.message.subject]
    assert view.state == ("dead" if one.wrong else "pending")


@pytest.fixture
def desk(town: Town) -> Iterator[Crossdock]:
    idle = Crossdock(town.settings)
    yield idle
    idle.store.close()
