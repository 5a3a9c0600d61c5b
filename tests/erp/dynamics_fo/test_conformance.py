"""The shipped suite over HTTP, each flow; every request is held against the vendor's field tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from crossdock.conformance.faults import Inject
from crossdock.conformance.sinks import SinkConformance
from crossdock.contract.connector import Connector
from crossdock.contract.flow import Flow
from crossdock.erp.dynamics_fo.connector import build
from crossdock.flows import FLOWS
from crossdock.model.change import ChangeKind, OrderChange
from crossdock.sandbox.erps.dynamics_fo import FoServer, settings
from tests.erp.dynamics_fo.samples import NOW, PERSONAL, customer, key_of, order
from tests.erp.dynamics_fo.wire import Checked

BUYER = {"CustomerAccount": "M7", "CustomerGroupId": "10", "SalesCurrencyCode": "EUR"}


class OverHttp(SinkConformance):
    """A class below says which flow."""

    __test__ = False
    flow_name = "orders"
    more: dict[str, Any] = {}

    @pytest.fixture
    def wire(self) -> Checked:
        return Checked()

    @pytest.fixture
    def connector(self, server: FoServer, wire: Checked) -> Connector:
        return build("erp", settings(server.url, flows=[self.flow_name], **self.more), http=wire)

    @pytest.fixture
    def flow(self) -> Flow[Any]:
        return FLOWS[self.flow_name]

    @pytest.fixture
    def make_record(self) -> Callable[[int], Any]:
        return order

    @pytest.fixture
    def count(self, server: FoServer) -> Callable[[Any, str], int]:
        return lambda record, _key: server.do(
            lambda books: sum(
                any(line["SalesOrderNumber"] == one["SalesOrderNumber"] for line in books.tables["SalesOrderLinesV2"])
                for one in books.tables["SalesOrderHeadersV2"]
                if one["CustomersOrderReference"] == record.number
            )
        )

    @pytest.fixture
    def inject(self, wire: Checked, server: FoServer) -> Inject:
        server.do(lambda books: books.make("CustomersV3", dict(BUYER)))  # the next write is the order's own
        return wire.inject

    @pytest.fixture
    def personal(self) -> Sequence[str]:
        return PERSONAL


class TestOrders(OverHttp):
    __test__ = True


class TestOrdersUnderTheirNumbers(OverHttp):
    __test__ = True
    more = {"order_numbers": "theirs"}

    @pytest.fixture
    def server(self, server: FoServer) -> FoServer:
        server.books.numbers = "auto"
        return server

    @pytest.fixture
    def inject(self, wire: Checked, server: FoServer) -> Inject:
        """The head is there, and the fault meets the lines: it is they that make it an order."""

        def inject(fault: Any) -> bool:
            server.do(lambda books: books.make("CustomersV3", dict(BUYER)))
            head = {"OrderingCustomerAccountNumber": "M7", "CustomersOrderReference": order(1).number}
            head |= {"ArePricesIncludingSalesTax": "No"}
            server.do(lambda books: books.make("SalesOrderHeadersV2", head))
            return wire.inject(fault)

        return inject


class TestHolds(OverHttp):
    __test__ = True
    flow_name = "holds"

    @pytest.fixture(autouse=True)
    def orders_are_there(self, server: FoServer) -> None:
        sink = build("erp", settings(server.url), http=Checked()).sink(FLOWS["orders"])
        for number in (1, 2):
            sink.put(order(number), key_of(number))

    @pytest.fixture
    def make_record(self) -> Callable[[int], Any]:
        return lambda number: OrderChange(
            kind=ChangeKind.HOLD, order_id=str(number), order_number=order(number).number, occurred_at=NOW
        )

    @pytest.fixture
    def count(self, server: FoServer) -> Callable[[Any, str], int]:
        return lambda record, _key: server.do(
            lambda books: sum(
                one["IsSalesProcessingStopped"] == "Yes"
                for one in books.tables["SalesOrderHeadersV2"]
                if one["CustomersOrderReference"] == record.order_number
            )
        )

    @pytest.fixture
    def inject(self, wire: Checked) -> Inject:
        # an answer of a change is empty: there is nothing in it to be spoilt
        return lambda fault: fault.name not in {"GARBAGE", "NAMELESS"} and wire.inject(fault)

    @pytest.fixture
    def personal(self) -> Sequence[str]:
        return ()


class TestCustomers(OverHttp):
    __test__ = True
    flow_name = "customers"

    @pytest.fixture
    def make_record(self) -> Callable[[int], Any]:
        return customer

    @pytest.fixture
    def count(self, server: FoServer) -> Callable[[Any, str], int]:
        return lambda record, _key: server.do(
            lambda books: sum(one["CustomerAccount"] == f"M{record.id}" for one in books.tables["CustomersV3"])
        )

    @pytest.fixture
    def inject(self, wire: Checked) -> Inject:
        return wire.inject
