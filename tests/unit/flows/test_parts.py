"""An order's money taken apart: the parts come to the order, and each says what it is."""

from __future__ import annotations

import re
from decimal import Decimal

import msgspec
import pytest

from crossdock.flows.expansion import expand
from crossdock.flows.parts import (
    NET_GROSS,
    Amounts,
    Role,
    by_plain_rate,
    cents,
    difference,
    expected,
    nearest_rate,
    parts_of,
    summed,
)
from crossdock.flows.quotes import Prices, predict, quote
from crossdock.magento.mapping.orders import parse_order
from crossdock.model.order import Order
from tests.material import SHARED, needs_shared

ORDERS = sorted(path for path in (SHARED / "magento/orders").glob("*.json") if re.match(r"\d+_\w+\.json$", path.name))


@pytest.fixture(scope="module")
def orders() -> list[Order]:
    return [expand(parse_order(path.read_bytes()), "exploded") for path in ORDERS]


@needs_shared
def test_the_parts_of_each_recorded_order_come_to_its_sums(orders: list[Order]) -> None:
    assert len(orders) == 208
    for order in orders:
        told = summed((cents(part.net), cents(part.tax)) for part in parts_of(order))
        assert difference(told, expected(order)) == "", order.number


@needs_shared
def test_a_part_says_what_the_order_calls_it(orders: list[Order]) -> None:
    order = orders[0]
    first = order.lines[0]
    taxed = msgspec.structs.replace(
        first, amounts=msgspec.structs.replace(first.amounts, fpt=Decimal(3)), tax_rate=Decimal(22)
    )
    totals = msgspec.structs.replace(order.totals, fees={"cod_fee": Decimal(2)}, gift_card=Decimal(5))
    parts = list(parts_of(msgspec.structs.replace(order, lines=(taxed,), totals=totals)))
    by_role = {part.role: part for part in parts}
    assert (by_role[Role.GOODS].line_id, by_role[Role.FPT].line_id) == (first.id, "")
    assert (by_role[Role.FPT].name, by_role[Role.FPT].quantity, by_role[Role.FPT].rate) == (
        first.id,
        Decimal(1),
        Decimal(0),
    )
    assert (by_role[Role.FEE].name, by_role[Role.FEE].text, by_role[Role.FEE].net) == ("cod_fee", "cod fee", Decimal(2))
    assert (by_role[Role.CREDIT].name, by_role[Role.CREDIT].net) == ("gift_card", Decimal(-5))
    again = parts_of(msgspec.structs.replace(order, lines=(taxed,), totals=totals), fpt_by_piece=True)
    (fpt,) = (part for part in again if part.role is Role.FPT)
    assert (fpt.quantity, fpt.rate) == (first.quantity, Decimal(22))


@needs_shared
def test_the_rate_of_shipping_is_that_which_comes_nearest(orders: list[Order]) -> None:
    line = orders[0].lines[0]
    lines = tuple(msgspec.structs.replace(line, tax_rate=Decimal(rate)) for rate in (10, 22))
    order = msgspec.structs.replace(orders[0], lines=lines, taxes=())
    assert nearest_rate(order, Decimal("1.1"), Decimal(5)) == 22
    assert nearest_rate(order, Decimal("0.51"), Decimal(5)) == 10
    assert nearest_rate(order, Decimal(1), Decimal(4)) == 22
    assert nearest_rate(order, Decimal(1), Decimal(4), Decimal(10)) == 10, "taxed before its discount"
    assert nearest_rate(order, Decimal(0), Decimal(5)) == 0


def test_a_difference_is_told_in_the_words_that_are_asked_for() -> None:
    there = Amounts(untaxed=Decimal("10.00"), tax=Decimal("2.21"), total=Decimal("12.21"))
    wanted = Amounts(untaxed=Decimal("10.00"), tax=Decimal("2.20"), total=Decimal("12.20"))
    assert difference(there, there) == ""
    told = "tax 2.21 instead of 2.20 (+0.01), gross 12.21 instead of 12.20 (+0.01)"
    assert difference(there, wanted, NET_GROSS) == told
    assert difference(there, wanted).endswith("total 12.21 instead of 12.20 (+0.01)")


def test_a_rate_is_the_same_key_however_it_is_written() -> None:
    assert by_plain_rate({"22.00": "A", "1E+1": "B", "6.8750": "C", "VAT": "D"}) == {
        "22": "A",
        "10": "B",
        "6.875": "C",
        "VAT": "D",
    }


@needs_shared
@pytest.mark.parametrize("discounts", [True, False])
def test_a_quote_keeps_the_net_sum_and_says_a_discount_only_where_it_may(
    orders: list[Order], *, discounts: bool
) -> None:
    prices = Prices(step=Decimal("0.00001"), discounts=discounts)
    seen = 0
    for order in orders:
        told = quote(order, prices, "document")
        assert predict(told, "document").untaxed == expected(order).untaxed, order.number
        seen += sum(1 for line in told.lines if line.discount)
    assert bool(seen) is discounts
