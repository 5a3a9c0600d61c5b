"""Which of a store's routes take an order: one, unless a route shares. Pure.

An order that was promised to an ERP stays with it, whatever changes about the order later: what follows (payments,
refunds, cancellations) must find it there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from crossdock.model.base import Record
from crossdock.model.order import Order


class When(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which orders a route takes; what is empty does not matter, and all that is given must hold.

    `stores` are ids, `websites` and `groups` as the store tells them, `countries` ISO 3166-1 alpha-2 of where it goes
    (of where the bill goes, if nothing is shipped). `least` <= grand total < `below`, in the store's base currency.
    """

    stores: tuple[str, ...] = ()
    websites: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    currencies: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    least: Decimal | None = None
    below: Decimal | None = None


class Way(Record, frozen=True, kw_only=True):
    """One route: `shares` it takes what it wants beside another; `has` it was promised the order before."""

    target: str
    when: When = When()
    shares: bool = False
    has: bool = False


def refusals(order: Order, ways: Sequence[Way]) -> Mapping[str, str]:
    """By target, why it does not get the order; the others do. The first route that wants it takes it."""
    taker = next((way.target for way in ways if way.has and not way.shares), "")
    found: dict[str, str] = {}
    for way in ways:
        if way.has:
            continue
        if reason := unlike(order, way.when):
            found[way.target] = f"not for this route: {reason}"
        elif way.shares:
            continue
        elif taker:
            found[way.target] = f"goes to {taker}"
        else:
            taker = way.target
    return found


def unlike(order: Order, when: When) -> str:
    """What about the order the route does not want, or ""."""
    words = (
        ("store", order.store_id, when.stores),
        ("website", order.website, when.websites),
        ("country", (order.shipping or order.billing).country, when.countries),
        ("currency", order.totals.currency, when.currencies),
        ("customer group", order.buyer.group, when.groups),
    )
    for name, value, wanted in words:
        if wanted and value not in wanted:
            return f"{name} {value or 'unknown'}"
    total = order.base_totals.grand_total
    if when.least is not None and total < when.least:
        return f"grand total below {when.least}"
    return f"grand total not below {when.below}" if when.below is not None and total >= when.below else ""
