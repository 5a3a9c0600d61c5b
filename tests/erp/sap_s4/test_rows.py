"""What rows say, by flow; how a scan goes on."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crossdock.contract.connector import Watermark
from crossdock.erp.sap_s4.connector import SapS4Connector
from crossdock.erp.sap_s4.mapping import odata
from crossdock.errors import Misconfigured, Temporary
from crossdock.flows import customer_rows
from crossdock.sandbox.erps.sap_s4 import StandIn
from crossdock.sandbox.erps.sap_s4.tables import stamp
from crossdock.sandbox.wire import Answer
from tests.erp.sap_s4.proxy import Proxy
from tests.erp.sap_s4.tables import connected
from tests.erp.sap_s4.test_row_conformance import price, stock

NOW = datetime.now(UTC)
TODAY = NOW.replace(hour=0, minute=0, second=0, microsecond=0)
Rows = list[dict[str, Any]]


def scan(connector: SapS4Connector, flow: str, since: Watermark | None = None) -> tuple[Rows, Watermark]:
    pages = list(connector.rows(flow).changes(since))
    rows = [dict(row) for page in pages for row in page.rows]
    return rows, Watermark(value=json.loads(json.dumps(pages[-1].watermark.value)))


def put(stand_in: StandIn, entity_set: str, *rows: dict[str, Any]) -> None:
    for row in rows:
        stand_in.do(lambda row=row: stand_in.tables.put(entity_set, row))  # type: ignore[misc]


# --- stock ------------------------------------------------------------------------------------------------------------


def stocked(url: str, **more: Any) -> SapS4Connector:
    return connected(url, reads={"inventory": {"plants": ["1010"], "page_size": 3, **more}})


def test_a_product_whose_last_stock_is_gone_is_told_as_none(stand_in: StandIn, proxy: Proxy) -> None:
    plants = [{"Product": f"A-{number}", "Plant": "1010"} for number in range(1, 8)]
    put(stand_in, "A_ProductPlant", *plants, {"Product": "A-1", "Plant": "9999"})
    put(stand_in, "A_MatlStkInAcctMod", stock(2, 5), stock(6, 7), stock(6, 1, Batch="B"))

    rows, _ = scan(stocked(proxy.url), "inventory")

    assert {(row["sku"], row["warehouse"]): row["qty"] for row in rows} == {
        **{(f"A-{number}", "1010"): "0" for number in (1, 3, 4, 5, 7)},
        ("A-2", "1010"): "5",
        ("A-6", "1010"): "8",
    }


def test_without_that_only_what_there_is_is_told_by_location_too(stand_in: StandIn, proxy: Proxy) -> None:
    put(stand_in, "A_ProductPlant", {"Product": "A-1", "Plant": "1010"})
    put(stand_in, "A_MatlStkInAcctMod", stock(2, 5), stock(2, 1, StorageLocation="101B"))

    plain, _ = scan(stocked(proxy.url, zeros=False), "inventory")
    located, _ = scan(stocked(proxy.url, by_location=True), "inventory")

    assert [(row["warehouse"], row["qty"]) for row in plain] == [("1010", "6")]
    assert {(row["warehouse"], row["qty"]) for row in located} == {("1010/101A", "5"), ("1010/101B", "1")}


def test_what_belongs_to_somebody_or_is_blocked_is_not_for_sale(stand_in: StandIn, proxy: Proxy) -> None:
    put(stand_in, "A_MatlStkInAcctMod", stock(1, 5), stock(1, 9, InventoryStockType="07"), stock(1, 9, Customer="77"))
    put(stand_in, "A_MatlStkInAcctMod", stock(1, 9, SDDocument="4711"), stock(1, 9, InventorySpecialStockType="Q"))

    rows, _ = scan(stocked(proxy.url, zeros=False), "inventory")

    assert [row["qty"] for row in rows] == ["5"]


def test_more_rows_of_one_material_than_a_page_holds_are_read_together(stand_in: StandIn, proxy: Proxy) -> None:
    put(stand_in, "A_MatlStkInAcctMod", *(stock(1, 1, Batch=f"B{number}") for number in range(20)), stock(2, 3))

    rows, _ = scan(stocked(proxy.url, zeros=False), "inventory")

    assert [(row["sku"], row["qty"]) for row in rows] == [("A-1", "20"), ("A-2", "3")]


def test_a_server_that_gives_less_than_asked_for_is_read_on(stand_in: StandIn, proxy: Proxy) -> None:
    stand_in.tables.page = 2
    put(stand_in, "A_ProductPlant", *({"Product": f"A-{number}", "Plant": "1010"} for number in range(1, 8)))

    rows, _ = scan(stocked(proxy.url), "inventory")

    assert sorted(row["sku"] for row in rows) == [f"A-{number}" for number in range(1, 8)]


def test_a_scan_that_died_goes_on_where_it_was(stand_in: StandIn, proxy: Proxy) -> None:
    put(stand_in, "A_ProductPlant", *({"Product": f"A-{number}", "Plant": "1010"} for number in range(1, 8)))
    first = next(iter(stocked(proxy.url).rows("inventory").changes(None)))

    rest, _ = scan(stocked(proxy.url), "inventory", first.watermark)

    told = [row["sku"] for row in first.rows] + [row["sku"] for row in rest]
    assert sorted(told) == [f"A-{number}" for number in range(1, 8)]


# --- prices -----------------------------------------------------------------------------------------------------------


def priced(url: str, **more: Any) -> SapS4Connector:
    clock = more.pop("clock", lambda: datetime.now(UTC))
    reads = {"prices": {"condition_type": "PR00", "scope": "web", "page_size": 2, **more}}
    return connected(url, reads=reads, clock=clock)


def told_price(stand_in: StandIn, proxy: Proxy, head: dict[str, Any], validity: dict[str, Any]) -> Rows:
    first, second = price(1, 5)
    put(stand_in, "A_SlsPrcgConditionRecord", first | head)
    put(stand_in, "A_SlsPrcgCndnRecdValidity", second | validity)
    return scan(priced(proxy.url), "prices")[0]


def test_a_price_is_told_for_one_piece(stand_in: StandIn, proxy: Proxy) -> None:
    (row,) = told_price(stand_in, proxy, {"ConditionRateValue": "250.000", "ConditionQuantity": "100"}, {})

    assert {name: row[name] for name in ("sku", "price", "kind", "scope", "currency", "tax")} == {
        "sku": "A-1",
        "price": "2.5",
        "kind": "base",
        "scope": "web",
        "currency": "EUR",
        "tax": "excluded",
    }


@pytest.mark.parametrize(
    ("head", "validity"),
    [
        ({"ConditionIsDeleted": True}, {}),
        ({"ConditionReleaseStatus": "A"}, {}),
        ({"ConditionRateValueUnit": "%"}, {}),
        ({}, {"Customer": "77"}),
        ({}, {"PriceListType": "01"}),
        ({}, {"Material": ""}),
        ({}, {"SalesOrganization": "2020"}),
        ({}, {"ConditionValidityEndDate": stamp(TODAY - timedelta(days=1))}),
        # not tomorrow: that may have begun by the time at which this is run
        ({}, {"ConditionValidityStartDate": stamp(TODAY + timedelta(days=2))}),
    ],
)
def test_what_is_not_everybodys_price_today_is_not_told(
    stand_in: StandIn, proxy: Proxy, head: dict[str, Any], validity: dict[str, Any]
) -> None:
    assert told_price(stand_in, proxy, head, validity) == []


def test_a_price_whose_day_has_come_is_told_though_nobody_touched_it(stand_in: StandIn, proxy: Proxy) -> None:
    head, validity = price(1, 5)
    begins = {"ConditionValidityStartDate": stamp(TODAY)}
    long_ago = NOW - timedelta(days=90)
    stand_in.do(lambda: stand_in.tables.put("A_SlsPrcgConditionRecord", head | begins, at=long_ago))
    put(stand_in, "A_SlsPrcgCndnRecdValidity", validity | begins)
    last_scan = Watermark(
        value={
            "since": (NOW - timedelta(days=3)).isoformat(),
            "full": False,
            "day": f"{NOW - timedelta(days=3):%Y-%m-%d}",
        }
    )

    rows, _ = scan(priced(proxy.url), "prices", last_scan)

    assert [(row["sku"], row["price"]) for row in rows] == [("A-1", "5.9")]


def test_many_changes_in_one_second_are_read_by_their_key(stand_in: StandIn, proxy: Proxy) -> None:
    _, begin = scan(priced(proxy.url), "prices")
    at = stand_in.clock()
    for number in range(1, 12):
        head, validity = price(number, 5)
        stand_in.do(lambda head=head: stand_in.tables.put("A_SlsPrcgConditionRecord", head, at=at))  # type: ignore[misc]
        put(stand_in, "A_SlsPrcgCndnRecdValidity", validity)

    rows, after = scan(priced(proxy.url), "prices", begin)
    again, _ = scan(priced(proxy.url), "prices", after)

    assert sorted({row["sku"] for row in rows}) == sorted(f"A-{number}" for number in range(1, 12))
    assert again == []


# --- products, customers ----------------------------------------------------------------------------------------------


def test_products_have_their_description_and_whether_they_are_sold(stand_in: StandIn, proxy: Proxy) -> None:
    put(
        stand_in,
        "A_Product",
        {"Product": "A-1", "NetWeight": "1.500", "CrossPlantStatus": ""},
        {"Product": "A-2", "CrossPlantStatus": "Z1"},
        {"Product": "A-3", "IsMarkedForDeletion": True},
    )
    put(
        stand_in,
        "A_ProductDescription",
        {"Product": "A-1", "Language": "EN", "ProductDescription": "Shirt"},
        {"Product": "A-1", "Language": "DE", "ProductDescription": "Hemd"},
    )
    reads = {"products": {"language": "DE", "fields": {"weight": "NetWeight"}, "disabled": ["Z1"]}}

    rows, _ = scan(connected(proxy.url, reads=reads), "products")

    assert [{name: value for name, value in row.items() if name != "as_of"} for row in rows] == [
        {"sku": "A-1", "weight": "1.500", "name": "Hemd", "status": "enabled"},
        {"sku": "A-2", "status": "disabled"},
        {"sku": "A-3", "status": "disabled"},
    ]


def test_a_server_that_does_not_sort_is_refused(stand_in: StandIn, proxy: Proxy) -> None:
    reads = {"products": {"page_size": 10}}
    _, begin = scan(connected(proxy.url, reads=reads), "products")
    times = [NOW, NOW - timedelta(minutes=5)]
    rows = [{"Product": f"A-{n}", "LastChangeDateTime": stamp(at)} for n, at in enumerate(times)]
    stand_in.tables.some = lambda _name, _query: (rows, False)  # type: ignore[method-assign,assignment]

    with pytest.raises(Misconfigured, match="does not sort"):
        scan(connected(proxy.url, reads=reads), "products", begin)


def test_an_answer_that_is_no_list_is_no_empty_one(stand_in: StandIn, proxy: Proxy) -> None:
    stand_in._done = lambda _asked: Answer(body={"d": {}})  # type: ignore[method-assign,assignment]
    with pytest.raises(Temporary):
        scan(connected(proxy.url, reads={"products": {}}), "products")


def test_customers_are_told_as_the_flow_reads_them(stand_in: StandIn, proxy: Proxy) -> None:
    partner = {"BusinessPartner": "1000077", "Customer": "1000077", "BusinessPartnerCategory": "1"}
    named = {"FirstName": "Ada", "LastName": "Rossi", "LastChangeDate": stamp(TODAY)}
    put(stand_in, "A_BusinessPartner", partner | named, {**partner, "BusinessPartner": "1000078", "Customer": ""})
    home = {"StreetName": "Via Roma", "HouseNumber": "1", "CityName": "Milano", "PostalCode": "20100", "Country": "IT"}
    put(
        stand_in,
        "A_BusinessPartnerAddress",
        {"BusinessPartner": "1000077", "AddressID": "21", "AddressIDByExternalSystem": "M4", **home},
    )
    put(stand_in, "A_AddressEmailAddress", {"AddressID": "21", "EmailAddress": "Ada@Example.com"})
    put(
        stand_in,
        "A_BusinessPartnerTaxNumber",
        {"BusinessPartner": "1000077", "BPTaxType": "IT0", "BPTaxNumber": "IT01234567890"},
    )
    reads = {"customers": {"tax_type": "0"}}

    rows, after = scan(connected(proxy.url, reads=reads), "customers")
    again, _ = scan(connected(proxy.url, reads=reads), "customers", after)

    (row,) = rows
    told = customer_rows.read(row, "base", NOW)
    assert told.number == "1000077"
    assert told.fields["email"] == "ada@example.com"
    assert told.fields["vat_id"] == "IT01234567890"
    assert told.fields["addresses.m4"]["street"] == ["Via Roma 1"]
    assert len(again) <= 1


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("/Date(0)/", datetime(1970, 1, 1, tzinfo=UTC)),
        ("/Date(1492041600000+0000)/", datetime(2017, 4, 13, tzinfo=UTC)),
        ("/Date(-1)/", datetime(1969, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)),
        ("/Date(9999999999999999)/", None),
        ("2017-04-13", None),
        (None, None),
    ],
)
def test_times_of_bodies(value: Any, wanted: datetime | None) -> None:
    assert odata.when(value) == wanted
