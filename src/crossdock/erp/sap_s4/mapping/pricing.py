"""An order's money as pricing elements of a sales order. Pure.

SAP computes `rate * quantity / per` for a price and adds amounts as they are. A price is therefore told in the way that
gives the row's amount exactly: 10.00 for 3 pieces is "10.00 per 3". The tax is told as the store's own amount, or SAP
takes it from the item's net amount, rounded to the cent, half up (once for each rate, where it is a group condition).
What then differs is known before anything is sent, and is for the caller to refuse.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from fractions import Fraction

import msgspec

from crossdock.erp.sap_s4.settings import SapS4Settings
from crossdock.errors import MappingError
from crossdock.flows.parts import (
    CENT,
    HUNDRED,
    ONE,
    Role,
    cents,
    credit_of,
    differing,
    nearest_rate,
    rate_of,
    shipping_net,
)
from crossdock.model.base import Record
from crossdock.model.money import ZERO
from crossdock.model.order import Order, OrderLine

MOST_PER = 99999  # ConditionQuantity has five digits
QUANTITY_PLACES = 3  # of RequestedQuantity


class Priced(Record, frozen=True, kw_only=True):
    """One item. Amounts are of all its pieces, in cents, without tax; `rate` in percent, 0 for no tax.

    `tax` is the store's own. `line_id` is the order line's, "" where there is none.
    """

    role: Role = Role.GOODS
    sku: str = ""
    line_id: str = ""
    text: str = ""
    quantity: Decimal = ONE
    gross: Decimal
    discount: Decimal = ZERO
    freight: Decimal = ZERO
    fpt: Decimal = ZERO
    rate: Decimal = ZERO
    tax: Decimal = ZERO

    @property
    def net(self) -> Decimal:
        """What the tax is taken from."""
        return self.gross - self.discount + self.freight + self.fpt

    @property
    def exact_tax(self) -> Decimal:
        """Unrounded."""
        return self.net * self.rate / HUNDRED


class Sums(Record, frozen=True, kw_only=True):
    """Of a sales order. `tax` is None where SAP was not asked for it."""

    net: Decimal
    tax: Decimal | None


Items = tuple[Priced, ...]


def price_order(order: Order, settings: SapS4Settings) -> Items:
    """The items: goods in the order's own sequence, then shipping, product taxes and fees.

    Raises MappingError where the settings have no way to say a part of the order.
    """
    _refuse_credit(order, settings)
    goods = [_goods(line, settings) for line in order.lines]
    more = [*_fpt(order, settings), *_fees(order, settings)]
    shipping = _shipping(order)
    if shipping is None:
        return (*goods, *more)
    if settings.materials.shipping:
        return (*goods, shipping, *more)
    return (*_carrying(goods, shipping, settings), *more)


def expected(order: Order, settings: SapS4Settings) -> Sums:
    """What the sales order must come to. With credits as payments it is what was bought, not what was left to pay."""
    totals = order.totals
    bought = totals.grand_total + (credit_of(order.totals) if settings.credits == "payment" else ZERO)
    return Sums(net=cents(bought - totals.tax), tax=cents(totals.tax))


def predict(items: Iterable[Priced], settings: SapS4Settings) -> Sums:
    """What SAP is going to compute."""
    items = tuple(items)
    if settings.taxes.told == "amount":
        return Sums(net=sum((item.net for item in items), ZERO), tax=sum((item.tax for item in items), ZERO))
    net, exact = ZERO, defaultdict[Decimal, Decimal](lambda: ZERO)
    for item in items:
        net += item.net
        exact[item.rate] += item.exact_tax if settings.taxes.rounding == "document" else cents(item.exact_tax)
    return Sums(net=net, tax=sum((cents(amount) for amount in exact.values()), ZERO))


def difference(there: Sums, wanted: Sums) -> str:
    """What differs, in one line; "" where nothing does."""
    named = [("net", there.net, wanted.net)]
    if there.tax is not None and wanted.tax is not None:
        named += [
            ("tax", there.tax, wanted.tax),
            ("gross", there.net + there.tax, wanted.net + wanted.tax),
        ]
    return differing(named)


def price_of(amount: Decimal, quantity: Decimal) -> tuple[Decimal, int]:
    """A rate in cents and for how many pieces it is, such that the quantity comes to the amount exactly.

    Raises MappingError where there is none.
    """
    if not quantity:
        raise MappingError("quantity", "is 0")
    single = (amount / quantity).quantize(CENT)
    if single * quantity == amount:
        return single, 1
    parts = Fraction(quantity)
    rate, per = amount * parts.denominator, parts.numerator
    if not 0 < per <= MOST_PER:
        raise MappingError("quantity", f"a price for {per} pieces cannot be told")
    return rate.quantize(CENT), per


# the parts of an order ------------------------------------------------------------------------------------------------


def _goods(line: OrderLine, settings: SapS4Settings) -> Priced:
    if line.quantity != line.quantity.quantize(Decimal(1).scaleb(-QUANTITY_PLACES)):
        raise MappingError("lines.quantity", f"has more than {QUANTITY_PLACES} decimals")
    amounts = line.amounts
    net = cents(amounts.net + amounts.compensation)
    gross = cents(amounts.gross)
    told = bool(settings.conditions and settings.conditions.discount) and gross >= net
    fpt = ZERO if settings.materials.fpt else cents(amounts.fpt)
    if fpt and not (settings.conditions and settings.conditions.fpt):
        raise MappingError("lines.fpt", "set materials.fpt or conditions.fpt")
    return Priced(
        sku=line.sku,
        line_id=line.id,
        text=line.name or line.sku,
        quantity=line.quantity,
        gross=gross if told else net,
        discount=gross - net if told else ZERO,
        fpt=fpt,
        rate=rate_of(line) if amounts.tax or (fpt and amounts.fpt_tax) else ZERO,
        tax=cents(amounts.tax) + (cents(amounts.fpt_tax) if fpt else ZERO),
    )


def _fpt(order: Order, settings: SapS4Settings) -> Iterator[Priced]:
    if not settings.materials.fpt:
        return
    for line in order.lines:
        if line.amounts.fpt:
            tax = cents(line.amounts.fpt_tax)
            rate = rate_of(line) if tax else ZERO
            yield Priced(role=Role.FPT, text=f"FPT {line.sku}", gross=cents(line.amounts.fpt), rate=rate, tax=tax)


def _fees(order: Order, settings: SapS4Settings) -> Iterator[Priced]:
    for name, fee in order.totals.fees.items():
        if fee and not settings.materials.fee:
            raise MappingError("totals.fees", f"has {name}: set materials.fee")
        if fee:
            yield Priced(role=Role.FEE, text=name.replace("_", " "), gross=cents(fee))


def _shipping(order: Order) -> Priced | None:
    totals = order.totals
    net = cents(shipping_net(totals))
    if not (net or totals.shipping_tax):
        return None
    text = order.shipping_description or "Shipping"
    tax = cents(totals.shipping_tax)
    return Priced(role=Role.SHIPPING, text=text, gross=net, rate=nearest_rate(order, totals.shipping_tax, net), tax=tax)


def _carrying(goods: Sequence[Priced], shipping: Priced, settings: SapS4Settings) -> Items:
    """Shipping as an amount of the first item that is taxed like it."""
    if not (settings.conditions and settings.conditions.freight):
        raise MappingError("totals.shipping", "set materials.shipping or conditions.freight")
    alike = settings.taxes.told == "amount"
    place = next((n for n, item in enumerate(goods) if alike or item.rate == shipping.rate), None)
    if place is None:
        raise MappingError("totals.shipping", "no item is taxed like it: set materials.shipping")
    carrier = msgspec.structs.replace(goods[place], freight=shipping.gross, tax=goods[place].tax + shipping.tax)
    return (*goods[:place], carrier, *goods[place + 1 :])


def _refuse_credit(order: Order, settings: SapS4Settings) -> None:
    if credit_of(order.totals) and settings.credits == "park":
        raise MappingError("totals", "paid with a gift card, credit or points: see the setting credits")
