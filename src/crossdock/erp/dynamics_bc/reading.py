"""Rows out of Business Central: what changed is asked for by its stamp, in its order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from crossdock.contract.connector import RowPage, Watermark
from crossdock.erp.dynamics_bc.client import BcClient
from crossdock.erp.dynamics_bc.directory import Directory
from crossdock.erp.dynamics_bc.places import Place, begun, ended, hash_of, moved
from crossdock.erp.dynamics_bc.settings import ReadSettings
from crossdock.errors import Misconfigured
from crossdock.transport.odata import Query, Row, Rows, both, moment, time_in

STAMP = "lastModifiedDateTime"


class Telling(Protocol):
    """What is particular about a flow that is read by stamps."""

    path: str
    where: str
    expand: str

    def rows(self, client: BcClient, records: Sequence[Row], at: datetime) -> list[dict[str, Any]]:
        """Rows of a push for these records, as of `at`: a moment before they were read, by the server's clock."""


class StampedRows:
    """One flow's rows. See contract.connector.RowSource."""

    def __init__(self, client: BcClient, directory: Directory, telling: Telling, settings: ReadSettings) -> None:
        self._client = client
        self._directory = directory
        self._telling = telling
        self._settings = settings

    def changes(self, since: Watermark | None) -> Iterator[RowPage]:
        """Pages; each scan reads its last `overlap_s` again, and tells of that only what it has not told."""
        for place, records, found in scan(
            self._client, self._directory, self._telling, Place.of(since), self._settings
        ):
            rows = self._telling.rows(self._client, records, found.at) if records else []
            yield RowPage(rows=tuple(rows), watermark=place.watermark(), complete=not place.scanning)


def scan(
    client: BcClient, directory: Directory, telling: Telling, place: Place, settings: ReadSettings
) -> Iterator[tuple[Place, list[Row], Rows]]:
    """The places behind each page, with the records that were not told before.

    The next page is asked for from the last stamp on. Where a whole page has one stamp, the server's link leads on:
    within a scan only, it is not kept.
    """
    link = ""
    while True:
        found = client.page(directory.path(telling.path), _query(telling, place, settings), link)
        place = begun(place, found.at)
        known = frozenset(place.seen)
        fresh = [row for row in found.rows if hash_of(row) not in known]
        before, stamps = place.at, [stamp_of(row) for row in found.rows]
        place = moved(place, stamps, [hash_of(row) for row in fresh])
        if not found.next:
            yield ended(place, timedelta(seconds=settings.overlap_s)), fresh, found
            return
        yield place, fresh, found
        link = "" if before is None or (place.at and place.at > before) else found.next
        if before is None and len(set(stamps)) == 1:
            link = found.next


def _query(telling: Telling, place: Place, settings: ReadSettings) -> Query:
    since = place.since()
    behind = f"{STAMP} ge {moment(since)}" if since else ""
    return Query(where=both(telling.where, behind), order=STAMP, expand=telling.expand, size=settings.page_size)


def stamp_of(row: Row) -> datetime:
    """Raises Misconfigured where a record has none: what changed cannot be told then."""
    stamp = time_in(row.get(STAMP))
    if stamp is None:
        raise Misconfigured(f"a record is read without its {STAMP}")
    return stamp
