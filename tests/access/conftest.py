from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.access.callers import Callers, callers_in
from tests.databases import postgres_url


@pytest.fixture(scope="module")
def callers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callers]:
    """On SQLite; in the long run, on PostgreSQL."""
    folder: Path = tmp_path_factory.mktemp("callers")
    if os.environ.get("CROSSDOCK_LONG") != "1":
        with callers_in(folder) as made:
            yield made
        return
    with postgres_url() as url, callers_in(folder, {"database": {"url": url}}) as made:
        yield made
