"""Rows out of the stand-in pass the suite, flow by flow; every request is held against the vendor's tables."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from crossdock.conformance.rows import Change, Row, RowSourceConformance, Told, scanned
from crossdock.contract.connector import Connector, RowSource
from crossdock.erp.dynamics_fo.connector import build
from crossdock.errors import ConfigurationError
from crossdock.flows import inventory, prices, products
from crossdock.sandbox.erps.dynamics_fo import FoServer, settings
from tests.erp.dynamics_fo.wire import Checked

PAGE = {"page_size": 3}
READS: dict[str, Any] = {
    "inventory": PAGE,
    "prices": PAGE | {"scope": "STD", "currency": "EUR"},
    "products": PAGE | {"fields": {"name": "ProductSearchName"}, "off_states": ["Obsolete"]},
}
PLACES = {"warehouses": {"11": "default", "12": "east"}}
SCOPES = {"currency": "EUR", "tax": "excluded", "scopes": {"STD": {"store": 0, "website": 0}}}
different = itertools.count(1)


class FromFo(RowSourceConformance):
    """A class below says which flow."""

    __test__ = False
    tells_changes = False
    reads = "inventory"

    @pytest.fixture
    def flow(self) -> str:
        return self.reads

    @pytest.fixture
    def connector(self, server: FoServer) -> Connector:
        return build("erp", settings(server.url, reads=READS), http=Checked())

    @pytest.fixture
    def unreachable(self, server: FoServer) -> RowSource | None:
        table = settings(server.url, reads=READS) | {"url": "http://127.0.0.1:9"}
        return build("erp", table).rows(self.reads)


class TestStock(FromFo):
    __test__ = True

    @pytest.fixture
    def change(self, server: FoServer) -> Change:
        def change(number: int, _turn: int) -> Told:
            quantity = Decimal(next(different))
            server.do(lambda books: books.set_stock(sku(number), quantity))
            return f"default/{sku(number).casefold()}", quantity

        return change

    @pytest.fixture
    def told(self) -> Callable[[Row], Told]:
        read = inventory.reader(PLACES)
        return lambda row: (inventory.subject(level := read(row)), level.quantity)


class TestPrices(FromFo):
    __test__ = True
    reads = "prices"

    @pytest.fixture
    def change(self, server: FoServer) -> Change:
        def change(number: int, _turn: int) -> Told:
            price = Decimal(next(different)) + Decimal("0.25")
            server.do(lambda books: books.add_item(sku(number), SalesPrice=price * 10, SalesPriceQuantity=10))
            return f"price/base/0/{sku(number).casefold()}", price

        return change

    @pytest.fixture
    def told(self) -> Callable[[Row], Told]:
        read = prices.reader(SCOPES)
        return lambda row: (prices.subject(price := read(row)), price.amount)


class TestProducts(FromFo):
    __test__ = True
    reads = "products"

    @pytest.fixture
    def change(self, server: FoServer) -> Change:
        def change(number: int, _turn: int) -> Told:
            name = f"Shirt {next(different)}"
            server.do(lambda books: books.add_item(sku(number), ProductSearchName=name))
            return f"product/{sku(number).casefold()}", name

        return change

    @pytest.fixture
    def told(self) -> Callable[[Row], Told]:
        read = products.reader({"owned": ["name", "status"]})
        return lambda row: (products.subject(product := read(row)), product.values["name"])


def levels(server: FoServer, **more: Any) -> dict[tuple[str, str], Decimal]:
    source = build("erp", settings(server.url, reads={"inventory": PAGE | more}), http=Checked()).rows("inventory")
    return {(row["sku"], row["warehouse"]): row["qty"] for page in scanned(source, None) for row in page.rows}


def test_what_lies_in_parts_is_summed_over_pages(server: FoServer) -> None:
    """One item fills more than a page: sites and statuses are rows of their own."""
    for number in range(7):
        row = {"ItemNumber": "SIM-0001", "InventorySiteId": str(number), "InventoryWarehouseId": "11"}
        quantities = {"OnHandQuantity": 2, "AvailableOnHandQuantity": 1}
        server.do(lambda books, told=row | quantities: books.add("WarehousesOnHandV2", **told))  # type: ignore[misc]
    server.do(lambda books: books.set_stock("SIM-0002", Decimal(5), "12"))
    assert levels(server) == {("SIM-0001", "11"): 14, ("SIM-0002", "12"): 5}
    assert levels(server, meaning="available") == {("SIM-0001", "11"): 7, ("SIM-0002", "12"): 4}
    assert levels(server, warehouses=["12"]) == {("SIM-0002", "12"): 5}


def test_variants_have_a_sku_only_where_one_is_said(server: FoServer) -> None:
    server.do(lambda books: books.set_stock("SHIRT", Decimal(3), ProductColorId="RED", ProductSizeId="L"))
    assert levels(server) == {}
    assert levels(server, variant_separator="-") == {("SHIRT-L-RED", "11"): 3}


def test_another_company_is_not_told(server: FoServer) -> None:
    server.do(lambda books: books.set_stock("SIM-0001", Decimal(3)))
    server.do(lambda books: books.tables["WarehousesOnHandV2"][0].update(dataAreaId="demf"))
    assert levels(server) == {}


def test_a_price_of_several_pieces_is_told_where_it_comes_out_even(server: FoServer) -> None:
    server.do(lambda books: books.add_item("SIM-0001", SalesPrice=Decimal(10), SalesPriceQuantity=3))
    server.do(lambda books: books.add_item("SIM-0002", SalesPrice=Decimal(0)))
    source = build("erp", settings(server.url, reads=READS), http=Checked()).rows("prices")
    told = {row["sku"] for page in scanned(source, None) for row in page.rows}
    assert not {"SIM-0001", "SIM-0002"} & told
    assert "SIM-0003" in told


def test_a_product_whose_state_is_off_is_disabled(server: FoServer) -> None:
    server.do(lambda books: books.add_item("SIM-0001", ProductLifecycleStateId="Obsolete"))
    source = build("erp", settings(server.url, reads=READS), http=Checked()).rows("products")
    told = {row["sku"]: row["status"] for page in scanned(source, None) for row in page.rows}
    assert (told["SIM-0001"], told["SIM-0002"]) == ("disabled", "enabled")


def test_what_is_not_read_has_no_rows(server: FoServer) -> None:
    with pytest.raises(ConfigurationError):
        build("erp", settings(server.url)).rows("inventory")


def sku(number: int) -> str:
    return f"SIM-{number:04}"
