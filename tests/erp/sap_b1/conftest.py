"""A stand-in for each test, and what stands before it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from crossdock.sandbox.erps.sap_b1 import StandIn
from crossdock.sandbox.faults import NONE
from tests.erp.sap_s4.proxy import Proxy, between


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    server = StandIn(3, NONE)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def proxy(stand_in: StandIn) -> Iterator[Proxy]:
    with between(stand_in.url) as proxy:
        proxy.spared = "/Login"
        yield proxy
