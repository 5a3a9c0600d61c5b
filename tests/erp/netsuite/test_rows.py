"""Rows out of NetSuite: what is passed over, what is told again, what SuiteQL is asked."""

from __future__ import annotations

from typing import Any

import pytest

from crossdock.contract.connector import RowPage, Watermark
from crossdock.contract.lookups import FixedLookups
from crossdock.erp.netsuite.connector import build
from crossdock.erp.netsuite.mapping.suiteql import Table, literal
from crossdock.erp.netsuite.reading import every, moment, number
from crossdock.errors import Misconfigured
from crossdock.flows import FLOWS
from crossdock.sandbox.erps.netsuite.account import Account
from tests.erp.netsuite.books import document, link
from tests.erp.netsuite.conftest import Netsuite
from tests.erp.netsuite.samples import key_of, order

LINE_ID = {"line_id": "custcol_line_id"}
ITEMS = Table(
    source="item i", columns={"sku": "i.itemid"}, keys=("i.id",), stamp="i.lastmodifieddate", where=("i.id > 0",)
)
PAIRS = Table(source="ail", columns={}, keys=("item", "location"), stamp="changed")


def scan(netsuite: Netsuite, flow: str, since: Watermark | None = None, **read: Any) -> list[RowPage]:
    connector = netsuite.connector(reads={flow: read}, custom=LINE_ID)
    return list(connector.rows(flow).changes(since))


def rows(pages: list[RowPage]) -> list[dict[str, Any]]:
    return [dict(row) for page in pages for row in page.rows]


def ordered(netsuite: Netsuite, *numbers: int) -> None:
    sink = netsuite.connector(custom=LINE_ID).sink(FLOWS["orders"])
    for one in numbers:
        sink.put(order(one), key_of(one))
    netsuite.stand_in.do(lambda account: account.tables.put("location", id=1, name="Main"))


# --- what is asked ----------------------------------------------------------------------------------------------------


def test_a_full_run_goes_by_the_keys_alone() -> None:
    told = "SELECT i.itemid AS sku, i.id AS key0, TO_CHAR(i.lastmodifieddate, 'YYYY-MM-DD HH24:MI:SS') AS stamp FROM item i"
    assert ITEMS.page(stamped=False) == f"{told} WHERE i.id > 0 ORDER BY i.id"
    assert ITEMS.page(stamped=False, after=(7,)) == f"{told} WHERE i.id > 0 AND i.id > 7 ORDER BY i.id"


def test_changes_go_by_their_time_and_then_the_keys() -> None:
    text = "TO_CHAR(changed, 'YYYY-MM-DD HH24:MI:SS')"
    near = "changed >= TO_TIMESTAMP('2026-11-24 10:00:00', 'YYYY-MM-DD HH24:MI:SS')"
    first = PAIRS.page(stamped=True, since="2026-11-25 10:00:00")
    assert first.endswith(f"WHERE {near} AND {text} >= '2026-11-25 10:00:00' ORDER BY {text}, item, location")
    later = PAIRS.page(stamped=True, since="2026-11-20 00:00:00", at="2026-11-25 10:00:00", after=(5, 1))
    tied = f"({text} = '2026-11-25 10:00:00' AND (item > 5 OR (item = 5 AND location > 1)))"
    assert f"WHERE {near} AND ({text} > '2026-11-25 10:00:00' OR {tied}) ORDER BY" in later


def test_a_text_cannot_leave_its_quotes() -> None:
    assert literal("O'Brien' OR '1'='1") == "'O''Brien'' OR ''1''=''1'"


def test_no_page_is_asked_for_by_its_number(netsuite: Netsuite) -> None:
    netsuite.stand_in.do(lambda account: account.stock([f"S-{nth}" for nth in range(7)]))
    scan(netsuite, "products", page_size=2)
    asked = [one for one in netsuite.account.requests if "suiteql" in one]
    assert len(asked) > 4
    assert not [one for one in asked if "offset" in one]


