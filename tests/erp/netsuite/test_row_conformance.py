"""Rows out of the account that stands in pass the suite, each flow, by SuiteQL over real HTTP."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from crossdock.conformance.rows import Change, Row, RowSourceConformance, Told
from crossdock.contract.connector import Connector, RowSource
from crossdock.flows import FLOWS, customer_rows, fulfilment, inventory, prices, products
from tests.erp.netsuite.books import PREFIXES, document
from tests.erp.netsuite.conftest import Netsuite
from tests.erp.netsuite.samples import key_of, order

READS: dict[str, Any] = {
    "inventory": {},
    "prices": {"scope": "STD", "currency": "EUR", "currency_id": "4"},
    "products": {},
    "customers": {},
    "shipments": {"tracking": "t.linkedtrackingnumberlist"},
    "invoices": {},
}
PLACES = {"warehouses": {"Main": "default"}}
SCOPES = {"currency": "EUR", "tax": "excluded", "scopes": {"STD": {"store": 0, "website": 0}}}
Late = tuple[Told, Callable[[], None]]
NOW = datetime(2026, 11, 25, tzinfo=UTC)


class FromNetsuite(RowSourceConformance):
    """A class below says which flow."""

    __test__ = False
    reads = "inventory"
    more: dict[str, Any] = {}

    @pytest.fixture
    def flow(self) -> str:
        return self.reads

    def reading(self) -> dict[str, Any]:
        return {self.reads: READS[self.reads] | {"page_size": 2} | self.more}

    @pytest.fixture
    def connector(self, netsuite: Netsuite) -> Connector:
        netsuite.stand_in.do(lambda account: account.tables.put("location", id=1, name="Main"))
        return netsuite.connector(reads=self.reading(), custom={"line_id": "custcol_line_id"})

    @pytest.fixture
    def unreachable(self, netsuite: Netsuite) -> RowSource | None:
        return netsuite.connector(reads=self.reading(), url="http://127.0.0.1:9").rows(self.reads)


class TestAvailable(FromNetsuite):
    __test__ = True

    @pytest.fixture
    def change(self, netsuite: Netsuite) -> Change:
        def change(number: int, turn: int) -> Told:
            netsuite.count_stock(sku(number), turn, at=netsuite.account.stamp())
            return f"default/{sku(number).casefold()}", turn

        return change

    @pytest.fixture
    def told(self) -> Callable[[Row], Told]:
        read = inventory.reader(PLACES)
        return lambda row: (inventory.subject(level := read(row)), level.quantity)

    @pytest.fixture
    def begin_late(self, netsuite: Netsuite) -> Callable[[int, int], Late]:
        """It becomes visible with a time that lies behind what was read already."""

        def begin(number: int, turn: int) -> Late:
            early = netsuite.a_minute_ago()
            wanted = f"default/{sku(number).casefold()}", turn
            return wanted, lambda: netsuite.count_stock(sku(number), turn, at=early)

        return begin


class TestOnHand(TestAvailable):
    """NetSuite keeps no time of it: each scan is whole."""

    more = {"meaning": "on_hand"}
    tells_changes = False


class TestPrices(FromNetsuite):
    __test__ = True
    reads = "prices"

    @pytest.fixture
    def change(self, netsuite: Netsuite) -> Change:
        def change(number: int, turn: int) -> Told:
            price = Decimal(turn) + Decimal("0.25")
            netsuite.price(sku(number), price)
            return f"price/base/0/{sku(number).casefold()}", price

        return change

    @pytest.fixture
    def begin_late(self, netsuite: Netsuite) -> Callable[[int, int], Late]:
        def begin(number: int, turn: int) -> Late:
            price, early = Decimal(turn) + Decimal("0.25"), netsuite.a_minute_ago()
            wanted = f"price/base/0/{sku(number).casefold()}", price
            return wanted, lambda: netsuite.price(sku(number), price, at=early)

        return begin

    @pytest.fixture
    def told(self) -> Callable[[Row], Told]:
        read = prices.reader(SCOPES)
        return lambda row: (prices.subject(price := read(row)), price.amount)


class TestProducts(FromNetsuite):
    __test__ = True
    reads = "products"

    @pytest.fixture
    def change(self, netsuite: Netsuite) -> Change:
        def change(number: int, turn: int) -> Told:
            netsuite.rename(sku(number), f"Shirt {turn}")
            return f"product/{sku(number).casefold()}", f"Shirt {turn}"

        return change

    @pytest.fixture
    def begin_late(self, netsuite: Netsuite) -> Callable[[int, int], Late]:
        def begin(number: int, turn: int) -> Late:
            early = netsuite.a_minute_ago()
            wanted = f"product/{sku(number).casefold()}", f"Shirt {turn}"
            return wanted, lambda: netsuite.rename(sku(number), f"Shirt {turn}", at=early)

        return begin

    @pytest.fixture
    def told(self) -> Callable[[Row], Told]:
        read = products.reader({"owned": ["name", "status"]})
        return lambda row: (products.subject(product := read(row)), product.values["name"])


class TestCustomers(FromNetsuite):
    __test__ = True
    reads = "customers"

    @pytest.fixture
    def change(self, netsuite: Netsuite) -> Change:
        def change(number: int, turn: int) -> Told:
            body = {
                "lastName": f"Rossi {turn}",
                "firstName": "Ada",
                "email": f"ada{number}@example.com",
                "isPerson": True,
            }
            ident = netsuite.stand_in.do(
                lambda account: account.records.upsert("customer", f"M{number}", body, replace=False)
            )
            return str(ident), f"Rossi {turn}"

        return change

    @pytest.fixture
    def told(self) -> Callable[[Row], Told]:
        def told(row: Row) -> Told:
            read = customer_rows.read(row, "base", NOW)
            return read.number, read.fields["last_name"]

        return told


class Documents(FromNetsuite):
    """A change is another document: of a new order each."""

    kind = "ItemShip"

    @pytest.fixture
    def change(self, netsuite: Netsuite, connector: Connector) -> Change:
        sink = connector.sink(FLOWS["orders"])
        made = iter(range(1, 1000))

        def change(_number: int, _turn: int) -> Told:
            number = next(made)
            record = order(number)
            sink.put(record, key_of(number))
            name = netsuite.stand_in.do(lambda account: document(account, record.number, self.kind))
            return name, (record.number, (("11", Decimal(3)),))

        return change

    @pytest.fixture
    def begin_late(self, netsuite: Netsuite, connector: Connector) -> Callable[[int, int], Late]:
        """Its number is known when it is there."""

        def begin(_number: int, _turn: int) -> Late:
            connector.sink(FLOWS["orders"]).put(order(900), key_of(900))
            early = {"lastmodifieddate": netsuite.a_minute_ago()}
            named = f"{PREFIXES[self.kind]}900000"
            wanted = named, ("000000900", (("11", Decimal(3)),))

            def commit() -> None:
                netsuite.stand_in.do(lambda account: document(account, "000000900", self.kind, ident=900000, **early))

            return wanted, commit

        return begin

    @pytest.fixture
    def told(self) -> Callable[[Row], Told]:
        def told(row: Row) -> Told:
            (read,) = fulfilment.read(self.reads, row, "erp", PLACES)
            return read.number, (read.order_number, tuple((line.line, line.quantity) for line in read.lines))

        return told


class TestShipments(Documents):
    __test__ = True
    reads = "shipments"


class TestInvoices(Documents):
    __test__ = True
    reads = "invoices"
    kind = "CustInvc"


def sku(number: int) -> str:
    return f"SIM-{number:04}"
