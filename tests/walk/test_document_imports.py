"""Documents out of files to the store: one row a line item, or a document a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from crossdock.cli.import_documents import CHUNK
from crossdock.cli.main import app
from crossdock.delivery.store import DeadFilter
from crossdock.flows.fulfilment import KINDS
from crossdock.sandbox.faults import NONE
from tests.databases import postgres_url, sqlite_url
from tests.long import only_at_length
from tests.walk.tables import FORMS, written
from tests.walk.test_document_polling import Town, shipment
from tests.walk.test_fulfilment import line_of
from tests.walk.world import settled, until

runner = CliRunner()


@pytest.fixture(params=["sqlite", "postgresql"])
def town(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Town]:
    with ExitStack() as stack:
        url = sqlite_url(tmp_path) if request.param == "sqlite" else stack.enter_context(postgres_url())
        yield Town(tmp_path, url, stack, NONE)


def imported(town: Town, flow: str, name: str, content: str, *words: str) -> Result:
    file = town.config.parent / name
    file.write_text(content)
    return runner.invoke(app, ["import", flow, str(file), "--config", str(town.config), *words])


def test_rows_of_one_shipment_are_one_shipment(town: Town) -> None:
    order, other = town.placed(), town.placed()
    rows = [
        "number,order,warehouse,sku,qty,tracking,carrier",
        f"SH-1,{order['increment_id']},MI,{line_of(order)['sku']},1,1Z1,ups",
        "SH-1,,,,,1Z2,",
        f"SH-2,{other['increment_id']},RM,,,,",
    ]
    table = "\n".join(rows) + "\n"
    first = imported(town, "shipments", "ships.csv", table)
    assert first.exit_code == 0, first.output
    assert "2 documents, 2 new, 0 rejected" in first.output
    assert "2 duplicate" in imported(town, "shipments", "ships.csv", table).output
    lines = [{"sku": line_of(order)["sku"], "qty": 1}]
    tracks = [{"number": "1Z1", "carrier": "ups"}, {"number": "1Z2"}]
    town.lists("shipments", shipment("SH-1", order, lines=lines, tracks=tracks))
    serving = town.serve()
    until(lambda: len(town.made()) == 2)
    made = {one["order_id"]: [track["track_number"] for track in one["tracks"]] for one in town.made()}
    assert made == {order["entity_id"]: ["1Z1", "1Z2"], other["entity_id"]: []}
    until(lambda: settled(serving.crossdock))
    assert serving.crossdock.store.dead(DeadFilter()) == [], "in the file and in the list it is the same shipment"


def test_what_is_wrong_is_reported_with_line_and_column_and_the_rest_is_taken(town: Town) -> None:
    order = town.placed()
    number = order["increment_id"]
    rows = [
        "number,order,warehouse,qty,sku,notify",
        f"SH-1,{number},MOON,1,A,",
        f"SH-2,{number},MI,1,A,perhaps",
        f"SH-3,{number},MI,1,{line_of(order)['sku']},yes",
        "SH-3,000000999,,,,",
        f"SH-4,{number},MI,1,{line_of(order)['sku']},no",
        f",{number},MI,,,",
    ]
    report = town.config.parent / "rejected.csv"
    told = imported(town, "shipments", "ships.csv", "\n".join(rows), "--report", str(report))
    assert told.exit_code == 1
    assert report.read_text().splitlines() == [
        "line,reference,column,reason",
        "2,SH-1,warehouse,'MOON' is not in the route's options.inventory.warehouses",
        "3,SH-2,notify,is neither true nor false",
        "4,,order,in line 5 differs from line 4",
        "7,,number,is missing",
    ]
    assert "1 new" in told.output
    again = imported(town, "shipments", "ships.csv", f"number,order,warehouse\nSH-4,{number},RM\n")
    assert "came before with another content" in again.output
    serving = town.serve()
    until(lambda: len(town.made()) == 1)
    assert serving.crossdock.store.dead(DeadFilter()) == [], "whoever imports is told; nobody else has to look"


def test_a_dry_run_stores_nothing(town: Town) -> None:
    order = town.placed()
    line = json.dumps(
        {"number": "IN-1", "order": order["increment_id"], "lines": [{"sku": line_of(order)["sku"], "qty": 1.0}]}
    )
    told = imported(town, "invoices", "in.jsonl", line, "--dry-run")
    assert (told.exit_code, told.output.splitlines()[0]) == (0, "line 1 IN-1: new")
    assert "1 new" in imported(town, "invoices", "in.jsonl", line).output
    assert "line 1 IN-1: known" in imported(town, "invoices", "in.jsonl", line, "--dry-run").output
    town.serve()
    until(lambda: len(town.made("invoices")) == 1)


def test_a_large_file_goes_in_several_transactions(town: Town) -> None:
    rows = "".join(f"UP-{number},00{number},comment,Hello {number}\n" for number in range(CHUNK + 5))
    told = imported(town, "order_updates", "up.csv", f"number,order,action,comment\n{rows}")
    assert f"{CHUNK + 5} documents, {CHUNK + 5} new" in told.output


def files_of(order: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Each kind of document about one order, as a table's rows, with the types that a sheet or a table keeps."""
    sku, number = line_of(order)["sku"], order["increment_id"]
    head = {"number": 88, "order": number, "notify": False}  # a number that is one in a sheet too
    rest = {"number": 88, "order": None, "notify": None}
    return {
        "shipments": [
            head | {"warehouse": "MI", "sku": sku, "qty": Decimal("1.00"), "tracking": "1Z1", "carrier": "ups"},
            rest | {"warehouse": None, "sku": None, "qty": None, "tracking": "1Z2", "carrier": None},
        ],
        "tracks": [head | {"tracking": "1Z9", "carrier": "ups"}],
        "invoices": [head | {"sku": sku, "qty": Decimal("1.00"), "capture": False}],
        "credit_memos": [head | {"sku": sku, "qty": Decimal("1.00"), "adjustment_negative": Decimal("1.50")}],
        "order_updates": [{"number": 89, "order": number, "action": "comment", "comment": "Hello", "visible": True}],
    }


