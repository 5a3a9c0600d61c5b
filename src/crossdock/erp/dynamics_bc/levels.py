"""Stock levels out of Business Central.

A quantity moves by item ledger entries, and the item's own stamp does not move with it. So what changed is read from
the entries, by their growing number, and the quantities of their items then as they are now. API v2.0 tells no location
of an entry: without an API page of the company's own, there is one level an item.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from crossdock.contract.connector import RowPage, Watermark
from crossdock.erp.dynamics_bc.client import BcClient, chunks
from crossdock.erp.dynamics_bc.directory import Directory, text_in
from crossdock.erp.dynamics_bc.places import Place, begun, entries_read, entries_there, first_entry
from crossdock.erp.dynamics_bc.reading import scan
from crossdock.erp.dynamics_bc.settings import LevelSettings
from crossdock.errors import Misconfigured
from crossdock.transport.odata import Query, Row, any_of, eq

GOODS = eq("type", "Inventory")
NUMBER = "entryNumber"


class Levels:
    """The flow inventory. See contract.connector.RowSource."""

    path, where, expand = "items", GOODS, ""

    def __init__(self, client: BcClient, directory: Directory, settings: LevelSettings) -> None:
        self._client = client
        self._directory = directory
        self._settings = settings

    def changes(self, since: Watermark | None) -> Iterator[RowPage]:
        """A full run by items, then by entries; each scan reads the last `overlap_entries` again."""
        place = Place.of(since)
        yield from self._everything(place) if place.full else self._changed(place)

    def rows(self, client: BcClient, records: Sequence[Row], at: datetime) -> list[dict[str, Any]]:
        """A row for each item, or for each item and location."""
        common = {"meaning": "on_hand", "as_of": at.isoformat()}
        if self._settings.location_field:
            sums = self._sums(client, [text_in(row, "number") for row in records])
            return [
                {"sku": sku, "qty": quantity, "warehouse": place} | common for (sku, place), quantity in sums.items()
            ]
        place = self._settings.place
        return [{"sku": row["number"], "qty": row["inventory"], "warehouse": place} | common for row in records]

    def _everything(self, place: Place) -> Iterator[RowPage]:
        if not place.scanning:  # before the quantities: what is posted meanwhile is then told once more
            place = entries_there(place, self._newest(), self._settings.overlap_entries)
        for reached, records, found in scan(self._client, self._directory, self, place, self._settings):
            rows = self.rows(self._client, records, found.at) if records else []
            yield RowPage(rows=tuple(rows), watermark=reached.watermark(), complete=not reached.scanning)

    def _changed(self, place: Place) -> Iterator[RowPage]:
        overlap = self._settings.overlap_entries
        while True:
            query = Query(
                where=f"{NUMBER} gt {first_entry(place, overlap)}",
                order=NUMBER,
                select=(NUMBER, "itemNumber"),
                size=self._settings.page_size,
            )
            found = self._client.page(self._entries(), query)
            numbers = [int(row[NUMBER]) for row in found.rows]
            place, fresh = entries_read(begun(place, found.at), numbers, overlap)
            items = dict.fromkeys(str(row["itemNumber"]) for row in found.rows if int(row[NUMBER]) in fresh)
            rows = self._told(list(items), found.at)
            if not found.next:
                place = msgspec.structs.replace(place, scanning=False, cursor=0)
            yield RowPage(rows=tuple(rows), watermark=place.watermark(), complete=not found.next)
            if not found.next:
                return

    def _told(self, numbers: Sequence[str], at: datetime) -> list[dict[str, Any]]:
        records: list[Row] = []
        for some in chunks(numbers, "number"):
            query = Query(where=any_of("number", some), select=("id", "number", "type", "inventory"))
            records += self._client.every(self._directory.path("items"), query)
        return self.rows(self._client, [row for row in records if row.get("type") == "Inventory"], at)

    def _newest(self) -> list[int]:
        """The numbers that there are of the last `overlap_entries`, in their order."""
        last = self._client.page(self._entries(), Query(order=f"{NUMBER} desc", select=(NUMBER,), size=1)).rows
        if not last:
            return []
        behind = int(last[0][NUMBER]) - self._settings.overlap_entries - 1
        query = Query(where=f"{NUMBER} gt {max(0, behind)}", order=NUMBER, select=(NUMBER,))
        return [int(row[NUMBER]) for row in self._client.every(self._entries(), query)]

    def _sums(self, client: BcClient, numbers: Iterable[str]) -> dict[tuple[str, str], Decimal]:
        """Of all their entries, by item and location."""
        field = self._settings.location_field
        sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for some in chunks(list(numbers), "itemNumber"):
            query = Query(where=any_of("itemNumber", some), order=NUMBER, select=("itemNumber", field, "quantity"))
            for row in client.every(self._entries(), query):
                if field not in row:
                    raise Misconfigured(f"reads.inventory.location_field: an entry has no {field}")
                sums[str(row["itemNumber"]), text_in(row, field)] += Decimal(str(row["quantity"]))
        return dict(sums)

    def _entries(self) -> str:
        told, company = self._settings.entries, self._directory.company()
        return told.replace("COMPANY", company[len("companies(") : -1]) if "/" in told else f"{company}/{told}"
