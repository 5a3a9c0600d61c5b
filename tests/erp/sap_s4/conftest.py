"""A stand-in for each test, one CAP server for all; every request is held against SAP's definitions afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from crossdock.sandbox.erps.sap_s4 import StandIn
from crossdock.sandbox.faults import NONE
from tests.erp.sap_s4 import edmx
from tests.erp.sap_s4.cap import Cap, numbered, start_cap
from tests.erp.sap_s4.proxy import Proxy, between


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    server = StandIn(1, NONE)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def proxy(stand_in: StandIn) -> Iterator[Proxy]:
    """Before the stand-in."""
    with between(stand_in.url) as proxy:
        yield proxy
    held(proxy)


@pytest.fixture(scope="session")
def cap() -> Iterator[Cap]:
    with start_cap() as running:
        yield running


@pytest.fixture
def cap_proxy(cap: Cap) -> Iterator[Proxy]:
    """Before the CAP server."""
    with between(cap.url, numbered) as proxy:
        yield proxy
    held(proxy)


def held(proxy: Proxy) -> None:
    """Nothing was sent that SAP's definitions do not have."""
    if not edmx.FOLDER.is_dir():
        return
    found = [
        f"{seen.method} {seen.target[:120]}: {problem}"
        for seen in proxy.seen
        for problem in edmx.problems(seen.method, seen.target, seen.headers, seen.body)
    ]
    assert found == []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where tests run in several processes, these stay in one of them, which has the server."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.xdist_group("sap_s4"))
