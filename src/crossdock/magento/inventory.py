"""Stock levels into a store: MSI source items.

A real 2.4.7 takes an unknown SKU with 200 and keeps a ghost row, refuses a whole call for one bad row, and answers a
lock time-out with 400 (recorded, contracts/magento): so SKUs and sources are checked first, and a refusal is bisected.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from crossdock.contract.batches import Outcome, bisected
from crossdock.contract.message import Receipt
from crossdock.errors import OutcomeUnknown, Rejected, Temporary
from crossdock.magento.client import MagentoClient, segment
from crossdock.magento.mapping.wire import decode, text
from crossdock.magento.search import criteria, where
from crossdock.model.inventory import StockLevel

PATH = "V1/inventory/source-items"
REMEMBERED_S = 3600.0
MOST_ASKED = 50  # SKUs in one question
LONGEST_ASKED = 3000  # characters of them: web servers refuse longer addresses


class Catalog:
    """Which SKUs and sources the store has, remembered for an hour. Safe for many threads."""

    def __init__(self, client: MagentoClient, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._lock = threading.Lock()
        self._skus: dict[str, float] = {}
        self._spelt: dict[str, str] = {}
        self._sources: frozenset[str] = frozenset()
        self._sources_at = float("-inf")

    def unknown_skus(self, skus: Iterable[str]) -> set[str]:
        """Of these, in small letters, what the store has no product for. Raises DeliveryError."""
        wanted = {sku.casefold(): sku for sku in skus}
        now = self._clock()
        with self._lock:
            fresh = [key for key in wanted if now - self._skus.get(key, float("-inf")) > REMEMBERED_S]
        for asked in asked_together(sorted(wanted[key] for key in fresh)):
            there = self._there(asked)
            with self._lock:
                self._skus |= dict.fromkeys(there, now)
                self._spelt |= there
        with self._lock:
            return {key for key in wanted if now - self._skus.get(key, float("-inf")) > REMEMBERED_S}

    def spelt(self, sku: str) -> str:
        """As the store writes a SKU that it was found to have; else as it is."""
        with self._lock:
            return self._spelt.get(sku.casefold(), sku)

    def sources(self, wanted: Iterable[str]) -> frozenset[str]:
        """The codes of its sources; asked anew where one is not among them. Raises DeliveryError."""
        with self._lock:
            known, age = self._sources, self._clock() - self._sources_at
        if age <= REMEMBERED_S and known.issuperset(wanted):
            return known
        query = criteria((), sort=("source_code",), size=300, fields="items[source_code]")
        rows = _items(self._client.get("V1/inventory/sources", query))
        found = frozenset(str(row.get("source_code")) for row in rows)
        with self._lock:
            self._sources, self._sources_at = found, self._clock()
        return found

    def _there(self, skus: Sequence[str]) -> dict[str, str]:
        """One product can break each list that it is in (500): it is looked for by halving, and then read alone."""
        try:
            return self._listed(skus)
        except Temporary as error:
            if error.status != 500:
                raise
        if len(skus) > 1:
            middle = len(skus) // 2
            return self._there(skus[:middle]) | self._there(skus[middle:])
        answer = self._client.find(f"V1/products/{segment(skus[0])}", (("fields", "sku"),))
        sku = "" if answer is None else text(decode(answer.body), "sku")
        return {sku.casefold(): sku} if sku else {}

    def _listed(self, skus: Sequence[str]) -> dict[str, str]:
        condition = where("sku", "eq", skus[0]) if len(skus) == 1 else where("sku", "in", ",".join(skus))
        query = criteria(((condition,),), sort=("entity_id",), size=len(skus), fields="items[sku]")
        found = [str(row.get("sku")) for row in _items(self._client.get("V1/products", query))]
        return {sku.casefold(): sku for sku in found}


class InventorySink:
    """The sink of the flow `inventory`: one call for all rows of a source."""

    def __init__(self, client: MagentoClient, catalog: Catalog, *, check_skus: bool = True) -> None:
        self._client = client
        self._catalog = catalog
        self._check_skus = check_skus

    def put(self, record: StockLevel, key: str) -> Receipt:
        """One alone. Raises DeliveryError."""
        outcome = self.put_many([(record, key)])[0]
        if isinstance(outcome, Receipt):
            return outcome
        raise outcome

    def find(self, record: StockLevel, key: str) -> Receipt | None:  # noqa: ARG002  the level itself is what is found
        """A receipt where the store holds exactly this level. Raises DeliveryError."""
        groups = ((where("sku", "eq", record.sku),), (where("source_code", "eq", record.place),))
        rows = _items(self._client.get(PATH, criteria(groups, sort=("sku",), size=1)))
        return _receipt(record, found=True) if any(_is(row, record) for row in rows) else None

    def put_many(self, rows: Sequence[tuple[StockLevel, str]]) -> list[Outcome]:
        """One outcome a row. Raises DeliveryError where nothing could be asked."""
        levels = [level for level, _ in rows]
        sources = self._catalog.sources({level.place for level in levels})
        ghosts = self._catalog.unknown_skus(level.sku for level in levels) if self._check_skus else set()
        outcomes: dict[int, Outcome] = {}
        good: list[int] = []
        for place, level in enumerate(levels):
            if level.place not in sources:
                outcomes[place] = Rejected(f"the store has no source {level.place!r}")
            elif level.sku.casefold() in ghosts:
                outcomes[place] = Rejected("the store has no product of this SKU")
            else:
                good.append(place)
        sent = bisected([levels[place] for place in good], self._send)
        outcomes |= dict(zip(good, sent, strict=True))
        return [outcomes[place] for place in range(len(levels))]

    def _send(self, levels: Sequence[StockLevel]) -> list[Outcome]:
        answer = self._client.post(PATH, {"sourceItems": [row_of(level) for level in levels]})
        if answer != []:  # what a success answers
            raise OutcomeUnknown("the store's answer does not say that the levels were kept")
        return [_receipt(level, found=False) for level in levels]

    def preview(self, record: StockLevel) -> dict[str, Any]:
        """The body that it would send."""
        return {f"POST {PATH}": {"sourceItems": [row_of(record)]}}


def row_of(level: StockLevel) -> dict[str, Any]:
    """A level as Magento takes it."""
    return {
        "sku": level.sku,
        "source_code": level.place,
        "quantity": level.quantity,
        "status": 1 if level.in_stock else 0,
    }


def _is(row: dict[str, Any], level: StockLevel) -> bool:
    return Decimal(str(row.get("quantity"))) == level.quantity and bool(row.get("status")) is level.in_stock


def _receipt(level: StockLevel, *, found: bool) -> Receipt:
    status = "in stock" if level.in_stock else "out of stock"
    return Receipt(external_id="", found=found, detail=f"{level.quantity:f} at {level.place}, {status}")


def _items(answer: Any) -> list[dict[str, Any]]:
    found = answer.get("items") if isinstance(answer, dict) else None
    return [row for row in found or () if isinstance(row, dict)]


def asked_together(skus: Sequence[str]) -> Iterator[list[str]]:
    """Questions short enough for an address; a SKU with a comma is asked for alone, since commas part the others."""
    chunk: list[str] = []
    for sku in skus:
        if "," in sku:
            yield [sku]
            continue
        if len(chunk) == MOST_ASKED or sum(map(len, chunk)) + len(sku) > LONGEST_ASKED:
            yield chunk
            chunk = []
        chunk.append(sku)
    if chunk:
        yield chunk
