"""What NetSuite has of an order or a cancellation, whoever has made it; and looking changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from crossdock.contract.lookups import FixedLookups
from crossdock.contract.shadow import Compared, Fate, ShowingSink
from crossdock.erp.netsuite.connector import build
from crossdock.erp.netsuite.mapping.amounts import Mode
from crossdock.errors import Misconfigured, Rejected
from crossdock.flows import FLOWS
from crossdock.model.order import Order
from crossdock.operations.masking import HIDDEN
from crossdock.operations.masking import shown as masked
from crossdock.sandbox.erps.netsuite.account import Account
from crossdock.shadowing.fields import compare, flat, unnumbered
from crossdock.transport.looking import looking
from tests.erp.netsuite.conftest import Netsuite
from tests.erp.netsuite.samples import address, cancellation, key_of, line, order
from tests.erp.netsuite.test_recorded import CODES, ITEMS, ORDERS, prepared, read
from tests.material import needs_shared

LINES = "item.items"
QUERY = "POST /services/rest/query/v1/suiteql"
ALL: dict[str, Any] = {
    "custom": {"line_id": "custcol_line_id", "body": {"payment.transaction_id": "custbody_txn"}},
    "order_status": "B",
    "subsidiary": "3",
    "location": "1",
    "terms": "5",
}
SHIPPING = {"shipping_methods": {"flatrate_flatrate": "7"}}
Values = dict[str, Any]


class Desk:
    """A sink of the account, and what it is asked for."""

    def __init__(self, netsuite: Netsuite, flow: str = "orders", tables: Any = SHIPPING, **more: Any) -> None:
        self.account = netsuite.account
        table = netsuite.table(flows=["orders", "cancellations"], **more)
        lookups = FixedLookups({**netsuite.stand_in.lookups(), **tables})
        self.sink: Any = build("erp", table, lookups=lookups).sink(FLOWS[flow])

    def compared(self, record: Any) -> Compared | None:
        """As a shadow does it, under a key that is nobody's."""
        assert isinstance(self.sink, ShowingSink)
        self.account.requests.clear()
        with looking():
            shown = self.sink.show(record, "nobody's")
        asked = [one for one in self.account.requests if "/oauth2/" not in one]
        assert asked
        assert all(one.startswith(("GET ", QUERY)) for one in asked)
        return None if shown is None else compare(shown)


def by_another_hand(netsuite: Netsuite, change: Callable[[Values], Any]) -> None:
    """What was put there is as another would have put it."""

    def act(account: Account) -> None:
        (there,) = account.records.kept["salesOrder"].values()
        change(there)

    netsuite.stand_in.do(act)


def under_another_id(netsuite: Netsuite, *numbers: str, column: str = "otherrefnum") -> None:
    """An integration of before has made it, without our external id; as many as there are numbers."""

    def act(account: Account) -> None:
        records = account.records
        (there,) = list(records.kept["salesOrder"].values())
        records._by_external.pop(("salesOrder", there["externalId"]))
        for nth, number in enumerate(numbers):
            ident = str(int(there["id"]) + nth)
            records.kept["salesOrder"][ident] = {
                **there,
                "id": ident,
                "externalId": f"OLD-{nth}",
                "tranId": f"SO{ident}",
            }
            row = {"id": int(ident), "type": "SalesOrd", "tranid": f"SO{ident}", column: number}
            account.tables.put("transaction", **row)

    netsuite.stand_in.do(act)


def unlike(found: Compared | None) -> list[str]:
    assert found is not None
    return [one.field for one in found.unlike]


def goods(there: Values, nth: int = 0) -> Values:
    row: Values = there["item"]["items"][nth]
    return row


@pytest.mark.parametrize("mode", ["details", "amounts", "codes"])
def test_what_we_have_put_there_is_equal_in_every_field_that_was_sent(netsuite: Netsuite, mode: Mode) -> None:
    desk = Desk(netsuite, **ALL, taxes={"mode": mode, "codes": {"22": "6"}})
    record = order(1, billing=address(company="Canary & Co"))
    desk.sink.put(record, key_of(1))
    body = next(body for _, named, body in netsuite.account.records.sent if named == "salesOrder")
    sent = {unnumbered(path) for path, _ in flat(msgspec.to_builtins(body))}
    with looking():
        there = desk.sink.show(record, key_of(1))
    found = desk.compared(record)
    assert found is not None
    assert (found.fate, found.unlike, found.uncompared, found.number) == (Fate.EQUAL, (), (), "SO102")
    ours = {unnumbered(path) for path, _ in flat(there.ours)}
    references = {f"{LINES}[].taxDetailsReference", "taxDetails.items[].taxDetailsReference.id"}
    own = {"memo", "orderStatus.id", f"{LINES}[].custcol_line_id"} | (references if mode == "details" else set())
    assert sent - ours == own, "our own words, and a status that moves on by itself"
    assert {"total", "taxTotal", "terms.id", "custbody_txn", "billingAddress.country.id", "shippingCost"} <= ours


