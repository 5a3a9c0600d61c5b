from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.api.operations.doors import Door, opened


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    """The operations API over a Crossdock on SQLite."""
    with opened(tmp_path) as made:
        yield made
