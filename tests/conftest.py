from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.rabbit import virtual_host


@pytest.fixture(scope="session")
def rabbit() -> Iterator[str]:
    """The URL of a virtual host for this run of tests."""
    with virtual_host() as url:
        yield url
