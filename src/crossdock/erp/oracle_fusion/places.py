"""How far a collection was read. Pure.

Pages go by a number of the row that never changes, and begin behind the last one: rows that change meanwhile move
nowhere. What changed is asked for by its time, from `overlap` behind the beginning of the scan before: a row that is
committed late carries a time from before. What a scan reads again and has told already is left out by its hash.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from crossdock.contract.connector import Watermark
from crossdock.model.base import Record

SEEN = 2000  # rows remembered by their hash
HASH = 12


class Spot(Record, frozen=True, kw_only=True):
    """The last row of a page: the number of its part (an organization), and its own number."""

    part: int = 0
    after: int = 0


class Place(Record, frozen=True, kw_only=True):
    """The watermark.

    `since`: where scans of what changed begin, None: they read everything. `next`: where this one goes on, None between
    scans. `head`: Oracle's clock when this scan began.
    """

    since: datetime | None = None
    next: Spot | None = None
    head: datetime | None = None
    seen: tuple[str, ...] = ()

    @classmethod
    def of(cls, watermark: Watermark | None) -> Place:
        """As it was stored; of None the beginning of a full run."""
        return cls() if watermark is None else msgspec.convert(watermark.value, cls)

    def watermark(self) -> Watermark:
        """For the spine to keep."""
        return Watermark(value=msgspec.to_builtins(self))


def begun(place: Place, head: datetime) -> Place:
    """At the beginning of a scan."""
    return msgspec.structs.replace(place, head=head, next=Spot())


def moved(place: Place, goes_on: Spot, told: Sequence[str]) -> Place:
    """After a page, whose rows have these hashes."""
    gone = set(told)
    seen = (*(one for one in place.seen if one not in gone), *told)[-SEEN:]
    return msgspec.structs.replace(place, next=goes_on, seen=seen)


def ended(place: Place, overlap: timedelta | None) -> Place:
    """After the last page; without an overlap the next scan is whole again."""
    since = place.head - overlap if place.head and overlap is not None else None
    return msgspec.structs.replace(place, since=since, next=None)


def hash_of(row: Mapping[str, Any]) -> str:
    """Names this state of this row."""
    text = json.dumps(row, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:HASH]
