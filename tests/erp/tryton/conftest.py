"""One Tryton for all tests of this folder, with and without the unique module. Each test has its own order numbers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.tryton_server import Tryton, start_tryton


@pytest.fixture(scope="session")
def tryton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tryton]:
    """As it comes: a reference may be used twice."""
    with start_tryton(tmp_path_factory.mktemp("tryton")) as running:
        yield running


@pytest.fixture(scope="session")
def unique_tryton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tryton]:
    """With the module that lets a company use a reference once."""
    with start_tryton(tmp_path_factory.mktemp("tryton-unique"), unique=True) as running:
        yield running
