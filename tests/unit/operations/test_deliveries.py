"""Lists: every filter, every page, every name that people search by."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from crossdock.delivery.records import State
from crossdock.errors import MappingError
from crossdock.operations import cursor, deliveries
from crossdock.operations.deliveries import Asked, page
from tests.unit.operations.desks import NOW, Bench


def subjects(at: Bench, **asked: Any) -> list[str]:
    return [row.subject for row in page(at.desk, Asked(**asked)).rows]


def filled(at: Bench) -> None:
    """1 delivered, 2 dead, 3 pending, 4 another flow; a minute apart."""
    at.order(1)
    at.settle(State.DELIVERED, email="ada@example.com")
    at.clock.forward(minutes=1)
    at.dead(2)
    at.clock.forward(minutes=1)
    at.order(3)
    at.clock.forward(minutes=1)
    at.order(4, flow="refunds")


def test_newest_first_and_each_filter_leaves_what_it_says(at: Bench) -> None:
    filled(at)
    assert subjects(at) == ["4", "3", "2", "1"]
    assert subjects(at, flow="orders") == ["3", "2", "1"]
    assert subjects(at, state="dead") == ["2"]
    assert subjects(at, state="pending", flow="orders") == ["3"]
    assert subjects(at, code="rejected") == ["2"]
    assert subjects(at, target="elsewhere") == []
    assert subjects(at, subject="3") == ["3"]
    assert subjects(at, since=NOW + timedelta(minutes=1), until=NOW + timedelta(minutes=2)) == ["2"]


@pytest.mark.parametrize("search", ["000000001", "SO-1", "E1", "1", "ada@example.com", " ADA@example.com "])
def test_a_search_finds_an_order_by_whatever_people_call_it(at: Bench, search: str) -> None:
    filled(at)
    assert subjects(at, search=search) == ["1"]
    assert subjects(at, search=search, state="dead") == []


def test_a_search_by_fingerprint_and_one_that_finds_nothing(at: Bench) -> None:
    filled(at)
    assert subjects(at, search=at.crossdock.connections.keyed("ada@example.com")) == ["1"]
    assert subjects(at, search="000000009") == []
    assert subjects(at, search="bob@example.com") == []


def test_pages_hold_everything_once(at: Bench) -> None:
    for number in range(1, 26):
        at.order(number, flow=("orders", "refunds", "holds")[number % 3])
        at.clock.forward(seconds=number % 2)  # some at the very same moment
    found: list[int] = []
    after = ""
    while True:
        got = page(at.desk, Asked(limit=4, cursor=after))
        found += [row.id for row in got.rows]
        if got.next is None:
            break
        after = got.next
    assert len(found) == len(set(found)) == 25
    assert found == [row.id for row in page(at.desk, Asked(limit=100)).rows]


def test_a_resolved_letter_is_no_dead_one(at: Bench) -> None:
    letter = at.dead(7)
    at.store.resolve([letter], "cli:ada", "by hand", at.clock.now)
    assert subjects(at, state="dead") == []
    (row,) = page(at.desk, Asked(state="resolved")).rows
    assert (row.id, row.resolved_why) == (letter, "by hand")


@pytest.mark.parametrize(
    "asked", [{"state": "lost"}, {"cursor": "§"}, {"cursor": "AAAA"}, {"limit": 0}, {"limit": 501}]
)
def test_what_cannot_be_asked_is_told(at: Bench, asked: dict[str, Any]) -> None:
    with pytest.raises(MappingError):
        page(at.desk, Asked(**asked))


def test_a_cursor_comes_back_as_it_was() -> None:
    spot = (1_795_000_000_000_007, 12)
    told = cursor.encode(spot)
    assert told is not None
    assert cursor.decode(told) == spot
    assert cursor.encode(None) is None


def test_the_line_that_does_the_same_names_no_address() -> None:
    assert "ada" not in deliveries._cli(Asked(search="ada@example.com"))
    assert deliveries._cli(Asked(state="dead", code="rejected")) == "crossdock dead list --code rejected"
