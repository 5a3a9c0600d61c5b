"""Rows out of a custom ERP: states and documents in the order of their change, by keyset or by the ERP's own cursor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any
from urllib.parse import quote

import msgspec

from crossdock.contract.connector import RowPage, Watermark
from crossdock.erp.rest.answers import as_id, search
from crossdock.erp.rest.client import RestClient
from crossdock.erp.rest.places import Change, Place, Spot, begun, change_of, ended, hash_of, moved
from crossdock.erp.rest.settings import ReadSettings
from crossdock.errors import Misconfigured
from crossdock.model.base import Record
from crossdock.transport.told import decode
from crossdock.transport.wire import HttpResponse

Row = Mapping[str, Any]
LISTS = ("items", "rows", "data", "results")
REFUSED = frozenset({400, 404, 410, 422})


class Listed(Record, frozen=True, kw_only=True):
    """An answer: its rows as they came, each with its change as written, and what the next page is asked with."""

    rows: tuple[dict[str, Any], ...]
    stamps: tuple[str, ...]
    changes: tuple[int | float, ...]  # to compare: the numbers, or seconds
    cursor: str = ""
    head: str = ""

    def newest(self) -> str:
        """The stamp of the newest change; "" for none."""
        if not self.rows:
            return ""
        return self.stamps[max(range(len(self.rows)), key=self.changes.__getitem__)]


class PagedRows:
    """One flow's rows. See contract.connector.RowSource."""

    def __init__(self, client: RestClient, settings: ReadSettings) -> None:
        self._client = client
        self._settings = settings

    def changes(self, since: Watermark | None) -> Iterator[RowPage]:
        """Pages; each scan reads its last `overlap` again, and gives of that only what it has not seen."""
        place = Place.of(since)
        resumed = place.next is not None
        if not resumed:
            place = msgspec.structs.replace(place, next=place.start)
        first = True
        while True:
            spot = place.next or Spot()
            try:
                response = self._client.read(filled(self._settings, spot))
            except Misconfigured as error:
                if not (first and spot.cursor and error.status in REFUSED):
                    raise
                # the ERP does not know an old cursor any more: the scan begins anew, or everything is read
                place, resumed = msgspec.structs.replace(place, next=Spot(since=spot.since)), False
                continue
            listed = read(response, self._settings, spot)
            if first and not resumed:
                place = begun(place, _head(response, listed, self._settings))
            first = False
            place, page, done = self._page(place, spot, listed)
            yield page
            if done:
                return

    def _page(self, place: Place, spot: Spot, listed: Listed) -> tuple[Place, RowPage, bool]:
        settings = self._settings
        goes_on = self._goes_on(spot, listed)
        done = self._is_last(spot, goes_on, listed)
        hashes = [hash_of(row, stamp) for row, stamp in zip(listed.rows, listed.stamps, strict=True)]
        known = frozenset(place.seen)  # of what has no change_field nothing is: each scan is to be compared as a whole
        fresh = [row for row, one in zip(listed.rows, hashes, strict=True) if one not in known]
        place = moved(place, goes_on, listed.newest(), hashes if settings.change_field else (), settings)
        place = ended(place, settings) if done else place
        rows = tuple(columns(row, settings) for row in fresh)
        return place, RowPage(rows=rows, watermark=place.watermark(), complete=done), done

    def _is_last(self, spot: Spot, goes_on: Spot, listed: Listed) -> bool:
        settings = self._settings
        if settings.cursor_lasts:
            return not listed.rows or goes_on == spot
        if settings.cursor_field:
            return not goes_on.cursor or goes_on == spot
        if goes_on == spot and len(listed.rows) >= settings.page_size:
            raise Misconfigured("reads: more rows changed at one time than a page holds: use id_field and {after}")
        return goes_on == spot

    def _goes_on(self, spot: Spot, listed: Listed) -> Spot:
        settings = self._settings
        if settings.cursor_field:
            if settings.cursor_lasts and not listed.cursor:
                return spot
            return msgspec.structs.replace(spot, cursor=listed.cursor)
        if not listed.rows:
            return spot
        last = listed.rows[-1]
        after = as_id(search(settings.id_field, last)) if settings.id_field else ""
        if settings.id_field and not after:
            raise Misconfigured("reads: id_field is missing in some row")
        return Spot(since=listed.stamps[-1] if settings.change_field else "", after=after)


def read(response: HttpResponse, settings: ReadSettings, spot: Spot) -> Listed:
    """An answer's rows. Raises Misconfigured where reading on from it would lose some."""
    data = decode(response.body)
    rows = _rows(data, settings)
    values = [search(settings.change_field, row) for row in rows] if settings.change_field else [""] * len(rows)
    changes = [_number(change_of(value, settings)) for value in values] if settings.change_field else [0] * len(rows)
    keyset = bool(settings.change_field) and not settings.cursor_field
    if keyset and any(later < earlier for earlier, later in pairwise(changes)):
        raise Misconfigured("reads: the ERP does not sort its rows by change_field: reading on would lose some")
    if keyset and spot.since and changes and int(changes[0]) < int(_number(change_of(spot.since, settings))):
        raise Misconfigured("reads: the ERP lists rows from before the place asked for: does it know {since}?")
    return Listed(
        rows=tuple(rows),
        stamps=tuple(str(value) for value in values),
        changes=tuple(changes),
        cursor=as_id(search(settings.cursor_field, data)) if settings.cursor_field else "",
        head=as_id(search(settings.head_field, data)) if settings.head_field else "",
    )


def columns(row: Row, settings: ReadSettings) -> dict[str, Any]:
    """A row as a push has it."""
    if not settings.fields:
        return dict(row)
    found = {name: search(expression, row) for name, expression in settings.fields.items()}
    return {name: value for name, value in found.items() if value is not None}


def filled(settings: ReadSettings, spot: Spot) -> str:
    """The path with its places, percent-encoded; a pair of the query whose value is empty then is left out."""
    values = {"since": spot.since, "after": spot.after, "cursor": spot.cursor, "limit": str(settings.page_size)}
    path, _, query = settings.path.partition("?")
    pairs = [_filled(pair, values) for pair in query.split("&") if pair]
    kept = "&".join(pair for pair in pairs if not pair.endswith("="))
    return _filled(path, values) + (f"?{kept}" if kept else "")


def _filled(template: str, values: Mapping[str, str]) -> str:
    return template.format(**{name: quote(value, safe="") for name, value in values.items()})


def _rows(data: Any, settings: ReadSettings) -> Sequence[dict[str, Any]]:
    """An answer without a list proves nothing: it is no empty one."""
    if settings.rows_field:
        found = search(settings.rows_field, data)
    elif isinstance(data, dict):
        found = next((data[name] for name in LISTS if isinstance(data.get(name), list)), None)
    else:
        found = data
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise Misconfigured("reads: an answer without a list of rows: set rows_field")
    return found


def _head(response: HttpResponse, listed: Listed, settings: ReadSettings) -> Change | None:
    """The newest change that there was for certain: the ERP's clock, or what it says itself."""
    if settings.change_field and settings.change_is == "time":
        return response.date()
    return change_of(listed.head, settings) if listed.head and settings.change_field else None


def _number(change: Change) -> int | float:
    return change if isinstance(change, int) else change.timestamp()
