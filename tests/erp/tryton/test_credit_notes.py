"""Credit notes that a person has posted in a real Tryton, as credit memos of the shop."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from crossdock.contract.connector import Watermark
from crossdock.erp.tryton.connector import build
from crossdock.erp.tryton.credit_notes import Priced, credit_of
from crossdock.errors import MappingError
from crossdock.flows import FLOWS, fulfilment
from crossdock.model.fulfilment import CreditMemo
from tests.erp.tryton.clerk import Clerk
from tests.erp.tryton.samples import key_of, numbers, order, refund, refund_key
from tests.tryton_server import Tryton

pytestmark = pytest.mark.services
D = Decimal


class Road:
    """Orders into Tryton, and the credit notes that were posted since they were asked for last."""

    def __init__(self, tryton: Tryton) -> None:
        settings = tryton.settings(flows=["orders", "refunds"], reads={"credit_memos": {"overlap_s": 0}})
        self._connector = build("erp", settings)
        self._source = self._connector.rows("credit_memos")
        self._at: Watermark | None = None
        self.told()
        self.told()  # what was read last by a full run is read once more

    def order(self, **more: Any) -> int:
        number = next(numbers) * 10
        self._connector.sink(FLOWS["orders"]).put(msgspec.structs.replace(order(number), **more), key_of(number))
        return number

    def refund(self, number: int) -> None:
        self._connector.sink(FLOWS["refunds"]).put(refund(number), refund_key(number))

    def told(self) -> dict[str, dict[str, Any]]:
        """By their order."""
        rows: dict[str, dict[str, Any]] = {}
        for page in self._source.changes(self._at):
            rows |= {str(row["order"]): dict(row) for row in page.rows}
            self._at = page.watermark
        return rows


def read(row: dict[str, Any]) -> CreditMemo:
    (memo,) = fulfilment.read("credit_memos", row, "erp", {})
    assert isinstance(memo, CreditMemo)
    return memo


def credited(tryton: Tryton, clerk: Clerk, number: int) -> int:
    """The credit note of an order's invoice, in draft."""
    tryton.post_invoice(f"{number:09}")
    return clerk.credit(tryton.invoices(f"{number:09}")[0]["id"])


def lines_of(clerk: Clerk, invoice: int) -> dict[str, dict[str, Any]]:
    rows = clerk.rows("account.invoice.line", [("invoice", "=", invoice)], "description", "quantity", "unit_price")
    return {str(row["description"]).partition("\n")[0]: row for row in rows}


def test_a_whole_invoice_that_was_credited(tryton: Tryton, clerk: Clerk) -> None:
    road = Road(tryton)
    number = road.order()
    note = credited(tryton, clerk, number)
    assert road.told() == {}, "a draft is nothing yet"
    named = clerk.post(note)
    memo = read(road.told()[f"{number:09}"])
    assert (memo.number, memo.order_number) == (named, f"{number:09}")
    assert [(one.line, one.quantity, one.back_to_stock) for one in memo.lines] == [("11", D(3), False)]
    assert (memo.shipping, memo.adjustment_positive, memo.adjustment_negative) == (D("5.00"), D(0), D(0))


def test_a_part_at_a_lower_price_and_something_besides(tryton: Tryton, clerk: Clerk) -> None:
    road = Road(tryton)
    number = road.order()
    note = credited(tryton, clerk, number)
    lines = lines_of(clerk, note)
    clerk.client.write("account.invoice.line", lines["Shirt"]["id"], {"quantity": -1, "unit_price": D("10.00")})
    clerk.client.delete("account.invoice.line", lines["Flat Rate"]["id"])
    clerk.post(note)
    memo = read(road.told()[f"{number:09}"])
    assert [(one.line, one.quantity) for one in memo.lines] == [("11", D(1))]
    # 12.20 were credited of a piece that came to 17.99 and 3.96 tax
    assert (memo.shipping, memo.adjustment_positive, memo.adjustment_negative) == (D(0), D(0), D("9.75"))


def test_a_return_that_a_person_has_made(tryton: Tryton, clerk: Clerk) -> None:
    road = Road(tryton)
    number = road.order()
    (sale,) = tryton.sales(f"{number:09}")
    back = clerk.return_sale(sale["id"])
    clerk.client.press("sale.sale", back, "quote")
    clerk.client.press("sale.sale", back, "confirm")
    (made,) = clerk.rows("sale.sale", [("id", "=", back)], "invoices")
    clerk.post(made["invoices"][0])
    memo = read(road.told()[f"{number:09}"])
    assert [(one.line, one.quantity) for one in memo.lines] == [("11", D(3))]
    assert (memo.shipping, memo.adjustment_positive, memo.adjustment_negative) == (D("5.00"), D(0), D(0))
    assert len(tryton.sales(f"{number:09}")) == 1


def test_what_the_shop_has_refunded_is_not_told_back(tryton: Tryton, clerk: Clerk) -> None:
    road = Road(tryton)
    number = road.order()
    road.refund(number)
    reference = f"{number:09} CM {number:09}"
    (made,) = clerk.rows("sale.sale", [("reference", "=", reference)], "invoices")
    clerk.post(made["invoices"][0])
    assert road.told() == {}


def test_money_without_goods_waits_for_a_person(tryton: Tryton, clerk: Clerk) -> None:
    """A store takes a credit memo without lines for one of everything."""
    road = Road(tryton)
    number = road.order()
    note = credited(tryton, clerk, number)
    clerk.client.delete("account.invoice.line", lines_of(clerk, note)["Shirt"]["id"])
    clerk.post(note)
    row = road.told()[f"{number:09}"]
    assert row["shipping"] == D("5.00")
    with pytest.raises(MappingError, match="qty: is not above 0"):
        read(row)


def priced(name: str, quantity: int, price: str, *, goods: bool = True, rate: str = "0.22") -> Priced:
    net = quantity * D(price)
    told: dict[str, Any] = {"by_id": True, "goods": goods, "shipping": False, "quantity": D(quantity), "net": net}
    return Priced(name=name, gross=net * (1 + D(rate)), **told)


def test_a_lines_discount_is_a_part_of_its_price() -> None:
    sold = [priced("11", 3, "19.99"), priced("11", 1, "-6.00", goods=False, rate="0")]
    whole = [priced("11", -3, "19.99"), priced("11", -1, "-6.00", goods=False, rate="0")]
    assert credit_of(whole, sold)["adjustment_negative"] == 0
    assert credit_of(whole[:1], sold)["adjustment_positive"] == D("6.00")
    assert credit_of([*whole, priced("", -1, "2.00", goods=False)], sold)["adjustment_positive"] == D("2.44")
