"""Stock: what the ERP has at each place, beside the store's source items."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from itertools import islice
from typing import Any

import msgspec

from crossdock.connections import Connections
from crossdock.feeds.roads import Road
from crossdock.flows import INVENTORY
from crossdock.flows.cells import plain
from crossdock.flows.inventory import subject
from crossdock.magento.stocktake import Piece, Stocktake
from crossdock.model.inventory import StockLevel
from crossdock.reconciliation.buckets import Entry, Pair
from crossdock.reconciliation.totals import Sums
from crossdock.reconciling.ports import Judging, Pass, Stored, Verdicts
from crossdock.reconciling.states import Book, ErpStates, StateJudge

FIELDS = ("quantity", "in stock")
CHUNK = 500
ZERO = Decimal(0)
ENCODER = msgspec.json.Encoder()


class Inventory:
    """See ports.Comparable."""

    flow = INVENTORY.name

    def __init__(
        self,
        connections: Connections,
        erp: str,
        store: str,
        stocktake: Stocktake,
        options: Mapping[str, Any],
        book: Book,
        rounding: Decimal,
    ) -> None:
        self.erp, self.store = erp, store
        self._connections = connections
        self._stocktake = stocktake
        self._options = options
        self._book = book
        self._rounding = rounding

    @property
    def road(self) -> Road:
        """As a schedule knows it."""
        return Road(source=self.erp, target=self.store, flow=f"reconcile-{self.flow}")

    @contextmanager
    def open(self, one: Pass) -> Iterator[Judging]:
        """A pass keeps nothing open."""
        connector = self._connections.by_name[self.erp]
        side = ErpStates(INVENTORY, self.erp, self.store, connector, self._options, self._book)
        yield _Pass(self, side, one)

    def places(self) -> list[str]:
        """The sources that the route writes to."""
        return sorted(set((self._options.get("warehouses") or {}).values()))

    def pieces(self, place: str) -> Iterator[Piece]:
        """What lies there."""
        return self._stocktake.of_source(place)

    def unsettled(self) -> frozenset[str]:
        """SKUs that are reckoned with an order or a shipment."""
        return self._connections.unsettled(INVENTORY, self.erp, self.store)

    def reckoned(self, levels: Sequence[StockLevel], one: Pass) -> list[StockLevel]:
        """What the store should hold of them, given what it reserves and what has left it."""
        told = [(level, one.began) for level in levels]
        if not told:
            return []
        found: list[StockLevel] = [*self._connections.adjusted(INVENTORY, self.erp, self.store, told)]
        return found

    def judge(self, side: ErpStates[StockLevel], one: Pass) -> StateJudge[StockLevel]:
        """Of a pass."""
        return StateJudge(side, FIELDS, one, self._book, self._rounding)


class _Pass:
    """See ports.Judging."""

    def __init__(self, owner: Inventory, side: ErpStates[StockLevel], one: Pass) -> None:
        self._owner = owner
        self._side = side
        self._pass = one
        self._judge = owner.judge(side, one)
        self._sums = {owner.erp: Sums(), owner.store: Sums()}
        self._day: date = one.began.date()
        self._reserved: dict[str, Decimal] = {}  # as many as have open orders

    def erp_side(self) -> Iterator[Entry]:
        """Each level as the store should hold it: with what it reserves, where it does. Beside it the ERP's own."""
        unsettled = self._owner.unsettled()
        for levels in _chunks(self._side.records(), CHUNK):
            stirred = [level for level in levels if level.sku.casefold() in unsettled]
            reckoned = dict(zip(map(subject, stirred), self._owner.reckoned(stirred, self._pass), strict=True))
            for level in levels:
                yield self._entry(level, reckoned.get(subject(level), level))

    def _entry(self, level: StockLevel, wanted: StockLevel) -> Entry:
        sums = self._sums[self._owner.erp]
        sums.add(self._day, f"pieces at {level.place}", level.quantity)
        name = subject(level)
        if wanted.quantity != level.quantity:
            sums.add(self._day, f"reckoned at {level.place}", wanted.quantity - level.quantity)
            self._reserved[name] = wanted.quantity - level.quantity
        return Entry(name, (plain(wanted.quantity), _yes(wanted.in_stock)), ENCODER.encode(level).decode())

    def store_side(self, told: Stored) -> Iterator[Entry]:  # noqa: ARG002  the store lists its own
        """Each source item of the sources that the route writes to."""
        sums = self._sums[self._owner.store]
        for place in self._owner.places():
            for piece in self._owner.pieces(place):
                sums.add(self._day, f"pieces at {place}", piece.quantity)
                fields = (plain(piece.quantity), _yes(bool(piece.status)))
                yield Entry(f"{place}/{piece.sku.casefold()}", fields)

    def judged(self, pairs: Sequence[Pair]) -> Verdicts:
        """By what was told of each level, and what was reckoned with it."""
        worth = [pair for pair in pairs if not _is_nothing(pair)]
        return self._judge.judged(worth, lambda level: self._reserved.get(subject(level), ZERO))

    def asides(self) -> Verdicts:
        """Rows that cannot be read."""
        return self._judge.asides()

    def sums(self) -> dict[str, Sums]:
        """Pieces by source."""
        return self._sums


def _is_nothing(pair: Pair) -> bool:
    """What only the store knows of and has none of: a product may be put in a source before the ERP knows it."""
    return pair.left is None and pair.right is not None and Decimal(pair.right.fields[0]) == 0


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _chunks(levels: Iterator[StockLevel], size: int) -> Iterator[list[StockLevel]]:
    while chunk := list(islice(levels, size)):
        yield chunk
