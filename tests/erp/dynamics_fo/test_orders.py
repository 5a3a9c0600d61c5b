"""Orders into the stand-in: what is sent, what is found, what is parked, what a broken wire doubles (nothing)."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from crossdock.contract.lookups import FixedLookups
from crossdock.erp.dynamics_fo.connector import build
from crossdock.errors import ConfigurationError, Conflict, MissingEntry, NotReady, OutcomeUnknown, Rejected, Temporary
from crossdock.flows import FLOWS
from crossdock.model.change import ChangeKind, OrderChange
from crossdock.model.money import Totals
from crossdock.sandbox.erps.dynamics_fo import FoServer, StandIn, settings
from crossdock.sandbox.faults import Faults
from tests.erp.dynamics_fo.samples import NOW, customer, key_of, order
from tests.erp.dynamics_fo.wire import Checked

HEADS, LINES = "SalesOrderHeadersV2", "SalesOrderLinesV2"


def sink_of(server: FoServer, tables: Any = None, flow: str = "orders", **more: Any) -> Any:
    table = settings(server.url, flows=[flow], **more)
    return build("erp", table, http=Checked(), lookups=FixedLookups(tables)).sink(FLOWS[flow])


def rows(server: FoServer, table: str = HEADS) -> list[dict[str, Any]]:
    return server.do(lambda books: [dict(row) for row in books.tables[table]])


def change(number: int, kind: ChangeKind = ChangeKind.HOLD) -> OrderChange:
    return OrderChange(kind=kind, order_id=str(number), order_number=f"{number:09}", occurred_at=NOW)


def test_head_and_lines_are_one_change_set(server: FoServer) -> None:
    wire = Checked()
    sink = build("erp", settings(server.url, number_prefix="EU-", warehouse="11"), http=wire).sink(FLOWS["orders"])
    receipt = sink.put(order(1), key_of(1))
    (head,), lines = rows(server), rows(server, LINES)
    assert head["SalesOrderNumber"] == head["CustomersOrderReference"] == receipt.number == "EU-000000001"
    assert (head["DeliveryAddressName"], head["DeliveryAddressStreet"]) == ("Wilhelmina Canary", "Harbour 1")
    assert (head["DeliveryAddressCountryRegionISOCode"], head.get("DeliveryAddressCountryRegionId")) == ("DE", None)
    assert [(one["ItemNumber"], one.get("CustomerRequisitionNumber"), one["LineAmount"]) for one in lines] == [
        ("SIM-0001", "11", Decimal("53.97")),
        ("S-SHIP", None, Decimal("5.00")),
    ]
    assert {one["ShippingWarehouseId"] for one in lines} == {"11"}
    assert receipt.links == {"11": lines[0]["InventoryLotId"]}
    batches = [one for one in wire.sent if one.url.endswith("$batch")]
    assert len(batches) == 1
    assert (batches[0].body or b"").count(b"POST ") == 3


def test_a_bad_line_leaves_no_head(server: FoServer) -> None:
    """The change set is done whole or not at all: here the item goes between our look and the entry."""
    sink = sink_of(server)
    make = server.books.make

    def without_the_item(table: str, values: dict[str, Any]) -> dict[str, Any]:
        if table == HEADS:
            books = server.books.tables
            books["ReleasedProductsV2"] = [one for one in books["ReleasedProductsV2"] if one["ItemNumber"] != "S-SHIP"]
        return make(table, values)

    server.books.make = without_the_item  # type: ignore[method-assign]  # what a person might do just then
    with pytest.raises(Rejected, match="Item number does not exist"):
        sink.put(order(1), key_of(1))
    assert rows(server) == []


def test_a_head_that_was_left_without_lines_is_gone_on_with(server: FoServer) -> None:
    server.books.numbers = "auto"
    sink = sink_of(server, order_numbers="theirs")
    make = server.books.make
    failing = [1]

    def fails_at_a_line(table: str, values: dict[str, Any]) -> dict[str, Any]:
        if table == LINES and failing:
            failing.pop()
            raise RuntimeError("died")
        return make(table, values)

    server.books.make = fails_at_a_line  # type: ignore[method-assign]  # an outage between the two steps
    with pytest.raises(OutcomeUnknown):
        sink.put(order(1), key_of(1))
    assert len(rows(server)) == 1
    assert sink.find(order(1), key_of(1)) is None, "half an order is none"
    receipt = sink.put(order(1), key_of(1))
    assert [one["SalesOrderNumber"] for one in rows(server)] == [receipt.number]
    assert len(rows(server, LINES)) == 2
    assert sink.count(order(1), key_of(1)) == 1


def test_a_price_of_a_trade_agreement_is_seen_and_the_order_deleted_again(server: FoServer) -> None:
    server.do(lambda books: books.agreed.update({"SIM-0001": Decimal(18)}))
    with pytest.raises(Rejected, match=r"deleted again: lines 59.00 instead of 58.97 \(\+0.03\)"):
        sink_of(server).put(order(1), key_of(1))
    assert rows(server) == []
    assert rows(server, LINES) == []


def test_another_order_under_our_reference_is_a_conflict(server: FoServer) -> None:
    sink = sink_of(server)
    sink.put(order(1), key_of(1))
    server.do(lambda books: books.tables[LINES][0].update(LineAmount=Decimal(1)))
    assert sink.find(order(1), key_of(1)) is None
    with pytest.raises(Conflict, match=r"lines 6.00 instead of 58.97"):
        sink.put(order(1), key_of(1))
    server.do(lambda books: books.tables[LINES].pop())
    with pytest.raises(Conflict, match="other lines"):
        sink.put(order(1), key_of(1))
    assert len(rows(server)) == 1


def test_a_difference_that_is_known_is_parked_before_anything_is_made(server: FoServer) -> None:
    totals = Totals(currency="EUR", tax=Decimal("12.99"), shipping=Decimal(5), grand_total=Decimal("71.96"))
    with pytest.raises(Rejected, match="instead of"):
        sink_of(server).put(order(1, totals=totals), key_of(1))
    assert rows(server) == rows(server, "CustomersV3") == []


def test_what_is_missing_is_named(server: FoServer) -> None:
    with pytest.raises(Rejected, match="no released product X-SHIP"):
        sink_of(server, extras={"shipping": "X-SHIP"}).put(order(1), key_of(1))
    with pytest.raises(Rejected, match=r"extras.shipping"):
        sink_of(server, extras={}).put(order(1), key_of(1))
    with pytest.raises(Rejected, match="longer than 20 characters"):
        sink_of(server, number_prefix="A" * 10).put(msgspec.structs.replace(order(1), number="9" * 11), "k")
    with pytest.raises(ConfigurationError, match="group and currency"):
        sink_of(server, customer={})


def test_lookups_go_before_settings(server: FoServer) -> None:
    tables = {
        "payment_terms": {"checkmo": "Net30"},
        "shipping_methods": {"flatrate_flatrate": "TRUCK"},
        "tax_codes": {"VAT": "FULL", "22": "FULL"},
        "countries": {"DE": "DEU"},
    }
    sink_of(server, tables=tables).put(order(1), key_of(1))
    (head,), lines = rows(server), rows(server, LINES)
    assert (head["PaymentTermsName"], head["DeliveryModeCode"]) == ("Net30", "TRUCK")
    assert head["DeliveryAddressCountryRegionId"] == "DEU"
    assert {one["SalesTaxItemGroupCode"] for one in lines} == {"FULL"}
    with pytest.raises(MissingEntry, match="payment_terms"):
        sink_of(server, tables={"payment_terms": {}}).put(order(2), key_of(2))


def test_a_buyer_is_one_customer(server: FoServer) -> None:
    sink = sink_of(server)
    sink.put(order(1), key_of(1))
    sink.put(order(2), key_of(2))
    (made,) = rows(server, "CustomersV3")
    assert (made["CustomerAccount"], made["PersonLastName"], made["CustomerGroupId"]) == ("M7", "Canary", "10")
    with pytest.raises(Rejected, match=r"customer.create is off"):
        sink_of(server, customer={"create": False, "account_prefix": "X"}).put(order(3), key_of(3))
    server.do(lambda books: books.tables["CustomersV3"][0].update(OnHoldStatus="All"))
    with pytest.raises(Rejected, match="M7 is on hold"):
        sink.put(order(4), key_of(4))


def test_another_companys_order_is_not_ours(server: FoServer) -> None:
    sink_of(server).put(order(1), key_of(1))
    server.do(lambda books: books.tables[HEADS][0].update(dataAreaId="demf"))
    assert sink_of(server).find(order(1), key_of(1)) is None


def test_a_hold_is_set_and_let_go(server: FoServer) -> None:
    sink = sink_of(server, flow="holds")
    with pytest.raises(NotReady):
        sink.put(change(1), "k")
    sink_of(server).put(order(1), key_of(1))
    assert not sink.put(change(1), "k").found
    assert rows(server)[0]["IsSalesProcessingStopped"] == "Yes"
    assert sink.put(change(1), "k").found
    assert sink.find(change(1, ChangeKind.UNHOLD), "k2") is None
    sink.put(change(1, ChangeKind.UNHOLD), "k2")
    assert rows(server)[0]["IsSalesProcessingStopped"] == "No"
    server.do(lambda books: books.tables[HEADS][0].update(SalesOrderStatus="Invoiced"))
    with pytest.raises(Rejected, match="Invoiced already"):
        sink.put(change(1), "k3")


def test_customers_are_changed_where_they_differ(server: FoServer) -> None:
    sink = sink_of(server, flow="customers")
    assert not sink.put(customer(1), "k").found
    assert sink.put(customer(1), "k").found, "nothing is left to write"
    fields = {"last_name": "Robin", "vat_id": None}
    told = customer(1, number="M1", new=False, fields=fields, at={})
    assert sink.find(told, "k2") is None
    sink.put(told, "k2")
    assert sink.find(told, "k2") is not None
    (row,) = rows(server, "CustomersV3")
    assert (row["PersonFirstName"], row["PersonLastName"], row["TaxExemptNumber"]) == ("Wilhelmina", "Robin", "")
    with pytest.raises(Rejected, match="no customer M9"):
        sink.put(customer(1, number="M9", new=False), "k3")


def test_counting_many_is_one_look(server: FoServer) -> None:
    sink = sink_of(server)
    sink.put(order(1), key_of(1))
    assert sink.count_many([(order(1), ""), (order(2), "")]) == [1, 0]


def test_a_preview_asks_nobody(server: FoServer) -> None:
    wire = Checked()
    connector = build("erp", settings(server.url, flows=["orders", "holds"]), http=wire)
    told = connector.preview(FLOWS["orders"], order(1))
    assert [line["ItemNumber"] for line in told["lines"]] == ["SIM-0001", "S-SHIP"]
    assert connector.preview(FLOWS["holds"], change(1)) == {"IsSalesProcessingStopped": "Yes"}
    assert wire.sent == []


@pytest.fixture
def storm() -> Iterator[StandIn]:
    faults = Faults(
        reset_after=0.12, cut_after=0.05, error_after=0.08, garbage_after=0.05, busy=0.08, down=0.05, retry_after=0
    )
    stand_in = StandIn(3, faults)
    stand_in.start()
    yield stand_in
    stand_in.stop()


@pytest.mark.parametrize("numbers", ["ours", "theirs"])
def test_answers_that_are_lost_double_nothing(storm: StandIn, numbers: str) -> None:
    """Under their numbers a head may be entered, and its answer lost: it is found by its reference."""
    storm._server.books.numbers = "manual" if numbers == "ours" else "auto"
    sink: Any = build("erp", dict(storm.table()) | {"order_numbers": numbers}).sink(FLOWS["orders"])
    for number in range(1, 31):
        for _ in range(60):
            try:
                sink.put(order(number), key_of(number))
                break
            except (OutcomeUnknown, Temporary):
                continue  # the next put looks first
    assert sorted(storm.there()) == [f"{number:09}" for number in range(1, 31)]
    lines = storm._server.do(lambda books: len(books.tables[LINES]))
    assert lines == 60
    assert {"reset_after", "error_after", "cut_after"} <= storm.drawn().keys()
    assert storm.received_at("000000001") is not None


def test_a_star_in_a_number_finds_no_other_order(server: FoServer) -> None:
    """`eq 'A*'` finds whatever begins with an A there."""
    sink = sink_of(server)
    sink.put(order(1), key_of(1))
    starred = msgspec.structs.replace(order(2), number="00000000*")
    assert sink.find(starred, "k") is None
    assert sink.count_many([(starred, "")]) == [0]
    line = msgspec.structs.replace(order(3).lines[0], sku="SIM-00*")
    with pytest.raises(Rejected, match="no released product SIM-00"):
        sink.put(msgspec.structs.replace(order(3), lines=(line,)), "k")


def test_totals_that_are_calculated_must_be_the_orders(server: FoServer) -> None:
    """Most often they are not calculated yet, and say nothing."""
    add = server.books.add
    totals = {
        "AreTotalsCalculated": "Yes",
        "OrderTotalAmount": Decimal("71.95"),
        "OrderTotalTaxAmount": Decimal("12.98"),
    }

    def with_totals(table: str, **values: Any) -> dict[str, Any]:
        return add(table, **(values | (totals if table == HEADS else {})))

    server.books.add = with_totals  # type: ignore[method-assign]  # a company that calculates them at once, otherwise
    with pytest.raises(Rejected, match=r"deleted again: tax 12.98 instead of 12.97"):
        sink_of(server).put(order(1), key_of(1))
    assert rows(server) == []
    totals |= {"OrderTotalAmount": Decimal("71.94"), "OrderTotalTaxAmount": Decimal("12.97")}
    assert sink_of(server).put(order(1), key_of(1)).number


def test_a_line_that_a_person_added_for_nothing_makes_it_no_other_order(server: FoServer) -> None:
    sink = sink_of(server)
    put = sink.put(order(1), key_of(1))
    extra = {"SalesOrderNumber": put.number, "ItemNumber": "SIM-0002", "OrderedSalesQuantity": 1, "SalesPrice": 0}
    server.do(lambda books: books.make(LINES, extra))
    assert sink.find(order(1), key_of(1)) is not None
    assert sink.put(order(1), key_of(1)).found
