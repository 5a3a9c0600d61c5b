"""What takes long for what it adds: the same on another database, the same at length. `make test-long` runs it."""

from __future__ import annotations

import os

import pytest

LONG = os.environ.get("CROSSDOCK_LONG") == "1"


def at_length(why: str) -> pytest.MarkDecorator:
    """In long runs only."""
    return pytest.mark.skipif(not LONG, reason=f"{why}: make test-long")


def only_at_length(why: str) -> None:
    """As `at_length`, for a test that knows only as it runs what it is given."""
    if not LONG:
        pytest.skip(f"{why}: make test-long")
