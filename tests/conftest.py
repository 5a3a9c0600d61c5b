from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.long import LONG
from tests.rabbit import virtual_host

# Where tests run in several processes each is told of 80 columns: what is printed would be folded in the middle of words
os.environ.pop("COLUMNS", None)

# How long an example takes says how busy this machine is, and nothing of what is tested
settings.register_profile(
    "unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=100 if LONG else 40
)
settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def rabbit() -> Iterator[str]:
    """The URL of a virtual host for this run of tests."""
    with virtual_host() as url:
        yield url
