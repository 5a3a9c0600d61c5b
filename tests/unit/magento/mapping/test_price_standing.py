"""What a store tells of a price's place, as we mean it: the same price again where the store has it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from crossdock.magento.mapping.prices import Told, holds, standing
from crossdock.model.price import Price, Step

TOLD = [
    Told(sku="A", amount=Decimal("10.50"), store_id=0),
    Told(sku="A", amount=Decimal(9), store_id=2, price_from="2026-11-01 00:00:00", price_to="2026-11-30 00:00:00"),
    Told(
        sku="A", amount=Decimal(8), website_id=0, customer_group="ALL GROUPS", quantity=Decimal(5), price_type="fixed"
    ),
    Told(
        sku="A",
        amount=Decimal(15),
        website_id=1,
        customer_group="Wholesale",
        quantity=Decimal(10),
        price_type="discount",
    ),
]
BASE = Price(kind="base", sku="A", scope=0, amount=Decimal("10.5"), currency="EUR")
SPECIAL = Price(kind="special", sku="A", scope=2, amount=Decimal(9), begins=date(2026, 11, 1), ends=date(2026, 11, 30))
TIER = Price(kind="tier", sku="A", scope=0, amount=Decimal(8), group="ALL GROUPS", quantity=Decimal(5))
DISCOUNT = Price(
    kind="tier", sku="A", scope=1, amount=Decimal(15), group="wholesale", quantity=Decimal(10), discount=True
)
LADDER = Price(
    kind="ladder",
    sku="A",
    steps=(
        Step(scope=0, group="ALL GROUPS", quantity=Decimal(5), amount=Decimal(8)),
        Step(scope=1, group="Wholesale", quantity=Decimal(10), amount=Decimal(15), discount=True),
    ),
)


@pytest.mark.parametrize(
    ("price", "told"), [(BASE, TOLD[:1]), (SPECIAL, TOLD[1:2]), (TIER, TOLD[2:]), (DISCOUNT, TOLD[2:])]
)
def test_a_price_that_the_store_has_is_told_as_it_is(price: Price, told: list[Told]) -> None:
    assert holds(told, price)
    assert standing(told, price) == price


def test_a_ladder_is_all_its_steps() -> None:
    assert holds(TOLD[2:], LADDER)
    assert standing(TOLD[2:], LADDER) == LADDER
    assert standing([], LADDER).steps == ()


@pytest.mark.parametrize("price", [BASE, SPECIAL, TIER, DISCOUNT])
def test_what_the_store_has_not_has_no_amount(price: Price) -> None:
    assert standing([], price).amount is None


def test_a_cost_stands_in_a_field_of_its_own() -> None:
    cost = Price(kind="cost", sku="A", scope=0, amount=Decimal(3))
    assert standing([Told(sku="A", cost=Decimal(3), store_id=0)], cost) == cost


def test_another_amount_or_other_days_are_seen() -> None:
    other = standing([Told(sku="A", amount=Decimal(9), store_id=2, price_from="2026-11-02 00:00:00")], SPECIAL)
    assert (other.begins, other.ends) == (date(2026, 11, 2), None)
