"""Prices: what a SKU costs, where, for whom and from how many on."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from crossdock.model.base import Record

Kind = Literal["base", "special", "tier", "ladder", "cost"]


class Step(Record, frozen=True, kw_only=True, gc=False):
    """One step of a ladder: from `quantity` pieces on, `group` pays `amount`, or `amount` percent less."""

    scope: int
    group: str
    quantity: Decimal
    amount: Decimal
    discount: bool = False


class Price(Record, frozen=True, kw_only=True, gc=False):
    """One price of one SKU.

    `scope` is the id of a store view (base, special, cost) or of a website (tier); 0 is all of them. `amount` None: it
    is to be taken away. `discount`: the amount is a percentage off the base price, and has no currency.

    A special price begins and ends with days of the store's own calendar; `ends` is its last day. A ladder is all tier
    prices that its SKU has anywhere. `version` sorts; "" stands for the order of arrival.
    """

    kind: Kind
    sku: str
    scope: int = 0
    amount: Decimal | None = None
    currency: str = ""  # ISO 4217
    with_tax: bool | None = None  # None: nobody said
    begins: date | None = None
    ends: date | None = None
    group: str = ""
    quantity: Decimal | None = None
    discount: bool = False
    steps: tuple[Step, ...] = ()
    as_of: datetime | None = None
    version: str = ""
