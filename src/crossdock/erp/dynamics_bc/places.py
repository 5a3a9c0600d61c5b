"""How far Business Central was read. Pure.

A record's `lastModifiedDateTime` is set while its transaction runs, and is seen when that is committed: behind stamps
that were read already. So each scan begins `overlap_s` behind the newest stamp, or behind the server's own clock where
that is earlier, and what it told lately is left out. No page number and no token of the server's is kept: a place is
the stamp of the last record that was read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from crossdock.contract.connector import Watermark
from crossdock.model.base import Record

SEEN = 3000  # changes remembered by their hash
HASH = 12
SLACK = timedelta(hours=1)  # by which the database's clock may be behind the server's
GRAIN = timedelta(milliseconds=10)  # a stamp is told in milliseconds, and may be kept finer


class Place(Record, frozen=True, kw_only=True):
    """The watermark.

    `at`: where the running scan goes on, or the next one begins; None for the beginning of all. `scanning`: between two
    pages. `head`: the server's clock when this scan began. `furthest`: the newest stamp read. `full`: this scan reads
    everything. `entry`, `gaps`: of ledger entries, the last one's number, and those before it that were not there.
    """

    at: datetime | None = None
    scanning: bool = False
    head: datetime | None = None
    furthest: datetime | None = None
    full: bool = False
    seen: tuple[str, ...] = ()
    entry: int = 0
    cursor: int = 0
    gaps: tuple[int, ...] = ()

    @classmethod
    def of(cls, watermark: Watermark | None) -> Place:
        """As it was stored; of None the beginning of a full run."""
        return cls(full=True) if watermark is None else msgspec.convert(watermark.value, cls)

    def watermark(self) -> Watermark:
        """For the spine to keep."""
        return Watermark(value=msgspec.to_builtins(self))

    def since(self) -> datetime | None:
        """From which stamp on records are asked for."""
        return self.at - GRAIN if self.at else None


def begun(place: Place, head: datetime) -> Place:
    """At the first page of a scan; `head`: the server's clock before it."""
    return place if place.scanning else msgspec.structs.replace(place, scanning=True, head=head)


def moved(place: Place, stamps: Iterable[datetime], told: Sequence[str]) -> Place:
    """After a page: its records' stamps, and the hashes of what they told."""
    known = [one for one in (place.furthest, *stamps) if one]
    gone = set(told)
    seen = (*(one for one in place.seen if one not in gone), *told)[-SEEN:]
    furthest = max(known, default=None)
    latest = max((one for one in (place.at, *stamps) if one), default=None)
    return msgspec.structs.replace(place, at=latest, furthest=furthest, seen=seen)


def ended(place: Place, overlap: timedelta) -> Place:
    """After the last page."""
    at = None
    if place.furthest and place.head:
        at = max(min(place.furthest, place.head), place.head - SLACK) - overlap
    elif place.head:
        at = place.head - SLACK - overlap
    return msgspec.structs.replace(place, at=at, scanning=False, full=False)


def hash_of(row: dict[str, Any]) -> str:
    """Names this state of this record."""
    told = f"{row.get('id')} {row.get('lastModifiedDateTime')} {row.get('@odata.etag')}"
    return hashlib.sha256(told.encode()).hexdigest()[:HASH]


# ledger entries -------------------------------------------------------------------------------------------------------


def first_entry(place: Place, overlap: int) -> int:
    """Behind which number a scan begins."""
    return place.cursor if place.scanning else max(0, place.entry - overlap)


def entries_there(place: Place, numbers: Sequence[int], overlap: int) -> Place:
    """At the beginning of a full run: the last entries that there are. What is missing among them may come yet."""
    if not numbers:
        return msgspec.structs.replace(place, entry=0, gaps=())
    last, there = numbers[-1], set(numbers)
    gaps = [number for number in range(max(0, last - overlap) + 1, last) if number not in there]
    return msgspec.structs.replace(place, entry=last, gaps=tuple(gaps))


def entries_read(place: Place, numbers: Sequence[int], overlap: int) -> tuple[Place, frozenset[int]]:
    """After a page of entries in their order: the place, and those of them that were not there before.

    A number is given out when an entry is made, and its transaction may end after that of a later number: so a gap is
    remembered, as long as a scan looks back to it.
    """
    start, gaps = first_entry(place, overlap), set(place.gaps)
    fresh = frozenset(number for number in numbers if number > place.entry or number in gaps)
    if not numbers:
        return msgspec.structs.replace(place, cursor=start), fresh
    last = max(place.entry, numbers[-1])
    there = set(numbers)
    # of this page's stretch: what is beyond the last entry known is judged by this page, what is below it by memory
    new = {number for number in range(max(place.entry, last - overlap) + 1, last) if number not in there}
    kept = {gap for gap in gaps if gap not in there and gap > last - overlap}
    gaps = {*kept, *new} if overlap else set()
    return msgspec.structs.replace(place, entry=last, cursor=numbers[-1], gaps=tuple(sorted(gaps))), fresh
