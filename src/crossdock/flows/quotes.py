"""An order as lines with a price and one tax each, for an ERP that computes the tax itself. Pure.

The ERP rounds a line to cents, halves away from zero, and computes the tax from the sum of all lines of one rate
("document") or of each line by itself ("line"). Where prices include tax, it takes the tax out of the gross sum
instead. A store rounds elsewhere. So an order is said in the ways that keep its rows to the cent, and of both ways the
one is taken whose sums come out as the order's. `predict` says what the ERP will make of the lines; what still differs
is for the caller to refuse.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

import msgspec

from crossdock.flows.parts import (
    CENT,
    HUNDRED,
    ONE,
    Amounts,
    Part,
    Priced,
    Role,
    cents,
    expected,
    parts_of,
    priced,
)
from crossdock.model.base import Record
from crossdock.model.money import ZERO
from crossdock.model.order import Order

Rounding = Literal["document", "line"]
Way = tuple[Priced, ...]
replace = msgspec.structs.replace


class Quote(Record, frozen=True, kw_only=True):
    """The lines, and whether their prices have the tax in them."""

    lines: tuple[Priced, ...]
    with_tax: bool = False


class Prices(Record, frozen=True, kw_only=True):
    """What a price can be there. `step`: its last decimal. `discounts`: whether a line may have one, in money."""

    step: Decimal
    discounts: bool


def quote(order: Order, prices: Prices, rounding: Rounding, *, gross: bool = True, even_out: int = 0) -> Quote:
    """The lines in the order's own sequence, then shipping, fees and credit.

    `gross`: whether taxed prices may be. `even_out`: by how many cents of tax two rounding lines may bring it there.
    """
    parts = list(parts_of(order))
    net = Quote(lines=tuple(line for part in parts for line in _net_way(part, prices, rounding)))
    wanted = expected(order)
    if predict(net, rounding) == wanted:
        return net
    taxed = Quote(lines=tuple(_gross_line(part, prices) for part in parts), with_tax=True)
    if gross and predict(taxed, rounding) == wanted:
        return taxed
    return _evened(net, wanted, rounding, even_out)


def predict(told: Quote, rounding: Rounding) -> Amounts:
    """What the ERP computes."""
    sums: dict[Decimal, Decimal] = defaultdict(Decimal)
    tax = ZERO
    for line in told.lines:
        sums[line.rate] += line.amount
        tax += _tax(line.amount, line.rate, with_tax=told.with_tax)
    if rounding == "document":
        tax = sum((_tax(amount, rate, with_tax=told.with_tax) for rate, amount in sums.items()), ZERO)
    whole = sum(sums.values(), ZERO)
    total = whole if told.with_tax else whole + tax
    return Amounts(untaxed=total - tax, tax=tax, total=total)


def _tax(amount: Decimal, rate: Decimal, *, with_tax: bool) -> Decimal:
    if with_tax:
        return amount - cents(amount / (ONE + rate / HUNDRED))
    return cents(amount * rate / HUNDRED)


def _evened(told: Quote, wanted: Amounts, rounding: Rounding, most: int) -> Quote:
    """With a line that has the tax and one of the same amount less that has none: the untaxed sum stays as it is."""
    there = predict(told, rounding)
    off = wanted.tax - there.tax
    if there.untaxed != wanted.untaxed or abs(off) > most * CENT:
        return told
    for line in sorted((one for one in told.lines if one.rate), key=lambda one: -one.rate):
        near = cents(off * HUNDRED / line.rate)
        for moved in (near + CENT * away for away in (0, 1, -1, 2, -2, 3, -3)):
            said = Priced(role=Role.ROUNDING, text="Tax rounding", unit_price=ZERO)
            taxed = _signed(replace(said, rate=line.rate, codes=line.codes), moved)
            evened = replace(told, lines=(*told.lines, taxed, _signed(said, -moved)))
            if predict(evened, rounding) == wanted:
                return evened
    return told


# the ways of saying one part ------------------------------------------------------------------------------------------


def _net_way(part: Part, prices: Prices, rounding: Rounding) -> Way:
    """Of those that keep the net amount, the one whose tax is nearest to the part's own; the plainest of equals."""

    def miss(way: Way) -> Decimal:
        taxes = (line.amount * line.rate / HUNDRED for line in way)
        off = abs(sum(taxes if rounding == "document" else map(cents, taxes), ZERO) - part.tax)
        return off if off >= CENT else ZERO  # a cent is the rounding's own

    return min(_net_ways(part, prices), key=miss)


def _net_ways(part: Part, prices: Prices) -> Sequence[Way]:
    untaxed = _line(part, part.before, part.net, prices)
    if not part.rate:
        return ((untaxed,),)
    taxed = _line(part, part.before, part.net, prices, rate=part.rate)
    if part.before == part.net:
        return ((taxed,), (untaxed,))
    whole = _line(part, part.before, part.before, prices, rate=part.rate)
    off = part.net - part.before
    text = f"Discount {part.text}"
    given = _signed(Priced(role=Role.DISCOUNT, line_id=part.line_id, text=text, unit_price=ZERO), off)
    return ((taxed,), (untaxed,), (whole, given))


def _gross_line(part: Part, prices: Prices) -> Priced:
    after = cents(part.net + part.tax)
    before = cents(part.before * (ONE + part.rate / HUNDRED)) if part.before != part.net else after
    return _line(part, max(before, after), after, prices, rate=part.rate if part.tax else ZERO)


def _line(part: Part, before: Decimal, after: Decimal, prices: Prices, *, rate: Decimal = ZERO) -> Priced:
    """The line whose amount is `after` to the cent: what its rounded price misses goes into the discount, or away."""
    said = priced(part, ZERO, rate=rate)
    if part.role is not Role.GOODS:
        return _signed(said, after)
    price = _each(before, part.quantity, prices.step)
    discount = cents(price * part.quantity) - cents(after)
    if not prices.discounts or discount < 0 or before == after:
        price, discount = _each(after, part.quantity, prices.step), ZERO
    return replace(said, unit_price=price, discount=discount)


def _each(amount: Decimal, quantity: Decimal, step: Decimal) -> Decimal:
    return (amount / quantity if quantity else ZERO).quantize(step, ROUND_HALF_UP)


def _signed(line: Priced, amount: Decimal) -> Priced:
    """A price is never below nought; a quantity may be."""
    return replace(line, quantity=ONE if amount >= 0 else -ONE, unit_price=abs(amount))
