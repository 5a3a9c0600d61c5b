"""Rows out of Oracle: a collection in the order of a number, page after page, and what is told of each page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any, Protocol

from crossdock.contract.connector import RowPage, Watermark
from crossdock.erp.oracle_fusion.client import FusionClient, Listed, Query, Row
from crossdock.erp.oracle_fusion.mapping import iso
from crossdock.erp.oracle_fusion.places import Place, Spot, begun, ended, hash_of, moved
from crossdock.erp.oracle_fusion.settings import ReadSettings
from crossdock.errors import Misconfigured


class Telling(Protocol):
    """What is particular about a flow. `parts` are read one after the other; `change_field` "": scans are whole."""

    @property
    def path(self) -> str:
        """The collection."""

    @property
    def parts(self) -> Sequence[str]:
        """A condition each; "" for none."""

    @property
    def key(self) -> str:
        """The row's number."""

    @property
    def change_field(self) -> str:
        """When a row was changed."""

    @property
    def overlap_s(self) -> int:
        """Seconds that a scan of what changed begins behind the one before."""

    @property
    def fields(self) -> tuple[str, ...]:
        """What is asked of a row; none: everything, with what `expand` names."""

    @property
    def expand(self) -> str:
        """Children that come with it."""

    def rows(self, client: FusionClient, part: int, found: Sequence[Row], at: str) -> list[dict[str, Any]]:
        """Rows of a push for these. `at`: Oracle's clock when they were read."""


class FusionRows:
    """One flow's rows. See contract.connector.RowSource."""

    def __init__(self, client: FusionClient, telling: Telling, settings: ReadSettings) -> None:
        self._client = client
        self._telling = telling
        self._settings = settings

    def changes(self, since: Watermark | None) -> Iterator[RowPage]:
        """Pages. A collection without a change date is told whole each time: the spine knows what is news."""
        place = Place.of(since)
        fresh = place.next is None
        while True:
            spot = place.next or Spot()
            page = self._client.listed(self._telling.path, self._query(spot, place))
            if fresh:
                place, fresh = begun(place, page.at), False
            place, rows = self._page(place, spot, page)
            yield RowPage(rows=tuple(rows), watermark=place.watermark(), complete=place.next is None)
            if place.next is None:
                return

    def _page(self, place: Place, spot: Spot, page: Listed) -> tuple[Place, list[dict[str, Any]]]:
        telling = self._telling
        numbers = [_number(row, telling.key) for row in page.rows]
        _refuse_disorder(spot.after, numbers, page, telling.key)
        hashes = [hash_of(row) if telling.change_field else "" for row in page.rows]
        known = frozenset(place.seen)
        news = [row for row, one in zip(page.rows, hashes, strict=True) if one not in known]
        rows = telling.rows(self._client, spot.part, news, iso(page.at)) if news else []
        goes_on = Spot(part=spot.part, after=numbers[-1]) if page.more else Spot(part=spot.part + 1)
        place = moved(place, goes_on, [one for one in hashes if one])
        if goes_on.part < len(telling.parts):
            return place, rows
        overlap = timedelta(seconds=telling.overlap_s) if telling.change_field else None
        return ended(place, overlap), rows

    def _query(self, spot: Spot, place: Place) -> Query:
        telling = self._telling
        since = f"{telling.change_field} >= '{iso(place.since)}'" if place.since and telling.change_field else ""
        behind = f"{telling.key} > {spot.after}"
        conditions = [one for one in (telling.parts[spot.part], since, behind) if one]
        return Query(
            q=" and ".join(conditions),
            order=f"{telling.key}:asc",
            limit=self._settings.page_size,
            fields=telling.fields,
            expand=telling.expand,
        )


def _number(row: Row, key: str) -> int:
    value = row.get(key)
    if isinstance(value, bool) or not isinstance(value, int | str) or not str(value).isdecimal():
        raise Misconfigured(f"reads: some row has no number in {key}: pages cannot go by it")
    return int(value)


def _refuse_disorder(after: int, numbers: Sequence[int], page: Listed, key: str) -> None:
    if any(later <= earlier for earlier, later in pairwise((after, *numbers))):
        raise Misconfigured(f"reads: rows do not come in the order of {key}: reading on would lose some")
    if page.more and not numbers:
        raise Misconfigured("reads: Oracle says that there is more, and tells none of it")
