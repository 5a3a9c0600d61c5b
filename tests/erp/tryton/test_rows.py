"""What is read from a real Tryton: which quantities, which products, and whose shipments."""

from __future__ import annotations

import itertools
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from crossdock.app import Crossdock
from crossdock.contract.connector import RowSource, Watermark
from crossdock.erp.tryton.connector import build
from crossdock.errors import ConfigurationError, Misconfigured
from crossdock.flows import FLOWS, fulfilment, inventory
from crossdock.sandbox.run import StoreServer
from crossdock.settings import Settings
from tests.databases import sqlite_url
from tests.erp.tryton.samples import key_of, line, numbers, order
from tests.erp.tryton.test_row_conformance import PLACES, READS, sku
from tests.tryton_server import Tryton
from tests.walk.test_sandbox_bugs import TOKEN
from tests.walk.world import settings, until

Row = dict[str, Any]
new = itertools.count(1)


def source_of(tryton: Tryton, flow: str, **more: Any) -> RowSource:
    table = tryton.session_settings if more.pop("rpc", False) else tryton.settings
    return build("erp", table(reads={flow: READS[flow] | more})).rows(flow)


def read(source: RowSource, since: Watermark | None = None) -> tuple[list[Row], Watermark]:
    pages = list(source.changes(since))
    return [dict(row) for page in pages for row in page.rows], pages[-1].watermark


def by_sku(rows: list[Row]) -> dict[str, Row]:
    return {row["sku"]: row for row in rows}


def make_product(tryton: Tryton, *codes: str, **more: Any) -> int:
    """A template with these variants; its id."""
    category = tryton.rows("product.category", [("accounting", "=", True)], "id")[0]["id"]
    (unit,) = tryton.rows("product.uom", [("name", "=", "Unit")], "id")
    told = {"name": codes[0], "type": "goods", "default_uom": unit["id"], "sale_uom": unit["id"], "salable": True}
    variants = [{"suffix_code": code} for code in codes]
    return tryton.client.create(
        "product.template", told | {"account_category": category, "products": [["create", variants]]} | more
    )


def placed(tryton: Tryton, **more: Any) -> str:
    """An order by our own sink; its number."""
    number = next(numbers)
    record = msgspec.structs.replace(order(number), **more)
    build("erp", tryton.settings()).sink(FLOWS["orders"]).put(record, key_of(number))
    return record.number


def test_what_is_promised_is_on_hand_and_not_available(tryton: Tryton) -> None:
    tryton.count_stock(sku(1), 500 + next(new))
    meanings = ("on_hand", "available")
    on_hand, available = (source_of(tryton, "inventory", meaning=one) for one in meanings)
    before = [by_sku(read(one)[0])[sku(1)]["qty"] for one in (on_hand, available)]
    _, at = read(on_hand)
    placed(tryton)
    for rpc in (False, True):
        after = [by_sku(read(source_of(tryton, "inventory", meaning=one, rpc=rpc))[0])[sku(1)] for one in meanings]
        assert [row["qty"] for row in after] == [before[0], before[1] - 3]
        assert [inventory.reader(PLACES)(row).meaning for row in after] == [*meanings]
    assert sku(1) in by_sku(read(on_hand, at)[0]), "a promise is a move, and a change"


def test_a_level_is_told_as_of_no_earlier_than_the_moves_that_it_counts(tryton: Tryton) -> None:
    """Tryton's clock has whole seconds: a shipment of the same second would be taken off twice by the store."""
    source = source_of(tryton, "inventory")
    _, at = read(source)
    for full in (False, False, False, True):
        tryton.count_stock(sku(2), 700 + next(new))
        rows, at = read(source, None if full else at)
        moves = tryton.rows("stock.move", [("product.code", "=", sku(2))], "create_date")
        newest = max(row["create_date"] for row in moves)
        assert datetime.fromisoformat(by_sku(rows)[sku(2)]["as_of"]) >= newest


def test_an_archived_product_that_left_its_code_to_another_says_nothing_of_it(tryton: Tryton) -> None:
    make_product(tryton, "TWICE")
    first = tryton.product("TWICE")["id"]
    tryton.write("product.product", first, active=False)
    make_product(tryton, "TWICE")
    tryton.count_stock("TWICE", 5)
    for flow, said in (("inventory", ("qty", 5)), ("products", ("status", "enabled"))):
        rows, _ = read(source_of(tryton, flow))
        # both are of one code: where they stand on two pages, it is told twice, and the same
        assert {row[said[0]] for row in rows if row["sku"] == "TWICE"} == {said[1]}


def test_a_template_tells_of_all_its_variants_and_a_variant_of_itself(tryton: Tryton) -> None:
    template = make_product(tryton, "VAR-A", "VAR-B", list_price=Decimal("7.5"))
    source = source_of(tryton, "prices")
    rows, at = read(source)
    assert {code: by_sku(rows)[code]["price"] for code in ("VAR-A", "VAR-B")} == dict.fromkeys(
        ("VAR-A", "VAR-B"), Decimal("7.5")
    )
    rows, at = read(source, at)
    tryton.write("product.template", template, list_price=Decimal("8.1234"))
    rows, at = read(source, at)
    assert {row["sku"]: row["price"] for row in rows} == dict.fromkeys(("VAR-A", "VAR-B"), Decimal("8.1234"))
    tryton.write("product.product", tryton.product("VAR-B")["id"], list_price=Decimal(9))
    rows, at = read(source, at)
    assert {row["sku"]: row["price"] for row in rows} == {"VAR-B": Decimal(9)}


