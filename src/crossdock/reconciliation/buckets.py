"""Both sides by hash buckets, drilled down only where they differ. Pure.

A side is a stream of entries in any order. Each falls by its key into one of a fixed number of buckets, of which only a
count and a sum of hashes are kept; a sum does not depend on the order. Equal buckets hold the same entries and are not
looked at again; of the others the entries are read once more, at most so many at a time. Memory is so bounded by the
number of buckets and that limit, whatever the sides' size; the entries themselves wait on a shelf (a file).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import NamedTuple, Protocol

NUMBER = 4096
MOST = 200_000  # entries in memory at a time, of both sides together
MASK = (1 << 64) - 1
SEPARATOR = "\x1f"


class Entry(NamedTuple):
    """One thing on one side. `fields` are compared; `note` is only carried along, for whoever must explain it."""

    key: str
    fields: tuple[str, ...]
    note: str = ""


class Pair(NamedTuple):
    """A key at which the sides differ; None where one side has it not."""

    key: str
    left: Entry | None
    right: Entry | None


class Shelf(Protocol):
    """Holds a side's entries in the order in which they came, each with its bucket."""

    def add(self, bucket: int, entry: Entry) -> None:
        """One more."""

    def within(self, buckets: frozenset[int]) -> Iterator[tuple[int, Entry]]:
        """Those that lie in these buckets."""


class Buckets:
    """What is kept of a side: of each bucket how many entries, and the sum of their hashes modulo 2^64."""

    def __init__(self, number: int = NUMBER) -> None:
        self.counts = [0] * number
        self.sums = [0] * number

    def add(self, entry: Entry) -> int:
        """The bucket that it fell into."""
        bucket = bucket_of(entry.key, len(self.counts))
        self.counts[bucket] += 1
        self.sums[bucket] = (self.sums[bucket] + hash_of(entry)) & MASK
        return bucket

    def total(self) -> int:
        """Entries of the whole side."""
        return sum(self.counts)


def bucket_of(key: str, number: int) -> int:
    """Spread evenly, and the same in every process."""
    return zlib.crc32(key.encode()) % number


def hash_of(entry: Entry) -> int:
    """Of what is compared, in 64 bits."""
    told = SEPARATOR.join((entry.key, *entry.fields)).encode()
    return int.from_bytes(blake2b(told, digest_size=8).digest(), "big")


def filled(side: Iterable[Entry], shelf: Shelf, number: int = NUMBER) -> Buckets:
    """A whole side, read once."""
    buckets = Buckets(number)
    for entry in side:
        shelf.add(buckets.add(entry), entry)
    return buckets


def differing(left: Buckets, right: Buckets) -> list[int]:
    """Those that do not hold the same."""
    both = zip(left.counts, right.counts, left.sums, right.sums, strict=True)
    return [at for at, (mine, theirs, here, there) in enumerate(both) if mine != theirs or here != there]


def portions(wanted: Sequence[int], left: Buckets, right: Buckets, most: int = MOST) -> Iterator[frozenset[int]]:
    """These buckets in portions of at most so many entries; a bucket that alone has more goes alone."""
    portion: set[int] = set()
    size = 0
    for bucket in wanted:
        count = left.counts[bucket] + right.counts[bucket]
        if portion and size + count > most:
            yield frozenset(portion)
            portion, size = set(), 0
        portion.add(bucket)
        size += count
    if portion:
        yield frozenset(portion)


def drilled(
    left: tuple[Buckets, Shelf],
    right: tuple[Buckets, Shelf],
    most: int = MOST,
    looked: Callable[[int], None] = lambda _entries: None,
) -> Iterator[Pair]:
    """Every key at which the sides differ. Of a key that a side has twice the later entry counts."""
    for portion in portions(differing(left[0], right[0]), left[0], right[0], most):
        mine = {entry.key: entry for _, entry in left[1].within(portion)}
        theirs = {entry.key: entry for _, entry in right[1].within(portion)}
        looked(len(mine) + len(theirs))
        for key in mine.keys() | theirs.keys():
            here, there = mine.get(key), theirs.get(key)
            if here is None or there is None or here.fields != there.fields:
                yield Pair(key, here, there)
