"""A store and an ERP whose two sides are compared: what is planted, and what is found."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from crossdock.api.serving import Serving
from crossdock.app import Crossdock
from crossdock.cli.main import app
from crossdock.feeds.polling import Road
from crossdock.reconciliation.drift import Drift, Run
from crossdock.reconciling.runs import Reconciler
from crossdock.sandbox.faults import NONE, Faults
from crossdock.sandbox.run import ErpServer, StoreServer
from crossdock.sandbox.store import Store
from crossdock.settings import Settings
from tests.walk.files import toml
from tests.walk.test_sandbox_bugs import TOKEN, configured
from tests.walk.world import until

Row = dict[str, Any]
PLACES = {"MI": "wh_milan", "RM": "wh_rome"}
STOCK_READS = {
    "path": "/stock?after_seq={since}&limit={limit}",
    "change_field": "seq",
    "head_field": "head",
    "page_size": 100,
    "interval_s": 0,
    "fields": {"sku": "sku", "qty": "qty", "warehouse": "warehouse", "version": "seq"},
}
ORDER_LIST = {
    "path": "/orders?listed=1&after_seq={since}&limit={limit}",
    "change_field": "seq",
    "head_field": "head",
    "page_size": 5,
    "fields": {
        "number": "order_number",
        "id": "id",
        "total": "total",
        "currency": "currency",
        "created_at": "made_at",
    },
}


class Town:
    """Two sandboxes and a Crossdock that works only when it is told to."""

    def __init__(self, folder: Path, database: str, stack: ExitStack, faults: Faults = NONE, **changes: Any) -> None:
        self.stack, self.folder = stack, folder
        self.shop, self.erp = StoreServer(seed=5, token=TOKEN, faults=faults), ErpServer(seed=6, token=TOKEN)
        for server in (self.shop, self.erp):
            server.start()
            stack.callback(server.stop)
        told = configured(folder, self.shop, self.erp).model_dump(exclude_unset=True)
        told["database"] = {"url": database}
        told["api"] = {"port": 0}
        told["reconcile"] = {"schedule": "", "settling_s": 0} | changes.get("reconcile", {})
        told["connections"]["store"]["settling_s"] = 0.3
        told["connections"]["erp"]["reads"] = {"inventory": STOCK_READS} | changes.get("reads", {})
        if changes.get("order_list", True):
            told["connections"]["erp"]["order_list"] = ORDER_LIST
        else:
            told["connections"]["erp"]["paths"] = {"find_many": "/orders?order_numbers={numbers}"}
        options = {"inventory": {"warehouses": PLACES, "guard": {"jump_factor": 0, "zero_percent": 100}}}
        options = {**options, **changes.get("options", {})}
        flows = ["inventory", *changes.get("flows", [])]
        told["routes"] = [
            *told["routes"],
            {"source": "erp", "target": "store", "flows": flows, "options": options},
        ]
        self.settings = Settings.model_validate(told)

    @contextmanager
    def working(self) -> Iterator[Crossdock]:
        """It delivers and polls orders, until the `with` ends."""
        serving = Serving(self.settings)
        serving.start()
        try:
            yield serving.crossdock
        finally:
            serving.stop()

    @contextmanager
    def idle(self) -> Iterator[Crossdock]:
        """It does nothing by itself."""
        one = Crossdock(self.settings)
        try:
            yield one
        finally:
            one.store.close()

    def scan(self, flow: str = "inventory") -> None:
        """What the ERP has changed is heard of."""
        with self.idle() as one:
            assert one.readers.by_road[Road(source="erp", target="store", flow=flow)].scan() is not None

    def compare(self, flow: str = "inventory") -> tuple[Run, list[Drift]]:
        with self.idle() as one:
            work = one.reconciling
            run = work.compare(self.reconciler(one, flow), "test")
            assert run is not None
            return run, one.store.reconciliations.drifts(run.id)

    @staticmethod
    def reconciler(one: Crossdock, flow: str) -> Reconciler:
        return one.reconciling.of(flow)[0]

    def says(self, *words: str) -> Result:
        file = self.folder / "crossdock.toml"
        file.write_text(toml(self.settings.model_dump(mode="json", exclude_unset=True)))
        return CliRunner().invoke(app, [*words, "-c", str(file)])

    def told(self, *words: str) -> Any:
        return json.loads(self.says(*words, "--json").stdout)

    def lists(self, what: str, *rows: Row) -> None:
        self.erp.do(lambda erp: erp.lists[what].change(rows))

    def level(self, sku: str, place: str = "wh_milan") -> float | None:
        row = self.shop.do(lambda store: store.source_items.get((sku, place)))
        return None if row is None else float(row["quantity"])

    def overwrite(self, sku: str, quantity: float, place: str = "wh_milan", status: int = 1) -> None:
        row = {"sku": sku, "source_code": place, "quantity": quantity, "status": status}
        self.shop.do(lambda store: store.source_items.__setitem__((sku, place), row))

    def writes(self) -> int:
        return self.shop.do(
            lambda store: sum(one.startswith("POST") and "source-items" in one for one in store.requests)
        )

    def settled(self, one: Crossdock, flow: str) -> None:
        """Nothing of the flow is under way any more."""
        until(lambda: not any(name == flow and state in {"pending", "leased"} for name, _, state in one.store.counts()))

    def bought(self) -> tuple[str, int]:
        """An order of one SKU that the ERP has and the store has not shipped: the SKU and its pieces."""
        number, sku, pieces = self.shop.do(_bought)
        self.shop.do(lambda store: store.change(number, "pay"))
        with self.working():
            until(lambda: "ext_order_id" in self.shop.do(lambda store: store.orders[number]))
        return sku, pieces


def _bought(store: Store) -> tuple[int, str, int]:
    known = {row["sku"] for order in store.orders.values() for row in order["items"]}
    while True:
        number = store.place("simple")
        items = store.orders[number]["items"]
        if len(items) == 1 and items[0]["sku"] not in known:
            return number, str(items[0]["sku"]), int(items[0]["qty_ordered"])
        store.orders.pop(number)


def causes(drifts: list[Drift]) -> dict[str, str]:
    """By key."""
    return {one.key: str(one.cause) for one in drifts}


def stock(number: int, qty: Any, warehouse: str = "MI") -> Row:
    return {"sku": f"SIM-{number:04}", "qty": qty, "warehouse": warehouse}
