"""The shipped suite over HTTP: against our stand-in, and against SAP's CAP server on SAP's own definitions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from crossdock.conformance.faults import Inject
from crossdock.conformance.sinks import SinkConformance
from crossdock.contract.connector import Connector
from crossdock.contract.flow import Flow
from crossdock.flows import FLOWS
from crossdock.model.change import ChangeKind
from crossdock.sandbox.erps.sap_s4 import StandIn
from tests.erp.sap_s4.cap import Cap
from tests.erp.sap_s4.proxy import Proxy
from tests.erp.sap_s4.samples import PERSONAL, change, customer, order
from tests.erp.sap_s4.tables import BY_CLASS, ON_CAP, connected

SALES = "API_SALES_ORDER_SRV"


class OverHttp(SinkConformance):
    """Orders into the stand-in; a class below says what is otherwise."""

    __test__ = False
    flow_name = "orders"
    more: Mapping[str, Any] = {}

    @pytest.fixture
    def connector(self, proxy: Proxy) -> Connector:
        return connected(proxy.url, **self.more)

    @pytest.fixture
    def flow(self) -> Flow[Any]:
        return FLOWS[self.flow_name]

    @pytest.fixture
    def make_record(self) -> Callable[[int], Any]:
        return order

    @pytest.fixture
    def count(self, stand_in: StandIn) -> Callable[[Any, str], int]:
        return lambda record, _key: stand_in.there().count(record.number)

    @pytest.fixture
    def inject(self, proxy: Proxy) -> Inject:
        return proxy.inject

    @pytest.fixture
    def personal(self) -> Sequence[str]:
        return PERSONAL


class TestOrders(OverHttp):
    __test__ = True


class TestOrdersTaxedByClass(OverHttp):
    __test__ = True
    more = BY_CLASS


class TestOrdersUnderTheShopsNumber(OverHttp):
    """SAP refuses a number that it has: eight racers make one order."""

    __test__ = True
    more: Mapping[str, Any] = {"own_numbers": True}


class TestCancellations(OverHttp):
    __test__ = True
    flow_name = "cancellations"
    names_ids = False
    kind = ChangeKind.CANCEL

    @pytest.fixture
    def connector(self, proxy: Proxy, stand_in: StandIn) -> Connector:
        there = connected(stand_in.url)
        for number in (1, 2):
            there.sink(FLOWS["orders"]).put(order(number), "key")
        return connected(proxy.url, **self.more)

    @pytest.fixture
    def make_record(self) -> Callable[[int], Any]:
        return lambda number: change(number, self.kind)

    @pytest.fixture
    def count(self, stand_in: StandIn) -> Callable[[Any, str], int]:
        return lambda record, _key: 1 - stand_in.there().count(record.order_number)


class TestCancellationsOneByOne(TestCancellations):
    more: Mapping[str, Any] = {"blocks": {"rejection": "61", "hold": "08", "change_set": "each"}}


class TestHolds(TestCancellations):
    flow_name = "holds"
    kind = ChangeKind.HOLD

    @pytest.fixture
    def count(self, stand_in: StandIn) -> Callable[[Any, str], int]:
        def count(record: Any, _key: str) -> int:
            rows = stand_in.tables.rows["A_SalesOrder"]
            return sum(
                row["PurchaseOrderByCustomer"] == record.order_number and row["DeliveryBlockReason"] == "08"
                for row in rows
            )

        return count


class TestCustomers(OverHttp):
    __test__ = True
    flow_name = "customers"
    more: Mapping[str, Any] = {"flows": ["orders", "customers"], "partner": {"tax_type": "0"}}

    @pytest.fixture
    def make_record(self) -> Callable[[int], Any]:
        return customer

    @pytest.fixture
    def count(self, stand_in: StandIn) -> Callable[[Any, str], int]:
        rows = stand_in.tables.rows["A_BusinessPartner"]
        return lambda record, _key: sum(row["BusinessPartnerIDByExtSystem"] == record.id for row in rows)


class TestNewCustomers(TestCustomers):
    @pytest.fixture
    def flow(self) -> Flow[Any]:
        return FLOWS["new_customers"]


@pytest.mark.services
class TestOrdersOnCap(OverHttp):
    """A server that we did not write. It computes no sums, so none are compared."""

    __test__ = True
    more = ON_CAP

    @pytest.fixture
    def connector(self, cap: Cap, cap_proxy: Proxy) -> Connector:
        cap.reset()
        return connected(cap_proxy.url, **self.more)

    @pytest.fixture
    def count(self, cap: Cap) -> Callable[[Any, str], int]:
        def count(record: Any, _key: str) -> int:
            filtered = f"PurchaseOrderByCustomer eq '{record.number}'"
            return len(cap.rows(SALES, "A_SalesOrder", filter=filtered))

        return count

    @pytest.fixture
    def inject(self, cap_proxy: Proxy) -> Inject:
        return cap_proxy.inject


@pytest.mark.services
class TestCancellationsOnCap(TestOrdersOnCap):
    flow_name = "cancellations"
    names_ids = False

    @pytest.fixture
    def connector(self, cap: Cap, cap_proxy: Proxy) -> Connector:
        cap.reset()
        there = connected(cap_proxy.url, **self.more)
        for number in (1, 2):
            there.sink(FLOWS["orders"]).put(order(number), "key")
        return connected(cap_proxy.url, **self.more)

    @pytest.fixture
    def make_record(self) -> Callable[[int], Any]:
        return change

    @pytest.fixture
    def count(self, cap: Cap) -> Callable[[Any, str], int]:
        def count(record: Any, _key: str) -> int:
            filtered = f"PurchaseOrderByCustomer eq '{record.order_number}'"
            (found,) = cap.rows(SALES, "A_SalesOrder", filter=filtered, expand="to_Item")
            return int(all(item["SalesDocumentRjcnReason"] == "61" for item in found["to_Item"]["results"]))

        return count


@pytest.mark.services
class TestHoldsOnCap(TestCancellationsOnCap):
    flow_name = "holds"

    @pytest.fixture
    def make_record(self) -> Callable[[int], Any]:
        return lambda number: change(number, ChangeKind.HOLD)

    @pytest.fixture
    def count(self, cap: Cap) -> Callable[[Any, str], int]:
        def count(record: Any, _key: str) -> int:
            filtered = f"PurchaseOrderByCustomer eq '{record.order_number}' and DeliveryBlockReason eq '08'"
            return len(cap.rows(SALES, "A_SalesOrder", filter=filtered))

        return count
