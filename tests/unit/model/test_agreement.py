"""Registers of two sides: whatever order the news comes in, they come to the same, and nothing newer is lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from crossdock.model.agreement import Agreement, News, Side, same

START = datetime(2026, 3, 1, 9, tzinfo=UTC)


def t(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def told(value: Any, at: float, *, side: Side = Side.TARGET, seen: float | None = None, live: bool = False) -> News:
    return News(side=side, values={"f": value}, at=t(at), seen_at=t(at if seen is None else seen), live=live)


def put(value: Any, at: float, seen: float, side: Side = Side.TARGET) -> News:
    return News(side=side, values={"f": value}, at=t(at), seen_at=t(seen), given=True)


def after(*news: News) -> Agreement:
    found = Agreement()
    for one in news:
        found = found.after(one)
    return found


def test_of_two_words_the_newer_stands_whichever_came_first() -> None:
    for order in ([told("a", 1), told("b", 2)], [told("b", 2), told("a", 1)]):
        assert after(*order).target["f"].value == "b"


def test_a_word_from_before_our_write_that_is_older_than_what_we_wrote_is_nobodys() -> None:
    cell = after(put("ours", at=5, seen=8), told("theirs", at=3)).target["f"]
    assert (cell.value, cell.sure) == ("ours", True)


def test_a_write_of_what_stands_already_never_makes_it_older() -> None:
    cell = after(told("a", 9), put("a", at=5, seen=10)).target["f"]
    assert (cell.value, cell.at) == ("a", t(9))


def test_a_word_from_before_our_write_that_is_newer_stands_but_is_not_surely_there() -> None:
    """Our write has overwritten it: it must be told again, to both."""
    for order in (
        [put("ours", at=5, seen=8), told("theirs", at=6)],
        [told("theirs", at=6), put("ours", at=5, seen=8)],
    ):
        cell = after(*order).target["f"]
        assert (cell.value, cell.sure) == ("theirs", False)


def test_a_word_from_after_our_write_stands() -> None:
    cell = after(put("ours", at=5, seen=8), told("theirs", at=9)).target["f"]
    assert (cell.value, cell.sure) == ("theirs", True)


def test_what_is_read_live_is_true_whatever_time_it_gives() -> None:
    """An edit of an address that does not move the customer's time."""
    cell = after(told("a", 5, live=True, seen=6), told("b", 5, live=True, seen=9)).target["f"]
    assert (cell.value, cell.at) == ("b", t(9))


def test_a_reading_from_before_our_write_does_not_undo_it() -> None:
    cell = after(told("a", 1, live=True, seen=2), put("b", at=3, seen=6), told("a", 1, live=True, seen=5)).target["f"]
    assert (cell.value, cell.sure) == ("b", True)


def test_the_base_moves_only_where_both_are_surely_alike() -> None:
    both = after(told("a", 1, side=Side.SOURCE), told("a", 2))
    assert both.base == {"f": "a"}
    moved = both.after(told("b", 3))
    assert moved.base == {"f": "a"}
    assert moved.after(put("b", at=3, seen=4, side=Side.SOURCE)).base == {"f": "b"}


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 20), st.sampled_from("abc")), min_size=1, max_size=6), st.randoms())
def test_words_in_any_order_come_to_the_newest(words: list[tuple[int, str]], luck: Any) -> None:
    newest = max(moment for moment, _ in words)
    unique = dict(words)
    news = [told(value, moment) for moment, value in unique.items()]
    luck.shuffle(news)
    assert after(*news).target["f"].value == unique[newest]


def test_alike_for_both_sides() -> None:
    assert same(None, "")
    assert same(" a ", "a")
    assert same({"city": "Milano", "company": ""}, {"city": "Milano"})
    assert same({"region": "Milano"}, {"region": "Milano", "region_code": "MI"})
    assert not same({"region": "Milano", "region_code": "MI"}, {"region": "Milano", "region_code": "RM"})
    assert not same({"city": "Milano", "region": "Milano"}, {"city": "Milano"})
    assert not same(["a", "b"], ["a"])
