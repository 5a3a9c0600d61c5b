"""Opening a database: what must be set on each connection so that a commit means what it says."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.engine import Connection
from sqlalchemy.exc import ArgumentError

from crossdock.errors import ConfigurationError


def open_engine(url: str) -> Engine:
    """An engine for `sqlite:///file` or `postgresql://…`. Raises ConfigurationError for anything else."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigurationError(["database.url: not a database URL"]) from error
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(url, parsed.database)
    if parsed.get_backend_name() == "postgresql":
        return _postgres(parsed)
    raise ConfigurationError([f"database.url: {parsed.get_backend_name()} is neither sqlite nor postgresql"])


def _postgres(url: URL) -> Engine:
    # a server that is gone without a word must be noticed, or every thread would wait for it; the URL may say otherwise
    patience = {
        "connect_timeout": "5",
        "tcp_user_timeout": "15000",
        "keepalives_idle": "10",
        "keepalives_interval": "5",
        "keepalives_count": "2",
        "application_name": "crossdock",
        "client_encoding": "utf8",  # a database without an encoding (SQL_ASCII) would answer in bytes
        # compiling a statement that reads a few rows takes a hundred times as long as running it
        "options": "-c jit=off",
    }
    said = url.set(drivername="postgresql+psycopg").update_query_dict({**patience, **url.query})
    return create_engine(said, pool_size=10, pool_pre_ping=True)


def _sqlite(url: str, path: str | None) -> Engine:
    if path:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": 30, "check_same_thread": False})
    event.listen(engine, "connect", _durable)
    event.listen(engine, "begin", _begin)
    return engine


def _durable(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "busy_timeout=30000",
        "cache_size=-65536",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    # a write that begins by reading would fail with "database is locked" where another writer came between
    mode = "IMMEDIATE" if connection.get_execution_options().get("writes") else "DEFERRED"
    connection.exec_driver_sql(f"BEGIN {mode}")
