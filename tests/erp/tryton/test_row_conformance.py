"""Rows out of a real Tryton pass the suite, over both of its interfaces."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from crossdock.conformance.rows import Change, Row, RowSourceConformance, Told
from crossdock.contract.connector import Connector, RowSource
from crossdock.erp.tryton.connector import build
from crossdock.flows import FLOWS, customer_rows, fulfilment, inventory, prices, products
from tests.erp.tryton.clerk import Clerk
from tests.erp.tryton.samples import NOW, customer, key_of, numbers, order
from tests.tryton_server import Tryton

PAGE = {"page_size": 3}  # changed things of a page; a full run has larger ones, or it would take too long
FULL = {"page_size": 30}
READS: dict[str, Any] = {
    "inventory": FULL,
    "prices": FULL | {"scope": "STD"},
    "products": FULL,
    "shipments": PAGE,
    "invoices": PAGE,
    "customers": FULL,
    "credit_memos": PAGE,
}
PLACES = {"warehouses": {"WH": "default"}}
SCOPES = {"currency": "EUR", "tax": "excluded", "scopes": {"STD": {"store": 0, "website": 0}}}
LONG = pytest.mark.skipif(os.environ.get("CROSSDOCK_LONG") != "1", reason="a sale takes seconds: only in long runs")
different = itertools.count(1)  # nothing is told of a state that is what it was


class FromTryton(RowSourceConformance):
    """A class below says which flow."""

    __test__ = False
    reads = "inventory"
    wire = "settings"

    @pytest.fixture
    def flow(self) -> str:
        return self.reads

    @pytest.fixture
    def connector(self, tryton: Tryton) -> Connector:
        return build("erp", getattr(tryton, self.wire)(reads=READS))

    @pytest.fixture
    def unreachable(self, tryton: Tryton) -> RowSource | None:
        return build("erp", tryton.settings(reads=READS, url="http://127.0.0.1:9")).rows(self.reads)


class TestStock(FromTryton):
    __test__ = True

    @pytest.fixture
    def change(self, tryton: Tryton) -> Change:
        def change(number: int, _turn: int) -> Told:
            tryton.count_stock(sku(number), quantity := next(different))
            return f"default/{sku(number).casefold()}", quantity

        return change

    @pytest.fixture
    def told(self) -> Callable[[Row], Told]:
        read = inventory.reader(PLACES | {"negative": "zero"})
        return lambda row: (inventory.subject(level := read(row)), level.quantity)


@LONG
class TestStockOverRpc(TestStock):
    wire = "session_settings"


class TestPrices(FromTryton):
    __test__ = True
    reads = "prices"

    @pytest.fixture
    def change(self, tryton: Tryton) -> Change:
        def change(number: int, _turn: int) -> Told:
            price = Decimal(next(different)) + Decimal("0.25")
            tryton.write("product.template", tryton.product(sku(number))["template"], list_price=price)
            return f"price/base/0/{sku(number).casefold()}", price

        return change

    @pytest.fixture
    def told(self) -> Callable[[Row], Told]:
        read = prices.reader(SCOPES)
        return lambda row: (prices.subject(price := read(row)), price.amount)


class TestProducts(FromTryton):
    __test__ = True
    reads = "products"

    @pytest.fixture
    def change(self, tryton: Tryton) -> Change:
        def change(number: int, _turn: int) -> Told:
            name = f"Shirt {next(different)}"
            tryton.write("product.template", tryton.product(sku(number))["template"], name=name)
            return f"product/{sku(number).casefold()}", name

        return change

    @pytest.fixture
    def told(self) -> Callable[[Row], Told]:
        read = products.reader({"owned": ["name", "status"]})
        return lambda row: (products.subject(product := read(row)), product.values["name"])


class TestCustomers(FromTryton):
    """A change is one of a name, an address or a contact in turn: each has times of its own."""

    __test__ = True
    reads = "customers"

    @pytest.fixture
    def change(self, tryton: Tryton, clerk: Clerk) -> Change:
        sink = build("erp", tryton.settings(flows=["customers"])).sink(FLOWS["customers"])

        def change(number: int, turn: int) -> Told:
            code = f"M{900_000 + number}"
            if not clerk.rows("party.party", [("code", "=", code)], "code"):
                sink.put(customer(900_000 + number), key_of(number))
            fresh = f"Finch{next(different)}"
            if (number + turn) % 3 == 0:
                clerk.client.write("party.party", clerk.party(code)["id"], {"name": f"Wilhelmina {fresh}"})
            elif (number + turn) % 3 == 1:
                clerk.client.write("party.address", clerk.addresses(code)[0]["id"], {"city": fresh})
            else:
                (email,) = [row["id"] for row in clerk.contacts(code) if row["type"] == "email"]
                clerk.client.write("party.contact_mechanism", email, {"value": f"{fresh.lower()}@canary.example"})
            party = clerk.party(code)
            return code, (party["name"], clerk.addresses(code)[0]["city"], party["email"])

        return change

    @pytest.fixture
    def told(self) -> Callable[[Row], Told]:
        def told(row: Row) -> Told:
            read = customer_rows.read(row, "base", NOW)
            name = f"{read.fields.get('first_name')} {read.fields.get('last_name')}"
            return read.number, (name, read.fields.get("addresses.m1", {}).get("city"), read.fields.get("email"))

        return told


class Documents(FromTryton):
    """A change is another document: of a new order each."""

    several = 2

    @pytest.fixture
    def change(self, tryton: Tryton) -> Change:
        sink = build("erp", tryton.settings()).sink(FLOWS["orders"])

        def change(_number: int, _turn: int) -> Told:
            number = next(numbers)
            record = order(number)
            sink.put(record, key_of(number))
            return self.done(tryton, record.number), (record.number, (("11", Decimal(3)),))

        return change

    @pytest.fixture
    def told(self) -> Callable[[Row], Told]:
        def told(row: Row) -> Told:
            (read,) = fulfilment.read(self.reads, row, "erp", PLACES)
            lines = tuple((line.line, line.quantity) for line in getattr(read, "lines", ()))
            return read.number, (read.order_number, lines)

        return told

    def done(self, tryton: Tryton, reference: str) -> str:
        raise NotImplementedError


@LONG
class TestShipments(Documents):
    __test__ = True
    reads = "shipments"

    def done(self, tryton: Tryton, reference: str) -> str:
        return tryton.ship(reference)


@LONG
class TestInvoices(Documents):
    __test__ = True
    reads = "invoices"

    def done(self, tryton: Tryton, reference: str) -> str:
        return tryton.post_invoice(reference)


def sku(number: int) -> str:
    return f"SIM-{number:04}"


@LONG
class TestCreditMemos(Documents):
    __test__ = True
    reads = "credit_memos"

    @pytest.fixture
    def change(self, tryton: Tryton, clerk: Clerk) -> Change:
        sink = build("erp", tryton.settings()).sink(FLOWS["orders"])

        def change(_number: int, _turn: int) -> Told:
            number = next(numbers)
            record = order(number)
            sink.put(record, key_of(number))
            tryton.post_invoice(record.number)
            return clerk.post(clerk.credit(tryton.invoices(record.number)[0]["id"])), (record.number, (("11", 3),))

        return change
