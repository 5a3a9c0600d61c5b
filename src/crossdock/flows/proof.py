"""The money proof: an order's amounts must add up, exactly, in each of its currencies by itself. Pure.

Two identities, each over 260 orders that a real store sent:

- header: grand total = subtotal - discount + tax + compensation + shipping + shipping compensation + FPT left out of
  the subtotal + fees - gift card - store credit - reward;
- rows: grand total = sum(net + compensation + FPT) + shipping - shipping discount + shipping compensation + header tax
  + fees - gift card - store credit - reward.

The rows' own taxes are not in it: the VAT on an FPT, and rows cut off at zero, stand in the header's tax only. What the
rows do not explain of it is told in `tax_outside_lines`, for ERPs that compute with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Literal

import msgspec

from crossdock.contract.message import Problem
from crossdock.model.base import Record
from crossdock.model.money import ZERO, LineAmounts, Totals
from crossdock.model.order import Order, OrderLine

Policy = Literal["park", "rounding_line", "accept_cents"]
ROUNDING_KIND = "rounding"
_PRECISION = Decimal("0.0001")
_CENT = Decimal("0.01")


class CurrencyProof(Record, frozen=True, kw_only=True):
    """One currency. A difference is the grand total minus what the amounts add up to."""

    currency: str
    grand_total: Decimal
    header_difference: Decimal = ZERO
    rows_difference: Decimal = ZERO
    tax_outside_lines: Decimal = ZERO  # told, not judged
    broken_lines: tuple[str, ...] = ()  # ids of lines whose net is not gross - discount

    @property
    def holds(self) -> bool:
        """Both identities to four decimals, which is all that a store keeps."""
        return not (self.header_difference or self.rows_difference or self.broken_lines)

    @property
    def largest(self) -> Decimal:
        """The larger difference, without its sign."""
        return max(abs(self.header_difference), abs(self.rows_difference))


class Proof(Record, frozen=True, kw_only=True):
    """Both currencies; they are the same one in most stores, and are proven separately all the same."""

    order: CurrencyProof
    base: CurrencyProof

    @property
    def holds(self) -> bool:
        """Whether the order may go as it is."""
        return self.order.holds and self.base.holds

    @property
    def largest(self) -> Decimal:
        """The largest difference of all, without its sign."""
        return max(self.order.largest, self.base.largest)

    @property
    def broken_lines(self) -> tuple[str, ...]:
        """Ids of lines whose net is not gross - discount, in either currency."""
        return tuple(dict.fromkeys(self.order.broken_lines + self.base.broken_lines))


def prove(order: Order) -> Proof:
    """Whether the order's money adds up, and by how much it does not."""
    return Proof(
        order=_prove(order.totals, order.lines, [line.amounts for line in order.lines]),
        base=_prove(order.base_totals, order.lines, [line.base_amounts for line in order.lines]),
    )


def settle(
    order: Order, proof: Proof, policy: Policy, cents: int, *, rounding_sku: str = "ROUNDING"
) -> Order | Problem:
    """The order as it may go to the ERP, or why it may not.

    `cents` (hundredths of the currency's unit, whatever the currency) is the largest difference that `accept_cents`
    lets pass and that `rounding_line` closes; anything above it is parked, with the difference in the text.
    """
    if proof.holds:
        return order
    closable = not proof.broken_lines and proof.largest <= cents * _CENT
    if policy == "accept_cents" and closable:
        return order
    if policy == "rounding_line" and closable:
        return _with_rounding(order, proof, rounding_sku)
    return Problem(code="money-proof", reason=describe_difference(proof), park=True)


def describe_difference(proof: Proof) -> str:
    """What does not add up, in one line without personal data."""
    parts = [*_differences("order", proof.order), *_differences("base", proof.base)]
    if proof.broken_lines:
        parts.append(f"net is not gross - discount on line {', '.join(proof.broken_lines[:5])}")
    return f"the money does not add up: {'; '.join(parts)}" if parts else "the money adds up"


def _differences(which: str, proof: CurrencyProof) -> list[str]:
    found = (("header", proof.header_difference), ("rows", proof.rows_difference))
    return [f"{which} {name} off by {amount:+f} {proof.currency}" for name, amount in found if amount]


def _prove(totals: Totals, lines: Sequence[OrderLine], amounts: Sequence[LineAmounts]) -> CurrencyProof:
    line_taxes = _sum([one.tax + one.fpt_tax for one in amounts])
    return CurrencyProof(
        currency=totals.currency,
        grand_total=totals.grand_total,
        header_difference=_exact(totals.grand_total - _header_sum(totals)),
        rows_difference=_exact(totals.grand_total - _rows_sum(totals, amounts)),
        tax_outside_lines=_exact(totals.tax - totals.shipping_tax - line_taxes),
        broken_lines=tuple(
            line.id for line, one in zip(lines, amounts, strict=True) if _exact(one.gross - one.discount - one.net)
        ),
    )


def _header_sum(totals: Totals) -> Decimal:
    goods = totals.subtotal - totals.discount + totals.compensation + totals.fpt
    return goods + totals.tax + totals.shipping + totals.shipping_compensation + _beside(totals)


def _rows_sum(totals: Totals, amounts: Sequence[LineAmounts]) -> Decimal:
    goods = _sum([one.net + one.compensation + one.fpt for one in amounts])
    shipping = totals.shipping - totals.shipping_discount + totals.shipping_compensation
    return goods + shipping + totals.tax + _beside(totals)


def _beside(totals: Totals) -> Decimal:
    """What is neither goods nor shipping nor tax."""
    return _sum(list(totals.fees.values())) - totals.gift_card - totals.store_credit - totals.reward


def _exact(difference: Decimal) -> Decimal:
    rounded = difference.quantize(_PRECISION)
    return rounded.normalize() if rounded else ZERO


def _sum(amounts: Sequence[Decimal]) -> Decimal:
    return sum(amounts, ZERO)


def _with_rounding(order: Order, proof: Proof, sku: str) -> Order:
    """A line for what the rows lack; the subtotal takes what the header lacks. Both identities hold then."""
    line = OrderLine(
        id=f"{ROUNDING_KIND}-{order.id}",
        sku=sku,
        name="Rounding",
        kind=ROUNDING_KIND,
        quantity=Decimal(1),
        virtual=True,
        amounts=_rounding(proof.order.rows_difference),
        base_amounts=_rounding(proof.base.rows_difference),
    )
    needed = proof.order.rows_difference or proof.base.rows_difference
    return msgspec.structs.replace(
        order,
        lines=(*order.lines, line) if needed else order.lines,
        totals=_with_subtotal(order.totals, proof.order.header_difference),
        base_totals=_with_subtotal(order.base_totals, proof.base.header_difference),
    )


def _rounding(amount: Decimal) -> LineAmounts:
    return LineAmounts(price=amount, price_incl_tax=amount, gross=amount, net=amount)


def _with_subtotal(totals: Totals, more: Decimal) -> Totals:
    return msgspec.structs.replace(totals, subtotal=totals.subtotal + more)