def test_what_is_archived_or_not_for_sale_is_disabled(tryton: Tryton) -> None:
    template = make_product(tryton, "OLD-1", "OLD-2")
    source = source_of(tryton, "products", fields={"name": "name", "weight_class": "default_uom"})
    _, at = read(source)
    _, at = read(source, at)
    tryton.write("product.product", tryton.product("OLD-1")["id"], active=False)
    rows, at = read(source, at)
    assert {row["sku"]: row["status"] for row in rows} == {"OLD-1": "disabled"}
    tryton.write("product.template", template, salable=False)
    rows, at = read(source, at)
    assert {row["sku"]: row["status"] for row in rows} == {"OLD-1": "disabled", "OLD-2": "disabled"}
    tryton.write("product.template", template, salable=True)
    rows, at = read(source, at)
    assert by_sku(rows)["OLD-2"]["status"] == "enabled"
    tryton.write("product.template", template, active=False)
    rows, at = read(source, at)
    assert by_sku(rows)["OLD-2"]["status"] == "disabled"


def test_what_the_shop_sells_and_tryton_calls_a_service_is_invoiced_too(tryton: Tryton) -> None:
    """A download, a gift card: without its line the store would keep the order open for ever."""
    make_product(tryton, "EBOOK", type="service")
    source = source_of(tryton, "invoices")
    _, at = read(source)
    ours = placed(tryton, lines=(line(sku="EBOOK"),))
    tryton.post_invoice(ours)
    (row,) = [one for one in read(source, at)[0] if one["order"] == ours]
    assert row["lines"] == [{"line": "11", "qty": 3}], "and no line for shipping"


def test_an_order_that_was_shipped_and_invoiced_is_told_with_its_lines(tryton: Tryton) -> None:
    sources = {flow: source_of(tryton, flow) for flow in ("shipments", "invoices")}
    marks = {flow: read(source)[1] for flow, source in sources.items()}
    ours = placed(tryton)
    theirs = placed(tryton)
    tryton.write("sale.sale", tryton.sales(theirs)[0]["id"], comment="typed in by a person")
    numbered = {"shipments": tryton.ship(ours), "invoices": tryton.post_invoice(ours)}
    tryton.ship(theirs)
    for flow, source in sources.items():
        rows = read(source, marks[flow])[0]
        assert theirs not in {row["order"] for row in rows}
        (row,) = [one for one in rows if one["order"] == ours]
        (document,) = fulfilment.read(flow, row, "erp", PLACES)
        assert (document.number, document.order_number) == (numbered[flow], ours)
        assert [(one.line, one.quantity) for one in getattr(document, "lines", ())] == [("11", Decimal(3))]
    (shipped,) = [one for one in read(sources["shipments"], marks["shipments"])[0] if one["order"] == ours]
    (done,) = tryton.rows("stock.shipment.out", [("number", "=", numbered["shipments"])], "write_date")
    assert shipped["warehouse"] == "WH"
    assert abs((datetime.fromisoformat(shipped["shipped_at"]) - done["write_date"]).total_seconds()) < 60


def test_a_sale_without_line_ids_is_told_by_its_codes(tryton: Tryton) -> None:
    source = source_of(tryton, "shipments")
    _, at = read(source)
    number = placed(tryton)
    for row in tryton.rows("sale.line", [("sale.reference", "=", number)], "note"):
        tryton.write("sale.line", row["id"], note=None)
    tryton.ship(number)
    (row,) = [one for one in read(source, at)[0] if one["order"] == number]
    assert row["lines"] == [{"sku": "SIM-0001", "qty": Decimal(3)}]


def test_a_warehouse_that_is_not_there_and_a_flow_that_is_not_read(tryton: Tryton) -> None:
    with pytest.raises(Misconfigured, match="warehouse"):
        read(source_of(tryton, "inventory", warehouses=["NOWHERE"]))
    connector = build("erp", tryton.settings(reads={"inventory": {"warehouses": ["NOWHERE"]}}))
    assert not connector.probe().ok
    with pytest.raises(ConfigurationError, match="has no prices"):
        connector.rows("prices")


def test_levels_walk_from_tryton_into_a_store(tryton: Tryton, tmp_path: Path) -> None:
    shop = StoreServer(seed=5, token=TOKEN)
    shop.start()
    plain = settings(tmp_path, shop.url, "http://127.0.0.1:9").model_dump(exclude_unset=True)
    plain["database"] = {"url": sqlite_url(tmp_path)}
    plain["connections"]["erp"] = tryton.settings(reads={"inventory": READS["inventory"] | {"interval_s": 0.2}})
    options = {"inventory": {"warehouses": {"WH": "wh_milan"}, "negative": "zero", "guard": {"zero_percent": 100}}}
    back = {"source": "erp", "target": "store", "flows": ["inventory"], "options": options}
    plain["routes"] = [*plain["routes"], back]
    wanted = {sku(number): 100 + number for number in range(1, 6)}
    for code, quantity in wanted.items():
        tryton.count_stock(code, quantity)

    def held() -> dict[str, float]:
        rows = shop.do(lambda store: [row for row in store.source_items.values() if row["source_code"] == "wh_milan"])
        return {row["sku"]: row["quantity"] for row in rows if row["sku"] in wanted}

    crossdock = Crossdock(Settings.model_validate(plain))
    crossdock.start()
    try:
        until(lambda: held() == wanted, 60)
        wanted[sku(2)] = 7
        tryton.count_stock(sku(2), 7)
        until(lambda: held() == wanted, 60)
    finally:
        crossdock.stop()
        shop.stop()
