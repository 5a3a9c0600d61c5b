"""Rows out of NetSuite: what changed is asked for by its time and its ids, page after page."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import msgspec

from crossdock.contract.connector import RowPage, Watermark
from crossdock.erp.netsuite.client import NetsuiteClient
from crossdock.erp.netsuite.mapping.suiteql import FORM, Table
from crossdock.erp.netsuite.places import Place, Spot, begun, hash_of, moved
from crossdock.erp.netsuite.settings import ReadSettings
from crossdock.errors import Misconfigured, Temporary
from crossdock.model.base import Record

Row = Mapping[str, Any]
Told = tuple[str, dict[str, Any]]  # the name of what it is about, and the row of a push
MANY = 1000


class Found(Record, frozen=True, kw_only=True):
    """A row of SuiteQL: its keys, when it changed ("" where nobody knows), and its columns."""

    keys: tuple[int, ...]
    stamp: str
    columns: dict[str, Any]


class Telling(Protocol):
    """What is particular about a flow."""

    @property
    def table(self) -> Table:
        """What is read."""

    def rows(self, client: NetsuiteClient, found: Sequence[Found], at: datetime) -> Iterator[Told]:
        """Rows of a push, each with the name of what it is about. `at`: a moment before they were read."""


class NetsuiteRows:
    """One flow's rows. See contract.connector.RowSource."""

    def __init__(self, client: NetsuiteClient, telling: Telling, settings: ReadSettings) -> None:
        self._client = client
        self._telling = telling
        self._settings = settings
        self._overlap = timedelta(seconds=settings.overlap_s)

    def changes(self, since: Watermark | None) -> Iterator[RowPage]:
        """Pages; a scan of changes reads its last `overlap_s` again, and tells of that only what it has not told."""
        place = Place.of(since)
        if not self._telling.table.stamp:
            place = msgspec.structs.replace(place, full=True)
        at = self._client.ask("SELECT id FROM item WHERE id = 0", 1).at
        if place.next is None:
            place = begun(place, self._newest() if place.full else "")
        while place.next is not None:
            place, rows, at = self._page(place, place.next, at)
            yield RowPage(rows=tuple(rows), watermark=place.watermark(), complete=place.next is None)

    def _newest(self) -> str:
        if not self._telling.table.stamp:
            return ""
        found = self._client.query(self._telling.table.newest(), 1)
        return str(found[0].get("stamp") or "") if found else ""

    def _page(self, place: Place, spot: Spot, at: datetime) -> tuple[Place, list[dict[str, Any]], datetime]:
        stamped = not place.full and bool(self._telling.table.stamp)
        asked = self._telling.table.page(stamped=stamped, since=place.since, at=spot.at, after=spot.keys)
        answer = self._client.ask(asked, self._settings.page_size)
        found = [_found(row, self._telling.table) for row in answer.rows]
        told = {hash_of(name, _content(row)): row for name, row in self._telling.rows(self._client, found, at)}
        known = frozenset(place.seen) if stamped else frozenset[str]()
        fresh = {name: row for name, row in told.items() if name not in known}
        last = len(found) < self._settings.page_size
        goes_on = None if last else Spot(at=found[-1].stamp, keys=found[-1].keys)
        stamps = [one.stamp for one in found if one.stamp]
        remembered = list(fresh) if self._telling.table.stamp else []
        place = moved(place, goes_on, stamps, remembered, self._overlap)
        return place, list(fresh.values()), answer.at


def every(client: NetsuiteClient, table: Table) -> Iterator[Found]:
    """All rows, however many, by their keys."""
    after: tuple[int, ...] = ()
    while True:
        rows = client.query(table.page(stamped=False, after=after))
        found = [_found(row, table) for row in rows]
        yield from found
        if len(found) < MANY:
            return
        after = found[-1].keys


def adapted(table: Table, settings: ReadSettings) -> Table:
    """As the account needs it."""
    return msgspec.structs.replace(
        table,
        source=settings.source or table.source,
        columns=dict(table.columns) | settings.columns,
        where=(*table.where, *((f"({settings.where})",) if settings.where else ())),
    )


def number(value: Any, decimals: int = 4) -> Decimal | None:
    """SuiteQL tells numbers as text, with as many decimals as they have. None for nothing."""
    if value in (None, ""):
        return None
    try:
        return round(Decimal(str(value)), decimals).normalize()
    except InvalidOperation:
        return None


def moment(stamp: str, zone: str) -> str:
    """A time of SuiteQL's with its zone, as rows tell it; "" for none."""
    if not stamp:
        return ""
    return datetime.strptime(stamp, FORM).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).isoformat()


def is_true(value: Any) -> bool:
    """A checkbox."""
    return str(value) in {"T", "true", "True"}


def _found(row: Row, table: Table) -> Found:
    """Raises Misconfigured where a key is not told: paging could not go on."""
    try:
        keys = tuple(int(str(row[f"key{place}"])) for place in range(len(table.keys)))
    except KeyError as error:
        raise Misconfigured(f"SuiteQL tells no {table.keys[0]} of {table.source}: may our role see it?") from error
    except ValueError as error:
        raise Temporary("a key of SuiteQL's that is no number") from error
    return Found(keys=keys, stamp=str(row.get("stamp") or ""), columns={name: row.get(name) for name in table.columns})


def _content(row: Row) -> str:
    """What a row tells, but for the moment at which it was read."""
    return json.dumps({name: value for name, value in row.items() if name != "as_of"}, sort_keys=True, default=str)
