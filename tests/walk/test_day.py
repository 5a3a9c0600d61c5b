"""A merchant's day ends with both sides saying the same, and one that does not is seen."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from crossdock.cli.day_sides import PLACES, sides_of
from crossdock.cli.main import app
from crossdock.sandbox.merchant import Merchant
from crossdock.sandbox.run import ErpServer, StoreServer


def of(tmp_path: Path, *options: str, code: int = 0) -> dict[str, tuple[int, int, int]]:
    found = CliRunner().invoke(app, ["demo", "--day", "--json", str(tmp_path / "day.json"), *options])
    assert found.exit_code == code, found.output
    told = json.loads((tmp_path / "day.json").read_text())
    return {side["what"]: (side["erp"], side["store"], len(side.get("differing", ()))) for side in told["sides"]}


def test_a_day_with_faults_ends_with_no_difference(tmp_path: Path) -> None:
    sides = of(tmp_path, "--orders", "25", "--seed", "21")
    assert sides["orders"] == (25, 25, 0)
    assert sides["shipments"][0] > 10
    assert sides["invoices"][0] > 10
    assert sides["stock levels"][0] > 200
    assert sides["products"][0] > 100
    assert sides["customers"] == (6, 6, 0)
    assert sides["prices"][:2] == sides["products"][:2], "one price a product, on both sides"
    assert all(differing == 0 for _, _, differing in sides.values()), sides


def test_a_day_with_another_erp_is_refused_and_not_run_with_the_sandbox() -> None:
    found = CliRunner().invoke(app, ["demo", "--day", "--erp", "tryton"])
    assert found.exit_code == 2
    assert "has the sandbox ERP only" in " ".join(found.output.replace("│", " ").split())


def test_what_never_reached_the_store_is_a_difference() -> None:
    shop, erp = StoreServer(seed=1), ErpServer(seed=2)
    shop.start()
    erp.start()
    try:
        merchant = Merchant(erp, lambda _path, _body: 200, PLACES, seed=3)  # its pushes are taken, and lead nowhere
        merchant.open(["SIM-0001"])
        items = [
            {"sku": "SIM-0001", "qty": 2, "line_id": "1", "virtual": False, "product_type": "simple"}
            | {"parent_line_id": None}
        ]
        erp.do(lambda one: one.orders.append({"order_number": "000000009", "payload": {"items": items}}))
        assert merchant.work() == 1
        assert merchant.work() == 0, "an order is dealt with once"
        sides = {side.what: len(side.differing) for side in shop.do(lambda store: sides_of(store, erp, merchant))}
    finally:
        shop.stop()
        erp.stop()
    assert (sides["orders"], sides["shipments"], sides["invoices"]) == (1, 1, 1)
    assert sides["stock levels"] == 2
    assert (sides["products"], sides["prices"]) == (4, 4)  # three that are new; a name, a price
    assert sides["customers"] == 6
