"""Control totals as a page shows them: a row for each sum, its days beside each other. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

from crossdock.model.base import Record
from crossdock.operations.reconciliation import Line

HEIGHT = 28
STEP = 10


class Column(Record, frozen=True, kw_only=True):
    """One day as a bar in a picture of HEIGHT. `differs`: the two sides have not the same."""

    x: int
    y: float
    height: float
    differs: bool
    label: str


class Row(Record, frozen=True, kw_only=True):
    """One sum between a store and an ERP. `newest` is its last day; `columns` are its days, oldest first."""

    flow: str
    store: str
    erp: str
    unit: str
    newest: Line
    columns: tuple[Column, ...]
    differing: int
    width: int
    told: str


def day_rows(lines: Sequence[Line]) -> list[Row]:
    """What differs on its newest day first, then by name."""
    found: dict[tuple[str, str, str, str], dict[date, Line]] = {}
    for one in lines:
        found.setdefault((one.flow, one.store, one.erp, one.unit), {})[one.day] = one
    rows = [_row(named, by_day) for named, by_day in found.items()]
    return sorted(rows, key=lambda one: (not one.newest.difference, one.flow, one.store, one.erp, one.unit))


def _row(named: tuple[str, str, str, str], by_day: dict[date, Line]) -> Row:
    flow, store, erp, unit = named
    days = [by_day[day] for day in sorted(by_day)]
    differing = sum(bool(one.difference) for one in days)
    return Row(
        flow=flow,
        store=store,
        erp=erp,
        unit=unit,
        newest=days[-1],
        columns=tuple(_columns(days)),
        differing=differing,
        width=STEP * len(days),
        told=f"{unit} of the last {len(days)} days that were compared: {differing} differ",
    )


def _columns(days: Sequence[Line]) -> Iterable[Column]:
    most = max((_most(one) for one in days), default=Decimal(0)) or Decimal(1)
    for place, one in enumerate(days):
        tall = max(1.5, float(_most(one) / most) * HEIGHT)
        yield Column(
            x=place * STEP,
            y=round(HEIGHT - tall, 2),
            height=round(tall, 2),
            differs=bool(one.difference),
            label=f"{one.day}: store {_told(one.in_store)}, ERP {_told(one.in_erp)}",
        )


def _most(one: Line) -> Decimal:
    return max(abs(one.in_store or Decimal(0)), abs(one.in_erp or Decimal(0)))


def _told(amount: Decimal | None) -> str:
    return "-" if amount is None else f"{amount:,}"


__all__ = ["HEIGHT", "Column", "Row", "day_rows"]
