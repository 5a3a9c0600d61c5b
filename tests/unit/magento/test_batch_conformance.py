"""Stock, prices and products pass the suite of batches, into the sandbox's store over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from crossdock.conformance.batches import BatchSinkConformance, Interrupt
from crossdock.conformance.faults import Fault
from crossdock.contract.connector import Connector
from crossdock.contract.flow import Flow
from crossdock.flows import INVENTORY, PRICES, PRODUCTS
from crossdock.magento.connector import build
from crossdock.model.inventory import StockLevel
from crossdock.model.price import Price
from crossdock.model.product import Product
from crossdock.sandbox.run import StoreServer
from crossdock.sandbox.wire import Answer, Asked
from tests.unit.magento.test_price_conformance import AFTER, INSTEAD, SETTINGS, sku

READS = ("information", "/products-render-info")


class IntoStore(BatchSinkConformance):
    """A class below says which flow."""

    __test__ = False

    @pytest.fixture
    def server(self) -> Iterator[StoreServer]:
        server = StoreServer(seed=1)
        server.start()
        yield server
        server.stop()

    @pytest.fixture
    def connector(self, server: StoreServer, monkeypatch: pytest.MonkeyPatch) -> Connector:
        monkeypatch.setenv("CONFORMANCE_TOKEN", "sandbox")
        return build("store", SETTINGS | {"base_url": server.url, "prices": {"batch_size": 2}})

    @pytest.fixture
    def interrupt(self, server: StoreServer) -> Interrupt:
        plain = server._server.handler
        left: list[tuple[int, Fault]] = []

        def answer(asked: Asked) -> Answer:
            if not left or asked.method == "GET" or any(part in asked.path for part in READS):
                return plain(asked)
            after, fault = left.pop()
            if after:
                left.append((after - 1, fault))
                return plain(asked)
            if fault in AFTER:
                plain(asked)
            return (AFTER | INSTEAD)[fault]

        def interrupt(after: int, fault: Fault) -> bool:
            server._server.handler = answer
            left.append((after, fault))
            return fault in AFTER | INSTEAD

        return interrupt


class TestStock(IntoStore):
    __test__ = True

    @pytest.fixture
    def flow(self) -> Flow[Any]:
        return INVENTORY

    @pytest.fixture
    def make_record(self) -> Callable[[int, int], Any]:
        return lambda number, turn: level(sku(number), number * 10 + turn)

    @pytest.fixture
    def bad_record(self) -> Any:
        return level("NO-SUCH-SKU", 1)

    @pytest.fixture
    def holds(self, server: StoreServer) -> Callable[[Any], bool]:
        def held(record: StockLevel) -> bool:
            row = server.do(lambda store: store.source_items.get((record.sku, record.place)))
            return row is not None and row["quantity"] == float(record.quantity)

        return held


class TestPrices(IntoStore):
    __test__ = True

    @pytest.fixture
    def flow(self) -> Flow[Any]:
        return PRICES

    @pytest.fixture
    def make_record(self) -> Callable[[int, int], Any]:
        return lambda number, turn: price(sku(number), number * 10 + turn)

    @pytest.fixture
    def bad_record(self) -> Any:
        return price("NO-SUCH-SKU", 1)

    @pytest.fixture
    def holds(self, server: StoreServer) -> Callable[[Any], bool]:
        return lambda record: server.do(
            lambda store: any(row["price"] == record.amount for row in store.prices.of("base", record.sku))
        )


class TestProducts(IntoStore):
    __test__ = True

    @pytest.fixture
    def flow(self) -> Flow[Any]:
        return PRODUCTS

    @pytest.fixture
    def make_record(self) -> Callable[[int, int], Any]:
        return lambda number, turn: named(sku(number), f"Shirt {number}, state {turn}")

    @pytest.fixture
    def bad_record(self) -> Any:
        return named("NO-SUCH-SKU", "Shirt", creates=False)

    @pytest.fixture
    def holds(self, server: StoreServer) -> Callable[[Any], bool]:
        def held(record: Product) -> bool:
            row = server.do(lambda store: store.catalog.rows.get(record.sku.casefold()))
            return row is not None and row["name"] == record.values["name"]

        return held


def level(code: str, quantity: int) -> StockLevel:
    return StockLevel(sku=code, place="wh_milan", quantity=Decimal(quantity), in_stock=True)


def price(code: str, amount: int) -> Price:
    return Price(kind="base", sku=code, amount=Decimal(amount), currency="EUR")


def named(code: str, name: str, **more: Any) -> Product:
    return Product(sku=code, values={"name": name}, owned=("name",), **more)
