"""An order's money as NetSuite can say it: a net amount a line, and its tax. Pure.

With tax details (SuiteTax), or an amount beside its code (legacy tax), each line's tax is told as the store took it. As
a line of its own the tax is nothing but money to NetSuite, which then has no tax at all. With codes alone NetSuite
computes it from the line's amount and the code's rate; `predict` says what that will come to, each line rounded by
itself, half up. What differs is for the caller to refuse.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import count
from typing import Literal

import msgspec

from crossdock.flows import parts
from crossdock.flows.parts import HUNDRED, ONE, Amounts, Part, Role, cents, nearest_rate, rate_of, shipping_net
from crossdock.model.base import Record
from crossdock.model.money import ZERO
from crossdock.model.order import AppliedTax, Order

RATE = Decimal("0.00000001")
Mode = Literal["details", "line", "amounts", "codes"]


class Line(Record, frozen=True, kw_only=True):
    """One line of the sales order: net amount and tax of the whole of it, in cents.

    `rate` in percent, 0 for no tax; `codes` are the store's own names of the tax; `place` is its number in the order's
    own lines, -1 where it is none of them.
    """

    role: Role
    sku: str = ""
    line_id: str = ""
    place: int = -1
    text: str = ""
    quantity: Decimal = ONE
    amount: Decimal
    tax: Decimal = ZERO
    rate: Decimal = ZERO
    codes: tuple[str, ...] = ()

    @property
    def unit_rate(self) -> Decimal:
        """Net, of one piece."""
        return (self.amount / self.quantity).quantize(RATE) if self.quantity else ZERO


def lines_of(order: Order, mode: Mode) -> tuple[Line, ...]:
    """The sales order's lines, in the order's own sequence, then shipping, fees, credit and, if it is one, the tax."""
    lines = tuple(_lines(order))
    if mode != "line":
        return lines
    tax = sum((line.tax for line in lines), ZERO)
    plain = tuple(msgspec.structs.replace(line, tax=ZERO, rate=ZERO, codes=()) for line in lines)
    return (*plain, Line(role=Role.TAX, text="Tax", amount=tax)) if tax else plain


def expected(order: Order, mode: Mode) -> Amounts:
    """What the sales order must come to: the order's own sums, in cents."""
    wanted = parts.expected(order)
    return wanted if mode != "line" else Amounts(untaxed=wanted.total, tax=ZERO, total=wanted.total)


def predict(lines: Iterable[Line], mode: Mode) -> Amounts:
    """What NetSuite will make of the lines."""
    by_code = mode == "codes"
    return parts.summed(
        (line.amount, cents(line.amount * line.rate / HUNDRED) if by_code else line.tax) for line in lines
    )


def _lines(order: Order) -> Iterator[Line]:
    places = count()
    for part in parts.parts_of(order):
        if part.role is not Role.SHIPPING:
            own = part.role in {Role.GOODS, Role.ROUNDING}
            yield _line(part, part.rate, part.codes, next(places) if own else -1)
        elif part.net or part.tax:
            yield _line(part, *_shipping_tax(order))


def _line(part: Part, rate: Decimal, codes: tuple[str, ...], place: int = -1) -> Line:
    return Line(
        role=part.role,
        sku=part.sku,
        line_id=part.line_id,
        place=place,
        text=part.text,
        quantity=part.quantity,
        amount=cents(part.net),
        tax=cents(part.tax),
        rate=rate if part.tax else ZERO,
        codes=codes if part.tax else (),
    )


def _shipping_tax(order: Order) -> tuple[Decimal, tuple[str, ...]]:
    """The store does not name it: of the order's taxes, the rate that comes nearest to what it took."""
    known: dict[Decimal, Sequence[AppliedTax]] = {rate_of(line): line.taxes for line in order.lines if line.taxes}
    rate = nearest_rate(order, order.totals.shipping_tax, shipping_net(order.totals))
    taxes = known.get(rate) or [tax for tax in order.taxes if tax.rate == rate][:1]
    return rate, tuple(tax.code for tax in taxes if tax.code)
