"""What Business Central has of an order, field by field, whoever has put it there; and looking changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from crossdock.contract.lookups import FixedLookups
from crossdock.contract.shadow import Compared, Fate, ShowingSink
from crossdock.erp.dynamics_bc.connector import build
from crossdock.erp.dynamics_bc.showing import OWN
from crossdock.errors import Rejected
from crossdock.flows import FLOWS
from crossdock.flows.parts import plain_rate
from crossdock.model.order import Order
from crossdock.operations.masking import HIDDEN, shown
from crossdock.sandbox.erps.dynamics_bc import BcServer, settings
from crossdock.sandbox.erps.odata import Row
from crossdock.shadowing.fields import compare, flat, unnumbered
from crossdock.transport.looking import looking
from tests.erp.dynamics_bc.samples import address, key_of, line, order
from tests.erp.dynamics_bc.test_recorded import ORDERS, read
from tests.erp.dynamics_bc.wire import Checked
from tests.material import needs_shared

LINES = "salesOrderLines"
TERMS = {"payment_terms": {"checkmo": "NET30"}, "shipping_methods": {"flatrate_flatrate": "STD"}}


class Desk:
    """The sink, and what went over its wire."""

    def __init__(self, server: BcServer, tables: Any = TERMS, **more: Any) -> None:
        self.wire = Checked()
        table = settings(server.url, **more)
        self.sink: Any = build("erp", table, http=self.wire, lookups=FixedLookups(tables)).sink(FLOWS["orders"])

    def compared(self, record: Order) -> Compared | None:
        """As a shadow does it, under a key that is nobody's."""
        assert isinstance(self.sink, ShowingSink)
        self.wire.sent.clear()
        with looking():
            shown = self.sink.show(record, "nobody's")
        reads = [one.method for one in self.wire.sent if not one.url.endswith("/token")]
        assert set(reads) == {"GET"}
        return None if shown is None else compare(shown)


def by_another_hand(server: BcServer, act: Callable[[Row], None], nth: int = 0) -> None:
    """What was put there is as another would have put it."""
    server.do(lambda books: act(books.tables["salesOrders"][nth]))


def unlike(found: Compared | None) -> list[str]:
    assert found is not None
    return [one.field for one in found.unlike]


def two_lines(number: int = 1) -> Order:
    """Six shirts, in two lines of one product, and shipping."""
    first, second = line("11"), line("12", options=())
    whole = order(number)
    twice = {name: getattr(whole.totals, name) * 2 for name in ("subtotal", "discount", "shipping", "shipping_tax")}
    sums = {"tax": Decimal("25.95"), "grand_total": Decimal("143.89")}
    told = {name: getattr(whole.totals, name) for name in whole.totals.__struct_fields__} | twice | sums
    return order(number, lines=(first, second), totals=type(whole.totals)(**told))


def test_what_we_have_put_there_is_equal_in_every_field_that_was_sent(server: BcServer) -> None:
    desk = Desk(server, location="EAST")
    record = order(1, billing=address(company="Canary & Co", postcode="sw1a 1aa"))
    desk.sink.put(record, key_of(1))
    (post,) = [json.loads(one.body or b"") for one in desk.wire.sent if b'"POST"' in (one.body or b"")]
    sent = {unnumbered(path) for path, _ in flat(post["requests"][0]["body"])}
    with looking():
        there = desk.sink.show(record, key_of(1))
    found = desk.compared(record)
    assert found is not None
    assert (found.fate, found.uncompared, found.number) == (
        Fate.EQUAL,
        (),
        server.books.tables["salesOrders"][0]["number"],
    )
    own = {f"{LINES}[].{name}" for name in OWN}
    ours = {unnumbered(path) for path, _ in flat(there.ours)}
    assert sent - ours == own, "our own words alone are not compared"
    assert {"paymentTermsId", "shipmentMethodId", "totalTaxAmount", f"{LINES}[].locationId"} <= ours


