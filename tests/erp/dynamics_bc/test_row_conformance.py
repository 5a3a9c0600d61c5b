"""Rows out of the stand-in pass the suite, flow by flow; every request is held against the vendor's tables."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from crossdock.conformance.rows import Change, Row, RowSourceConformance, Told
from crossdock.contract.connector import Connector, RowSource
from crossdock.erp.dynamics_bc.connector import build
from crossdock.flows import FLOWS, customer_rows, fulfilment, inventory, prices, products
from crossdock.sandbox.erps.dynamics_bc import BcServer, settings
from tests.erp.dynamics_bc.samples import NOW, key_of, order
from tests.erp.dynamics_bc.wire import Checked

PAGE = {"page_size": 3}
READS: dict[str, Any] = {
    "inventory": PAGE,
    "prices": PAGE | {"scope": "STD", "currency": "EUR"},
    "products": PAGE,
    "customers": PAGE,
    "shipments": PAGE,
    "invoices": PAGE,
}
PLACES = {"warehouses": {"MAIN": "default"}}
SCOPES = {"currency": "EUR", "tax": "excluded", "scopes": {"STD": {"store": 0, "website": 0}}}
different = itertools.count(1)
numbers = itertools.count(1)
Late = Callable[[int, int], tuple[Told, Callable[[], None]]]


class FromBc(RowSourceConformance):
    """A class below says which flow."""

    __test__ = False
    reads = "inventory"

    @pytest.fixture
    def flow(self) -> str:
        return self.reads

    @pytest.fixture
    def connector(self, server: BcServer) -> Connector:
        return build("erp", settings(server.url, reads=READS), http=Checked())

    @pytest.fixture
    def unreachable(self, server: BcServer) -> RowSource | None:
        table = settings(server.url, reads=READS) | {"url": "http://127.0.0.1:9/api/v2.0"}
        return build("erp", table).rows(self.reads)

    def set_item(self, server: BcServer, number: int, **values: Any) -> None:
        server.do(lambda books: books.add_item(sku(number), **values))

    @pytest.fixture
    def begin_late(self, server: BcServer, change: Change) -> Late | None:
        """A record that is stamped now and seen later."""

        def begin(number: int, turn: int) -> tuple[Told, Callable[[], None]]:
            wanted = change(number, turn)
            table = "items" if self.reads in {"prices", "products", "inventory"} else TABLES[self.reads]
            stamp = (server.clock() - timedelta(seconds=60)).isoformat().replace("+00:00", "Z")
            kept = server.do(lambda books: hidden(books, table, wanted))
            kept["lastModifiedDateTime"] = stamp
            return wanted, lambda: server.do(lambda books: books.tables[table].append(kept))

        return begin


TABLES = {"customers": "customers", "shipments": "salesShipments", "invoices": "salesInvoices"}


def hidden(books: Any, table: str, wanted: Told) -> Any:
    name = str(wanted[0]).rpartition("/")[2].upper()
    row = next(one for one in books.tables[table] if one["number"].upper() == name)
    books.tables[table].remove(row)
    return row


class TestStock(FromBc):
    __test__ = True

    @pytest.fixture
    def change(self, server: BcServer) -> Change:
        def change(number: int, _turn: int) -> Told:
            quantity = Decimal(next(different))

            def post(books: Any) -> Decimal:
                books.post_entry(sku(number), quantity)
                row = next(one for one in books.tables["items"] if one["number"] == sku(number))
                return Decimal(row["inventory"])

            return f"default/{sku(number).casefold()}", server.do(post)

        return change

    @pytest.fixture
    def begin_late(self, server: BcServer, change: Change) -> Late | None:
        """An entry whose number was given out before another's, and whose transaction ends after that."""

        def begin(number: int, _turn: int) -> tuple[Told, Callable[[], None]]:
            def take(books: Any) -> tuple[Decimal, Any]:
                row = next(one for one in books.tables["items"] if one["number"] == sku(number))
                entry = books.post_entry(sku(number), Decimal(7))
                return Decimal(row["inventory"]), entry

            after, entry = server.do(take)

            def away(books: Any) -> None:
                books.tables["itemLedgerEntries"].remove(entry)
                # its number stays taken
                books.post_entry(sku(9), Decimal(1))["entryNumber"] += 1
                row = next(one for one in books.tables["items"] if one["number"] == sku(number))
                row["inventory"] -= 7

            def commit(books: Any) -> None:
                books.tables["itemLedgerEntries"].append(entry)
                row = next(one for one in books.tables["items"] if one["number"] == sku(number))
                row["inventory"] += 7

            server.do(away)
            return (f"default/{sku(number).casefold()}", after), lambda: server.do(commit)

        return begin

    @pytest.fixture
    def told(self) -> Callable[[Row], Told]:
        read = inventory.reader(PLACES)
        return lambda row: (inventory.subject(level := read(row)), level.quantity)


