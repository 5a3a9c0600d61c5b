"""The custom ERP's ends pass the shipped suite, each flow, with every ability declared and with each one alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest

from crossdock.conformance.faults import Inject
from crossdock.conformance.sinks import SinkConformance
from crossdock.contract.connector import Connector
from crossdock.contract.flow import Flow
from crossdock.erp.registry import connector_kinds
from crossdock.flows import FLOWS
from crossdock.model.change import ChangeKind
from tests.erp.rest.samples import PERSONAL, change, customer, erasure, order, refund
from tests.erp.rest.stand_in import Erp, serving

CHANGES = "/changes?idempotency_key={key}"


class OverRest(SinkConformance):
    """A stand-in ERP; a class below says which flow and which abilities."""

    __test__ = False
    flow_name = "orders"
    dedupes = True
    settings: Mapping[str, Any] = {}

    @pytest.fixture
    def erp(self) -> Iterator[Erp]:
        with serving(Erp(dedupes=self.dedupes)) as erp:
            yield erp

    @pytest.fixture
    def connector(self, erp: Erp) -> Connector:
        table = {"base_url": erp.url, "flows": [self.flow_name], "dedupes": self.dedupes} | dict(self.settings)
        return connector_kinds()["rest"]("erp", table)

    @pytest.fixture
    def flow(self) -> Flow[Any]:
        return FLOWS[self.flow_name]

    @pytest.fixture
    def make_record(self) -> Callable[[int], Any]:
        return order

    @pytest.fixture
    def count(self, erp: Erp) -> Callable[[Any, str], int]:
        return lambda _record, key: erp.count(key)

    @pytest.fixture
    def inject(self, erp: Erp) -> Inject:
        return erp.inject

    @pytest.fixture
    def personal(self) -> Sequence[str]:
        return PERSONAL


class TestOrders(OverRest):
    __test__ = True


class TestOrdersFoundOnly(OverRest):
    __test__ = True
    dedupes = False


class TestOrdersDedupedOnly(OverRest):
    __test__ = True
    settings = {"finds": False}


class TestRefunds(OverRest):
    __test__ = True
    flow_name = "refunds"
    names_ids = False
    dedupes = False
    settings = {"paths": {"find_refund": "/refunds?refund_number={number}"}}

    @pytest.fixture
    def make_record(self) -> Callable[[int], Any]:
        return refund


class TestCancellations(OverRest):
    __test__ = True
    flow_name = "cancellations"
    names_ids = False
    settings = {"paths": {"find_change": CHANGES}}

    @pytest.fixture
    def make_record(self) -> Callable[[int], Any]:
        return change


class TestHolds(TestCancellations):
    flow_name = "holds"
    dedupes = False

    @pytest.fixture
    def make_record(self) -> Callable[[int], Any]:
        return lambda number: change(number, ChangeKind.HOLD)


class TestPayments(TestCancellations):
    flow_name = "payments"
    settings = {}

    @pytest.fixture
    def make_record(self) -> Callable[[int], Any]:
        return lambda number: change(number, ChangeKind.PAYMENT)


class TestCustomers(OverRest):
    __test__ = True
    flow_name = "customers"
    dedupes = False
    settings = {"paths": {"find_customer": "/customers?idempotency_key={key}"}}

    @pytest.fixture
    def make_record(self) -> Callable[[int], Any]:
        return customer


class TestNewCustomersDedupedOnly(TestCustomers):
    dedupes = True
    settings = {}

    @pytest.fixture
    def flow(self) -> Flow[Any]:
        return FLOWS["new_customers"]


class TestErasures(OverRest):
    __test__ = True
    flow_name = "customers"
    names_ids = False

    @pytest.fixture
    def flow(self) -> Flow[Any]:
        return FLOWS["erasures"]

    @pytest.fixture
    def make_record(self) -> Callable[[int], Any]:
        return erasure


class TestWebhook(OverRest):
    __test__ = True
    names_ids = False
    reads_answers = False

    @pytest.fixture
    def erp(self) -> Iterator[Erp]:
        with serving(Erp(key_header="x-magento-idempotency-key")) as erp:
            yield erp

    @pytest.fixture
    def connector(self, erp: Erp, monkeypatch: pytest.MonkeyPatch) -> Connector:
        monkeypatch.setenv("ERP_WEBHOOK_SECRET", "s3cret")
        table = {"url": f"{erp.url}/hooks", "secret": "env:ERP_WEBHOOK_SECRET", "dedupes": True}
        return connector_kinds()["webhook"]("erp", table)