@pytest.mark.parametrize("form", FORMS)
def test_every_kind_of_document_out_of_a_file_of_every_form(town: Town, tmp_path: Path, form: str) -> None:
    if form != "csv" and town.settings.database.url.startswith("postgres"):
        only_at_length("the form is nothing to the database")
    order = town.placed()
    config = ("--config", str(town.config))
    serving = town.serve()
    for flow, rows in files_of(order).items():
        path = str(written(tmp_path, form, rows))
        told = runner.invoke(app, ["import", flow, path, *config])
        assert (told.exit_code, "1 documents, 1 new, 0 rejected" in told.output) == (0, True), (flow, told.output)
        until(lambda: settled(serving.crossdock))
        assert "1 duplicate" in runner.invoke(app, ["import", flow, path, *config]).output, flow
    (made,) = town.made()
    assert [track["track_number"] for track in made["tracks"]] == ["1Z1", "1Z2", "1Z9"]
    assert [one["qty"] for one in made["items"]] == [1]
    assert len(town.made("invoices")) == len(town.made("memos")) == 1
    (memo,) = town.made("memos")
    assert memo["adjustment_negative"] == 1.5
    assert any("Hello" in str(one["comment"]) for one in town.order(order)["status_histories"])
    assert serving.crossdock.store.dead(DeadFilter()) == []


def test_a_parquet_file_may_hold_whole_documents(town: Town, tmp_path: Path) -> None:
    order = town.placed()
    lines = [{"sku": line_of(order)["sku"], "qty": 1.0}]
    named = {"number": "SH-1", "order": order["increment_id"], "warehouse": "MI", "comment": None}
    path = written(tmp_path, "parquet", [named | {"lines": lines}])
    told = runner.invoke(app, ["import", "shipments", str(path), "--config", str(town.config)])
    assert "1 new" in told.output, told.output
    town.serve()
    until(lambda: len(town.made()) == 1)


@pytest.mark.parametrize("flow", sorted(KINDS))
def test_every_kind_has_a_template(flow: str) -> None:
    told = runner.invoke(app, ["import", flow, "--template"])
    assert told.output.startswith("number,order,")