OWN = "../contoso/stock/v1.0/companies(COMPANY)/entries"


class TestStockByLocation(TestStock):
    """By an API page of the company's own, which tells the location."""

    @pytest.fixture
    def connector(self, server: BcServer) -> Connector:
        reads = READS | {"inventory": PAGE | {"location_field": "locationCode", "entries": OWN}}
        return build("erp", settings(server.url, reads=reads), http=Checked())


class TestPrices(FromBc):
    __test__ = True
    reads = "prices"

    @pytest.fixture
    def change(self, server: BcServer) -> Change:
        def change(number: int, _turn: int) -> Told:
            price = Decimal(next(different)) + Decimal("0.25")
            self.set_item(server, number, unitPrice=price)
            return f"price/base/0/{sku(number).casefold()}", price

        return change

    @pytest.fixture
    def told(self) -> Callable[[Row], Told]:
        read = prices.reader(SCOPES)
        return lambda row: (prices.subject(price := read(row)), price.amount)


class TestProducts(FromBc):
    __test__ = True
    reads = "products"

    @pytest.fixture
    def change(self, server: BcServer) -> Change:
        def change(number: int, _turn: int) -> Told:
            name = f"Shirt {next(different)}"
            self.set_item(server, number, displayName=name)
            return f"product/{sku(number).casefold()}", name

        return change

    @pytest.fixture
    def told(self) -> Callable[[Row], Told]:
        read = products.reader({"owned": ["name", "status"]})
        return lambda row: (products.subject(product := read(row)), product.values["name"])


class TestCustomers(FromBc):
    __test__ = True
    reads = "customers"

    @pytest.fixture
    def change(self, server: BcServer) -> Change:
        def change(number: int, _turn: int) -> Told:
            values = {
                "displayName": f"Wilhelmina {next(different)}",
                "type": "Person",
                "email": f"w{number}@canary.example",
                "addressLine1": "Birdcage Walk 7",
                "city": "Berlin",
                "country": "DE",
            }

            def put(books: Any) -> None:
                row = next((one for one in books.tables["customers"] if one["number"] == f"M{number}"), None)
                if row is None:
                    books.add_customer({"number": f"M{number}", **values})
                else:
                    books.replace("customers", row, values)

            server.do(put)
            return f"M{number}", values["displayName"].split()[1]

        return change

    @pytest.fixture
    def told(self) -> Callable[[Row], Told]:
        def told(row: Row) -> Told:
            customer = customer_rows.read(row, "base", NOW)
            assert customer.fields["addresses.main"]["city"] == "Berlin"
            return customer.number, customer.fields["last_name"]

        return told


class Documents(FromBc):
    """A change is another document: of a new order each."""

    several = 3

    @pytest.fixture
    def change(self, server: BcServer) -> Change:
        sink = build("erp", settings(server.url), http=Checked()).sink(FLOWS["orders"])

        def change(_number: int, _turn: int) -> Told:
            number = next(numbers)
            record = order(number)
            sink.put(record, key_of(number))
            return self.done(server, record.number), (record.number, (("11", Decimal(3)),))

        return change

    @pytest.fixture
    def told(self) -> Callable[[Row], Told]:
        def told(row: Row) -> Told:
            (read,) = fulfilment.read(self.reads, row, "erp", PLACES)
            lines = tuple((line.line, line.quantity) for line in getattr(read, "lines", ()))
            return read.number, (read.order_number, lines)

        return told

    def done(self, server: BcServer, reference: str) -> str:
        raise NotImplementedError


class TestShipments(Documents):
    __test__ = True
    reads = "shipments"

    def done(self, server: BcServer, reference: str) -> str:
        return server.do(lambda books: books.ship(reference))[0]


class TestInvoices(Documents):
    __test__ = True
    reads = "invoices"

    def done(self, server: BcServer, reference: str) -> str:
        return server.do(lambda books: books.ship(reference, invoice=True))[1]


def sku(number: int) -> str:
    return f"SIM-{number:04}"
