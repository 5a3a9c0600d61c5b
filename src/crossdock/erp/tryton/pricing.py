"""An order's money as Tryton can say it: net unit prices and one tax a line. Pure.

Tryton stores no amount of a sale: it computes `round(unit_price * quantity)` a line, and the tax from the unrounded
product, rounded once a line or once a document (`account.configuration.tax_rounding`), always half to even. A store
rounds elsewhere, and may tax what is there before the discount. So each part of an order is said in the ways that keep
its net amount to the cent, and the way whose tax comes out nearest is taken:

- one line with the tax at the net unit price, to four decimals: from the net amount, or from the amount with tax where
  prices include it (19.99 with 22 % is 16.3852, not 16.39: the same row, and the tax then comes out right);
- one line without a tax, where the store took none;
- the price before discount with the tax, and the discount as a line without one: where the store taxed before discount.

`predict` says what Tryton will make of the lines. What still differs is for the caller to refuse.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from decimal import ROUND_HALF_EVEN, Decimal

import msgspec

from crossdock.flows.parts import CENT, HUNDRED, ONE, Amounts, Part, Priced, Role, expected, parts_of, priced
from crossdock.flows.quotes import Rounding
from crossdock.model.money import ZERO
from crossdock.model.order import Order

PRICE = Decimal("0.0001")
STEPS = 60  # how far a price may be moved in the last decimal, to either side
Way = tuple[Priced, ...]


def price_order(order: Order, rounding: Rounding) -> Way:
    """The lines of the sale, in the order's own sequence, then shipping, fees and credit."""
    ways = [_best(list(_ways(part)), part, rounding) for part in parts_of(order, fpt_by_piece=True)]
    lines = tuple(line for way in ways for line in way)
    return _nudged(lines, order, rounding)


def predict(lines: Iterable[Priced], rounding: Rounding) -> Amounts:
    """What Tryton computes."""
    untaxed, exact = ZERO, defaultdict[tuple[Decimal, bool], Decimal](lambda: ZERO)
    for line in lines:
        amount = _exact(line)
        untaxed += _bank(amount)
        exact[line.rate, amount >= 0] += _tax(line) if rounding == "document" else _bank(_tax(line))
    tax = sum((_bank(taxes) for taxes in exact.values()), ZERO)
    return Amounts(untaxed=untaxed, tax=tax, total=untaxed + tax)


# the ways of saying one part ------------------------------------------------------------------------------------------


def _ways(part: Part) -> Iterator[Way]:
    """Only such that keep the net amount to the cent, where four decimals can."""
    if part.tax or part.rate:
        for price in _prices(part):
            yield (priced(part, price, rate=part.rate),)
    yield (priced(part, _per_piece(part.net, part.quantity)),)
    discount = part.before - part.net
    if discount and part.rate:
        gross = msgspec.structs.replace(part, net=part.before)
        taken = Priced(role=Role.DISCOUNT, line_id=part.line_id, text=f"Discount {part.text}", unit_price=-discount)
        for price in _prices(gross):
            yield (priced(part, price, rate=part.rate), taken)


def _prices(part: Part) -> Iterator[Decimal]:
    yield _per_piece(part.net, part.quantity)
    if part.rate:
        yield _per_piece((part.net + part.tax) / (ONE + part.rate / HUNDRED), part.quantity)


def _best(ways: Sequence[Way], part: Part, rounding: Rounding) -> Way:
    """The way nearest to the part's own amounts; the plainest of equals."""

    def miss(way: Way) -> tuple[Decimal, Decimal]:
        off_net = abs(sum((_bank(_exact(line)) for line in way), ZERO) - part.net)
        taxes = [_tax(line) if rounding == "document" else _bank(_tax(line)) for line in way]
        off_tax = abs(sum(taxes, ZERO) - part.tax)
        near = off_tax if off_tax >= CENT / 2 else ZERO  # what rounds to the same cent is as good
        return off_net, near

    return min(ways, key=miss)


# the last decimal -----------------------------------------------------------------------------------------------------


def _nudged(lines: Way, order: Order, rounding: Rounding) -> Way:
    """Prices moved in their last decimals where that alone brings the tax to the cent; else as they were.

    No row's amount changes by it.
    """
    wanted = expected(order).tax
    moved = lines
    for place, line in enumerate(lines):
        off = wanted - predict(moved, rounding).tax
        if not off:
            return moved
        if line.rate and line.quantity:
            moved = (*moved[:place], _moved(line, off, moved, place, rounding), *moved[place + 1 :])
    return moved if predict(moved, rounding).tax == wanted else lines


def _moved(line: Priced, off: Decimal, lines: Way, place: int, rounding: Rounding) -> Priced:
    """This line as far as its row's amount allows, but no further than the tax needs."""
    step = PRICE if (off > 0) == (line.quantity > 0) else -PRICE
    moved = line
    for _ in range(STEPS):
        further = msgspec.structs.replace(moved, unit_price=moved.unit_price + step)
        if _bank(_exact(further)) != _bank(_exact(line)):
            break
        moved = further
        if predict((*lines[:place], moved, *lines[place + 1 :]), rounding).tax == predict(lines, rounding).tax + off:
            break
    return moved


def _exact(line: Priced) -> Decimal:
    """What the tax is computed from."""
    return line.unit_price * line.quantity


def _tax(line: Priced) -> Decimal:
    """Unrounded."""
    return _exact(line) * line.rate / HUNDRED


def _per_piece(amount: Decimal, quantity: Decimal) -> Decimal:
    return ((amount / quantity) if quantity else ZERO).quantize(PRICE)


def _bank(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_EVEN)
