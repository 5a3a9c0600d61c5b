"""How far a NetSuite was read. Pure.

SuiteQL tells times in seconds, in a zone of the account's, and a row may become visible behind times that were read
already. So each scan begins `overlap` behind the newest time that was read, and leaves out what it told lately.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import timedelta

import msgspec

from crossdock.contract.connector import Watermark
from crossdock.erp.netsuite.mapping.suiteql import earlier
from crossdock.model.base import Record

SEEN = 2000  # rows remembered by their hash
NAME, CONTENT = 8, 12


class Spot(Record, frozen=True, kw_only=True):
    """The last row of a page: its time and its keys. Without keys the beginning of a scan."""

    at: str = ""
    keys: tuple[int, ...] = ()


class Place(Record, frozen=True, kw_only=True):
    """The watermark.

    `since`: where a scan of changes begins. `next`: where this one goes on, None between scans. `furthest`: the newest
    time read. `full`: this scan reads everything. Times as SuiteQL tells them: they sort as text.
    """

    since: str = ""
    next: Spot | None = None
    furthest: str = ""
    full: bool = False
    seen: tuple[str, ...] = ()

    @classmethod
    def of(cls, watermark: Watermark | None) -> Place:
        """As it was stored; of None the beginning of a full run."""
        return cls(full=True) if watermark is None else msgspec.convert(watermark.value, cls)

    def watermark(self) -> Watermark:
        """For the spine to keep."""
        return Watermark(value=msgspec.to_builtins(self))


def begun(place: Place, newest: str) -> Place:
    """At the beginning of a scan. `newest`: of a full run, the newest time that there is."""
    return msgspec.structs.replace(place, furthest=max(place.furthest, newest), next=Spot())


def moved(place: Place, goes_on: Spot | None, stamps: Iterable[str], told: Sequence[str], overlap: timedelta) -> Place:
    """After a page: where it goes on, its rows' times, and the hashes of what they told."""
    furthest = max([place.furthest, *stamps])
    gone = {one[:NAME] for one in told}  # what is told anew of a thing takes the place of what was told before
    seen = (*(one for one in place.seen if one[:NAME] not in gone), *told)[-SEEN:]
    place = msgspec.structs.replace(place, next=goes_on, furthest=furthest, seen=seen)
    return place if goes_on else _ended(place, overlap)


def hash_of(name: str, content: str) -> str:
    """Names a thing and what was told of it."""
    return _hash(name)[:NAME] + _hash(content)[:CONTENT]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _ended(place: Place, overlap: timedelta) -> Place:
    since = earlier(place.furthest, overlap) if place.furthest else ""
    return msgspec.structs.replace(place, since=since, full=False)
