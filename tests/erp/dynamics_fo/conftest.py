"""One stand-in for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from crossdock.sandbox.erps.dynamics_fo import CLIENT, SECRET, FoServer


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FoServer]:
    monkeypatch.setenv("CROSSDOCK_DEMO_FO_CLIENT", CLIENT)
    monkeypatch.setenv("CROSSDOCK_DEMO_FO_SECRET", SECRET)
    server = FoServer()
    server.start()
    yield server
    server.stop()
