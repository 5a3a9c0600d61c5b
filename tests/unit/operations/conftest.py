from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import postgres_url
from tests.unit.operations.desks import Bench, bench


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.services)])
def at(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """A desk on each database."""
    if request.param == "postgres":
        with postgres_url() as url, bench(tmp_path, url) as made:
            yield made
        return
    with bench(tmp_path) as made:
        yield made
