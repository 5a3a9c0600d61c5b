"""Without the unique module Tryton doubles what races. Crossdock's lane and lease are what holds it to one sale."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from crossdock.app import Crossdock, utc_now
from crossdock.contract.message import Message
from crossdock.settings import Settings
from tests.material import needs_shared
from tests.recorded_server import serve
from tests.tryton_server import Tryton
from tests.walk.world import Shop, recorded, settings, settled, until

pytestmark = needs_shared
ORDERS = ("001_smoke", "009_configurable_a", "028_cp_PCT10_a", "018_virtual_a")


def into(tryton: Tryton, folder: Path, shop_url: str) -> Settings:
    plain: dict[str, Any] = settings(folder, shop_url, "http://127.0.0.1:9").model_dump()
    plain["connections"]["erp"] = tryton.settings()
    plain["workers"] |= {"lease_seconds": 60}
    plain["routes"][0].pop("flows")
    return Settings.model_validate(plain)


@needs_shared
def test_eight_workers_and_many_hints_make_one_sale_an_order(tryton: Tryton, tmp_path: Path) -> None:
    shop = Shop()
    numbers = []
    for offset, name in enumerate(ORDERS, start=1):
        order = recorded(name)
        tryton.add_products([row["sku"] for row in order["items"]])
        fresh = {"entity_id": 7_000_000 + offset, "increment_id": f"LANE-{offset}"}
        numbers.append(shop.add(order, **fresh))
    with serve(shop.answer) as server, ExitStack() as stack:
        crowd = [Crossdock(into(tryton, tmp_path, server.url)) for _ in range(8)]
        for one in crowd:
            one.start()
            stack.callback(one.stop)
        for turn, one in enumerate(crowd):
            for number in numbers:
                message = Message(
                    id=f"hint-{turn}-{number}", source="store", flow="looks", subject=str(number), occurred_at=utc_now()
                )
                one.intake.offer(message).result(60)
        until(lambda: all(shop.comments.get(number) for number in numbers) and settled(crowd[0]), 120)
    for offset, name in enumerate(ORDERS, start=1):
        (sale,) = tryton.sales(f"LANE-{offset}")
        assert sale["state"] == "processing"
        assert str(sale["total_amount"]) == str(recorded(name)["grand_total"]).ljust(
            len(str(sale["total_amount"])), "0"
        )
        assert len(tryton.invoices(f"LANE-{offset}")) == 1
