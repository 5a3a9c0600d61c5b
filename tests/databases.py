"""Databases for tests: a new SQLite file, or a new PostgreSQL database on this machine."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

ADMIN = os.environ.get("CROSSDOCK_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres")


def sqlite_url(folder: Path) -> str:
    return f"sqlite:///{folder}/crossdock.sqlite"


def missing(what: str) -> None:
    """Skip loudly, or fail where services are required."""
    if os.environ.get("CROSSDOCK_REQUIRE_SERVICES") == "1":
        pytest.fail(f"{what} is required here but does not answer")
    pytest.skip(f"NO {what.upper()} ON THIS MACHINE: this was not tested")


@contextmanager
def postgres_url() -> Iterator[str]:
    """A database of its own, dropped afterwards."""
    name = f"crossdock_test_{uuid.uuid4().hex[:12]}"
    try:
        admin = psycopg.connect(ADMIN, autocommit=True)
    except psycopg.OperationalError:
        missing("PostgreSQL")
        return
    with admin:
        admin.execute(f'CREATE DATABASE "{name}"')
        try:
            yield f"{ADMIN.rsplit('/', 1)[0]}/{name}"
        finally:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