def test_an_order_that_is_not_there_is_none(netsuite: Netsuite) -> None:
    assert Desk(netsuite).compared(order(1)) is None
    assert Desk(netsuite, "cancellations").compared(cancellation(1)) is None


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        (lambda one: goods(one).update(rate=18, amount=54), [f"{LINES}[0].rate", f"{LINES}[0].amount"]),
        (lambda one: goods(one).update(quantity=2), [f"{LINES}[0].quantity"]),
        (lambda one: goods(one).update(price={"id": "1"}), [f"{LINES}[0].price.id"]),
        (lambda one: one["item"]["items"].pop(1), [f"{LINES}.length", f"{LINES}[1].item.id"]),
        (lambda one: one["item"]["items"].pop(0), [f"{LINES}.length", f"{LINES}[0].item.id"]),
        (lambda one: one["item"]["items"].append(goods(one, 1) | {"line": 9}), [f"{LINES}.length"]),
        (lambda one: one.update(total=Decimal("71.95")), ["total"]),
        (lambda one: one.update(taxTotal=Decimal("12.96")), ["taxTotal"]),
        (lambda one: one.update(currency={"id": "1"}), ["currency.id"]),
        (lambda one: one.update(entity={"id": "55"}), ["entity.id"]),
        (lambda one: one.update(tranDate="2026-11-22"), ["tranDate"]),
        (lambda one: one["shippingAddress"].update(city="Hamburg"), ["shippingAddress.city"]),
        (lambda one: one.update(taxDetailsOverride=False), ["taxDetailsOverride"]),
        (
            lambda one: one["taxDetails"]["items"][0].update(taxCode={"id": "8"}),
            ["taxDetails.items[0].taxCode.id"],
        ),
        (
            lambda one: one["taxDetails"]["items"][1].update(taxAmount=Decimal("1.09")),
            ["taxDetails.items[1].taxAmount"],
        ),
    ],
)
def test_what_another_hand_did_otherwise_is_told_and_nothing_else(
    netsuite: Netsuite, change: Callable[[Values], Any], fields: list[str]
) -> None:
    desk = Desk(netsuite)
    desk.sink.put(order(1), key_of(1))
    by_another_hand(netsuite, change)
    found = desk.compared(order(1))
    assert found is not None
    assert (found.fate, unlike(found)) == (Fate.DIFFERENT, fields)


def test_the_other_ways_of_the_vendor_are_no_difference(netsuite: Netsuite) -> None:
    """Doubles, numbers as texts, ids as numbers, names beside them, line ends, another sequence, no marks."""
    desk = Desk(netsuite, custom={"line_id": "custcol_line_id", "body": {"payment.transaction_id": "custbody_txn"}})
    record = order(1, lines=(line(quantity=Decimal(7)),))
    desk.sink.put(record, key_of(1))

    def otherwise(there: Values) -> None:
        first, second = there["item"]["items"]
        assert first["rate"] == Decimal("7.71000000")
        first |= {"rate": "7.710", "amount": 53.970000000000006, "item": {"id": int(first["item"]["id"])}}
        first |= {"description": first["description"].replace("\n", "\r\n") + " ", "custcol_line_id": None}
        first |= {"isClosed": True, "quantityBilled": 7}
        there["item"]["items"] = [second | {"line": 1}, first | {"line": 2}]
        there |= {"memo": "by the old glue", "orderStatus": {"id": "F"}, "total": 71.94, "terms": {"id": "9"}}
        there |= {"custbody_txn": {"id": "T-1"}, "currency": 4}
        for row in there["taxDetails"]["items"]:
            row |= {"taxDetailsReference": {"id": "1_2"}, "taxRate": 22.0}

    by_another_hand(netsuite, otherwise)
    assert unlike(desk.compared(record)) == []


def test_a_rate_that_is_kept_with_fewer_decimals_is_the_same(netsuite: Netsuite) -> None:
    desk = Desk(netsuite)
    record = order(1, lines=(line(quantity=Decimal(11)),))
    desk.sink.put(record, key_of(1))
    by_another_hand(netsuite, lambda one: goods(one).update(rate=Decimal("4.91")))  # 4.90636364
    assert unlike(desk.compared(record)) == []
    by_another_hand(netsuite, lambda one: goods(one).update(rate=Decimal("4.9")))
    assert unlike(desk.compared(record)) == [f"{LINES}[0].rate"]


def test_what_is_not_given_back_is_named(netsuite: Netsuite) -> None:
    """A record may come without its sublists and addresses, or with a part of its lines."""
    desk = Desk(netsuite)
    desk.sink.put(order(1), key_of(1))

    def dumb(there: Values) -> None:
        there["item"]["hasMore"] = True
        there |= {"taxDetails": {"links": []}, "billingAddress": {"links": []}}
        there.pop("email")

    by_another_hand(netsuite, dumb)
    found = desk.compared(order(1))
    assert found is not None
    assert (found.fate, found.unlike) == (Fate.EQUAL, ())
    assert {"email", f"{LINES}[].item.id", "taxDetails.items[].taxAmount", "billingAddress.zip"} <= {*found.uncompared}


