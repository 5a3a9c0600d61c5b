from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import postgres_url
from tests.unit.notifying.desks import Tower, tower


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Tower]:
    """On SQLite."""
    with tower(tmp_path) as made:
        yield made


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.services)])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Tower]:
    """On each database, where their statements differ."""
    if request.param == "postgres":
        with postgres_url() as url, tower(tmp_path, url) as made:
            yield made
        return
    with tower(tmp_path) as made:
        yield made
