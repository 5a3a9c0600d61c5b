"""NetSuite's ends pass the shipped suite over real HTTP, each flow and each way of sending."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from crossdock.conformance.faults import Inject
from crossdock.conformance.sinks import SinkConformance
from crossdock.contract.connector import Connector
from crossdock.contract.flow import Flow
from crossdock.flows import FLOWS
from tests.erp.netsuite.conftest import Netsuite
from tests.erp.netsuite.samples import PERSONAL, cancellation, customer, key_of, order


class OverRest(SinkConformance):
    """A class below says which flow."""

    __test__ = False
    flow_name = "orders"
    settings: Mapping[str, Any] = {}

    @pytest.fixture
    def connector(self, netsuite: Netsuite) -> Connector:
        return netsuite.connector(**self.settings)

    @pytest.fixture
    def flow(self) -> Flow[Any]:
        return FLOWS[self.flow_name]

    @pytest.fixture
    def make_record(self) -> Callable[[int], Any]:
        return order

    @pytest.fixture
    def count(self, netsuite: Netsuite) -> Callable[[Any, str], int]:
        return lambda record, _key: len(netsuite.orders(record.number))

    @pytest.fixture
    def inject(self, netsuite: Netsuite) -> Inject:
        return netsuite.inject

    @pytest.fixture
    def personal(self) -> Sequence[str]:
        return PERSONAL


class TestOrders(OverRest):
    __test__ = True


class TestOrdersCreatedOnly(OverRest):
    __test__ = True
    settings = {"write": "create"}


class TestOrdersByTaxCodes(OverRest):
    __test__ = True
    settings = {"taxes": {"mode": "codes", "codes": {"22": "6"}}}


class TestOrdersOverTokens(OverRest):
    __test__ = True

    @pytest.fixture
    def connector(self, netsuite: Netsuite) -> Connector:
        return netsuite.connector(auth=netsuite.tba())


class TestCancellations(OverRest):
    __test__ = True
    flow_name = "cancellations"
    names_ids = False
    settings = {"flows": ["orders", "cancellations"]}

    @pytest.fixture
    def connector(self, netsuite: Netsuite) -> Connector:
        connector = netsuite.connector(**self.settings)
        sink = connector.sink(FLOWS["orders"])
        for number in (1, 2):
            sink.put(order(number), key_of(number))
        return connector

    @pytest.fixture
    def make_record(self) -> Callable[[int], Any]:
        return cancellation

    @pytest.fixture
    def make_key(self) -> Callable[[int], str]:
        return lambda number: f"v1:store:order:{number}:cancel"

    @pytest.fixture
    def count(self, netsuite: Netsuite) -> Callable[[Any, str], int]:
        def closed(record: Any, _key: str) -> int:
            (there,) = netsuite.orders(record.order_number)
            assert len(there["item"]["items"]) == 2, "a cancellation has added lines"
            return int(all(line["isClosed"] for line in there["item"]["items"]))

        return closed


class TestCustomers(OverRest):
    __test__ = True
    flow_name = "customers"
    settings = {"flows": ["customers"], "customers": {"attributes": {"tier": "custentity_tier"}}}

    @pytest.fixture
    def connector(self, netsuite: Netsuite) -> Connector:
        netsuite.stand_in.do(lambda account: setattr(account, "struck", "customer"))
        return netsuite.connector(**self.settings)

    @pytest.fixture
    def make_record(self) -> Callable[[int], Any]:
        return customer

    @pytest.fixture
    def count(self, netsuite: Netsuite) -> Callable[[Any, str], int]:
        return lambda record, _key: netsuite.customers(record.id)


class TestNewCustomers(TestCustomers):
    @pytest.fixture
    def flow(self) -> Flow[Any]:
        return FLOWS["new_customers"]
