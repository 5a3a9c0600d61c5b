"""Rows out of the stand-in pass the suite."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from crossdock.conformance.rows import Change, Row, RowSourceConformance, Told
from crossdock.contract.connector import Connector, RowSource
from crossdock.flows import inventory, prices, products
from crossdock.sandbox.erps.oracle_fusion import StandIn
from tests.erp.oracle_fusion.oracle import connected
from tests.erp.oracle_fusion.stock import charge, paged, set_item, set_level, set_price, sku

SCOPES = {"currency": "EUR", "tax": "excluded", "scopes": {"STD": {"store": 0, "website": 0}}}
different = itertools.count(1)  # nothing is told of a state that is what it was


class FromOracle(RowSourceConformance):
    __test__ = False
    reads = "inventory"

    @pytest.fixture
    def flow(self) -> str:
        return self.reads

    @pytest.fixture
    def connector(self, oracle: StandIn) -> Connector:
        oracle.prices.setdefault(300, [])
        return connected(oracle, reads=paged(2))

    @pytest.fixture
    def unreachable(self, oracle: StandIn) -> RowSource | None:
        return connected(oracle, reads=paged(2), url="http://127.0.0.1:9").rows(self.reads)


class TestStock(FromOracle):
    __test__ = True
    tells_changes = False  # a balance has no change date

    @pytest.fixture
    def change(self, oracle: StandIn) -> Change:
        def change(number: int, _turn: int) -> Told:
            quantity = next(different)
            set_level(oracle, number, quantity, 0.5)
            return f"default/{sku(number).casefold()}", Decimal(quantity) + Decimal("0.5")

        return change

    @pytest.fixture
    def told(self) -> Callable[[Row], Told]:
        read = inventory.reader({"warehouses": {"V1": "default", "V2": "second"}})
        return lambda row: (inventory.subject(level := read(row)), level.quantity)


class TestProducts(FromOracle):
    __test__ = True
    reads = "products"

    @pytest.fixture
    def change(self, oracle: StandIn) -> Change:
        def change(number: int, _turn: int) -> Told:
            name = f"Shirt {next(different)}"
            set_item(oracle, number, name)
            return f"product/{sku(number).casefold()}", name

        return change

    @pytest.fixture
    def told(self) -> Callable[[Row], Told]:
        read = products.reader({"owned": ["name", "status"]})
        return lambda row: (products.subject(product := read(row)), product.values["name"])

    @pytest.fixture
    def begin_late(self, oracle: StandIn) -> Callable[[int, int], tuple[Told, Callable[[], None]]] | None:
        def begin(number: int, _turn: int) -> tuple[Told, Callable[[], None]]:
            name, at = f"Shirt {next(different)}", oracle.clock()

            def commit() -> None:
                set_item(oracle, number, name, at=at)

            return (f"product/{sku(number).casefold()}", name), commit

        return begin


class TestPrices(FromOracle):
    __test__ = True
    reads = "prices"
    tells_changes = False  # whether a charge moves its item's date is not known

    @pytest.fixture
    def change(self, oracle: StandIn) -> Change:
        def change(number: int, _turn: int) -> Told:
            price: Any = next(different) + 0.25
            set_price(oracle, number, charge(price))
            return f"price/base/0/{sku(number).casefold()}", Decimal(str(price))

        return change

    @pytest.fixture
    def told(self) -> Callable[[Row], Told]:
        read = prices.reader(SCOPES)
        return lambda row: (prices.subject(price := read(row)), price.amount)
