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
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Literal

import msgspec

from crossdock.model.base import Record
from crossdock.model.money import ZERO
from crossdock.model.order import Order, OrderLine

Rounding = Literal["document", "line"]
ONE = Decimal(1)
CENT = Decimal("0.01")
PRICE = Decimal("0.0001")
HUNDRED = Decimal(100)
STEPS = 60  # how far a price may be moved in the last decimal, to either side


class Role(StrEnum):
    """What a line of the sale stands for; GOODS have their own product, each other role one of the settings."""

    GOODS = "goods"
    SHIPPING = "shipping"
    DISCOUNT = "discount"
    FPT = "fpt"
    FEE = "fee"
    CREDIT = "credit"
    ROUNDING = "rounding"


class Priced(Record, frozen=True, kw_only=True):
    """One line of the sale. `rate` in percent, 0 for no tax; `line_id` is the order line's, "" where there is none."""

    role: Role
    sku: str = ""
    line_id: str = ""
    text: str = ""
    quantity: Decimal = ONE
    unit_price: Decimal
    rate: Decimal = ZERO
    codes: tuple[str, ...] = ()  # the store's own names of the tax

    @property
    def exact(self) -> Decimal:
        """What the tax is computed from."""
        return self.unit_price * self.quantity

    @property
    def tax(self) -> Decimal:
        """Unrounded."""
        return self.exact * self.rate / HUNDRED


class Amounts(Record, frozen=True, kw_only=True):
    """A sale's three sums."""

    untaxed: Decimal
    tax: Decimal
    total: Decimal


class Part(Record, frozen=True, kw_only=True):
    """One thing of an order that has a price: `net` and `tax` of the whole of it, `before` its net before discount."""

    role: Role
    sku: str = ""
    line_id: str = ""
    text: str = ""
    quantity: Decimal = ONE
    net: Decimal
    tax: Decimal = ZERO
    before: Decimal
    rate: Decimal = ZERO
    codes: tuple[str, ...] = ()


Way = tuple[Priced, ...]


def price_order(order: Order, rounding: Rounding) -> Way:
    """The lines of the sale, in the order's own sequence, then shipping, fees and credit."""
    ways = [_best(list(_ways(part)), part, rounding) for part in parts_of(order)]
    lines = tuple(line for way in ways for line in way)
    return _nudged(lines, order, rounding)


def expected(order: Order) -> Amounts:
    """What the sale must come to: the order's own sums, in cents."""
    totals = order.totals
    return Amounts(
        untaxed=_cents(totals.grand_total - totals.tax), tax=_cents(totals.tax), total=_cents(totals.grand_total)
    )


def predict(lines: Iterable[Priced], rounding: Rounding) -> Amounts:
    """What Tryton computes."""
    untaxed, exact = ZERO, defaultdict[tuple[Decimal, bool], Decimal](lambda: ZERO)
    for line in lines:
        untaxed += _bank(line.exact)
        exact[line.rate, line.exact >= 0] += line.tax if rounding == "document" else _bank(line.tax)
    tax = sum((_bank(amount) for amount in exact.values()), ZERO)
    return Amounts(untaxed=untaxed, tax=tax, total=untaxed + tax)


def difference(there: Amounts, wanted: Amounts) -> str:
    """What differs, in one line; "" where nothing does."""
    named = (
        ("untaxed", there.untaxed, wanted.untaxed),
        ("tax", there.tax, wanted.tax),
        ("total", there.total, wanted.total),
    )
    return ", ".join(
        f"{name} {one} instead of {other} ({one - other:+f})" for name, one, other in named if one != other
    )


# the parts of an order ------------------------------------------------------------------------------------------------


def parts_of(order: Order) -> Iterator[Part]:
    """Everything in the order that has a price, and its goods without one."""
    for line in order.lines:
        yield from _goods(line)
    yield from _shipping(order)
    for name, fee in order.totals.fees.items():
        yield Part(role=Role.FEE, text=name.replace("_", " "), net=fee, before=fee)
    totals = order.totals
    taken = (("gift card", totals.gift_card), ("store credit", totals.store_credit), ("reward", totals.reward))
    for name, credit in taken:
        if credit:
            yield Part(role=Role.CREDIT, text=name, net=-credit, before=-credit)


