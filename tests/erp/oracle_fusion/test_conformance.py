"""Every sink passes the shipped suite over HTTP, against the stand-in."""

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
from crossdock.sandbox.erps.oracle_fusion import StandIn
from tests.erp.oracle_fusion.oracle import connected, fail_next
from tests.erp.oracle_fusion.samples import PERSONAL, change, followup_key, key_of, order

HOLD: dict[str, Any] = {"hold": {"code": "WEB_HOLD", "release_reason": "CLEARED"}}


class OverRest(SinkConformance):
    __test__ = False
    flow_name = "orders"
    settings: Mapping[str, Any] = {}

    @pytest.fixture
    def connector(self, oracle: StandIn) -> Connector:
        return connected(oracle, flows=[self.flow_name], **self.settings)

    @pytest.fixture
    def flow(self) -> Flow[Any]:
        return FLOWS[self.flow_name]

    @pytest.fixture
    def inject(self, oracle: StandIn) -> Inject:
        return lambda fault: fail_next(oracle, fault)


class TestOrders(OverRest):
    __test__ = True

    @pytest.fixture
    def make_record(self) -> Callable[[int], Any]:
        return order

    @pytest.fixture
    def make_key(self) -> Callable[[int], str]:
        return key_of

    @pytest.fixture
    def count(self, oracle: StandIn) -> Callable[[Any, str], int]:
        return lambda record, _key: sum(one["SourceTransactionId"] == record.number for one in oracle.orders.kept)

    @pytest.fixture
    def personal(self) -> Sequence[str]:
        return PERSONAL


class TestDrafts(TestOrders):
    settings = {"submit": False}


class TestOlderFramework(TestOrders):
    """Errors are plain text."""

    settings = {"framework_version": 2}


class TestWithoutOurKey(TestOrders):
    settings = {"key_field": ""}


class Followups(OverRest):
    """Of orders that are there."""

    names_ids = False

    @pytest.fixture(autouse=True)
    def placed(self, oracle: StandIn) -> None:
        sink = connected(oracle).sink(FLOWS["orders"])
        for number in (1, 2):
            sink.put(order(number), key_of(number))

    @pytest.fixture
    def make_key(self) -> Callable[[int], str]:
        return lambda number: followup_key(number, self.flow_name)


class TestHolds(Followups):
    __test__ = True
    flow_name = "holds"
    settings = HOLD

    @pytest.fixture
    def make_record(self) -> Callable[[int], Any]:
        return lambda number: change(number, ChangeKind.HOLD)

    @pytest.fixture
    def count(self, oracle: StandIn) -> Callable[[Any, str], int]:
        return lambda record, _key: oracle.orders.held.count(("applyHold", record.order_number))


class TestReleases(Followups):
    __test__ = True
    flow_name = "holds"
    settings = HOLD

    @pytest.fixture(autouse=True)
    def held(self, oracle: StandIn, placed: None) -> None:
        sink = connected(oracle, flows=["holds"], **HOLD).sink(FLOWS["holds"])
        for number in (1, 2):
            sink.put(change(number, ChangeKind.HOLD), followup_key(number, "hold"))

    @pytest.fixture
    def make_record(self) -> Callable[[int], Any]:
        return lambda number: change(number, ChangeKind.UNHOLD)

    @pytest.fixture
    def count(self, oracle: StandIn) -> Callable[[Any, str], int]:
        return lambda record, _key: oracle.orders.held.count(("releaseHold", record.order_number))


class TestCancellations(Followups):
    __test__ = True
    flow_name = "cancellations"
    settings = {"cancel": {"reason": "Customer cancelled"}}

    @pytest.fixture
    def make_record(self) -> Callable[[int], Any]:
        return change

    @pytest.fixture
    def count(self, oracle: StandIn) -> Callable[[Any, str], int]:
        return lambda record, _key: oracle.orders.changed.count(record.order_number)
