"""An order's money in the parts that Oracle is told: net and tax of each, to the cent. Pure.

The three freeze flags keep what is sent: Oracle Pricing then takes prices, shipping and tax from the request. So
nothing is computed twice: the parts' own amounts are sent, and must come to the order's.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from crossdock.flows import parts
from crossdock.flows.parts import ONE, Role, cents, plain_rate
from crossdock.model.base import Record
from crossdock.model.money import ZERO
from crossdock.model.order import Order

OWN = {Role.GOODS, Role.ROUNDING}  # the order's own lines


class Part(Record, frozen=True, kw_only=True):
    """One line: `before` and `net` of all its pieces, before and after discount; `id` is the line's in Oracle.

    `line_id` is the shop's, "" where it has none. `tax_key`: what its tax code is looked up by, "" for no tax.
    """

    role: Role
    id: str
    line_id: str = ""
    sku: str = ""
    quantity: Decimal = ONE
    before: Decimal
    net: Decimal
    tax: Decimal = ZERO
    tax_key: str = ""

    @property
    def gross(self) -> Decimal:
        """With tax."""
        return self.net + self.tax


def parts_of(order: Order) -> Iterator[Part]:
    """Everything in the order that has a price, and its goods without one: goods, shipping, fees, credit."""
    listed = list(parts.parts_of(order))
    keys = {_tax_key(part) for part in listed if part.role in OWN and part.tax}
    for part in listed:
        tax = cents(part.tax)
        key = _tax_key(part)
        if part.role is Role.SHIPPING:
            key = keys.pop() if len(keys) == 1 else "shipping"
        yield Part(
            role=part.role,
            id=_id(part),
            line_id=part.line_id,
            sku=part.sku,
            quantity=part.quantity,
            before=cents(part.before),
            net=cents(part.net),
            tax=tax,
            tax_key=key if tax or part.role in OWN else "",
        )


def _id(part: parts.Part) -> str:
    match part.role:
        case Role.FPT:
            return f"{part.name}-fpt"
        case Role.FEE:
            return f"fee-{part.name}"
        case Role.CREDIT:
            return part.name.replace("_", "-")
        case _:
            return part.name


def _tax_key(part: parts.Part) -> str:
    return part.codes[0] if len(part.codes) == 1 else plain_rate(part.rate) if part.rate else ""
