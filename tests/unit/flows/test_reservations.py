"""The quantity written is such that the store can sell what the ERP has less the orders that it has not seen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.flows.reservations import Gone, Held, deducted, departed, held, home, reckoned
from crossdock.magento.mapping.orders import parse_order
from crossdock.model.inventory import StockLevel
from tests.material import SHARED, needs_shared

START = datetime(2026, 1, 1, tzinfo=UTC)


class Trade:
    """A store with one stock and an ERP with one warehouse, which hear of one another late."""

    def __init__(self, pieces: int) -> None:
        self.now = START
        self.physical = pieces  # the ERP's own count
        self.source = Decimal(pieces)  # the store's
        self.open: dict[str, int] = {}  # order -> pieces that the store reserves
        self.known: dict[str, datetime] = {}  # order -> since when the ERP has it
        self.unshipped: dict[str, int] = {}  # order -> pieces that the ERP has taken off and not shipped

    def tick(self) -> None:
        self.now += timedelta(seconds=1)

    def place(self, order: str, pieces: int) -> None:
        self.open[order] = pieces

    def export(self, order: str) -> None:
        if order in self.open and order not in self.known:
            self.known[order], self.unshipped[order] = self.now, self.open[order]

    def ship(self, order: str) -> None:
        if order in self.known and order in self.open:
            pieces = self.open.pop(order)
            self.physical -= pieces
            self.source -= pieces
            self.unshipped.pop(order)

    def cancel(self, order: str) -> None:
        """At the store; the ERP is told at once, or its next level would still lack the pieces."""
        if self.open.pop(order, None) is not None:
            self.unshipped.pop(order, None)

    def told(self) -> StockLevel:
        available = self.physical - sum(self.unshipped.values())
        return StockLevel(
            sku="A", place="wh", quantity=Decimal(available), in_stock=True, meaning="available", as_of=self.now
        )

    def write(self, level: StockLevel) -> None:
        ledger = [
            Held(order=order, quantity=Decimal(self.open[order]), known_at=since)
            for order, since in self.known.items()
            if order in self.open
        ]
        taken = deducted(ledger, level.as_of or self.now)
        self.source = reckoned(level, taken, Decimal(sum(self.open.values()))).quantity

    @property
    def salable(self) -> Decimal:
        return self.source - sum(self.open.values())


MOVES = st.lists(
    st.tuples(st.sampled_from(["place", "export", "ship", "cancel", "count"]), st.integers(0, 5), st.integers(1, 9)),
    max_size=40,
)


@given(pieces=st.integers(0, 200), moves=MOVES)
def test_whatever_happens_the_store_sells_what_the_erp_has_less_what_it_has_not_seen(
    pieces: int, moves: list[tuple[str, int, int]]
) -> None:
    trade = Trade(pieces)
    for step, (move, order, count) in enumerate(moves):
        trade.tick()
        name = f"{order}"
        if move == "place" and name not in trade.known and name not in trade.open:
            trade.place(name, count)
        elif move == "count":
            trade.physical += count
        elif move in {"export", "ship", "cancel"}:
            getattr(trade, move)(name)
        trade.tick()
        trade.write(trade.told())
        unseen = sum(left for one, left in trade.open.items() if one not in trade.known)
        available = trade.physical - sum(trade.unshipped.values())
        assert trade.salable == available - unseen, (step, move)


@given(pieces=st.integers(20, 200), count=st.integers(1, 9))
def test_a_level_from_before_the_erp_had_an_order_is_not_raised_by_it(pieces: int, count: int) -> None:
    trade = Trade(pieces)
    before = trade.told()
    trade.tick()
    trade.place("1", count)
    trade.export("1")
    trade.write(before)
    assert trade.salable == pieces - count
    trade.tick()
    trade.write(trade.told())
    assert trade.salable == pieces - count


def test_what_is_added_is_never_more_than_the_store_itself_reserves() -> None:
    level = StockLevel(sku="A", place="wh", quantity=Decimal(5), in_stock=True, meaning="available")
    assert reckoned(level, Decimal(3), Decimal(1)).quantity == 6
    assert reckoned(level, Decimal(3), Decimal(-2)).quantity == 5
    assert reckoned(msgspec.structs.replace(level, meaning="on_hand"), Decimal(3), Decimal(3)).quantity == 5
    none = msgspec.structs.replace(level, quantity=Decimal(0), in_stock=False)
    assert reckoned(none, Decimal(3), Decimal(3)).in_stock, "what is reserved must be there to be shipped"


def test_the_home_of_reservations_is_named_or_the_first() -> None:
    options: dict[str, Any] = {"warehouses": {"MI": "wh_milan", "RM": "wh_rome"}}
    assert home(options) == "wh_milan"
    assert home(options | {"reserve_at": "wh_rome"}) == "wh_rome"
    assert home({}) == ""


@needs_shared
@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("007_simples_a", {"od-p001"}),
        ("009_configurable_a", None),
        ("011_bundle_dyn_a", None),
        ("018_virtual_a", None),
    ],
)
def test_what_a_recorded_order_keeps_aside(name: str, wanted: set[str] | None) -> None:
    order = parse_order((SHARED / "magento" / "orders" / f"{name}.json").read_bytes())
    kept = held(order)
    assert kept
    assert all(quantity > 0 for quantity in kept.values())
    assert not any(line.kind == "bundle" and line.sku.casefold() in kept for line in order.lines)
    if wanted:
        assert wanted <= set(kept)
    shipped = [
        msgspec.structs.replace(line, quantity_shipped=line.quantity, quantity_invoiced=line.quantity)
        for line in order.lines
    ]
    assert held(msgspec.structs.replace(order, lines=tuple(shipped))) == {}
    cancelled = [msgspec.structs.replace(line, quantity_canceled=line.quantity) for line in order.lines]
    assert held(msgspec.structs.replace(order, lines=tuple(cancelled))) == {}


def test_what_left_since_the_level_was_told_is_not_written_back() -> None:
    level = StockLevel(sku="A", place="wh", quantity=Decimal(5), in_stock=True, meaning="on_hand")
    later = START + timedelta(seconds=1)
    gone = Gone(place="wh", quantity=Decimal(2), at=later, known_at=START)
    assert departed(level, [gone], START).quantity == 3
    assert departed(level, [gone], later) is level
    assert departed(level, [msgspec.structs.replace(gone, place="other")], START) is level
    promised = msgspec.structs.replace(level, meaning="available")
    assert departed(promised, [gone], START) is promised, "it lacks them since the ERP has their order"
    unknown = msgspec.structs.replace(gone, known_at=None)
    assert departed(promised, [unknown], START).quantity == 3
    all_of_it = departed(level, [msgspec.structs.replace(gone, quantity=Decimal(9))], START)
    assert (all_of_it.quantity, all_of_it.in_stock) == (Decimal(0), False)
