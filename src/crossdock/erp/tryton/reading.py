"""Rows out of Tryton: what changed is asked for by its time, and then what it concerns is read as it is now."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import msgspec

from crossdock.contract.connector import RowPage, Watermark
from crossdock.erp.tryton.client import Query, Row, TrytonClient
from crossdock.erp.tryton.places import Domain, Leg, Place, Spot, begun, ended, hash_of, moved
from crossdock.erp.tryton.settings import ReadSettings
from crossdock.errors import Misconfigured
from crossdock.model.base import Record

AT_ONCE = 100  # ids or codes in one address: a proxy before Tryton may take no more than 8 KB of it
MANY = 1000
EITHER = ("active", "in", [True, False])  # without it Tryton leaves out what is archived


class Telling(Protocol):
    """What is particular about a flow."""

    @property
    def everything(self) -> tuple[Leg, ...]:
        """The legs of a full run."""

    @property
    def changed(self) -> tuple[Leg, ...]:
        """The legs of what changed."""

    def rows(self, client: TrytonClient, leg: Leg, links: Sequence[int], at: datetime) -> list[dict[str, Any]]:
        """Rows of a push for what a page's records link to. `at`: a moment before this, by the server's clock."""


class Found(Record, frozen=True, kw_only=True):
    """A record that changed: what it links to (0 for nothing), when, and what names this change."""

    id: int
    link: int
    at: datetime | None
    hash: str

    @classmethod
    def of(cls, row: Row, leg: Leg) -> Found:
        """Raises Misconfigured where its time cannot be seen."""
        _refuse_hidden(leg.model, leg.fields(), (row,))
        ident, at = int(row["id"]), _moment(row, leg)
        return cls(id=ident, link=_ident(row[leg.link]), at=at, hash=hash_of(leg, ident, at))


class TrytonRows:
    """One flow's rows. See contract.connector.RowSource. `inside` makes the client of the company."""

    def __init__(self, inside: Callable[[], TrytonClient], telling: Telling, settings: ReadSettings) -> None:
        self._inside = inside
        self._telling = telling
        self._settings = settings

    def changes(self, since: Watermark | None) -> Iterator[RowPage]:
        """Pages; each scan reads its last `overlap_s` again, and tells of that only what it has not told."""
        client, place = self._inside(), Place.of(since)
        if place.next is None:
            place = self._begun(client, place)
        while place.next is not None:
            place, rows = self._page(client, place, place.next)
            yield RowPage(rows=tuple(rows), watermark=place.watermark(), complete=place.next is None)

    def _begun(self, client: TrytonClient, place: Place) -> Place:
        newest = [self._newest(client, leg) for leg in self._telling.changed] if place.full else []
        # any answer tells the server's clock; a moment that is too early only makes the overlap longer
        head = client.search(Query(model="company.company", domain=(("id", "=", 0),), fields=("id",))).at
        return begun(place, max((one for one in newest if one), default=None), head)

    def _newest(self, client: TrytonClient, leg: Leg) -> datetime | None:
        order = ((leg.stamp, "DESC"),)
        domain = (*leg.within(), (leg.stamp, "!=", None))
        found = client.search(Query(model=leg.model, domain=domain, fields=(leg.stamp,), limit=1, order=order))
        return _moment(found.rows[0], leg) if found.rows else None

    def _page(self, client: TrytonClient, place: Place, spot: Spot) -> tuple[Place, list[dict[str, Any]]]:
        legs = self._telling.everything if place.full else self._telling.changed
        leg = legs[spot.leg]
        found = client.search(self._query(leg, spot, place))
        records = [Found.of(row, leg) for row in found.rows]
        known = frozenset(place.seen) if leg.stamp else frozenset[str]()
        fresh = [one for one in records if one.hash not in known]
        links = list(dict.fromkeys(one.link for one in fresh if one.link))
        stamps = [one.at for one in records if one.at]
        # the server tells its clock without fractions: what was read lies behind the stamps of what led to it
        at = max((found.at, *stamps, *([place.furthest] if place.furthest else [])))
        rows = self._telling.rows(client, leg, links, at) if links else []
        goes_on = _after(spot, records, last=len(records) < self._settings.page_size)
        told = [one.hash for one in fresh] if leg.stamp else []
        place = moved(place, goes_on, stamps, told)
        return (place if goes_on.leg < len(legs) else ended(place, self._overlap)), rows

    def _query(self, leg: Leg, spot: Spot, place: Place) -> Query:
        size = self._settings.page_size
        domain = leg.behind(spot, place.since)
        return Query(model=leg.model, domain=domain, fields=leg.fields(), limit=size, order=leg.order())

    @property
    def _overlap(self) -> timedelta:
        return timedelta(seconds=self._settings.overlap_s)


def every(client: TrytonClient, model: str, domain: Domain, fields: Sequence[str]) -> Iterator[Row]:
    """All rows, however many, by their ids."""
    last = 0
    while True:
        found = client.search(
            Query(model=model, domain=(*domain, ("id", ">", last)), fields=tuple(fields), limit=MANY)
        ).rows
        _refuse_hidden(model, fields, found)
        yield from found
        if len(found) < MANY:
            return
        last = int(found[-1]["id"])


def among(
    client: TrytonClient, model: str, field: str, values: Sequence[Any], fields: Sequence[str], more: Domain = ()
) -> Iterator[Row]:
    """All rows whose field has one of these values, so many at a time as an address bears."""
    for start in range(0, len(values), AT_ONCE):
        yield from every(client, model, ((field, "in", list(values[start : start + AT_ONCE])), *more), fields)


def number(value: Any) -> Any:
    """A quantity of Tryton's, which is a binary float there and has at most as many decimals as its unit."""
    return value if isinstance(value, int) else round(value, 4)


def _ident(link: Any) -> int:
    """Of an id, or of a reference (`model,id`); 0 for nothing."""
    if isinstance(link, int):
        return link
    _, _, ident = str(link or "").partition(",")
    return int(ident) if ident.isdecimal() else 0


def _moment(row: Row, leg: Leg) -> datetime | None:
    if not leg.stamp:
        return None
    at: datetime = row[leg.stamp]  # the leg's domain leaves out those without
    return at.astimezone(UTC)


def _refuse_hidden(model: str, fields: Sequence[str], rows: Sequence[Row]) -> None:
    """Over REST Tryton leaves out, without a word, what its user may not see."""
    for row in rows:
        if missing := [field for field in fields if field not in row]:
            raise Misconfigured(f"{model} is read without its {missing[0]}: the user of our key may not see it")


def _after(spot: Spot, records: Sequence[Found], *, last: bool) -> Spot:
    if last:
        return Spot(leg=spot.leg + 1)
    return msgspec.structs.replace(spot, at=records[-1].at, id=records[-1].id)
