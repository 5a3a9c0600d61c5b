"""How far a custom ERP was read: where a scan begins, and where it goes on. Pure.

Changes are not seen in the order in which they are made: a transaction takes its number or its time and is committed
later, behind rows that were read already. So each scan begins `overlap` behind what is known to have been there when
the scan before it began, and what was seen lately is left out by its hash.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from crossdock.contract.connector import Watermark
from crossdock.erp.rest.settings import ReadSettings
from crossdock.errors import Misconfigured
from crossdock.model.base import Record

SEEN = 2000  # rows remembered by their hash
HASH = 12
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Change = int | datetime


class Spot(Record, frozen=True, kw_only=True):
    """What the next page is asked with; all as the ERP wrote it, "" for the very beginning."""

    since: str = ""
    after: str = ""
    cursor: str = ""


class Place(Record, frozen=True, kw_only=True):
    """The watermark.

    `start`: where the next scan begins. `next`: where this one goes on, None between scans. `head`: the newest change
    that there was for certain when this scan began. `furthest`: the newest one read.
    """

    start: Spot = Spot()
    next: Spot | None = None
    head: str = ""
    furthest: str = ""
    seen: tuple[str, ...] = ()

    @classmethod
    def of(cls, watermark: Watermark | None) -> Place:
        """As it was stored; of None the very beginning."""
        return cls() if watermark is None else msgspec.convert(watermark.value, cls)

    def watermark(self) -> Watermark:
        """For the spine to keep."""
        return Watermark(value=msgspec.to_builtins(self))


def change_of(value: Any, settings: ReadSettings) -> Change:
    """What a change field holds. Raises Misconfigured."""
    if settings.change_is == "sequence":
        text = str(value)
        if isinstance(value, bool) or not (text.isascii() and text.isdecimal()):
            raise Misconfigured("reads: change_field holds no whole number in some row")
        return int(text)
    try:
        moment = datetime.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        raise Misconfigured("reads: change_field holds no ISO 8601 time in some row") from None
    if moment.tzinfo is None and not settings.naive_is_utc:
        raise Misconfigured("reads: change_field holds a time without a zone: set naive_is_utc if they are UTC")
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def written(change: Change) -> str:
    """As an ERP reads it; of a time the second before it is enough."""
    return str(change) if isinstance(change, int) else change.strftime("%Y-%m-%dT%H:%M:%SZ")


def begun(place: Place, head: Change | None) -> Place:
    """At the first answer of a scan. Without a `head` only what was read before is known to have been there."""
    known = place.furthest if head is None else written(head)
    return msgspec.structs.replace(place, head=known, next=place.start)


def moved(place: Place, goes_on: Spot, newest: str, fresh: Sequence[str], settings: ReadSettings) -> Place:
    """After a page whose newest change is `newest`, and whose rows have these hashes."""
    gone = set(fresh)
    seen = [*(one for one in place.seen if one not in gone), *fresh]
    stamps = [one for one in (place.furthest, newest) if one]  # a cursor need not list in the order of change
    furthest = max(stamps, key=lambda one: _read(one, settings), default="")
    return msgspec.structs.replace(place, next=goes_on, furthest=furthest, seen=tuple(seen[-SEEN:]))


def ended(place: Place, settings: ReadSettings) -> Place:
    """After the last page: the next scan begins behind what may still be committed late."""
    if settings.cursor_lasts:
        return msgspec.structs.replace(place, start=place.next or place.start, next=None)
    if not settings.change_field:
        return Place()  # everything, each time
    return msgspec.structs.replace(place, start=Spot(since=_behind(place, settings)), next=None)


def hash_of(row: Mapping[str, Any], change: str) -> str:
    """Names this state of this row."""
    text = json.dumps([change, row], sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:HASH]


def _behind(place: Place, settings: ReadSettings) -> str:
    if not place.furthest or not place.head:
        return ""
    newest = min(_read(one, settings) for one in (place.furthest, place.head))  # never from the future
    if settings.change_is == "sequence":
        behind = newest - settings.overlap
        return str(behind) if behind > 0 else ""
    return written(max(EPOCH, datetime.fromtimestamp(newest, UTC) - timedelta(seconds=settings.overlap)))


def _read(text: str, settings: ReadSettings) -> int:
    """As a number: both kinds compare alike."""
    change = change_of(text, settings)
    return change if isinstance(change, int) else int(change.timestamp())
