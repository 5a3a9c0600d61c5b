"""The shipped suite over a real Tryton: REST and JSON-RPC, with and without the unique module."""

from __future__ import annotations

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
from tests.erp.tryton.samples import PERSONAL, key_of, numbers, order
from tests.tryton_server import Tryton

pytestmark = pytest.mark.services
SETTLED = 3.2  # the settings' second, the clock's grain, and a date without fractions


class OverRest(SinkConformance):
    """Without the module: found, not deduped."""

    __test__ = False
    unique = False

    @pytest.fixture
    def server(self, request: pytest.FixtureRequest) -> Tryton:
        server = request.getfixturevalue("unique_tryton" if self.unique else "tryton")
        assert isinstance(server, Tryton)
        return server

    @pytest.fixture
    def proxy(self, server: Tryton) -> Iterator[Proxy]:
        with between(server.url) as proxy:
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
        return proxy.inject

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
