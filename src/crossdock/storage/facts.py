"""What a database tells of itself: version, whether a commit is durable there, its clock, its size."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import Connection

from crossdock.model.base import Record

DURABLE = ("fsync", "synchronous_commit", "full_page_writes")


class DatabaseFacts(Record, frozen=True, kw_only=True):
    """`kind`: sqlite or postgresql. `settings`: those by which a commit is kept, as the database has them now.

    `now`: its clock, None for SQLite, whose clock is ours. `folder`: where its file is, "" for a server's.
    """

    kind: str
    version: str
    settings: dict[str, str]
    now: datetime | None = None
    size_bytes: int = 0
    folder: str = ""


def facts(connection: Connection) -> DatabaseFacts:
    """Asked now."""
    return _postgres(connection) if connection.dialect.name == "postgresql" else _sqlite(connection)


def _postgres(connection: Connection) -> DatabaseFacts:
    def ask(statement: str) -> Any:
        return connection.execute(text(statement)).scalar_one()

    return DatabaseFacts(
        kind="postgresql",
        version=str(ask("SHOW server_version")).partition(" ")[0],
        settings={name: str(ask(f"SHOW {name}")) for name in DURABLE},
        size_bytes=int(ask("SELECT pg_database_size(current_database())")),
        now=ask("SELECT clock_timestamp()").astimezone(UTC),
    )


def _sqlite(connection: Connection) -> DatabaseFacts:
    def ask(statement: str) -> Any:
        return connection.exec_driver_sql(statement).scalar_one()

    path = str(connection.engine.url.database or "")
    return DatabaseFacts(
        kind="sqlite",
        version=str(ask("SELECT sqlite_version()")),
        settings={name: str(ask(f"PRAGMA {name}")) for name in ("journal_mode", "synchronous")},
        size_bytes=int(ask("PRAGMA page_count")) * int(ask("PRAGMA page_size")),
        folder=path.rpartition("/")[0] or ".",
    )
