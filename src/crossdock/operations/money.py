"""Money at risk: what the orders in dead letters come to, read from their records."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from decimal import Decimal

import msgspec

from crossdock.flows import ORDERS
from crossdock.operations.desk import Desk, View
from crossdock.storage.overview import DeadRow

Place = tuple[int, int]  # a delivery, and since when it is owed as it is: an edit makes it another
READ_AT_ONCE = 200  # records that one look opens; the next look opens more


class Money(View, frozen=True, kw_only=True):
    """Grand totals of `orders` orders in one currency, a decimal as text in JSON."""

    currency: str
    amount: Decimal
    orders: int


class AtRisk(View, frozen=True, kw_only=True):
    """`orders` are in dead letters; of `counted` the grand total is known. Records that were forgotten have none."""

    money: list[Money]
    orders: int
    counted: int


class _Totals(msgspec.Struct, frozen=True):
    currency: str
    grand_total: Decimal = Decimal(0)


class _Order(msgspec.Struct, frozen=True):
    totals: _Totals


DECODER = msgspec.json.Decoder(_Order)


def at_risk(desk: Desk, rows: Sequence[DeadRow]) -> AtRisk:
    """Of these dead letters those that are orders."""
    learn(desk, rows)
    return known(desk, rows)


def learn(desk: Desk, rows: Sequence[DeadRow]) -> None:
    """Each record is opened once, at most `READ_AT_ONCE` in one look."""
    fresh = sorted({(row.id, row.opened_at) for row in rows if row.flow == ORDERS.name} - desk.totals.keys())
    some = fresh[:READ_AT_ONCE]
    bodies = desk.store.operations.bodies([number for number, _ in some])
    desk.totals |= {place: total_of(bodies.get(place[0], b"")) for place in some}


def known(desk: Desk, rows: Sequence[DeadRow]) -> AtRisk:
    """What was learned of them."""
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    counts: Counter[str] = Counter()
    orders = 0
    totals = desk.totals
    for row in rows:
        if row.flow != ORDERS.name:
            continue
        orders += 1
        if (total := totals.get((row.id, row.opened_at))) is not None:
            sums[total[0]] += total[1]
            counts[total[0]] += 1
    money = [Money(currency=name, amount=sums[name], orders=counts[name]) for name in sorted(sums)]
    return AtRisk(money=money, orders=orders, counted=counts.total())


def forget_others(desk: Desk, rows: Sequence[DeadRow]) -> None:
    """Totals of what is no dead letter any more need not be kept."""
    alive = {(row.id, row.opened_at) for row in rows}
    desk.totals = {place: total for place, total in desk.totals.items() if place in alive}


def total_of(body: bytes) -> tuple[str, Decimal] | None:
    """Currency and grand total of an order's record; None where there is none to read."""
    try:
        totals = DECODER.decode(body).totals
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError):
        return None
    return (totals.currency, totals.grand_total) if totals.grand_total.is_finite() else None
