from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from crossdock.conformance.storages import StorageConformance
from crossdock.security.envelope import Envelope
from crossdock.storage.engine import open_engine
from crossdock.storage.migrate import migrate
from crossdock.storage.sql import SqlStore
from tests.databases import postgres_url, sqlite_url
from tests.storage.moves import seen, watch
from tools.diagrams.states import MOVES


def opened(url: str) -> Iterator[SqlStore]:
    engine = open_engine(url)
    migrate(engine)
    store = SqlStore(engine, Envelope(b"k" * 32))
    try:
        yield store
    finally:
        store.close()


class TestSqlite(StorageConformance):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[SqlStore]:
        """Whatever a test does, no delivery goes a way that is not drawn in docs/diagrams/states.svg."""
        url = sqlite_url(tmp_path)
        for store in opened(url):
            watch(url)
            yield store
            assert seen(url) <= set(MOVES)


@pytest.mark.services
class TestPostgres(StorageConformance):
    @pytest.fixture
    def store(self) -> Iterator[SqlStore]:
        with postgres_url() as url:
            yield from opened(url)


def test_old_bodies_are_forgotten_unless_they_are_still_owed(tmp_path: Path) -> None:
    from crossdock.conformance.storages import LEASE, NOW, arrival, hint, lease, verdict
    from crossdock.delivery.records import Settlement, State

    for store in opened(sqlite_url(tmp_path)):
        store.record([arrival(hint(1, payload=b"{1}")), arrival(hint(2, payload=b"{2}"))], NOW)
        first, second = lease(store)
        store.settle(first, Settlement(verdict=verdict(State.DELIVERED)), NOW)
        assert store.forget_bodies(NOW) == 0
        assert store.forget_bodies(NOW + LEASE) == 1
        kept = {one.id: store.delivery(one.id) for one in (first, second)}
        assert [found and found[1].payload for found in kept.values()] == [b"", second.message.payload]
