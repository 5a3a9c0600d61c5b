"""Control totals as a page shows them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from crossdock.console.sums import HEIGHT, day_rows
from crossdock.operations.reconciliation import Line


def line(day: int, unit: str, store: str | None, erp: str | None) -> Line:
    in_store, in_erp = (None if one is None else Decimal(one) for one in (store, erp))
    difference = None if in_store is None or in_erp is None else in_store - in_erp
    return Line(
        day=date(2026, 11, day),
        flow="orders",
        store="store",
        erp="erp",
        unit=unit,
        in_store=in_store,
        in_erp=in_erp,
        difference=difference,
    )


def test_a_sum_is_a_row_with_its_days_oldest_first() -> None:
    (row,) = day_rows([line(3, "EUR", "50", "50"), line(1, "EUR", "100", "90"), line(2, "EUR", "0", "0")])
    assert (row.newest.day, row.differing) == (date(2026, 11, 3), 1)
    assert [one.differs for one in row.columns] == [True, False, False]
    assert [one.height for one in row.columns] == [HEIGHT, 1.5, HEIGHT / 2]
    assert all(one.y + one.height == HEIGHT for one in row.columns)
    assert row.columns[0].label == "2026-11-01: store 100, ERP 90"


def test_what_differs_on_its_newest_day_comes_first() -> None:
    rows = day_rows([line(1, "EUR", "1", "1"), line(1, "USD", "2", "1"), line(1, "pieces", None, "7")])
    assert [one.unit for one in rows] == ["USD", "EUR", "pieces"]
    assert rows[2].columns[0].label.startswith("2026-11-01: store -, ERP 7")


def test_a_day_of_nothing_divides_by_nothing() -> None:
    (row,) = day_rows([line(1, "EUR", "0", "0")])
    assert row.columns[0].height == 1.5
