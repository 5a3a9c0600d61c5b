"""How far a scan has come: what of it is kept, and what is asked for next. Pure.

A scan goes along legs. A leg by key reads everything, `key gt 'last'`. A leg by time reads what was changed since, in
the order of the change; where more was changed within one second (one day, where SAP keeps no time) than a page holds,
that second is read by key. No page number, and none of SAP's skip tokens, is kept: both count rows, and rows move.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from crossdock.contract.connector import Watermark
from crossdock.erp.sap_s4.mapping import odata
from crossdock.model.base import Record

SEEN = 4000
HASH = 16


class Leg(Record, frozen=True, kw_only=True):
    """A walk through one entity set. `stamp`: the field of the change, "" for a leg by key.

    `daily`: that field is a day. `clock`: a time of change that a leg by key sees too. `unique`: no two rows have the
    same `key`. `narrow`: a filter of its own. `versions`: fields that tell one state of a row from another.
    """

    service: str
    entity_set: str
    key: str
    stamp: str = ""
    daily: bool = False
    clock: str = ""
    unique: bool = True
    narrow: str = ""
    expand: str = ""
    versions: tuple[str, ...] = ()


class Spot(Record, frozen=True, kw_only=True):
    """Where a scan is. `inside`: the second (the day) that begins at `at` is being read by key."""

    leg: int = 0
    after: str = ""
    at: datetime | None = None
    inside: bool = False


class Place(Record, frozen=True, kw_only=True):
    """What is kept. `since`: where the next scan begins, None for everything. `next`: None between scans.

    `head`: when the scan under way began, by SAP's clock. `day`: up to which day the begin of things was told.
    """

    since: datetime | None = None
    next: Spot | None = None
    full: bool = True
    head: datetime | None = None
    furthest: datetime | None = None
    day: str = ""
    seen: tuple[str, ...] = ()

    @classmethod
    def of(cls, mark: Watermark | None) -> Place:
        """As it was kept; anew where it cannot be read."""
        try:
            return msgspec.convert(mark.value if mark else {}, cls)
        except msgspec.ValidationError:
            return cls()

    def watermark(self) -> Watermark:
        """As it is kept."""
        value: dict[str, Any] = msgspec.to_builtins(self)
        return Watermark(value=value)


def begun(place: Place) -> Place:
    """At the first page of a scan."""
    return msgspec.structs.replace(place, next=Spot(), full=place.since is None, head=None, furthest=None)


def filter_of(leg: Leg, spot: Spot, since: datetime | None) -> str:
    """What is asked for."""
    parts = [leg.narrow] if leg.narrow else []
    if leg.stamp:
        at = floor(spot.at or since or odata.EPOCH, daily=leg.daily)
        parts.append(f"{leg.stamp} ge {_literal(at, leg)}")
        if spot.inside:
            parts.append(f"{leg.stamp} lt {_literal(at + _step(leg), leg)}")
    if spot.after:
        parts.append(f"{leg.key} gt {odata.text(spot.after)}")
    return " and ".join(parts)


def order_of(leg: Leg, spot: Spot) -> str:
    """In which order."""
    return f"{leg.stamp},{leg.key}" if leg.stamp and not spot.inside else leg.key


def after_page(leg: Leg, spot: Spot, rows: Sequence[Mapping[str, Any]], since: datetime | None, *, last: bool) -> Spot:
    """Where it goes on after these rows; at the next leg where they were the last of this one."""
    if not leg.stamp or spot.inside:
        if not last:
            return msgspec.structs.replace(spot, after=odata.word(rows[-1], leg.key))
        if not leg.stamp:
            return Spot(leg=spot.leg + 1)
        at = floor(spot.at or odata.EPOCH, daily=leg.daily) + _step(leg)
        return Spot(leg=spot.leg, at=at)
    if last:
        return Spot(leg=spot.leg + 1)
    begin = floor(spot.at or since or odata.EPOCH, daily=leg.daily)
    newest = floor(odata.when(rows[-1].get(leg.stamp)) or begin, daily=leg.daily)
    return Spot(leg=spot.leg, at=newest, inside=newest <= begin)


def moved(place: Place, goes_on: Spot, head: datetime, stamps: Sequence[datetime], told: Sequence[str]) -> Place:
    """After a page: its rows' times of change, and the hashes of what they told."""
    furthest = max((one for one in (place.furthest, *stamps) if one), default=None)
    gone = set(told)
    seen = (*(one for one in place.seen if one not in gone), *told)[-SEEN:]
    return msgspec.structs.replace(place, next=goes_on, furthest=furthest, seen=seen, head=place.head or head)


def ended(place: Place, overlap: timedelta) -> Place:
    """After the last page. It goes on from the newest change that was seen: SAP's other clocks may be wrong."""
    head = place.head or odata.EPOCH
    since = place.since
    if place.furthest or since is None:
        reached = min(place.furthest or head, head) - overlap
        since = reached if since is None else max(reached, since)
    return msgspec.structs.replace(place, since=since, next=None, full=False, furthest=None, day=f"{head:%Y-%m-%d}")


def hash_of(leg: Leg, row: Mapping[str, Any]) -> str:
    """Names this state of this row."""
    told = [leg.entity_set, *(str(row.get(name)) for name in (leg.key, *leg.versions))]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:HASH]


def floor(moment: datetime, *, daily: bool) -> datetime:
    """The second, or the day in UTC, that it is in."""
    moment = moment.astimezone(UTC).replace(microsecond=0)
    return moment.replace(hour=0, minute=0, second=0) if daily else moment


def _step(leg: Leg) -> timedelta:
    return timedelta(days=1) if leg.daily else timedelta(seconds=1)


def _literal(moment: datetime, leg: Leg) -> str:
    return odata.day(moment.date()) if leg.daily else odata.moment(moment)
