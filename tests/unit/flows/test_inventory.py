"""The rules of stock levels, row by row, and the guard over a whole feed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.errors import MappingError
from crossdock.flows import inventory
from crossdock.model.inventory import StockLevel

OPTIONS: dict[str, Any] = {"warehouses": {"MI": "wh_milan"}, "negative": "reject", "meaning": "on_hand"}
GUARD = {"guard": {"zero_percent": 30, "jump_factor": 20, "jump_percent": 20, "least_rows": 3}}


def read(**changes: Any) -> StockLevel:
    options = OPTIONS | changes.pop("options", {})
    return inventory.reader(options)({"sku": "A-1", "qty": 5, "warehouse": "MI"} | changes)


def level(quantity: str) -> StockLevel:
    return StockLevel(sku="A", place="p", quantity=Decimal(quantity), in_stock=True)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sku", ""),
        ("sku", "  "),
        ("sku", None),
        ("sku", "x" * 65),
        ("qty", None),
        ("qty", ""),
        ("qty", True),
        ("qty", "many"),
        ("qty", "NaN"),
        ("qty", "Infinity"),
        ("qty", -1),
        ("qty", "1.00001"),
        ("qty", "100000000"),
        ("warehouse", None),
        ("warehouse", "default"),
        ("status", 2),
        ("status", True),
        ("as_of", "2026-11-23T10:00:00"),
        ("as_of", "yesterday"),
        ("version", "1.5"),
        ("version", -1),
        ("version", "9" * 21),
        ("meaning", "salable"),
    ],
)
def test_what_is_refused_names_its_field(field: str, value: Any) -> None:
    with pytest.raises(MappingError) as refused:
        read(**{field: value})
    assert refused.value.field == field


def test_zero_is_a_sku() -> None:
    assert read(sku="0").sku == "0"
    assert read(sku=0).sku == "0"


def test_a_sku_is_the_same_whatever_its_case_and_blanks() -> None:
    assert inventory.subject(read(sku=" a-1 ")) == inventory.subject(read(sku="A-1")) == "wh_milan/a-1"


def test_the_status_follows_the_quantity_unless_it_is_given() -> None:
    assert [read(qty=0).in_stock, read(qty=1).in_stock] == [False, True]
    assert read(qty=0, options={"backorders": True}).in_stock is True
    assert read(qty=5, status="0").in_stock is False
    assert read(qty=0, status="in_stock").in_stock is True


def test_a_negative_quantity_may_be_written_as_nothing() -> None:
    assert read(qty=-3, options={"negative": "zero"}).quantity == 0


def test_what_differs_has_another_content_and_what_does_not_has_the_same() -> None:
    assert inventory.content(read(qty="5.0")) == inventory.content(read(qty=5)) == "5"
    others = [read(qty=6), read(qty=5, status=0), read(qty=5, meaning="available"), read(qty=0), read(qty=0, status=1)]
    assert len({inventory.content(one) for one in others}) == len(others)


@given(st.integers(0, 10**20 - 1), st.integers(0, 10**20 - 1))
def test_versions_sort_as_numbers_do(one: int, other: int) -> None:
    assert (read(version=one).version < read(version=str(other)).version) is (one < other)


@given(st.datetimes(timezones=st.timezones()), st.datetimes(timezones=st.timezones()))
def test_moments_sort_whatever_their_zone(one: Any, other: Any) -> None:
    if 1000 < one.year < 9999 and 1000 < other.year < 9999:
        told = [read(as_of=moment.isoformat()).version for moment in (one, other)]
        assert (told[0] < told[1]) is (one < other)


@given(st.decimals(min_value=0, max_value=99_999_999, places=4))
def test_a_quantity_keeps_its_value_and_its_content_says_it(quantity: Decimal) -> None:
    found = read(qty=str(quantity), status=1 if quantity else 0)
    assert found.quantity == quantity
    assert Decimal(inventory.content(found).split()[0]) == quantity


@pytest.mark.parametrize(
    ("before", "after", "word"),
    [
        ("5", "0", "zero"),
        ("5", "101", "jump"),
        ("5", "100", ""),
        ("200", "9", "jump"),
        ("200", "10", ""),
        ("0", "9", ""),
    ],
)
def test_what_is_odd_about_a_change(before: str, after: str, word: str) -> None:
    assert inventory.alarm(level(after), level(before), GUARD) == word


def test_a_first_level_is_never_odd() -> None:
    assert inventory.alarm(level("0"), None, GUARD) == ""


@pytest.mark.parametrize(
    ("alarms", "rows", "held"),
    [
        ({"zero": 31}, 100, True),
        ({"zero": 30}, 100, False),
        ({"zero": 2}, 2, False),
        ({"jump": 21}, 100, True),
        ({"jump": 20}, 100, False),
        ({}, 0, False),
    ],
)
def test_a_feed_is_held_by_share_and_number(alarms: dict[str, int], rows: int, held: bool) -> None:
    assert bool(inventory.guard(alarms, rows, GUARD)) is held
