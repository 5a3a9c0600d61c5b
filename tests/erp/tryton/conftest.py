"""One Tryton for all tests of this folder, with and without the unique module. Each test has its own order numbers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.erp.tryton.clerk import Clerk
from tests.tryton_server import Tryton, start_tryton


@pytest.fixture(scope="session")
def tryton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tryton]:
    """As it comes: a reference may be used twice."""
    with start_tryton(tmp_path_factory.mktemp("tryton")) as running:
        yield running


@pytest.fixture(scope="session")
def clerk(tryton: Tryton) -> Clerk:
    """A person who works in it."""
    return Clerk(tryton)


@pytest.fixture(scope="session")
def unique_tryton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tryton]:
    """With the module that lets a company use a reference once."""
    with start_tryton(tmp_path_factory.mktemp("tryton-unique"), unique=True) as running:
        yield running


@pytest.fixture(scope="session")
def rich_tryton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tryton]:
    """With modules that only some companies use: price lists, parcels."""
    with start_tryton(tmp_path_factory.mktemp("tryton-more"), more=True) as running:
        yield running


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where tests run in several processes, these stay in one of them, which has the server."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.xdist_group("tryton"))