def test_an_order_that_is_not_there_is_none(server: BcServer) -> None:
    assert Desk(server).compared(order(1)) is None


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        (lambda row: row["_lines"][0].update(unitPrice=Decimal("18.99")), [f"{LINES}[0].unitPrice"]),
        (lambda row: row["_lines"][0].update(quantity=2), [f"{LINES}[0].quantity"]),
        (lambda row: row["_lines"][0].update(discountAmount=0), [f"{LINES}[0].discountAmount"]),
        (lambda row: row["_lines"][1].update(discountAmount=1), [f"{LINES}[1].discountAmount"]),
        (lambda row: row["_lines"][1].update(taxCode="VAT7"), [f"{LINES}[1].taxCode"]),
        (lambda row: row["_lines"].pop(1), [f"{LINES}.length", f"{LINES}[1].lineObjectNumber"]),
        (lambda row: row["_lines"].pop(0), [f"{LINES}.length", f"{LINES}[0].lineObjectNumber"]),
        (lambda row: row["_lines"].append(row["_lines"][1] | {"sequence": 90_000}), [f"{LINES}.length"]),
        (lambda row: row.update(totalTaxAmount=Decimal("12.96")), ["totalTaxAmount"]),
        (lambda row: row.update(currencyCode="USD"), ["currencyCode"]),
        (lambda row: row.update(customerNumber="C00010"), ["customerNumber"]),
        (lambda row: row.update(orderDate="2026-11-21"), ["orderDate"]),
        (lambda row: row.update(shipToCity="Hamburg"), ["shipToCity"]),
        (lambda row: row.pop("paymentTermsId"), ["paymentTermsId"]),
    ],
)
def test_what_another_hand_did_otherwise_is_told_and_nothing_else(
    server: BcServer, change: Callable[[Row], None], fields: list[str]
) -> None:
    desk = Desk(server)
    desk.sink.put(order(1), key_of(1))
    by_another_hand(server, change)
    found = desk.compared(order(1))
    assert found is not None
    assert (found.fate, unlike(found)) == (Fate.DIFFERENT, fields)


def test_the_other_ways_of_the_vendor_are_no_difference(server: BcServer) -> None:
    """Codes in capitals, blanks behind a text, prices in cents, other sequences, texts between lines, no marks."""
    desk = Desk(server)
    record = order(1, lines=(line(sku="sim-0001"),), shipping=address(street=("Harbour 1",), postcode="sw1a 1aa"))
    desk.sink.put(record, key_of(1))

    def otherwise(row: Row) -> None:
        goods, shipping = row["_lines"]
        comment = {"id": goods["id"], "sequence": 15_000, "lineType": "Comment", "description": "thank you"}
        row["_lines"] = [
            shipping | {"sequence": 10_000},
            comment,
            goods
            | {"sequence": 20_000, "description2": "", "unitPrice": Decimal("19.9900"), "quantity": Decimal("3.0")},
        ]
        row |= {"shipToCity": "Berlin ", "paymentTermsId": row["paymentTermsId"].upper(), "currencyCode": ""}

    by_another_hand(server, otherwise)
    found = desk.compared(record)
    assert found is not None
    assert (found.fate, unlike(found)) == (Fate.EQUAL, [])
    assert found.uncompared == ("currencyCode",), "the company's own, which some versions leave out"


def test_a_price_that_the_company_keeps_with_fewer_decimals_is_the_same(server: BcServer) -> None:
    desk = Desk(server)
    recorded = order(1, lines=(line(quantity=Decimal(7)),))
    desk.sink.put(recorded, key_of(1))
    assert server.books.tables["salesOrders"][0]["_lines"][0]["unitPrice"] == pytest.approx(8.56714)
    by_another_hand(server, lambda row: row["_lines"][0].update(unitPrice=Decimal("8.57")))
    assert unlike(desk.compared(recorded)) == []
    by_another_hand(server, lambda row: row["_lines"][0].update(unitPrice=Decimal("8.58")))
    assert unlike(desk.compared(recorded)) == [f"{LINES}[0].unitPrice"]


def test_lines_of_one_product_are_not_mixed_up(server: BcServer) -> None:
    desk = Desk(server)
    desk.sink.put(two_lines(), key_of(1))
    assert unlike(desk.compared(two_lines())) == []
    by_another_hand(server, lambda row: row["_lines"].reverse())
    assert unlike(desk.compared(two_lines())) == []
    by_another_hand(server, lambda row: row["_lines"][1].update(quantity=4))
    (one,) = unlike(desk.compared(two_lines()))
    assert one == f"{LINES}[1].quantity"


def test_twice_there_is_told(server: BcServer) -> None:
    desk = Desk(server)
    desk.sink.put(order(1), key_of(1))
    server.do(lambda books: books.tables["salesOrders"].append(books.tables["salesOrders"][0] | {"number": "SO9"}))
    found = desk.compared(order(1))
    assert found is not None
    assert (found.fate, found.reason) == (Fate.DIFFERENT, "it is there 2 times")


def test_an_order_that_is_posted_in_part_is_there_once_and_shown_by_itself(server: BcServer) -> None:
    desk = Desk(server)
    desk.sink.put(order(1), key_of(1))
    (row,) = server.do(lambda books: list(books.tables["salesOrders"]))
    server.do(lambda books: books.ship("000000001", invoice=True))
    server.do(lambda books: books.tables["salesOrders"].append(row))
    server.do(lambda books: books.tables["salesInvoices"][0]["_lines"].pop())
    found = desk.compared(order(1))
    assert found is not None
    assert (found.fate, found.uncompared) == (Fate.EQUAL, ())
    server.do(lambda books: books.tables["salesInvoices"][0].update(orderNumber="SO9"))
    found = desk.compared(order(1))
    assert found is not None
    assert (found.reason, found.number) == ("it is there 2 times", row["number"])


