"""How far a Tryton was read. Pure.

Tryton stamps a record with the moment at which its transaction began, and it is seen when that is committed: behind
stamps that were read already. So each scan begins `overlap_s` behind the newest stamp that was read, or behind the
server's own clock where that is earlier, and what it told lately is left out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec

from crossdock.contract.connector import Watermark
from crossdock.model.base import Record

SEEN = 2000  # changes remembered by their hash
HASH = 12
SLACK = timedelta(hours=1)  # by which the database's clock may be behind the server's
Stamp = Literal["create_date", "write_date", ""]
Domain = tuple[Any, ...]


class Leg(Record, frozen=True, kw_only=True):
    """A part of a scan: records of one model, in the order of one of their times, or of their ids alone.

    A record that was never changed has no `write_date`: it is in the leg of creation, and every other one in that of
    change. `link` is the field that says what is to be told: the id itself, or that of another record.
    """

    model: str
    stamp: Stamp = ""
    link: str = "id"
    domain: Domain = ()

    def fields(self) -> tuple[str, ...]:
        """What is asked of a record."""
        return tuple(name for name in dict.fromkeys((self.stamp, self.link)) if name and name != "id")

    def order(self) -> tuple[tuple[str, str], ...]:
        """Oldest first."""
        return (*(((self.stamp, "ASC"),) if self.stamp else ()), ("id", "ASC"))

    def within(self) -> Domain:
        """All of its records."""
        return (*self.domain, ("write_date", "=", None)) if self.stamp == "create_date" else self.domain

    def behind(self, spot: Spot, since: datetime | None) -> Domain:
        """Those that come after a spot, or from `since` on."""
        domain = self.within()
        if not self.stamp:
            return (*domain, ("id", ">", spot.id))
        if spot.at is not None:
            tied = ((self.stamp, "=", spot.at), ("id", ">", spot.id))
            return (*domain, ("OR", (self.stamp, ">", spot.at), tied))
        return (*domain, (self.stamp, ">=", since) if since else (self.stamp, "!=", None))


class Spot(Record, frozen=True, kw_only=True):
    """The last record of a page: the number of its leg, its stamp and its id."""

    leg: int = 0
    at: datetime | None = None
    id: int = 0


class Place(Record, frozen=True, kw_only=True):
    """The watermark.

    `since`: where the scans' legs begin. `next`: where this one goes on, None between scans. `head`: the server's clock
    when this scan began. `furthest`: the newest stamp read. `full`: this scan reads everything.
    """

    since: datetime | None = None
    next: Spot | None = None
    head: datetime | None = None
    furthest: datetime | None = None
    full: bool = False
    seen: tuple[str, ...] = ()

    @classmethod
    def of(cls, watermark: Watermark | None) -> Place:
        """As it was stored; of None the beginning of a full run."""
        return cls(full=True) if watermark is None else msgspec.convert(watermark.value, cls)

    def watermark(self) -> Watermark:
        """For the spine to keep."""
        return Watermark(value=msgspec.to_builtins(self))


def begun(place: Place, newest: datetime | None, head: datetime) -> Place:
    """At the beginning of a scan. `newest`: of a full run, the newest stamp that there is."""
    known = max((one for one in (place.furthest, newest) if one), default=None)
    return msgspec.structs.replace(place, head=head, furthest=known, next=Spot())


def moved(place: Place, goes_on: Spot, stamps: Iterable[datetime], told: Sequence[str]) -> Place:
    """After a page: its records' stamps, and the hashes of what they told."""
    furthest = max((one for one in (place.furthest, *stamps) if one), default=None)
    gone = set(told)
    seen = (*(one for one in place.seen if one not in gone), *told)[-SEEN:]
    return msgspec.structs.replace(place, next=goes_on, furthest=furthest, seen=seen)


def ended(place: Place, overlap: timedelta) -> Place:
    """After the last page."""
    since = None
    if place.furthest and place.head:
        since = max(min(place.furthest, place.head), place.head - SLACK) - overlap
    return msgspec.structs.replace(place, since=since, next=None, full=False)


def hash_of(leg: Leg, ident: int, at: datetime | None) -> str:
    """Names this change of this record."""
    return hashlib.sha256(f"{leg.model} {ident} {at}".encode()).hexdigest()[:HASH]
