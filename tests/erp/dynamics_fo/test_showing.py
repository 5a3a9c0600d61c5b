"""What Finance and Operations has of an order or a hold, whoever has entered it; and looking changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from crossdock.contract.lookups import FixedLookups
from crossdock.contract.shadow import Compared, Fate, ShowingSink
from crossdock.erp.dynamics_fo.connector import build
from crossdock.erp.dynamics_fo.showing import SWITCHES
from crossdock.errors import Rejected
from crossdock.flows import FLOWS
from crossdock.flows.parts import plain_rate
from crossdock.model.change import ChangeKind, OrderChange
from crossdock.model.order import Order
from crossdock.operations.masking import HIDDEN
from crossdock.operations.masking import shown as masked
from crossdock.sandbox.erps.dynamics_fo import Books, FoServer, settings
from crossdock.sandbox.erps.odata import Row
from crossdock.shadowing.fields import compare, flat, unnumbered
from crossdock.transport.looking import looking
from tests.erp.dynamics_fo.samples import NOW, address, key_of, line, order
from tests.erp.dynamics_fo.test_recorded import ORDERS, read
from tests.erp.dynamics_fo.wire import INNER, Checked
from tests.material import needs_shared

HEADS, LINES = "SalesOrderHeadersV2", "SalesOrderLinesV2"
TABLES = {"payment_terms": {"checkmo": "NET30"}, "shipping_methods": {"flatrate_flatrate": "STD"}}
SENT_ONLY = ("header.IsDeliveryAddressOrderSpecific", "header.SkipCreateAutoCharges", "lines[].SkipCreateAutoCharges")
NO_TOTALS = ("header.OrderTotalAmount", "header.OrderTotalTaxAmount")
ALL = {"tax_group": "DOM", "site": "1", "warehouse": "11"}
Change = Callable[[Row, list[Row]], None]


class Desk:
    """A sink, and what went over its wire."""

    def __init__(self, server: FoServer, tables: Any = TABLES, flow: str = "orders", **more: Any) -> None:
        self.wire = Checked()
        table = settings(server.url, flows=[flow], **more)
        self.sink: Any = build("erp", table, http=self.wire, lookups=FixedLookups(tables)).sink(FLOWS[flow])

    def compared(self, record: Any) -> Compared | None:
        """As a shadow does it, under a key that is nobody's."""
        assert isinstance(self.sink, ShowingSink)
        self.wire.sent.clear()
        with looking():
            shown = self.sink.show(record, "nobody's")
        reads = [one.method for one in self.wire.sent if not one.url.endswith("/token")]
        assert set(reads) == {"GET"}
        return None if shown is None else compare(shown)


def by_another_hand(server: FoServer, change: Change) -> None:
    """Head and lines, as another would have entered them."""

    def act(books: Books) -> None:
        lines = books.tables[LINES]
        change(books.tables[HEADS][0], lines)

    server.do(act)


def unlike(found: Compared | None) -> list[str]:
    assert found is not None
    return [one.field for one in found.unlike]


def hold(number: int = 1, kind: ChangeKind = ChangeKind.HOLD) -> OrderChange:
    return OrderChange(kind=kind, order_id=str(number), order_number=f"{number:09}", occurred_at=NOW)


@pytest.mark.parametrize("numbers", ["ours", "theirs"])
def test_what_we_have_put_there_is_equal_in_every_field_that_was_sent(server: FoServer, numbers: str) -> None:
    server.books.numbers = {"ours": "manual", "theirs": "auto"}[numbers]
    desk = Desk(server, order_numbers=numbers, **ALL)
    record = order(1, shipping=address(company="Canary & Co", street=("Harbour 1", "Dock 2")))
    desk.sink.put(record, key_of(1))
    sent = set[str]()
    for one in desk.wire.sent:
        for _, entity, body in INNER.findall(one.body or b""):
            where = "header." if entity.decode() == HEADS else "lines[]."
            sent |= {f"{where}{name}" for name in json.loads(body)}
        if one.method == "POST" and one.url.endswith(HEADS):
            sent |= {f"header.{name}" for name in json.loads(one.body or b"")}
    with looking():
        there = desk.sink.show(record, key_of(1))
    found = desk.compared(record)
    assert found is not None
    assert (found.fate, found.unlike, found.number) == (
        Fate.EQUAL,
        (),
        server.books.tables[HEADS][0]["SalesOrderNumber"],
    )
    assert found.uncompared == (*sorted((*SENT_ONLY[:2], *NO_TOTALS)), SENT_ONLY[2])
    ours = {unnumbered(path) for path, _ in flat(there.ours)}
    own = {"lines[].SalesOrderNumber", "lines[].CustomerRequisitionNumber", "lines[].dataAreaId", "header.dataAreaId"}
    assert sent - ours == own, "the company, a head's number again, and our own mark"
    assert {one.partition(".")[2] for one in SENT_ONLY} == SWITCHES


