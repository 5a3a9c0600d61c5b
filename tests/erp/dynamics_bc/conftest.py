"""One stand-in for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from crossdock.sandbox.erps.dynamics_bc import CLIENT, SECRET, BcServer


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[BcServer]:
    monkeypatch.setenv("CROSSDOCK_DEMO_BC_CLIENT", CLIENT)
    monkeypatch.setenv("CROSSDOCK_DEMO_BC_SECRET", SECRET)
    server = BcServer()
    server.start()
    yield server
    server.stop()
