"""What an engine does for a database that is not as most are."""

from __future__ import annotations

import uuid

import psycopg
import pytest
from sqlalchemy import text

from crossdock.storage.engine import open_engine
from crossdock.storage.migrate import migrate
from tests.databases import ADMIN, missing


@pytest.mark.services
def test_a_database_without_an_encoding_is_read_as_text() -> None:
    """As `initdb` makes them where no locale is set. psycopg gives bytes there if the client names no encoding either."""
    name = f"crossdock_test_{uuid.uuid4().hex[:12]}"
    try:
        admin = psycopg.connect(ADMIN, autocommit=True)
    except psycopg.OperationalError:
        missing("PostgreSQL")
        return
    with admin:
        admin.execute(f"CREATE DATABASE {name} ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0".encode())
        engine = open_engine(f"{ADMIN.rsplit('/', 1)[0]}/{name}")
        try:
            migrate(engine)
            with engine.connect() as connection:
                assert connection.execute(text("SELECT 'Müller'")).scalar_one() == "Müller"
        finally:
            engine.dispose()
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
