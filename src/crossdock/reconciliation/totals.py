"""Daily control totals: how many, how much money, how many pieces, on each side. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from crossdock.model.base import Record

ZERO = Decimal(0)


class Total(Record, frozen=True, kw_only=True):
    """One sum of one side on one day. `unit`: `orders`, a currency, `pieces at PLACE`."""

    day: date
    flow: str
    store: str
    erp: str
    side: str  # the connection whose sum it is
    unit: str
    amount: Decimal


class Sums:
    """Of one side, while it is read."""

    def __init__(self) -> None:
        self.by_unit: dict[tuple[date, str], Decimal] = {}

    def add(self, day: date, unit: str, amount: Decimal) -> None:
        """One more."""
        self.by_unit[day, unit] = self.by_unit.get((day, unit), ZERO) + amount


class Line(Record, frozen=True, kw_only=True):
    """Both sides of one sum. None: that side does not tell it."""

    day: date
    flow: str
    store: str
    erp: str
    unit: str
    in_store: Decimal | None
    in_erp: Decimal | None

    @property
    def difference(self) -> Decimal | None:
        """What the store has more."""
        return None if self.in_store is None or self.in_erp is None else self.in_store - self.in_erp


def totals_of(sums: Mapping[str, Sums], flow: str, store: str, erp: str) -> list[Total]:
    """By side, ready to be kept."""
    return [
        Total(day=day, flow=flow, store=store, erp=erp, side=side, unit=unit, amount=amount)
        for side, told in sums.items()
        for (day, unit), amount in sorted(told.by_unit.items())
    ]


def _newest_first(one: tuple[tuple[date, str, str, str, str], object]) -> tuple[object, ...]:
    return -one[0][0].toordinal(), one[0][1:]


def beside(totals: list[Total]) -> list[Line]:
    """Both sides in one line, newest day first."""
    found: dict[tuple[date, str, str, str, str], dict[str, Decimal]] = {}
    for one in totals:
        found.setdefault((one.day, one.flow, one.store, one.erp, one.unit), {})[one.side] = one.amount
    return [
        Line(
            day=day,
            flow=flow,
            store=store,
            erp=erp,
            unit=unit,
            in_store=sides.get(store),
            in_erp=sides.get(erp),
        )
        for (day, flow, store, erp, unit), sides in sorted(
            found.items(), key=lambda one: (-one[0][0].toordinal(), one[0][1:])
        )
    ]
