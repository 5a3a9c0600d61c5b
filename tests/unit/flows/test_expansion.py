"""Bundles as a target wants them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from crossdock.flows.expansion import expand, share
from crossdock.magento.mapping.orders import parse_order
from crossdock.model.address import Address
from crossdock.model.money import LineAmounts, Totals
from crossdock.model.order import Buyer, Order, OrderLine, OrderState, Payment
from tests.material import SHARED, needs_shared

D = Decimal


def order() -> Order:
    """014: a fixed bundle (160: 161, 162), a dynamic one (163: 164, 165), a simple product (166)."""
    return parse_order((SHARED / "magento/orders/014_bundle_fix_b.json").read_bytes())


def gross(found: Order) -> dict[str, str]:
    return {line.id: str(line.amounts.gross) for line in found.lines}


@needs_shared
def test_parent_is_one_line_a_bundle_with_the_money_of_its_parts() -> None:
    found = expand(order(), "parent")
    assert gross(found) == {"160": "102.54", "163": "86.62", "166": "9.99"}
    dynamic = found.lines[1]
    assert (dynamic.child_ids, dynamic.amounts.price, dynamic.tax_rate) == (("164", "165"), D("43.31"), D(22))
    assert [(tax.code, str(tax.amount)) for tax in dynamic.taxes] == [("IT 22", "19.06")]


@needs_shared
def test_exploded_keeps_a_fixed_bundles_price_on_its_own_line() -> None:
    found = expand(order(), "exploded")
    assert gross(found) == {"160": "102.54", "161": "0", "162": "0", "164": "79.96", "165": "6.66", "166": "9.99"}


@needs_shared
def test_prorata_shares_a_fixed_price_over_the_parts() -> None:
    found = expand(order(), "prorata")
    assert gross(found) == {"161": "68.36", "162": "34.18", "164": "79.96", "165": "6.66", "166": "9.99"}
    for line in found.lines[:2]:
        assert (line.parent_id, line.tax_rate) == ("160", D(22))
        assert line.amounts.tax == sum(tax.amount for tax in line.taxes)


@needs_shared
def test_prorata_goes_by_list_prices_where_all_are_known() -> None:
    known = {"OD-B777": D(10), "OD-B099": D(80)}  # two of the first, one of the second
    assert gross(expand(order(), "prorata", list_prices=known))["161"] == "20.51"
    assert gross(expand(order(), "prorata", list_prices={"OD-B777": D(10)}))["161"] == "68.36"


amounts = st.integers(-(10**7), 10**7).map(lambda number: D(number) / 100) | st.integers(0, 10**6).map(
    lambda number: D(number) / 10_000
)
weights = st.lists(st.integers(0, 1000).map(D), min_size=1, max_size=12).filter(any)


@given(amount=amounts, over=weights)
@settings(max_examples=300, deadline=None)
def test_shares_sum_exactly_and_each_is_within_a_unit_of_its_due(amount: Decimal, over: list[Decimal]) -> None:
    shares = share(amount, over)
    assert sum(shares, D(0)) == amount
    exponent = amount.as_tuple().exponent
    assert isinstance(exponent, int)
    unit = D(1).scaleb(min(-2, exponent))
    assert all(abs(part - amount * weight / sum(over)) < unit for part, weight in zip(shares, over, strict=True))
    assert all(part * amount >= 0 for part in shares)


def test_the_cent_that_is_left_goes_to_the_largest_remainder() -> None:
    assert share(D("1.00"), [D(1), D(1), D(1)]) == [D("0.34"), D("0.33"), D("0.33")]
    assert share(D("0.05"), [D(2), D(8)]) == [D("0.01"), D("0.04")]
    assert share(D("0.05"), [D(3), D(7)]) == [D("0.02"), D("0.03")]  # 0.015 and 0.035: the earlier among equals
    assert share(D("-0.01"), [D(1), D(3)]) == [D(0), D("-0.01")]


def ring(*parents: str | None) -> Order:
    moment = datetime(2026, 11, 23, tzinfo=UTC)
    price = LineAmounts(gross=D(1), net=D(1))
    lines = tuple(
        OrderLine(id=str(place), sku="S", parent_id=parent, quantity=D(1), amounts=price)
        for place, parent in enumerate(parents)
    )
    return Order(
        id="1",
        number="1",
        state=OrderState.NEW,
        status="",
        created_at=moment,
        updated_at=moment,
        buyer=Buyer(),
        lines=lines,
        totals=Totals(currency="EUR"),
        base_totals=Totals(currency="EUR"),
        payment=Payment(method="x"),
        billing=Address(),
    )


def test_lines_that_are_each_others_parts_stay_as_they_are() -> None:
    found = ring("1", "0", None)
    assert expand(found, "parent").lines == found.lines


def test_a_part_of_a_part_is_folded_into_the_outermost() -> None:
    found = expand(ring(None, "0", "1"), "parent")
    assert [line.child_ids for line in found.lines] == [("1", "2")]
    assert found.lines[0].amounts.gross == 3


def test_a_part_whose_bundle_is_not_there_is_a_line_of_its_own() -> None:
    found = ring("9")
    assert expand(found, "prorata").lines == found.lines
    assert msgspec.json.encode(expand(found, "exploded")) == msgspec.json.encode(found)
