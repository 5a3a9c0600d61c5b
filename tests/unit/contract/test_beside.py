"""Which line there is which of ours."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from crossdock.contract.beside import beside, nearest
from crossdock.contract.shadow import Compared, Shown
from crossdock.shadowing.fields import compare


def line(sku: str, quantity: str, price: str = "5", **more: Any) -> dict[str, Any]:
    return {"quantity": Decimal(quantity), "sku": sku, "price": Decimal(price), "tax": "VAT22"} | more


def compared(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> Compared:
    mine, there = beside(ours, theirs, "sku", {"price"})
    return compare(Shown(ours={"lines": mine}, theirs={"lines": there}))


def unlike(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(one.field, one.ours, one.theirs) for one in compared(ours, theirs).unlike]


def test_lines_of_one_product_are_told_apart_by_what_they_have_in_common() -> None:
    """Whole quantities, and a tax that no two lines share, tell nothing apart."""
    ours = [line("A", "1", tax="VAT22"), line("A", "2", tax="VAT10")]
    assert unlike(ours, [ours[1], ours[0]]) == []
    changed = [line("A", "2", tax="VAT10", price="6"), ours[0]]
    assert unlike(ours, changed) == [("lines[1].price", "5", "6")]


def test_a_line_that_is_missing_or_too_many_is_named_and_moves_no_other() -> None:
    ours = [line("A", "1"), line("B", "1"), line("A", "3")]
    assert unlike(ours, [ours[2], ours[1]]) == [("lines.length", "3", "2"), ("lines[0].sku", "A", "")]
    assert unlike(ours, [*ours, line("A", "7")]) == [("lines.length", "3", "4")]
    assert unlike(ours, [*ours, line("", "7"), line("", "8")]) == [("lines.length", "3", "5")]


def test_the_likest_of_several_is_taken_whichever_comes_first() -> None:
    ours = [line("A", "1"), line("A", "2")]
    assert unlike(ours, [line("A", "2"), line("A", "9", price="7")]) == [
        ("lines[0].quantity", "1", "9"),
        ("lines[0].price", "5", "7"),
    ]


def test_another_product_is_another_line() -> None:
    assert ("lines[0].sku", "A", "B") in unlike([line("A", "1")], [line("B", "1")])
    assert ("lines.length", "1", "0") in unlike([line("A", "1")], [])


@pytest.mark.parametrize(
    ("ours", "theirs", "told"),
    [
        ("17.99333333", "17.99", "17.99"),
        ("17.99333333", "17.9933", "17.9933"),
        ("17.99333333", "18", "17.99333333"),
        ("17.995", "17.99", "17.995"),
        ("18.004", "18", "18"),
        ("5", "5.0000", "5.0000"),
    ],
)
def test_a_number_is_held_as_exactly_as_it_is_told(ours: str, theirs: str, told: str) -> None:
    assert str(nearest(Decimal(ours), Decimal(theirs))) == told


def test_what_is_no_number_stays() -> None:
    assert nearest(Decimal("1.5"), None) == Decimal("1.5")
    assert nearest("x", Decimal(1)) == "x"
    assert nearest(Decimal("1.5"), Decimal("NaN")) == Decimal("1.5")
