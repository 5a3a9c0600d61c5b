"""Stock levels out of Oracle: what lies in an inventory organization, of each item.

A balance is a row for each subinventory, locator and lot, without a change date, and there is none where nothing lies.
So items are gone through, not balances: an item without any is told with 0, and nothing keeps a level that it lost.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any

import msgspec

from crossdock.erp.oracle_fusion.client import FusionClient, Query, Row, quoted
from crossdock.erp.oracle_fusion.settings import MOST, LevelSettings
from crossdock.errors import Misconfigured

ITEMS, BALANCES = "/itemsV2", "/inventoryOnhandBalances"
LEVEL = "SummaryLevel"
PLACES = 4  # decimals of a quantity


class Levels:
    """The flow inventory."""

    path = ITEMS
    change_field = ""
    overlap_s = 0
    expand = ""

    def __init__(self, settings: LevelSettings) -> None:
        self._settings = settings
        self.key = settings.item_key
        self.fields = (settings.item_key, "ItemNumber")
        self.parts = [f"OrganizationCode={quoted(code)}" for code in settings.organizations]

    def rows(self, client: FusionClient, part: int, found: Sequence[Row], at: str) -> list[dict[str, Any]]:
        """A level for each item of the page, 0 where it has no balance."""
        numbers = [int(row[self.key]) for row in found]
        sums = self._sums(client, part, min(numbers), max(numbers))
        place = self._settings.organizations[part]
        return [
            {
                "sku": str(row["ItemNumber"]),
                "qty": round(sums.get(int(row[self.key]), Decimal(0)), PLACES),
                "warehouse": place,
                "meaning": "on_hand",
                "as_of": at,
            }
            for row in found
            if row.get("ItemNumber")
        ]

    def _sums(self, client: FusionClient, part: int, first: int, last: int) -> Mapping[int, Decimal]:
        key = self._settings.balance_key
        sums: dict[int, Decimal] = defaultdict(Decimal)
        levels: set[Any] = set()
        for row in self._balances(client, f"{self._of(part)} and {key} <= {last}", first):
            levels.add(row.get(LEVEL))
            sums[int(row[key])] += self._quantity(row)
        if len(levels) > 1:  # the same pieces, told once for the organization and once for its places
            told = ", ".join(sorted(map(str, levels)))
            raise Misconfigured(f"reads.inventory: balances of several levels ({told}): set summary_level to one")
        if not sums:
            self._refuse_blindness(client, part)
        return sums

    def _refuse_blindness(self, client: FusionClient, part: int) -> None:
        """A page without any balance is believed where the organization has one at all: else everything would be 0."""
        page = client.listed(BALANCES, Query(q=self._of(part), limit=1, fields=self._asked()))
        if not page.rows and not self._settings.empty_is_zero:
            place = self._settings.organizations[part]
            raise Misconfigured(f"reads.inventory: {place} has no balance at all: has our user its data?")
        for row in page.rows:
            self._quantity(row)
            self._number(row)

    def _of(self, part: int) -> str:
        level = self._settings.summary_level
        return self.parts[part] + (f" and {LEVEL}={quoted(level)}" if level else "")

    def _asked(self) -> tuple[str, ...]:
        return (self._settings.balance_key, "ItemNumber", "SubinventoryCode", LEVEL, self._settings.quantity_field)

    def _number(self, row: Row) -> int:
        value = row.get(self._settings.balance_key)
        if isinstance(value, bool) or not isinstance(value, int):
            raise Misconfigured(f"reads.inventory: a balance has no number in {self._settings.balance_key}")
        return value

    def _quantity(self, row: Row) -> Decimal | int:
        quantity = row.get(self._settings.quantity_field)
        if isinstance(quantity, bool) or not isinstance(quantity, int | Decimal):
            raise Misconfigured(f"reads.inventory: a balance has no quantity in {self._settings.quantity_field}")
        return quantity

    def _balances(self, client: FusionClient, condition: str, first: int) -> Iterator[Row]:
        """All balances from `first` on. An item that a page ends within is read again from its beginning."""
        key = self._settings.balance_key
        while True:
            order = f"{key}:asc,SubinventoryCode:asc"
            query = Query(q=f"{condition} and {key} >= {first}", order=order, limit=MOST, fields=self._asked())
            page = client.listed(BALANCES, query)
            numbers = [self._number(row) for row in page.rows]
            if any(later < earlier for earlier, later in pairwise((first, *numbers))):
                raise Misconfigured(f"reads.inventory: balances do not come in the order of {key}: sums would be wrong")
            if not page.more or not numbers:
                yield from page.rows
                return
            last = numbers[-1]
            whole = [row for row in page.rows if row[key] != last]
            yield from whole
            if not whole:  # one item fills a page
                yield from client.children(
                    BALANCES, msgspec.structs.replace(query, q=f"{condition} and {key} = {last}")
                )
            first = last if whole else last + 1
