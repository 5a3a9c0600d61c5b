"""The rules of prices, row by row, and the guard over a whole feed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.errors import MappingError
from crossdock.flows import prices
from crossdock.model.price import Price, Step

SCOPES = {"STD": {"store": 0, "website": 0}, "IT": {"store": 3, "website": None}}
OPTIONS: dict[str, Any] = {"scopes": SCOPES, "currency": "EUR", "tax": "included", "tiers": "merge"}
GUARD = {"guard": {"change_percent": 50, "rows_percent": 5, "zero_percent": 0, "least_rows": 3}}
TIER = {"kind": "tier", "group": "General", "quantity": 2}
LADDER = {"kind": "tier", "price": None, "scope": None, "options": {"tiers": "replace"}}
STEP = {"scope": "STD", "group": "General", "quantity": 2, "price": 3}


def read(**changes: Any) -> Price:
    options = OPTIONS | changes.pop("options", {})
    changes = {name.removesuffix("_"): value for name, value in changes.items()}
    return prices.reader(options)({"kind": "base", "sku": "A-1", "scope": "STD", "price": "11.50"} | changes)


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("kind", {"kind": None}),
        ("kind", {"kind": "list"}),
        ("kind", {"kind": ["base"]}),
        ("kind", {"kind": "ladder"}),
        ("sku", {"sku": " "}),
        ("sku", {"sku": "x" * 65}),
        ("scope", {"scope": None}),
        ("scope", {"scope": ""}),
        ("scope", {"scope": "default"}),
        ("scope", {"scope": 0}),
        ("scope", TIER | {"scope": "IT"}),
        ("price", {"price": None}),
        ("price", {"price": ""}),
        ("price", {"price": True}),
        ("price", {"price": "-0.01"}),
        ("price", {"price": "1,5"}),
        ("price", {"price": "1_000"}),
        ("price", {"price": "NaN"}),
        ("price", {"price": "1e400"}),
        ("price", {"price": "1000000000"}),
        ("price", {"price": "0.0000001"}),
        ("currency", {"currency": "USD"}),
        ("currency", {"currency": "eur"}),
        ("currency", {"currency": 978}),
        ("currency", {"options": {"currency": ""}}),
        ("tax", {"tax": "excluded"}),
        ("tax", {"tax": "yes"}),
        ("tax", {"tax": "included", "options": {"tax": ""}}),
        ("tax", {"kind": "cost", "tax": "included"}),
        ("from", {"from_": "2026-11-27"}),
        ("from", {"kind": "special", "from_": "2026-11-27T10:00:00"}),
        ("from", {"kind": "special", "from_": "27.11.2026"}),
        ("from", {"kind": "special", "from_": "20261127"}),
        ("to", {"kind": "special", "from_": "2026-11-27", "to": "2026-11-26"}),
        ("remove", {"remove": True}),
        ("remove", {"kind": "cost", "remove": True}),
        ("remove", {"kind": "special", "remove": "yes"}),
        ("price", {"kind": "special", "remove": True}),
        ("group", TIER | {"group": None}),
        ("group", TIER | {"group": "x" * 33}),
        ("quantity", TIER | {"quantity": None}),
        ("quantity", TIER | {"quantity": 0}),
        ("quantity", TIER | {"quantity": "0.00001"}),
        ("discount", TIER | {"discount": 10}),
        ("discount", TIER | {"price": "", "discount": 101}),
        ("discount", TIER | {"price": "", "discount": "10.001"}),
        ("discount", {"discount": 10}),
        ("tiers", TIER | {"tiers": []}),
        ("tiers", TIER | {"options": {"tiers": "replace"}}),
        ("tiers", LADDER | {"tiers": "no list"}),
        ("tiers", LADDER | {"tiers": [1]}),
        ("tiers", LADDER | {"tiers": [STEP, STEP | {"price": 4, "group": "general"}]}),
        ("tiers", LADDER | {"tiers": [STEP | {"remove": True}]}),
        ("tiers", LADDER | {"tiers": [STEP] * 201}),
        ("scope", LADDER | {"tiers": [STEP | {"scope": "??"}]}),
        ("scope", LADDER | {"tiers": [STEP], "scope": "STD"}),
        ("version", {"version": "1.5"}),
        ("as_of", {"as_of": "2026-11-27T10:00:00"}),
        ("as_of", {"as_of": "0001-01-01T00:00:00+14:00"}),
    ],
)
def test_what_is_refused_names_its_column(field: str, changes: dict[str, Any]) -> None:
    with pytest.raises(MappingError) as refused:
        read(**changes)
    assert refused.value.field == field


def test_a_scope_is_what_the_route_says_it_is() -> None:
    assert [read().scope, read(scope="IT").scope] == [0, 3]
    assert read(**TIER).scope == 0


def test_a_price_says_what_it_is() -> None:
    assert read() == Price(kind="base", sku="A-1", scope=0, amount=Decimal("11.50"), currency="EUR", with_tax=True)
    assert read(kind="cost").with_tax is None
    assert read(options={"tax": ""}).with_tax is None
    found = read(kind="special", from_="2026-11-27", to="2026-11-30T00:00:00")
    assert (found.begins, found.ends) == (date(2026, 11, 27), date(2026, 11, 30))
    off = read(**TIER, price=None, discount="12.5")
    assert (off.amount, off.discount, off.currency, off.with_tax) == (Decimal("12.5"), True, "", None)
    assert read(**TIER | {"group": "all groups"}).group == "ALL GROUPS"
    for yes in (True, "true", "TRUE", 1, "1"):
        assert read(kind="special", price="", remove=yes).amount is None
    for no in (False, "false", "", None, 0):
        assert read(kind="special", remove=no).amount == Decimal("11.50")


def test_a_ladder_may_be_a_text_and_loses_no_digit() -> None:
    text = '[{"scope": "STD", "group": "General", "quantity": 2, "price": 3.10}]'
    found = read(**LADDER, tiers=text)
    assert found.steps == (Step(scope=0, group="General", quantity=Decimal(2), amount=Decimal("3.10")),)
    assert (found.kind, found.currency, found.with_tax) == ("ladder", "EUR", True)
    assert read(**LADDER, tiers=[]).steps == ()


def test_each_price_has_its_row_and_no_other() -> None:
    rows = [
        read(),
        read(scope="IT"),
        read(sku="A-2"),
        read(kind="special"),
        read(kind="cost"),
        read(**TIER),
        read(**TIER | {"quantity": 3}),
        read(**TIER | {"group": "ALL GROUPS"}),
        read(**TIER | {"group": "a/b"}, sku="c"),
        read(**TIER | {"group": "a"}, sku="b/c"),
        read(**LADDER, tiers=[]),
    ]
    assert len({prices.subject(one) for one in rows}) == len(rows)
    assert prices.subject(read(sku=" a-1 ")) == prices.subject(read())
    assert prices.subject(read(**TIER | {"group": "GENERAL", "quantity": "2.0"})) == prices.subject(read(**TIER))


def test_what_differs_has_another_content_and_what_does_not_has_the_same() -> None:
    assert prices.content(read()) == prices.content(read(price=11.5)) == "11.5 EUR with tax"
    longest = read(kind="special", price="999999999.999999", from_="2026-11-27", to="2026-11-30")
    others = [
        longest,
        read(),
        read(price="11.51"),
        read(currency="USD", options={"currency": ""}),
        read(options={"tax": ""}),
        read(kind="special", from_="2026-11-27"),
        read(kind="special", to="2026-11-27"),
        read(kind="special", price="", remove=True),
        read(**TIER, price=None, discount=11),
        read(**LADDER, tiers=[STEP]),
        read(**LADDER, tiers=[STEP | {"quantity": 3}]),
        read(**LADDER, tiers=[]),
    ]
    contents = [prices.content(one) for one in others]
    assert len(set(contents)) == len(others)
    assert max(map(len, contents)) <= 64
    assert prices.content(read(**LADDER, tiers=[STEP, STEP | {"quantity": 9}])) == prices.content(
        read(**LADDER, tiers=[STEP | {"quantity": "9.0"}, STEP])
    )


@given(st.decimals(min_value=0, max_value=999_999_999, places=6))
def test_an_amount_keeps_its_value_on_the_way(amount: Decimal) -> None:
    found = read(price=str(amount))
    assert found.amount == amount
    assert Decimal(prices.content(found).split()[0]) == amount
    assert msgspec.json.decode(msgspec.json.encode(found), type=Price) == found
    assert Decimal(str(float(amount))) == amount, "what the store reads as double is the same"


@pytest.mark.parametrize(
    ("before", "after", "word"),
    [
        ("10", "15", ""),
        ("10", "15.01", "change"),
        ("10", "5", ""),
        ("10", "4.99", "change"),
        ("10", "0", "zero"),
        ("0", "0", ""),
        ("0", "10", ""),
    ],
)
def test_what_is_odd_about_a_change(before: str, after: str, word: str) -> None:
    assert prices.alarm(read(price=after), read(price=before), GUARD) == word


def test_a_discount_is_measured_by_what_is_paid() -> None:
    ten, sixty, free = (read(**TIER, price=None, discount=one) for one in (10, 60, 100))
    assert [prices.alarm(one, ten, GUARD) for one in (ten, sixty, free)] == ["", "change", "zero"]
    assert prices.alarm(read(**TIER, price=9), ten, GUARD) == "change", "another kind of amount cannot be measured"


def test_first_and_last_prices_are_never_odd() -> None:
    gone = read(kind="special", price="", remove=True)
    assert prices.alarm(read(), None, GUARD) == ""
    assert prices.alarm(gone, read(kind="special"), GUARD) == ""
    assert prices.alarm(read(kind="special"), gone, GUARD) == ""


def test_a_ladder_is_as_odd_as_its_oddest_step() -> None:
    before = read(**LADDER, tiers=[STEP, STEP | {"quantity": 9, "price": 2}])
    for after, word in ((0, "zero"), (9, "change"), ("2.5", "")):
        assert prices.alarm(read(**LADDER, tiers=[STEP, STEP | {"quantity": 9, "price": after}]), before, GUARD) == word
    assert prices.alarm(read(**LADDER, tiers=[STEP]), before, GUARD) == ""


@pytest.mark.parametrize(
    ("alarms", "rows", "held"),
    [
        ({"change": 6}, 100, True),
        ({"change": 5}, 100, False),
        ({"change": 2}, 2, False),
        ({"zero": 3}, 1000, True),
        ({"zero": 2}, 1000, False),
        ({}, 0, False),
    ],
)
def test_a_feed_is_held_by_share_and_number(alarms: dict[str, int], rows: int, held: bool) -> None:
    assert bool(prices.guard(alarms, rows, GUARD)) is held