def test_an_order_that_is_not_there_is_none(server: FoServer) -> None:
    assert Desk(server).compared(order(1)) is None
    assert Desk(server, flow="holds").compared(hold()) is None


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        (
            lambda _, lines: lines[0].update(SalesPrice=Decimal(18), LineAmount=Decimal(54)),
            ["lines[0].SalesPrice", "lines[0].LineAmount"],
        ),
        (lambda _, lines: lines[0].update(OrderedSalesQuantity=2), ["lines[0].OrderedSalesQuantity"]),
        (lambda _, lines: lines[0].update(LineAmount=Decimal("53.96")), ["lines[0].LineAmount"]),
        (lambda _, lines: lines[1].update(SalesTaxItemGroupCode="VAT7"), ["lines[1].SalesTaxItemGroupCode"]),
        (lambda _, lines: lines.pop(1), ["lines.length", "lines[1].ItemNumber"]),
        (lambda _, lines: lines.pop(0), ["lines.length", "lines[0].ItemNumber"]),
        (lambda _, lines: lines.append(lines[1] | {"InventoryLotId": "x"}), ["lines.length"]),
        (lambda head, _: head.update(CurrencyCode="USD"), ["header.CurrencyCode"]),
        (lambda head, _: head.update(OrderingCustomerAccountNumber="X"), ["header.OrderingCustomerAccountNumber"]),
        (lambda head, _: head.update(DeliveryAddressStreet="Harbour 2"), ["header.DeliveryAddressStreet"]),
        (lambda head, _: head.update(PaymentTermsName=""), ["header.PaymentTermsName"]),
        (lambda head, _: head.update(SalesOrderNumber="SO-1"), ["header.SalesOrderNumber"]),
        (
            lambda head, _: head.update(AreTotalsCalculated="Yes", OrderTotalAmount=72, OrderTotalTaxAmount=13),
            ["header.OrderTotalAmount", "header.OrderTotalTaxAmount"],
        ),
    ],
)
def test_what_another_hand_did_otherwise_is_told_and_nothing_else(
    server: FoServer, change: Change, fields: list[str]
) -> None:
    desk = Desk(server)
    desk.sink.put(order(1), key_of(1))
    by_another_hand(server, change)
    number = server.books.tables[HEADS][0]["SalesOrderNumber"]
    server.do(lambda books: [one.update(SalesOrderNumber=number) for one in books.tables[LINES]])
    found = desk.compared(order(1))
    assert found is not None
    assert (found.fate, unlike(found)) == (Fate.DIFFERENT, fields)


def test_the_other_ways_of_the_vendor_are_no_difference(server: FoServer) -> None:
    """Codes in another case, decimals as texts and with noughts, blanks, line ends, another sequence, no marks."""
    desk = Desk(server)
    record = order(1, shipping=address(street=("Harbour 1", "Dock 2")))
    desk.sink.put(record, key_of(1))

    def otherwise(head: Row, lines: list[Row]) -> None:
        lines[0].update(ItemNumber="sim-0001", SalesPrice="17.990000", LineAmount="53.97", OrderedSalesQuantity=3.0)
        lines[0].update(LineCreationSequenceNumber=9, SkipCreateAutoCharges="No", CustomerRequisitionNumber="")
        head.update(DeliveryAddressStreet="Harbour 1\r\nDock 2 ", DeliveryModeCode="Std", SkipCreateAutoCharges="No")
        head.update(AreTotalsCalculated="Yes", OrderTotalAmount="71.940", OrderTotalTaxAmount="12.97")

    by_another_hand(server, otherwise)
    found = desk.compared(record)
    assert found is not None
    assert (found.fate, unlike(found)) == (Fate.EQUAL, [])
    assert found.uncompared == SENT_ONLY


def test_lines_of_one_product_are_not_mixed_up(server: FoServer) -> None:
    desk = Desk(server)
    base = order(1)
    cheap = line(
        "12", quantity=Decimal(1), amounts=type(line().amounts)(net=Decimal(9), gross=Decimal(9), tax=Decimal("1.98"))
    )
    totals = {name: getattr(base.totals, name) for name in base.totals.__struct_fields__}
    totals |= {"tax": Decimal("14.95"), "grand_total": Decimal("82.92")}
    record = order(1, lines=(line(), cheap), totals=type(base.totals)(**totals))
    desk.sink.put(record, key_of(1))
    by_another_hand(server, lambda _, lines: lines[0].update(LineCreationSequenceNumber=9))
    assert unlike(desk.compared(record)) == []
    by_another_hand(server, lambda _, lines: lines[0].update(OrderedSalesQuantity=4))
    assert unlike(desk.compared(record)) == ["lines[0].OrderedSalesQuantity"]


def test_twice_there_is_told_and_a_head_without_lines_is_none(server: FoServer) -> None:
    desk = Desk(server)
    desk.sink.put(order(1), key_of(1))
    again = {"SalesOrderNumber": "SO-2"}
    server.do(lambda books: books.tables[HEADS].insert(0, books.tables[HEADS][0] | again))
    found = desk.compared(order(1))
    assert found is not None
    assert (found.fate, found.number) == (Fate.EQUAL, "000000001")
    server.do(lambda books: books.tables[LINES].append(books.tables[LINES][0] | again))
    found = desk.compared(order(1))
    assert found is not None
    assert (found.fate, found.reason) == (Fate.DIFFERENT, "it is there 2 times")
    server.do(lambda books: books.tables[LINES].clear())
    assert "lines.length" in unlike(desk.compared(order(1)))