@pytest.mark.parametrize("column", ["otherrefnum", "memo"])
def test_an_order_is_found_by_its_number_where_another_keeps_it(netsuite: Netsuite, column: str) -> None:
    desk = Desk(netsuite, number_column=column)
    desk.sink.put(order(1), key_of(1))
    under_another_id(netsuite, "000000001", column=column)
    found = desk.compared(order(1))
    assert found is not None
    assert (found.fate, found.number) == (Fate.EQUAL, "SO102")
    assert desk.compared(order(2)) is None
    assert Desk(netsuite, number_column="").compared(order(1)) is None
    with pytest.raises(Misconfigured, match="custbody_nowhere"):
        Desk(netsuite, number_column="custbody_nowhere").compared(order(1))


def test_twice_there_is_told(netsuite: Netsuite) -> None:
    desk = Desk(netsuite)
    desk.sink.put(order(1), key_of(1))
    under_another_id(netsuite, "000000001", "000000001", "000000002")
    found = desk.compared(order(1))
    assert found is not None
    assert (found.fate, found.reason) == (Fate.DIFFERENT, "it is there 2 times")


def test_a_buyer_whom_nobody_made_yet_is_not_made_by_looking(netsuite: Netsuite) -> None:
    desk = Desk(netsuite)
    desk.sink.put(order(1), key_of(1))
    other = order(1, buyer=msgspec.structs.replace(order(1).buyer, id="8"))
    found = desk.compared(other)
    assert found is not None
    assert [(one.field, one.ours, one.theirs) for one in found.unlike] == [("entity.id", "(new customer)", "101")]
    assert len(netsuite.stand_in.do(lambda account: account.records.kept["customer"])) == 1
    with pytest.raises(Rejected, match=r"customers.create is off"):
        Desk(netsuite, customers={"create": False}).compared(other)


def test_an_order_that_would_not_be_sent_says_so_and_is_not_equal(netsuite: Netsuite) -> None:
    desk = Desk(netsuite)
    desk.sink.put(order(1), key_of(1))
    with pytest.raises(Rejected, match="would not come to the order's sums"):
        desk.compared(order(1, lines=(line(), line("12"))))
    netsuite.stand_in.do(lambda account: setattr(account, "sells_everything", False))
    with pytest.raises(Rejected, match="no active item for SIM-9999"):
        desk.compared(order(1, lines=(line(sku="SIM-9999"),)))


def test_what_differs_about_a_person_is_masked(netsuite: Netsuite) -> None:
    desk = Desk(netsuite)
    desk.sink.put(order(1), key_of(1))
    places = ("addressee", "addr1", "city", "zip", "addrPhone")

    def another(there: Values) -> None:
        there["billingAddress"].update(dict.fromkeys(places, "X"), country={"id": "FR"})
        there["email"] = "x@canary.example"

    by_another_hand(netsuite, another)
    found = desk.compared(order(1))
    assert found is not None
    assert {masked(one.field, one.theirs, revealed=False) for one in found.unlike} == {HIDDEN}
    assert {*unlike(found)} == {"email", "billingAddress.country.id", *(f"billingAddress.{one}" for one in places)}


def test_a_cancellation_is_shown_whoever_has_closed_the_lines(netsuite: Netsuite) -> None:
    Desk(netsuite).sink.put(order(1), key_of(1))
    desk = Desk(netsuite, "cancellations")
    assert desk.compared(cancellation(1)) is None, "nobody has cancelled it yet"
    by_another_hand(netsuite, lambda one: goods(one).update(isClosed=True))
    assert unlike(desk.compared(cancellation(1))) == [f"{LINES}[1].isClosed"]
    by_another_hand(netsuite, lambda one: goods(one, 1).update(isClosed=True))
    under_another_id(netsuite, "000000001")
    found = desk.compared(cancellation(1))
    assert found is not None
    assert (found.fate, found.number) == (Fate.EQUAL, "SO102")
    by_another_hand(netsuite, lambda one: one.update(item={"links": []}))
    found = desk.compared(cancellation(1))
    assert found is not None
    assert found.fate is Fate.UNSEEN


@needs_shared
@pytest.mark.parametrize("mode", ["details", "line"])
def test_all_recorded_orders_are_equal_to_what_was_put_there(netsuite: Netsuite, mode: Mode) -> None:
    netsuite.stand_in.do(prepared)
    desk = Desk(netsuite, tables={}, taxes={"mode": mode, "codes": CODES}, items=ITEMS)
    orders: dict[str, Order] = {}
    for path in ORDERS:
        record = read(path)
        orders.setdefault(record.number, record)
    for record in orders.values():
        desk.sink.put(record, f"v1:store:order:{record.id}:place")
    told = {number: desk.compared(record) for number, record in orders.items()}
    assert {number: unlike(one) for number, one in told.items() if one is None or one.unlike} == {}
    assert {one.fate for one in told.values() if one} == {Fate.EQUAL}
    assert {name for one in told.values() if one for name in one.uncompared} == set()
