"""The shipped suite over HTTP, each flow, both ways of entry; every request is held against the vendor's tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from crossdock.conformance.faults import Inject
from crossdock.conformance.sinks import SinkConformance
from crossdock.contract.connector import Connector
from crossdock.contract.flow import Flow
from crossdock.erp.dynamics_bc.connector import build
from crossdock.flows import FLOWS
from crossdock.sandbox.erps.dynamics_bc import BcServer, settings
from tests.erp.dynamics_bc.samples import PERSONAL, customer, order
from tests.erp.dynamics_bc.wire import Checked


class OverHttp(SinkConformance):
    """A class below says which flow."""

    __test__ = False
    flow_name = "orders"
    more: dict[str, Any] = {}

    @pytest.fixture
    def wire(self) -> Checked:
        return Checked()

    @pytest.fixture
    def connector(self, server: BcServer, wire: Checked) -> Connector:
        return build("erp", settings(server.url, flows=[self.flow_name], **self.more), http=wire)

    @pytest.fixture
    def flow(self) -> Flow[Any]:
        return FLOWS[self.flow_name]

    @pytest.fixture
    def make_record(self) -> Callable[[int], Any]:
        return order

    @pytest.fixture
    def count(self, server: BcServer) -> Callable[[Any, str], int]:
        return lambda record, _key: server.do(
            lambda books: sum(one["externalDocumentNumber"] == record.number for one in books.tables["salesOrders"])
        )

    @pytest.fixture
    def inject(self, wire: Checked, server: BcServer) -> Inject:
        # the buyer is there: the next write is the order's own
        server.do(lambda books: books.add_customer({"number": "M7", "displayName": "Wilhelmina Canary"}))
        return wire.inject

    @pytest.fixture
    def personal(self) -> Sequence[str]:
        return PERSONAL


class TestOrders(OverHttp):
    __test__ = True


class TestOrdersByDeepInsert(OverHttp):
    __test__ = True
    more = {"entry": "deep_insert"}


class TestCustomers(OverHttp):
    __test__ = True
    flow_name = "customers"

    @pytest.fixture
    def make_record(self) -> Callable[[int], Any]:
        return customer

    @pytest.fixture
    def count(self, server: BcServer) -> Callable[[Any, str], int]:
        return lambda record, _key: server.do(
            lambda books: sum(one["number"] == f"M{record.id}" for one in books.tables["customers"])
        )

    @pytest.fixture
    def inject(self, wire: Checked) -> Inject:
        return wire.inject
