"""Whose word stands, and what a row of an ERP may say."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossdock.errors import MappingError
from crossdock.flows.agreeing import decide, owner_of
from crossdock.flows.customer_rows import TEXTS, message_id, read, spoken, word_id
from crossdock.flows.customer_tables import COLUMNS, customers
from crossdock.flows.customers import written
from crossdock.model.agreement import Agreement, News, Side, same
from crossdock.model.customer import CustomerChange, Owner

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
CELLS = st.none() | st.sampled_from(["", "A", "x|y", "yes", "clear"]) | st.integers(0, 2)
NAMES = ("email", "first_name", "group", "vat_id")
OWNERS: dict[str, Owner] = {"email": "store", "group": "erp", "first_name": "newest", "vat_id": "newest"}


def at(seconds: int) -> datetime:
    return NOW + timedelta(seconds=seconds)


edits = st.lists(
    st.tuples(st.sampled_from(Side), st.sampled_from(NAMES), st.sampled_from("abcd"), st.integers(1, 50)), max_size=12
)


@settings(max_examples=300, deadline=None)
@given(edits)
def test_one_decision_makes_both_alike_by_whose_word_counts(told: list[tuple[Side, str, str, int]]) -> None:
    """A model: edits of both sides, one decision, both writes carried out; the next decision owes nothing."""
    agreement = Agreement()
    truth: dict[Side, dict[str, str]] = {Side.SOURCE: {}, Side.TARGET: {}}
    start = dict.fromkeys(NAMES, "z")
    for side in Side:
        truth[side] |= start
        agreement = agreement.after(News(side=side, values={**start}, at=at(0), seen_at=at(0)))
    base, last = dict(start), dict.fromkeys(NAMES, Side.SOURCE)
    for second, (side, name, value, _) in enumerate(told, 1):
        # an ERP that says it again means it; the store is only seen to have it
        last[name] = side if side is Side.TARGET or truth[side][name] != value else last[name]
        truth[side][name] = value
        if truth[Side.SOURCE][name] == truth[Side.TARGET][name]:
            base[name] = value
        news = News(side=side, values={name: value}, at=at(second), seen_at=at(second), live=side is Side.SOURCE)
        agreement = agreement.after(news)
    before = {side: dict(truth[side]) for side in Side}
    decision = decide(agreement, OWNERS, new=False, flying=frozenset())
    for cells, side in ((decision.to_target, Side.TARGET), (decision.to_source, Side.SOURCE)):
        fields = {name: cell.value for name, cell in cells.items()}
        truth[side] |= fields
        change = CustomerChange(fields=fields, at={name: cell.at for name, cell in cells.items()})
        for news in written(change, side, at(100)):
            agreement = agreement.after(news)
    assert truth[Side.SOURCE] == truth[Side.TARGET]
    assert truth[Side.SOURCE]["email"] == before[Side.SOURCE]["email"]
    assert truth[Side.SOURCE]["group"] == before[Side.TARGET]["group"]
    for name in ("first_name", "vat_id"):
        changed = [side for side in Side if before[side][name] != base[name]]
        # one that only one side has changed stands; of two the newest
        expected = before[changed[0] if len(changed) == 1 else last[name]][name]
        assert truth[Side.SOURCE][name] == expected, (name, before, base)
    again = decide(agreement, OWNERS, new=False, flying=frozenset())
    assert (again.to_source, again.to_target) == ({}, {})


def test_an_owner_may_be_named_for_a_kind_or_one_of_it() -> None:
    owners: dict[str, Owner] = {"addresses": "erp", "attributes": "store", "attributes.tier": "ask"}
    assert owner_of("addresses.A1", owners) == "erp"
    assert owner_of("default_billing", owners) == "erp"
    assert owner_of("attributes.tier", owners) == "ask"
    assert owner_of("attributes.club", owners) == "store"
    assert owner_of("email", owners) == "store"
    assert owner_of("suffix", owners) == "newest"


def test_fields_of_a_write_under_way_are_told_again() -> None:
    agreement = Agreement()
    for side in Side:
        agreement = agreement.after(News(side=side, values={"suffix": "a"}, at=at(0), seen_at=at(0)))
    assert decide(agreement, {}, new=False, flying=frozenset({"suffix"})).to_target.keys() == {"suffix"}


def test_what_a_row_does_not_say_is_not_there_and_null_empties() -> None:
    customer = read({"number": 77, "vat_id": None, "email": "A@B.example"}, "base", NOW)
    assert customer.fields == {"vat_id": None, "email": "a@b.example"}
    assert (customer.number, customer.website, customer.changed_at) == ("77", "base", NOW)


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({}, "number"),
        ({"number": "a#b"}, "number"),
        ({"number": "1", "as_of": "2026-01-01T00:00:00"}, "as_of"),
        ({"number": "1", "email": "nobody"}, "email"),
        ({"number": "1", "telephone": "1"}, "telephone"),
        ({"number": "1", "first_name": 1.5}, "first_name"),
        ({"number": "1", "birthday": "1.2.80"}, "birthday"),
        ({"number": "1", "addresses": [{"number": "A", "city": "Rome"}]}, "addresses[0].street"),
        ({"number": "1", "addresses": [{"number": "A", "removed": True}] * 2}, "addresses[1].number"),
        ({"number": "1", "attributes": ["tier"]}, "attributes"),
    ],
)
def test_a_row_is_refused_by_its_field_and_no_value(row: dict[str, Any], field: str) -> None:
    with pytest.raises(MappingError) as caught:
        read(row, "base", NOW)
    assert field in str(caught.value)
    assert "nobody" not in str(caught.value)


def test_a_row_is_heard_once_by_its_time_else_by_its_content() -> None:
    one = {"number": "C-1", "as_of": "2026-01-01T00:00:00Z", "first_name": "Ada"}
    keyed = "{0:>16}".format
    assert message_id("shop", one, keyed) == message_id("shop", one | {"first_name": "Eva"}, keyed)
    bare = {"number": "C-1", "first_name": "Ada"}
    assert message_id("shop", bare, keyed).startswith("shop:customers:C-1#")


def test_a_row_that_is_read_is_heard_by_its_time_and_its_content() -> None:
    def name(row: dict[str, Any], moment: datetime | None = None) -> str:
        return word_id("shop", row, moment, lambda text: hashlib.sha256(text.encode()).hexdigest())

    one = {"number": "C-1", "as_of": "2026-01-01T00:00:00Z", "first_name": "Ada"}
    assert name(one) == name(dict(reversed(one.items())))
    assert name(one) != name(one | {"first_name": "Eva"}), "what a push said of the same moment may be less"
    assert name(one) != name(one | {"as_of": "2026-01-02T00:00:00Z"})
    bare = {"number": "C-1", "first_name": "Ada"}
    assert name(bare, NOW) == name(bare, NOW) != name(bare, at(1)), "said again, it is another word"


def test_what_is_null_is_not_spoken_of() -> None:
    row = {"number": "1", "vat_id": None, "group": "", "attributes": {"tier": None, "club": ""}}
    assert spoken(row) == {"number": "1", "group": "", "attributes": {"club": ""}}
    assert read(spoken(row), "base", NOW).fields == {"group": None, "attributes.club": None}


def test_an_address_may_have_parts_that_are_null() -> None:
    home = {"number": "A", "first_name": "A", "last_name": "B", "city": "Rome", "country": "IT"}
    parts = {"street": ["Via Po 3", None], "removed": None, "default_billing": None, "region": None}
    (found,) = read({"number": "1", "addresses": [home | parts]}, "base", NOW).fields.values()
    assert found["street"] == ["Via Po 3"]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(COLUMNS), CELLS, max_size=5), max_size=3))
def test_a_tables_rows_come_to_customers_or_to_reasons(rows: list[dict[str, Any]]) -> None:
    for _, found in customers(enumerate(rows, 2), pushed=False):
        if isinstance(found, MappingError):
            continue
        assert not any(
            value in {None, ""} for name, value in found.items() if name not in TEXTS and name != "addresses"
        )
        assert "clear" not in found


def test_same_is_what_decides() -> None:
    assert same("IT1 ", "IT1")
