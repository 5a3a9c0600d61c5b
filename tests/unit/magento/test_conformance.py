"""The store's orders pass the source suite, read over HTTP from the sandbox, two a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crossdock.conformance.sources import SourceConformance, World
from crossdock.contract.connector import Source
from crossdock.contract.flow import Flow
from crossdock.flows import LOOKS
from crossdock.magento.connector import build
from crossdock.sandbox.run import StoreServer

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LAG = 5
SETTINGS = {
    "kind": "magento",
    "auth": {"scheme": "bearer", "token": "env:CONFORMANCE_TOKEN"},
    "polling": {"page_size": 2, "lag_s": LAG, "overlap_s": 2, "start": "2026-01-01"},
}


class Shop:
    """A sandbox whose clock stands still between two events."""

    def __init__(self, server: StoreServer) -> None:
        self._server = server
        self._now = NOON
        server.clock.stop(NOON)

    def _on(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        self._server.clock.stop(self._now)

    def add(self, count: int, *, same_moment: bool = False) -> Sequence[str]:
        self._on(1)
        added = []
        for _ in range(count):
            self._on(0 if same_moment else 1)
            added.append(str(self._server.place(1)[0]))
        return added

    def touch(self, subject: str) -> None:
        self._on(1)
        number = int(subject)
        move = self._server.do(lambda store: "unhold" if store.orders[number]["state"] == "holded" else "hold")
        assert self._server.do(lambda store: store.change(number, move))

    def rest(self) -> None:
        self._on(LAG + 1)


class TestLooks(SourceConformance):
    """Inherits the whole suite."""

    @pytest.fixture
    def server(self) -> Iterator[StoreServer]:
        server = StoreServer(seed=1)
        server.start()
        yield server
        server.stop()

    @pytest.fixture
    def world(self, server: StoreServer) -> World:
        return Shop(server)

    @pytest.fixture
    def source(self, server: StoreServer, world: World, monkeypatch: pytest.MonkeyPatch) -> Source[Any]:
        monkeypatch.setenv("CONFORMANCE_TOKEN", "sandbox")
        return build("store", SETTINGS | {"base_url": server.url}).source(LOOKS)

    @pytest.fixture
    def flow(self) -> Flow[Any]:
        return LOOKS