def _goods(line: OrderLine) -> Iterator[Part]:
    amounts = line.amounts
    yield Part(
        role=Role.ROUNDING if line.kind == "rounding" else Role.GOODS,
        sku=line.sku,
        line_id=line.id,
        text=line.name or line.sku,
        quantity=line.quantity,
        net=amounts.net + amounts.compensation,
        tax=amounts.tax,
        before=amounts.gross,
        rate=_rate(line),
        codes=tuple(tax.code for tax in line.taxes if tax.code),
    )
    if amounts.fpt:
        yield Part(
            role=Role.FPT,
            text=f"FPT {line.sku}",
            quantity=line.quantity,
            net=amounts.fpt,
            tax=amounts.fpt_tax,
            before=amounts.fpt,
            rate=_rate(line),
            codes=tuple(tax.code for tax in line.taxes if tax.code),
        )


def _rate(line: OrderLine) -> Decimal:
    return line.tax_rate or sum((tax.rate for tax in line.taxes), ZERO)


def _shipping(order: Order) -> Iterator[Part]:
    totals = order.totals
    net = totals.shipping - totals.shipping_discount + totals.shipping_compensation
    if not (net or totals.shipping or totals.shipping_tax):
        return
    rates = {_rate(line) for line in order.lines} | {tax.rate for tax in order.taxes}
    tax = totals.shipping_tax

    def miss(rate: Decimal) -> Decimal:
        return min(abs(base * rate / HUNDRED - tax) for base in (net, totals.shipping))

    yield Part(
        role=Role.SHIPPING,
        text=order.shipping_description or "Shipping",
        net=net,
        tax=tax,
        before=totals.shipping,
        rate=min(sorted(rates, reverse=True), key=miss, default=ZERO) if tax else ZERO,
    )


# the ways of saying one part ------------------------------------------------------------------------------------------


def _ways(part: Part) -> Iterator[Way]:
    """Only such that keep the net amount to the cent, where four decimals can."""
    if part.tax or part.rate:
        for price in _prices(part):
            yield (_line(part, price, rate=part.rate),)
    yield (_line(part, _per_piece(part.net, part.quantity)),)
    discount = part.before - part.net
    if discount and part.rate:
        gross = msgspec.structs.replace(part, net=part.before)
        taken = Priced(role=Role.DISCOUNT, line_id=part.line_id, text=f"Discount {part.text}", unit_price=-discount)
        for price in _prices(gross):
            yield (_line(part, price, rate=part.rate), taken)


def _prices(part: Part) -> Iterator[Decimal]:
    yield _per_piece(part.net, part.quantity)
    if part.rate:
        yield _per_piece((part.net + part.tax) / (ONE + part.rate / HUNDRED), part.quantity)


def _line(part: Part, price: Decimal, *, rate: Decimal = ZERO) -> Priced:
    return Priced(
        role=part.role,
        sku=part.sku,
        line_id=part.line_id,
        text=part.text,
        quantity=part.quantity,
        unit_price=price,
        rate=rate,
        codes=part.codes if rate else (),
    )


def _best(ways: Sequence[Way], part: Part, rounding: Rounding) -> Way:
    """The way nearest to the part's own amounts; the plainest of equals."""

    def miss(way: Way) -> tuple[Decimal, Decimal]:
        off_net = abs(sum((_bank(line.exact) for line in way), ZERO) - part.net)
        taxes = [line.tax if rounding == "document" else _bank(line.tax) for line in way]
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
        if _bank(further.exact) != _bank(line.exact):
            break
        moved = further
        if predict((*lines[:place], moved, *lines[place + 1 :]), rounding).tax == predict(lines, rounding).tax + off:
            break
    return moved


def _per_piece(amount: Decimal, quantity: Decimal) -> Decimal:
    return ((amount / quantity) if quantity else ZERO).quantize(PRICE)


def _bank(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_EVEN)


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)
