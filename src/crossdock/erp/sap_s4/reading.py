"""Rows out of SAP, page after page. What is particular about a flow is a Telling."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Protocol

from crossdock.contract.connector import RowPage, Watermark
from crossdock.erp.sap_s4.client import SapClient
from crossdock.erp.sap_s4.mapping import odata
from crossdock.erp.sap_s4.places import Leg, Place, Spot, after_page, begun, ended, filter_of, hash_of, moved, order_of
from crossdock.erp.sap_s4.settings import ReadSettings
from crossdock.errors import Misconfigured, Temporary
from crossdock.model.base import Record

Row = Mapping[str, Any]
MOST = 64  # times the page size, for rows that must be read together


class Telling(Protocol):
    """What is particular about a flow."""

    def everything(self) -> Sequence[Leg]:
        """The legs of a full run."""

    def changed(self, day: str, now: datetime) -> Sequence[Leg]:
        """The legs of what changed; () where nobody knows: then each run is a full one.

        `day`: up to which day the begin of things was told; `now` by our clock.
        """

    def rows(self, client: SapClient, page: Part, at: datetime) -> list[dict[str, Any]]:
        """Rows of a push for a page's rows. `at`: a moment before they were read, by SAP's clock."""


class Part(Record, frozen=True, kw_only=True):
    """Rows of a leg that were read together. `after`, `upto`: all of the leg's keys between them; "" for no end."""

    leg: Leg
    rows: tuple[dict[str, Any], ...]
    after: str
    upto: str
    last: bool


class SapRows:
    """One flow's rows. See contract.connector.RowSource."""

    def __init__(self, client: SapClient, telling: Telling, settings: ReadSettings) -> None:
        self._client = client
        self._telling = telling
        self._settings = settings

    def changes(self, since: Watermark | None) -> Iterator[RowPage]:
        """Pages; each scan reads its last `overlap_s` again, and tells of that only what it has not told."""
        place = Place.of(since)
        place = begun(place) if place.next is None else place
        legs = self._legs(place)
        while place.next is not None:
            place, rows = self._page(place, place.next, legs)
            yield RowPage(rows=tuple(rows), watermark=place.watermark(), complete=place.next is None)

    def _legs(self, place: Place) -> Sequence[Leg]:
        changed = () if place.full or place.since is None else self._telling.changed(place.day, self._client.now())
        return changed or self._telling.everything()

    def _page(self, place: Place, spot: Spot, legs: Sequence[Leg]) -> tuple[Place, list[dict[str, Any]]]:
        leg = legs[spot.leg]
        part, at = together(self._client, leg, spot, place.since, self._settings.page_size)
        goes_on = after_page(leg, spot, part.rows, place.since, last=part.last)
        known = frozenset(place.seen) if leg.versions else frozenset[str]()
        hashes = [hash_of(leg, row) for row in part.rows] if leg.versions else []
        fresh = [row for row, one in zip(part.rows, hashes, strict=True) if one not in known] if hashes else part.rows
        whole = Part(leg=leg, rows=tuple(fresh), after=part.after, upto=part.upto, last=part.last)
        rows = self._telling.rows(self._client, whole, at)
        stamps = [when for row in part.rows if (when := odata.when(row.get(leg.stamp or leg.clock)))]
        place = moved(place, goes_on, at, stamps, hashes)
        if goes_on.leg < len(legs):
            return place, rows
        return ended(place, timedelta(seconds=self._settings.overlap_s)), rows


def together(client: SapClient, leg: Leg, spot: Spot, since: datetime | None, size: int) -> tuple[Part, datetime]:
    """Some rows in the leg's order; of a leg whose keys repeat, all rows of each key that is among them.

    Raises Misconfigured where SAP does not sort: reading on would lose some.
    """
    asked = size
    while True:
        query = [("$filter", filter_of(leg, spot, since)), ("$orderby", order_of(leg, spot)), ("$top", str(asked))]
        query += [("$expand", leg.expand)] if leg.expand else []
        found = client.rows(leg.service, leg.entity_set, [(name, value) for name, value in query if value])
        rows, last = found.rows, not found.more and len(found.rows) < asked
        keys = [odata.word(row, leg.key) for row in rows]
        _refuse_unsorted(leg, spot, rows, keys)
        if not last and not rows:
            raise Temporary("an empty page, and more of them")
        if not leg.unique and not last:
            rows = tuple(row for row, key in zip(rows, keys, strict=True) if key != keys[-1])
        if rows or last:
            upto = "" if last else odata.word(rows[-1], leg.key)
            return Part(leg=leg, rows=rows, after=spot.after, upto=upto, last=last), found.at
        asked *= 2
        if asked > MOST * size:
            raise Misconfigured(f"{leg.entity_set}: more than {asked // 2} rows of one {leg.key}: raise page_size")


def _refuse_unsorted(leg: Leg, spot: Spot, rows: Sequence[Row], keys: Sequence[str]) -> None:
    """A text is compared by SAP's database: only that keys repeat or go back to where we were is certain."""
    if spot.after and any(key == spot.after for key in keys):
        raise Misconfigured(f"{leg.entity_set}: SAP does not compare by {leg.key}")
    if leg.stamp and not spot.inside:
        stamps = [when for row in rows if (when := odata.when(row.get(leg.stamp)))]
        if any(later < earlier for earlier, later in pairwise(stamps)):
            raise Misconfigured(f"{leg.entity_set}: SAP does not sort by {leg.stamp}")