def test_an_order_under_a_text_that_only_looks_like_ours_is_not_there(server: BcServer) -> None:
    """A star finds anything."""
    desk = Desk(server, external_prefix="A*")
    server.do(lambda books: books.add_customer({"number": "C1", "displayName": "Somebody"}))
    server.do(lambda books: books.add_order({"externalDocumentNumber": "AB000000001", "customerNumber": "C1"}))
    assert desk.compared(order(1)) is None


def test_a_posted_order_is_shown_by_its_invoices(server: BcServer) -> None:
    desk = Desk(server)
    desk.sink.put(order(1), key_of(1))
    server.do(lambda books: books.ship("000000001", invoice=True))
    found = desk.compared(order(1))
    assert found is not None
    assert (found.fate, unlike(found), found.uncompared) == (Fate.EQUAL, [], ("orderDate",))

    def in_two(books: Any) -> None:
        (whole,) = books.tables["salesInvoices"]
        goods, shipping = whole["_lines"]
        first = [goods | {"quantity": 1, "discountAmount": 2}, shipping]
        rest = [goods | {"quantity": 2, "discountAmount": 4}]
        totals = ("totalAmountExcludingTax", "totalTaxAmount", "totalAmountIncludingTax")
        part = whole | dict(zip(totals, (Decimal(20), Decimal(4), Decimal(24)), strict=True))
        left = whole | {name: whole[name] - part[name] for name in totals} | {"number": "INV9"}
        books.tables["salesInvoices"] = [part | {"_lines": first}, left | {"_lines": rest}]

    server.do(in_two)
    found = desk.compared(order(1))
    assert found is not None
    assert (found.fate, unlike(found)) == (Fate.EQUAL, [])
    server.do(lambda books: books.tables["salesInvoices"].pop())
    assert f"{LINES}[0].quantity" in unlike(desk.compared(order(1)))


def test_posted_invoices_are_left_alone_where_the_settings_say_so(server: BcServer) -> None:
    desk = Desk(server, look_in_posted=False)
    desk.sink.put(order(1), key_of(1))
    server.do(lambda books: books.ship("000000001", invoice=True))
    assert desk.compared(order(1)) is None


def test_what_is_not_given_back_is_named(server: BcServer) -> None:
    desk = Desk(server)
    desk.sink.put(order(1), key_of(1))

    def dumb(row: Row) -> None:
        row |= dict.fromkeys(("totalAmountExcludingTax", "totalTaxAmount", "totalAmountIncludingTax"))

    by_another_hand(server, dumb)
    found = desk.compared(order(1))
    assert found is not None
    assert (found.fate, found.uncompared) == (
        Fate.EQUAL,
        ("totalAmountExcludingTax", "totalAmountIncludingTax", "totalTaxAmount"),
    )


def test_a_buyer_whom_nobody_made_yet_is_not_made_by_looking(server: BcServer) -> None:
    desk = Desk(server)
    desk.sink.put(order(1), key_of(1))
    server.do(lambda books: books.tables["customers"].clear())
    assert unlike(desk.compared(order(1))) == [], "it would have our number"
    theirs = Desk(server, customer={"numbers": "theirs", "match": ["email"]})
    (found,) = theirs.compared(order(1)).unlike  # type: ignore[union-attr]  # it is there
    assert (found.field, found.ours, found.theirs) == ("customerNumber", "(NEW CUSTOMER)", "M7")
    assert server.do(lambda books: books.tables["customers"]) == []
    with pytest.raises(Rejected, match="does not have this buyer"):
        Desk(server, customer={"create": False}).compared(order(1))


def test_an_order_that_would_not_be_sent_says_so_and_is_not_equal(server: BcServer) -> None:
    desk = Desk(server)
    desk.sink.put(order(1), key_of(1))
    with pytest.raises(Rejected, match="has no item SIM-9999"):
        desk.compared(order(1, lines=(line(sku="SIM-9999"),)))
    with pytest.raises(Rejected, match="would not come to the store's sums"):
        desk.compared(order(1, lines=(line(quantity=Decimal(2)), line("12"))))


def test_what_differs_about_a_person_is_masked(server: BcServer) -> None:
    desk = Desk(server)
    desk.sink.put(order(1), key_of(1))
    people = ("shipToName", "sellToAddressLine1", "sellToCity", "shipToPostCode", "phoneNumber", "email")
    by_another_hand(server, lambda row: row.update(dict.fromkeys(people, "X")))
    found = desk.compared(order(1))
    assert found is not None
    assert {shown(one.field, one.theirs, revealed=False) for one in found.unlike} == {HIDDEN}
    assert {*unlike(found)} == {*people}


@needs_shared
def test_all_recorded_orders_are_equal_to_what_was_put_there(server: BcServer) -> None:
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
    assert {name for one in told.values() if one for name in one.uncompared} == set()