def test_all_rows_of_more_than_one_answer_are_there(netsuite: Netsuite) -> None:
    netsuite.stand_in.do(lambda account: account.stock([f"S-{nth}" for nth in range(2100)]))
    client = netsuite.connector()._client
    found = [one.columns["sku"] for one in every(client, ITEMS)]
    assert len(found) == len(set(found)) == 2106


# --- what is told -----------------------------------------------------------------------------------------------------


def test_a_value_that_goes_back_within_a_second_is_told_again(netsuite: Netsuite) -> None:
    netsuite.account.clock.stop()
    netsuite.rename("A-1", "old")
    pages = scan(netsuite, "products")
    for name in ("new", "old"):
        netsuite.rename("A-1", name)
        pages = scan(netsuite, "products", pages[-1].watermark)
        assert [row["name"] for row in rows(pages)] == [name]
    assert rows(scan(netsuite, "products", pages[-1].watermark)) == []


def test_without_an_overlap_what_became_visible_late_would_be_lost(netsuite: Netsuite) -> None:
    netsuite.count_stock("A-1", 5, at="2026-11-25 10:00:00")
    netsuite.stand_in.do(lambda account: account.tables.put("location", id=1, name="Main"))
    after = {seconds: scan(netsuite, "inventory", overlap_s=seconds)[-1].watermark for seconds in (0, 60)}
    netsuite.count_stock("B-2", 6, at="2026-11-25 09:59:30")
    assert rows(scan(netsuite, "inventory", after[0], overlap_s=0)) == []
    assert [row["sku"] for row in rows(scan(netsuite, "inventory", after[60], overlap_s=60))] == ["B-2"]


def test_a_level_names_its_place_by_the_lookup_or_by_its_name(netsuite: Netsuite) -> None:
    netsuite.count_stock("A-1", 5, at="2026-11-25 10:00:00")
    netsuite.stand_in.do(lambda account: account.tables.put("location", id=1, name="Main"))
    (row,) = rows(scan(netsuite, "inventory"))
    assert {name: row[name] for name in ("sku", "qty", "warehouse", "meaning")} == {
        "sku": "A-1",
        "qty": "5",
        "warehouse": "Main",
        "meaning": "available",
    }
    lookups = FixedLookups({"warehouses": {"1": "MI"}})
    connector = build("erp", netsuite.table(reads={"inventory": {}}), lookups=lookups)
    assert rows(list(connector.rows("inventory").changes(None)))[0]["warehouse"] == "MI"


def test_inactive_items_are_disabled(netsuite: Netsuite) -> None:
    netsuite.rename("A-1", "Shirt", inactive="T")
    told = {row["sku"]: row for row in rows(scan(netsuite, "products"))}
    assert (told["A-1"]["status"], told["A-1"]["name"]) == ("disabled", "Shirt")


def test_customers_attributes_come_from_columns_of_ones_own(netsuite: Netsuite) -> None:
    body = {"lastName": "Rossi", "email": "ada@example.com", "isPerson": True, "custentity_tier": "gold"}
    netsuite.stand_in.do(lambda account: account.records.upsert("customer", "M5", body, replace=False))
    fields = {"email": "email", "last_name": "lastname", "attributes.tier": "custentity_tier"}
    (row,) = rows(scan(netsuite, "customers", fields=fields, website="base"))
    assert row.pop("as_of").endswith("+00:00")
    assert row == {
        "number": "101",
        "email": "ada@example.com",
        "last_name": "Rossi",
        "attributes": {"tier": "gold"},
        "website": "base",
    }


def test_a_source_of_ones_own_is_read_instead(netsuite: Netsuite) -> None:
    netsuite.rename("A-1", "Shirt")
    told = rows(scan(netsuite, "products", columns={"sku": "'X-' || i.itemid"}, where="i.itemid = 'A-1'"))
    assert [row["sku"] for row in told] == ["X-A-1"]


