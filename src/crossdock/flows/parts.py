"""An order's money taken apart: everything in it that has a price, and what all of it must come to. Pure.

What an ERP makes of the parts (how it rounds, whether a discount is a line, which tax it computes itself) is that ERP's
own. What they have in common stands here: the parts, the order's three sums, and how a difference is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from enum import StrEnum

from crossdock.model.base import Record
from crossdock.model.money import ZERO, Totals
from crossdock.model.order import Order, OrderLine

ONE = Decimal(1)
HUNDRED = Decimal(100)
CENT = Decimal("0.01")


class Role(StrEnum):
    """What a part stands for; GOODS are told by their SKU, for each other role an ERP has something of its own."""

    GOODS = "goods"
    SHIPPING = "shipping"
    DISCOUNT = "discount"
    FPT = "fpt"
    FEE = "fee"
    CREDIT = "credit"
    ROUNDING = "rounding"
    TAX = "tax"


class Part(Record, frozen=True, kw_only=True):
    """One thing of an order that has a price: `net` and `tax` of the whole of it, `before` its net before discount.

    `rate` in percent, 0 for no tax; `codes` are the store's own names of the tax. `line_id` is the order line's, ""
    where it is none. `name` is what the order calls it: a line's id (of an FPT too), a fee's name, `gift_card`.
    """

    role: Role
    name: str
    sku: str = ""
    line_id: str = ""
    text: str = ""
    quantity: Decimal = ONE
    net: Decimal
    tax: Decimal = ZERO
    before: Decimal
    rate: Decimal = ZERO
    codes: tuple[str, ...] = ()


class Priced(Record, frozen=True, kw_only=True):
    """A line as an ERP takes it. `rate` in percent, 0 for no tax; `line_id` is the order line's, "" for none.

    `unit_price` and `discount` (of the whole line, >= 0) are without tax, unless a quote says that they are with it.
    """

    role: Role
    sku: str = ""
    line_id: str = ""
    text: str = ""
    quantity: Decimal = ONE
    unit_price: Decimal
    discount: Decimal = ZERO
    rate: Decimal = ZERO
    codes: tuple[str, ...] = ()

    @property
    def amount(self) -> Decimal:
        """Of the whole line, in cents, halves away from zero."""
        return cents(self.unit_price * self.quantity) - cents(self.discount)


class Amounts(Record, frozen=True, kw_only=True):
    """A document's three sums."""

    untaxed: Decimal
    tax: Decimal
    total: Decimal


Words = tuple[str, str, str]
WORDS: Words = ("untaxed", "tax", "total")
NET_GROSS: Words = ("net", "tax", "gross")


def parts_of(order: Order, *, fpt_by_piece: bool = False) -> Iterator[Part]:
    """Everything that has a price, and goods without one: the lines in their sequence, shipping, fees, credit.

    `fpt_by_piece`: a product tax has its goods' quantity and rate; else it is one, and has no rate if it has no tax.
    """
    for line in order.lines:
        yield _goods(line)
        if line.amounts.fpt:
            yield _fpt(line, by_piece=fpt_by_piece)
    yield from _shipping(order)
    totals = order.totals
    for name, fee in totals.fees.items():
        yield Part(role=Role.FEE, name=name, text=name.replace("_", " "), net=fee, before=fee)
    taken = (("gift_card", totals.gift_card), ("store_credit", totals.store_credit), ("reward", totals.reward))
    for name, credit in taken:
        if credit:
            yield Part(role=Role.CREDIT, name=name, text=name.replace("_", " "), net=-credit, before=-credit)


def priced(part: Part, unit_price: Decimal, *, rate: Decimal = ZERO) -> Priced:
    """The part as one line at this price."""
    return Priced(
        role=part.role,
        sku=part.sku,
        line_id=part.line_id,
        text=part.text,
        quantity=part.quantity,
        unit_price=unit_price,
        rate=rate,
        codes=part.codes if rate else (),
    )


def expected(order: Order) -> Amounts:
    """What a document must come to: the order's own sums, in cents."""
    tax, total = cents(order.totals.tax), cents(order.totals.grand_total)
    return Amounts(untaxed=total - tax, tax=tax, total=total)


