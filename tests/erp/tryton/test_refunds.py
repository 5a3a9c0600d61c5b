"""Credit memos into a real Tryton: returns of an order's sale, to the cent."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from crossdock.contract.connector import Sink
from crossdock.erp.tryton.connector import build
from crossdock.errors import NotReady, Rejected
from crossdock.flows import FLOWS
from crossdock.model.money import LineAmounts, Totals
from crossdock.model.refund import Refund
from tests.erp.tryton.samples import key_of, line, numbers, order, refund, refund_key, refund_line
from tests.tryton_server import Tryton

pytestmark = pytest.mark.services
D = Decimal


def sink_of(tryton: Tryton, flow: str = "refunds", **more: Any) -> Sink[Any]:
    return build("erp", tryton.settings(flows=["orders", "cancellations", "refunds"], **more)).sink(FLOWS[flow])


def sold(tryton: Tryton, **more: Any) -> int:
    """The number of an order that Tryton has."""
    number = next(numbers) * 10
    sink_of(tryton, "orders").put(msgspec.structs.replace(order(number), **more), key_of(number))
    return number


def returned(tryton: Tryton, given: Refund) -> dict[str, Any]:
    fields = (
        "state",
        "origin",
        "untaxed_amount",
        "tax_amount",
        "total_amount",
        "invoices",
        "shipment_returns",
        "party",
    )
    reference = f"{given.order_number} CM {given.number}"
    (sale,) = tryton.rows("sale.sale", [("reference", "=", reference)], *fields)
    return sale


def test_a_piece_that_is_given_back_becomes_a_return_and_a_credit_note(tryton: Tryton) -> None:
    number = sold(tryton)
    given = refund(number)
    receipt = sink_of(tryton).put(given, refund_key(number))
    sale = returned(tryton, given)
    (first,) = tryton.rows("sale.sale", [("reference", "=", given.order_number)], "party")
    assert (sale["state"], sale["origin"], sale["party"]) == ("processing", f"sale.sale,{first['id']}", first["party"])
    assert (sale["untaxed_amount"], sale["tax_amount"], sale["total_amount"]) == (D("-17.99"), D("-3.96"), D("-21.95"))
    assert receipt.external_id == str(sale["id"])
    assert sale["shipment_returns"] == []
    (note,) = tryton.rows("account.invoice", [("id", "in", sale["invoices"])], "total_amount", "state")
    assert (note["total_amount"], note["state"]) == (D("-21.95"), "draft")
    tryton.client.within({"_skip_warnings": True}).press("account.invoice", note["id"], "post")


def test_shipping_and_adjustments_are_given_back_with_their_own_lines(tryton: Tryton) -> None:
    number = sold(tryton)
    totals = Totals(
        currency="EUR",
        shipping=D("5.00"),
        shipping_tax=D("1.10"),
        tax=D("1.10"),
        fees={"adjustment_positive": D("3.00"), "adjustment_negative": D("-0.50")},
        grand_total=D("8.60"),
    )
    given = refund(number, lines=(refund_line(quantity=D(0), amounts=LineAmounts()),), totals=totals)
    sink_of(tryton).put(given, refund_key(number))
    sale = returned(tryton, given)
    assert (sale["untaxed_amount"], sale["tax_amount"], sale["total_amount"]) == (D("-7.50"), D("-1.10"), D("-8.60"))


def test_a_return_may_wait_for_the_goods(tryton: Tryton) -> None:
    number = sold(tryton)
    sink_of(tryton, returns="order").put(given := refund(number), refund_key(number))
    (waiting,) = tryton.rows(
        "stock.shipment.out.return", [("id", "in", returned(tryton, given)["shipment_returns"])], "state"
    )
    assert waiting["state"] == "draft"


def test_a_credit_memo_that_does_not_add_up_is_parked_and_leaves_nothing(tryton: Tryton) -> None:
    number = sold(tryton)
    totals = msgspec.structs.replace(refund(number).totals, tax=D("3.90"), grand_total=D("21.89"))
    given = refund(number, totals=totals)
    with pytest.raises(Rejected, match=r"tax 3\.96 instead of 3\.90 \(\+0\.06\)"):
        sink_of(tryton).put(given, refund_key(number))
    assert tryton.sales(f"{given.order_number} CM {given.number}") == []


def test_it_waits_for_its_order_and_a_cancelled_one_is_parked(tryton: Tryton) -> None:
    number = next(numbers) * 10
    with pytest.raises(NotReady):
        sink_of(tryton).put(refund(number), refund_key(number))
    build("erp", tryton.settings(confirm=False)).sink(FLOWS["orders"]).put(order(number), key_of(number))
    with pytest.raises(NotReady):
        sink_of(tryton).put(refund(number), refund_key(number))
    (sale,) = tryton.sales(f"{number:09}")
    tryton.client.press("sale.sale", sale["id"], "cancel")
    with pytest.raises(Rejected, match="was cancelled"):
        sink_of(tryton).put(refund(number), refund_key(number))


def test_another_stores_order_of_the_same_number_is_not_given_back(tryton: Tryton) -> None:
    number = sold(tryton)
    with pytest.raises(NotReady):
        sink_of(tryton).put(refund(number), refund_key(number).replace("store", "other"))


def test_what_was_not_sold_is_not_given_back(tryton: Tryton) -> None:
    number = sold(tryton)
    with pytest.raises(Rejected, match="no line for SIM-0002"):
        sink_of(tryton).put(refund(number, lines=(refund_line("99", sku="SIM-0002"),)), refund_key(number))


def test_an_order_and_a_credit_memo_may_have_one_number(tryton: Tryton) -> None:
    number = sold(tryton)
    sink_of(tryton).put(refund(number, number + 1), refund_key(number + 1))
    sink_of(tryton, "orders").put(order(number + 1), key_of(number + 1))
    assert len(tryton.sales(f"{number + 1:09}")) == 1
    assert counted(tryton, number) == [1, 1]


def counted(tryton: Tryton, number: int) -> list[int]:
    refunds: Any = sink_of(tryton)
    orders: Any = sink_of(tryton, "orders")
    given = refund(number, number + 1)
    return [refunds.count(given, refund_key(number + 1)), orders.count(order(number), key_of(number))]


def test_two_lines_of_one_rate_and_one_without_a_tax(tryton: Tryton) -> None:
    free = {"tax_rate": D(0), "taxes": (), "amounts": LineAmounts(price=D(7), gross=D(14), net=D(14))}
    shirts = order(1).lines[0]
    lines = (shirts, line("12", sku="SIM-0002", quantity=D(2), **free))
    totals = msgspec.structs.replace(order(1).totals, subtotal=D("73.97"), grand_total=D("85.94"))
    number = sold(tryton, lines=lines, totals=totals)
    both = (refund_line(), refund_line("12", sku="SIM-0002", quantity=D(1), amounts=LineAmounts(gross=D(7), net=D(7))))
    money = msgspec.structs.replace(refund(1).totals, subtotal=D("26.99"), grand_total=D("28.95"))
    given = refund(number, lines=both, totals=money)
    sink_of(tryton).put(given, refund_key(number))
    sale = returned(tryton, given)
    assert (sale["untaxed_amount"], sale["tax_amount"], sale["total_amount"]) == (D("-24.99"), D("-3.96"), D("-28.95"))
