"""Business Central takes a reference as often as it comes. Crossdock's lane and lease are what holds it to one order."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from crossdock.app import Crossdock, utc_now
from crossdock.contract.message import Message
from crossdock.erp.dynamics_bc.connector import build
from crossdock.flows import FLOWS
from crossdock.sandbox.erps.dynamics_bc import BcServer
from crossdock.sandbox.erps.dynamics_bc import settings as connection
from crossdock.settings import Settings
from crossdock.transport.http import Http
from crossdock.transport.wire import HttpRequest, HttpResponse
from tests.erp.dynamics_bc.samples import key_of, order
from tests.material import needs_shared
from tests.recorded_server import serve
from tests.walk.world import Shop, recorded, settings, settled, until

ORDERS = ("001_smoke", "009_configurable_a", "028_cp_PCT10_a", "018_virtual_a")
RACERS = 8


class Together:
    """Sends; but whoever is about to write an order waits until all of them are."""

    def __init__(self) -> None:
        self._http = Http()
        self._gate = threading.Barrier(RACERS)

    def send(self, request: HttpRequest) -> HttpResponse:
        if b'"POST"' in (request.body or b""):
            self._gate.wait(60)
        return self._http.send(request)


def test_eight_that_look_and_then_make_make_eight(server: BcServer) -> None:
    """Nothing there holds them apart: this is why the connector declares no dedupe."""
    connector = build("erp", connection(server.url, customer={"number": "M7"}), http=Together())
    server.do(lambda books: books.add_customer({"number": "M7"}))
    sink: Any = connector.sink(FLOWS["orders"])
    with ThreadPoolExecutor(RACERS) as pool:
        list(pool.map(lambda _: sink.put(order(1), key_of(1)), range(RACERS)))
    assert len(server.do(lambda books: books.tables["salesOrders"])) == RACERS
    assert sink.count(order(1), key_of(1)) == RACERS
    assert connector.capabilities.dedupes == frozenset()


def into(server: BcServer, folder: Path, shop_url: str) -> Settings:
    plain: dict[str, Any] = settings(folder, shop_url, "http://127.0.0.1:9").model_dump()
    plain["connections"]["erp"] = connection(server.url, even_out_cents=10)
    plain["workers"] |= {"lease_seconds": 60}
    plain["routes"][0].pop("flows")
    return Settings.model_validate(plain)


@needs_shared
@pytest.mark.slow
def test_eight_workers_and_many_hints_make_one_order_each(server: BcServer, tmp_path: Path) -> None:
    shop = Shop()
    numbers = []
    for offset, name in enumerate(ORDERS, start=1):
        told = recorded(name)
        for row in told["items"]:
            server.do(lambda books, sku=row["sku"]: books.add_item(sku.upper()))  # type: ignore[misc]
        numbers.append(shop.add(told, entity_id=7_000_000 + offset, increment_id=f"LANE-{offset}"))
    with serve(shop.answer) as store, ExitStack() as stack:
        crowd = [Crossdock(into(server, tmp_path, store.url)) for _ in range(RACERS)]
        for one in crowd:
            one.start()
            stack.callback(one.stop)
        for turn, one in enumerate(crowd):
            for number in numbers:
                hint = f"hint-{turn}-{number}"
                message = Message(id=hint, source="store", flow="looks", subject=str(number), occurred_at=utc_now())
                one.intake.offer(message).result(60)
        until(lambda: all(shop.comments.get(number) for number in numbers) and settled(crowd[0]), 120)
    there = server.do(lambda books: [row["externalDocumentNumber"] for row in books.tables["salesOrders"]])
    assert sorted(there) == [f"LANE-{offset}" for offset in range(1, len(ORDERS) + 1)]
