"""Buckets find exactly what a comparison of two dicts finds, in any order, with a bounded number of entries at a time."""

from __future__ import annotations

import random
from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from crossdock.reconciliation.buckets import Entry, Pair, bucket_of, differing, drilled, filled, hash_of, portions
from crossdock.reconciling.shelves import FileShelf

KEYS = st.text(min_size=1, max_size=6)
SIDES = st.dictionaries(KEYS, st.tuples(st.text(max_size=4), st.sampled_from(["yes", "no"])), max_size=40)


class ListShelf:
    def __init__(self) -> None:
        self.kept: list[tuple[int, Entry]] = []

    def add(self, bucket: int, entry: Entry) -> None:
        self.kept.append((bucket, entry))

    def within(self, buckets: frozenset[int]) -> Iterator[tuple[int, Entry]]:
        return (one for one in self.kept if one[0] in buckets)


def compared(left: dict[str, tuple[str, str]], right: dict[str, tuple[str, str]], number: int, most: int) -> set[str]:
    shelves = FileShelf(), FileShelf()
    with shelves[0], shelves[1]:
        mine = filled((Entry(key, fields) for key, fields in left.items()), shelves[0], number)
        theirs = filled((Entry(key, fields) for key, fields in right.items()), shelves[1], number)
        return {pair.key for pair in drilled((mine, shelves[0]), (theirs, shelves[1]), most)}


@settings(max_examples=150, deadline=None)
@given(left=SIDES, right=SIDES, number=st.integers(1, 9), most=st.integers(1, 20))
def test_they_find_what_two_dicts_differ_in(
    left: dict[str, tuple[str, str]], right: dict[str, tuple[str, str]], number: int, most: int
) -> None:
    expected = {key for key in left.keys() | right.keys() if left.get(key) != right.get(key)}
    assert compared(left, right, number, most) == expected


def test_the_order_in_which_a_side_is_told_does_not_matter() -> None:
    entries = [Entry(f"K{n}", (str(n % 7),)) for n in range(500)]
    shuffled = random.Random(1).sample(entries, len(entries))
    assert differing(filled(entries, ListShelf(), 64), filled(shuffled, ListShelf(), 64)) == []


def test_only_buckets_that_differ_are_read_again() -> None:
    left, right = ListShelf(), ListShelf()
    entries = [Entry(f"K{n}", ("1",)) for n in range(1000)]
    mine = filled(entries, left, 100)
    theirs = filled([Entry("K7", ("2",)), *entries[:7], *entries[8:]], right, 100)
    looked: list[int] = []
    pairs = list(drilled((mine, left), (theirs, right), looked=looked.append))
    assert pairs == [Pair("K7", Entry("K7", ("1",)), Entry("K7", ("2",)))]
    assert sum(looked) < 60


def test_what_is_in_memory_at_a_time_is_bounded() -> None:
    entries = [Entry(f"K{n}", ("1",)) for n in range(1000)]
    mine, theirs = filled(entries, ListShelf(), 100), filled([], ListShelf(), 100)
    parts = [*portions(differing(mine, theirs), mine, theirs, most=50)]
    assert all(sum(mine.counts[one] for one in part) <= 50 or len(part) == 1 for part in parts)
    assert sorted(one for part in parts for one in part) == differing(mine, theirs)


def test_of_a_key_that_a_side_has_twice_the_later_counts() -> None:
    left, right = ListShelf(), ListShelf()
    mine = filled([Entry("A", ("1",)), Entry("A", ("2",))], left)
    theirs = filled([Entry("A", ("2",))], right)
    assert list(drilled((mine, left), (theirs, right))) == []
    theirs = filled([Entry("A", ("1",))], right)
    assert [pair.left for pair in drilled((mine, left), (theirs, right))] == [Entry("A", ("2",))]


def test_a_note_is_carried_along_and_not_compared() -> None:
    assert hash_of(Entry("A", ("1",), "x")) == hash_of(Entry("A", ("1",), "y"))
    assert hash_of(Entry("A", ("1", "2"))) != hash_of(Entry("A", ("12",)))


def test_a_bucket_is_the_same_in_every_process() -> None:
    assert [bucket_of(key, 4096) for key in ("wh_milan/sim-0001", "100000042", "é")] == [2922, 1661, 3390]