@pytest.mark.parametrize("wrong", [{"columns": {"sku": "i.colour"}}, {"source": "nothing n"}, {"where": "i.id ="}])
def test_a_query_that_netsuite_does_not_take_pauses_the_connection(netsuite: Netsuite, wrong: dict[str, Any]) -> None:
    with pytest.raises(Misconfigured, match="SuiteQL"):
        scan(netsuite, "products", **wrong)


# --- documents --------------------------------------------------------------------------------------------------------


def test_a_fulfilment_counts_each_line_once_and_has_its_parcels(netsuite: Netsuite) -> None:
    ordered(netsuite, 1)
    made: dict[str, Any] = {"createddate": "2026-11-25 10:00:00", "linkedtrackingnumberlist": "1Z1, 1Z2"}
    name = netsuite.stand_in.do(lambda account: document(account, "000000001", "ItemShip", **made))
    (row,) = rows(scan(netsuite, "shipments", tracking="t.linkedtrackingnumberlist"))
    assert row == {
        "number": name,
        "order": "000000001",
        "lines": [{"line": "11", "warehouse": "Main", "qty": "3"}],
        "shipped_at": "2026-11-25T10:00:00+00:00",
        "tracks": [{"number": "1Z1"}, {"number": "1Z2"}],
    }


@pytest.mark.parametrize(("status", "told"), [("A", 0), ("B", 0), ("C", 1), ("ItemShip:C", 1), ("ItemShip:A", 0)])
def test_only_what_has_left_is_a_shipment(netsuite: Netsuite, status: str, told: int) -> None:
    ordered(netsuite, 1)
    netsuite.stand_in.do(lambda account: document(account, "000000001", "ItemShip", status=status))
    assert len(rows(scan(netsuite, "shipments"))) == told


def test_an_invoice_has_the_goods_and_not_the_shipping(netsuite: Netsuite) -> None:
    ordered(netsuite, 1)
    name = netsuite.stand_in.do(lambda account: document(account, "000000001", "CustInvc", status="A"))
    (row,) = rows(scan(netsuite, "invoices"))
    assert row == {"number": name, "order": "000000001", "lines": [{"line": "11", "qty": "3"}]}


def test_another_companys_orders_are_passed_over(netsuite: Netsuite) -> None:
    ordered(netsuite, 1)
    netsuite.stand_in.do(lambda account: document(account, "000000001", "ItemShip"))
    connector = netsuite.connector(reads={"shipments": {}}, external_id_prefix="OTHER-")
    assert rows(list(connector.rows("shipments").changes(None))) == []


def test_a_document_of_two_orders_is_one_row_for_each(netsuite: Netsuite) -> None:
    ordered(netsuite, 1, 2)
    name = netsuite.stand_in.do(lambda account: document(account, "000000001", "CustInvc"))

    def join(account: Account) -> None:
        other = account.records.find("salesOrder", "eid:MAG-000000002")
        assert other is not None
        link(account, int(name.removeprefix("INV")), 50, other, other["item"]["items"][0], "CustInvc", cogs="F")

    netsuite.stand_in.do(join)
    told = rows(scan(netsuite, "invoices"))
    assert [(row["number"], row["order"]) for row in told] == [
        (f"{name}/000000001", "000000001"),
        (f"{name}/000000002", "000000002"),
    ]


def test_lines_go_by_sku_where_no_field_keeps_their_id(netsuite: Netsuite) -> None:
    ordered(netsuite, 1)
    netsuite.stand_in.do(lambda account: document(account, "000000001", "CustInvc"))
    connector = netsuite.connector(reads={"invoices": {}}, custom={})
    (row,) = rows(list(connector.rows("invoices").changes(None)))
    assert row["lines"] == [{"sku": "SIM-0001", "qty": "3"}]


def test_numbers_and_times_as_suiteql_tells_them() -> None:
    assert [str(number(one)) for one in ("5", "5.0", ".25", "3E+1", "7.00004", None, "")] == [
        *("5", "5", "0.25", "3E+1", "7", "None", "None")
    ]
    assert moment("2026-07-01 12:00:00", "Europe/Berlin") == "2026-07-01T10:00:00+00:00"
    assert moment("", "UTC") == ""
