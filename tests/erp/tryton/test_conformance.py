"""The shipped suite over a real Tryton: REST and JSON-RPC, with and without the unique module."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from crossdock.conformance.faults import Inject
from crossdock.conformance.sinks import SinkConformance
from crossdock.contract.connector import Connector
from crossdock.contract.flow import Flow
from crossdock.erp.tryton.connector import build
from crossdock.flows import FLOWS
from tests.erp.tryton.proxy import Proxy, between
from tests.erp.tryton.samples import PERSONAL, customer, erasure, key_of, numbers, order, refund, refund_key
from tests.tryton_server import Tryton

pytestmark = pytest.mark.services
SETTLED = 3.2  # the settings' second, the clock's grain, and a date without fractions


class OverRest(SinkConformance):
    """Without the module: found, not deduped."""

    __test__ = False
    unique = False
    model = "sale.sale"  # whose next `write` meets a fault
    write = "create"

    @pytest.fixture
    def server(self, request: pytest.FixtureRequest) -> Tryton:
        server = request.getfixturevalue("unique_tryton" if self.unique else "tryton")
        assert isinstance(server, Tryton)
        return server

    @pytest.fixture
    def proxy(self, server: Tryton) -> Iterator[Proxy]:
        with between(server.url, self.model) as proxy:
            yield proxy

    @pytest.fixture
    def connector(self, server: Tryton, proxy: Proxy) -> Connector:
        return build("erp", self.table(server) | {"url": proxy.url, "unique_references": self.unique})

    def table(self, server: Tryton) -> dict[str, Any]:
        return server.settings()

    @pytest.fixture
    def flow(self) -> Flow[Any]:
        return FLOWS["orders"]

    @pytest.fixture
    def first(self) -> int:
        """The target is not new for each test: the orders are."""
        return next(numbers) * 10

    @pytest.fixture
    def make_record(self, first: int) -> Callable[[int], Any]:
        return lambda number: order(first + number)

    @pytest.fixture
    def make_key(self, first: int) -> Callable[[int], str]:
        return lambda number: key_of(first + number)

    @pytest.fixture
    def count(self, server: Tryton) -> Callable[[Any, str], int]:
        return lambda record, _key: len(server.sales(record.number))

    @pytest.fixture
    def inject(self, proxy: Proxy) -> Inject:
        return lambda fault: proxy.inject(fault, self.write)

    @pytest.fixture
    def settle(self) -> Callable[[], None]:
        return lambda: time.sleep(SETTLED)  # what the spine waits, no hope

    @pytest.fixture
    def personal(self) -> Sequence[str]:
        return PERSONAL


class TestRest(OverRest):
    __test__ = True


class TestRestUnique(OverRest):
    __test__ = True
    unique = True


class TestRpc(OverRest):
    __test__ = True

    def table(self, server: Tryton) -> dict[str, Any]:
        return server.session_settings()


class TestRefunds(OverRest):
    __test__ = True

    @pytest.fixture
    def flow(self) -> Flow[Any]:
        return FLOWS["refunds"]

    def table(self, server: Tryton) -> dict[str, Any]:
        return server.settings(flows=["orders", "refunds"])

    @pytest.fixture
    def sold(self, server: Tryton, first: int) -> int:
        """An order that is there."""
        build("erp", server.settings()).sink(FLOWS["orders"]).put(order(first), key_of(first))
        return first

    @pytest.fixture
    def make_record(self, sold: int) -> Callable[[int], Any]:
        return lambda number: refund(sold, sold + number)

    @pytest.fixture
    def make_key(self, sold: int) -> Callable[[int], str]:
        return lambda number: refund_key(sold + number)

    @pytest.fixture
    def count(self, server: Tryton) -> Callable[[Any, str], int]:
        return lambda record, _key: len(server.sales(f"{record.order_number} CM {record.number}"))


@pytest.mark.skipif(os.environ.get("CROSSDOCK_LONG") != "1", reason="a sale takes seconds: only in long runs")
class TestRefundsOverRpc(TestRefunds):
    def table(self, server: Tryton) -> dict[str, Any]:
        return server.session_settings(flows=["orders", "refunds"])


class TestCustomers(OverRest):
    __test__ = True
    model = "party.party"
    flow_name = "customers"

    @pytest.fixture
    def flow(self) -> Flow[Any]:
        return FLOWS[self.flow_name]

    def table(self, server: Tryton) -> dict[str, Any]:
        return server.settings(flows=["customers"])

    @pytest.fixture
    def settle(self) -> Callable[[], None]:
        """The proxy cuts an answer off after Tryton has given it: nothing is under way any more."""
        return lambda: None

    @pytest.fixture
    def make_record(self, first: int) -> Callable[[int], Any]:
        return lambda number: customer(first + number)

    @pytest.fixture
    def count(self, server: Tryton) -> Callable[[Any, str], int]:
        """Addresses are counted too: none is there twice."""

        def count(record: Any, _key: str) -> int:
            parties = server.rows("party.party", [("code", "=", f"M{record.id}")], "addresses")
            assert all(len(one["addresses"]) == 2 for one in parties)
            return len(parties)

        return count


class TestCustomersOverRpc(TestCustomers):
    def table(self, server: Tryton) -> dict[str, Any]:
        return server.session_settings(flows=["customers"])


class TestNewCustomers(TestCustomers):
    flow_name = "new_customers"


class TestErasures(TestCustomers):
    flow_name = "erasures"
    write = "write"

    @pytest.fixture
    def make_record(self, server: Tryton, first: int) -> Callable[[int], Any]:
        """Of somebody who is there."""
        sink = build("erp", server.settings(flows=["customers"])).sink(FLOWS["customers"])
        made: set[int] = set()

        def make(number: int) -> Any:
            if number not in made:
                made.add(number)
                sink.put(customer(first + number), key_of(first + number))
            return erasure(first + number)

        return make

    @pytest.fixture
    def count(self, server: Tryton) -> Callable[[Any, str], int]:
        def count(record: Any, _key: str) -> int:
            both = ("active", "in", [True, False])
            domain = [("code", "=", record.number), ("active", "=", False), ("name", "=", None)]
            return len(server.rows("party.party", [*domain, both], "code"))

        return count


class TestErasuresOverRpc(TestErasures):
    def table(self, server: Tryton) -> dict[str, Any]:
        return server.session_settings(flows=["customers"])