def test_an_order_is_found_by_its_number_where_another_keeps_it(server: FoServer) -> None:
    Desk(server).sink.put(order(1), key_of(1))
    by_another_hand(server, lambda head, _: head.update(CustomersOrderReference="PO 7", SalesOrderName="000000001"))
    assert Desk(server).compared(order(1)) is None
    assert Desk(server, flow="holds").compared(hold()) is None
    desk = Desk(server, reference_field="SalesOrderName")
    assert unlike(desk.compared(order(1))) == ["header.CustomersOrderReference", "header.SalesOrderName"]
    by_another_hand(server, lambda head, _: head.update(IsSalesProcessingStopped="Yes"))
    found = Desk(server, flow="holds", reference_field="SalesOrderName").compared(hold())
    assert found is not None
    assert found.fate is Fate.EQUAL


def test_an_order_of_another_company_or_of_another_text_is_not_there(server: FoServer) -> None:
    desk = Desk(server, number_prefix="A*")
    head = {"SalesOrderNumber": "1", "SalesOrderStatus": "Backorder"}
    server.do(lambda books: books.add(HEADS, CustomersOrderReference="AB000000001", **head))
    server.do(lambda books: books.add(HEADS, CustomersOrderReference="A*000000001", **(head | {"dataAreaId": "frrt"})))
    assert desk.compared(order(1)) is None


def test_a_buyer_whom_nobody_made_yet_is_not_made_by_looking(server: FoServer) -> None:
    desk = Desk(server)
    desk.sink.put(order(1), key_of(1))
    server.do(lambda books: books.tables["CustomersV3"].clear())
    assert unlike(desk.compared(order(1))) == [], "it would have our account"
    assert server.do(lambda books: books.tables["CustomersV3"]) == []
    with pytest.raises(Rejected, match=r"customer.create is off"):
        Desk(server, customer={"create": False}).compared(order(1))


def test_an_order_that_would_not_be_sent_says_so_and_is_not_equal(server: FoServer) -> None:
    desk = Desk(server)
    desk.sink.put(order(1), key_of(1))
    with pytest.raises(Rejected, match="no released product SIM-9999"):
        desk.compared(order(1, lines=(line(sku="SIM-9999"),)))
    with pytest.raises(Rejected, match="would not come to the store's sums"):
        desk.compared(order(1, lines=(line(), line("12"))))


def test_what_differs_about_a_person_is_masked(server: FoServer) -> None:
    desk = Desk(server)
    desk.sink.put(order(1), key_of(1))
    people = ("SalesOrderName", "Email", "DeliveryAddressName", "DeliveryAddressCity", "OrderingCustomerAccountNumber")
    by_another_hand(server, lambda head, _: head.update(dict.fromkeys(people, "X")))
    found = desk.compared(order(1))
    assert found is not None
    assert {masked(one.field, one.theirs, revealed=False) for one in found.unlike} == {HIDDEN}
    assert {*unlike(found)} == {f"header.{one}" for one in people}


def test_a_hold_is_shown_whoever_has_set_it(server: FoServer) -> None:
    Desk(server).sink.put(order(1), key_of(1))
    desk = Desk(server, flow="holds")
    assert desk.compared(hold()) is None, "nobody has set it yet"
    by_another_hand(server, lambda head, _: head.update(IsSalesProcessingStopped="Yes"))
    found = desk.compared(hold())
    assert found is not None
    assert (found.fate, found.number) == (Fate.EQUAL, "000000001")
    assert desk.compared(hold(kind=ChangeKind.UNHOLD)) is None


@needs_shared
def test_all_recorded_orders_are_equal_to_what_was_put_there(server: FoServer) -> None:
    orders: dict[str, Order] = {}
    for path in ORDERS:
        record = read(path)
        orders.setdefault(record.number, record)
        for one in record.lines:
            server.do(lambda books, sku=one.sku: books.add_item(sku))  # type: ignore[misc]
    more: dict[str, Any] = {"even_out_cents": 10, "limits": {"rate_per_s": None}}
    quote = Desk(server, None, **more).sink.quote
    rates = {plain_rate(one.rate) for record in orders.values() for one in quote(record).lines}
    desk = Desk(server, None, taxes={rate: f"VAT{rate}" for rate in rates}, **more)
    for record in orders.values():
        desk.sink.put(record, f"v1:store:order:{record.id}:place")
    told = {number: desk.compared(record) for number, record in orders.items()}
    assert {number: unlike(one) for number, one in told.items() if one is None or one.unlike} == {}
    assert {one.fate for one in told.values() if one} == {Fate.EQUAL}
    assert {name for one in told.values() if one for name in one.uncompared} == {*SENT_ONLY, *NO_TOTALS}