def summed(amounts: Iterable[tuple[Decimal, Decimal]]) -> Amounts:
    """Pairs of net and tax, added up as they are."""
    untaxed, tax = ZERO, ZERO
    for net, taxed in amounts:
        untaxed += net
        tax += taxed
    return Amounts(untaxed=untaxed, tax=tax, total=untaxed + tax)


def difference(there: Amounts, wanted: Amounts, words: Words = WORDS) -> str:
    """What differs, in one line; "" where nothing does."""
    ours = (there.untaxed, there.tax, there.total)
    return differing(zip(words, ours, (wanted.untaxed, wanted.tax, wanted.total), strict=True))


def differing(named: Iterable[tuple[str, Decimal, Decimal]]) -> str:
    """Of names, what is there, and what is wanted: those that differ, in one line."""
    return ", ".join(
        f"{name} {one} instead of {other} ({one - other:+f})" for name, one, other in named if one != other
    )


def cents(amount: Decimal) -> Decimal:
    """To the nearest cent, halves away from zero."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def plain_rate(text: str | Decimal) -> str:
    """A rate in percent without an exponent or trailing noughts; "" where it is no number."""
    try:
        rate = Decimal(text)
    except InvalidOperation:
        return ""
    return f"{rate.normalize():f}" if rate.is_finite() else ""


def by_plain_rate(table: dict[str, str]) -> dict[str, str]:
    """A table by rate: 22, 22.0 and 22.00 are the same key. What is no number stays as it is."""
    return {plain_rate(key) or key: name for key, name in table.items()}


def rate_of(line: OrderLine) -> Decimal:
    """The line's rate in percent; of several taxes their sum."""
    return line.tax_rate or sum((tax.rate for tax in line.taxes), ZERO)


def nearest_rate(order: Order, tax: Decimal, *bases: Decimal) -> Decimal:
    """Of the order's rates, that which comes nearest to the tax of one of the bases: the store does not tell it."""
    if not tax:
        return ZERO
    rates = {rate_of(line) for line in order.lines} | {one.rate for one in order.taxes}

    def miss(rate: Decimal) -> Decimal:
        return min(abs(base * rate / HUNDRED - tax) for base in bases)

    return min(sorted(rates, reverse=True), key=miss, default=ZERO)


def shipping_net(totals: Totals) -> Decimal:
    """What shipping came to after its discount, without tax."""
    return totals.shipping - totals.shipping_discount + totals.shipping_compensation


def credit_of(totals: Totals) -> Decimal:
    """What was paid with gift cards, credit and points."""
    return totals.gift_card + totals.store_credit + totals.reward


def _goods(line: OrderLine) -> Part:
    amounts = line.amounts
    return Part(
        role=Role.ROUNDING if line.kind == "rounding" else Role.GOODS,
        name=line.id,
        sku=line.sku,
        line_id=line.id,
        text=line.name or line.sku,
        quantity=line.quantity,
        net=amounts.net + amounts.compensation,
        tax=amounts.tax,
        before=amounts.gross,
        rate=rate_of(line),
        codes=_codes(line),
    )


def _fpt(line: OrderLine, *, by_piece: bool) -> Part:
    amounts = line.amounts
    taxed = by_piece or bool(amounts.fpt_tax)
    return Part(
        role=Role.FPT,
        name=line.id,
        text=f"FPT {line.sku}",
        quantity=line.quantity if by_piece else ONE,
        net=amounts.fpt,
        tax=amounts.fpt_tax,
        before=amounts.fpt,
        rate=rate_of(line) if taxed else ZERO,
        codes=_codes(line) if taxed else (),
    )


def _codes(line: OrderLine) -> tuple[str, ...]:
    return tuple(tax.code for tax in line.taxes if tax.code)


def _shipping(order: Order) -> Iterator[Part]:
    totals = order.totals
    net = shipping_net(totals)
    if net or totals.shipping or totals.shipping_tax:
        yield Part(
            role=Role.SHIPPING,
            name="shipping",
            text=order.shipping_description or "Shipping",
            net=net,
            tax=totals.shipping_tax,
            before=totals.shipping,
            rate=nearest_rate(order, totals.shipping_tax, net, totals.shipping),
        )
