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
        yield from opened(sqlite_url(tmp_path))


@pytest.mark.services
class TestPostgres(StorageConformance):
    @pytest.fixture
    def store(self) -> Iterator[SqlStore]:
        with postgres_url() as url:
            yield from opened(url)
