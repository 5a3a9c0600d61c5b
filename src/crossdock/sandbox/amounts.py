"""How a store computes a row and a shipping price, in one currency, as its default says: tax rounded on the total.

Seen on recorded orders: with prices without tax the tax is computed on the discounted row; with prices that include
it the discount is taken from the taxed price, and what the row then owes less in tax is its compensation. What the
rounding of one row's tax left over is carried on into the next row's, so that the rows' sum is the rounded whole.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

CENT = Decimal("0.01")
ZERO = Decimal(0)


class Taxing(NamedTuple):
    """Percent of tax and of discount, and whether prices include tax."""

    rate: Decimal
    percent: Decimal
    inclusive: bool


class Carry:
    """What the rounding of taxes left over so far, by name: one order's rows in one currency."""

    def __init__(self) -> None:
        self._left: dict[str, Decimal] = {}

    def rounded(self, name: str, exact: Decimal) -> Decimal:
        """To the cent, with the last one's remainder."""
        whole = exact + self._left.get(name, ZERO)
        told = cents(whole)
        self._left[name] = whole - told
        return told


class Amounts(NamedTuple):
    """Of a row, or of shipping. `net` is before the discount and without tax."""

    price: Decimal
    price_with_tax: Decimal
    net: Decimal
    gross: Decimal
    discount: Decimal
    tax: Decimal
    compensation: Decimal

    @property
    def due(self) -> Decimal:
        """What the customer pays for it."""
        return self.net - self.discount + self.tax + self.compensation


NOTHING = Amounts(ZERO, ZERO, ZERO, ZERO, ZERO, ZERO, ZERO)


def cents(amount: Decimal) -> Decimal:
    """Rounded as the store rounds."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def compute(price: Decimal, quantity: int, taxing: Taxing, carry: Carry) -> Amounts:
    """For so many at a price of two decimals."""
    made = _inclusive if taxing.inclusive else _exclusive
    return made(price, quantity, taxing, carry)


def add(rows: list[Amounts]) -> Amounts:
    """All of them; prices are added too, as a bundle's parent shows them."""
    return Amounts(*(sum(column, ZERO) for column in zip(NOTHING, *rows, strict=True)))


def _exclusive(price: Decimal, quantity: int, taxing: Taxing, carry: Carry) -> Amounts:
    net = price * quantity
    discount = cents(net * taxing.percent / 100)
    full_tax = carry.rounded("full", net * taxing.rate / 100)
    tax = carry.rounded("discounted", (net - discount) * taxing.rate / 100)
    return Amounts(
        price=price,
        price_with_tax=cents(price * (100 + taxing.rate) / 100),
        net=net,
        gross=net + full_tax,
        discount=discount,
        tax=tax,
        compensation=ZERO,
    )


def _inclusive(price: Decimal, quantity: int, taxing: Taxing, carry: Carry) -> Amounts:
    gross = price * quantity
    discount = cents(gross * taxing.percent / 100)
    full_tax = carry.rounded("full", _tax_within(gross, taxing.rate))
    tax = carry.rounded("discounted", _tax_within(gross - discount, taxing.rate))
    return Amounts(
        price=price - cents(_tax_within(price, taxing.rate)),
        price_with_tax=price,
        net=gross - full_tax,
        gross=gross,
        discount=discount,
        tax=tax,
        compensation=full_tax - tax,
    )


def _tax_within(gross: Decimal, rate: Decimal) -> Decimal:
    return gross - gross * 100 / (100 + rate)
