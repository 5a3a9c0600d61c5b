"""The part of the store that copies itself, and that goes on from a copy."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine

from crossdock.errors import ConfigurationError, StorageError
from crossdock.storage import recovery
from crossdock.storage.committer import Committer
from crossdock.storage.migrate import current
from crossdock.storage.payloads import Payloads
from crossdock.storage.recovery import Recovery
from crossdock.storage.sql_levels import Reader


class SqlRecovery:
    """Safe for many threads. Raises StorageError."""

    def __init__(self, engine: Engine, committer: Committer, payloads: Payloads, read: Reader) -> None:
        self._engine = engine
        self._committer = committer
        self._payloads = payloads
        self._read = read

    def version(self) -> tuple[str | None, str | None]:
        """(what the database has, what this version of the program wants): Alembic's revisions."""
        return current(self._engine)

    def is_copy(self) -> bool:
        """Whether this is a backup's file of which nobody has said that it is restored."""
        found: bool = self._read(recovery.is_copy)
        return found

    def cautious_until(self, now: datetime) -> datetime | None:
        """Until when every new delivery is looked up first, since a backup was restored; None where it is not."""
        found: datetime | None = self._read(recovery.cautious_until, now)
        return found

    def recover(self, by: str, why: str, now: datetime, caution: timedelta) -> Recovery:
        """Make going on from an older state safe. Beside processes that run, too; again does no harm."""
        return self._committer.run(lambda c: recovery.recover(c, self._payloads, by, why, now, caution))

    def copy_to(self, path: Path, now: datetime) -> int:
        """A whole copy of this SQLite database, as of one moment, beside writers that go on; its size in bytes.

        It is there under its name only once it is whole, checked and on the disk; only its owner can read it. Raises
        ConfigurationError for PostgreSQL, which has tools of its own, and for a file that is there already.
        """
        if self._engine.dialect.name != "sqlite":
            raise ConfigurationError(["database.url: PostgreSQL is backed up by pg_dump or by its own archive"])
        if path.exists():
            raise ConfigurationError([f"{path}: is there already; it is left as it is"])
        unfinished = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
            self._copy(unfinished, now)
            size = _flushed(unfinished)
            unfinished.rename(path)
            _flushed(path.parent)
        except (OSError, sqlite3.Error) as error:
            raise StorageError(f"no copy was made: {error}") from error
        finally:
            unfinished.unlink(missing_ok=True)
        return size

    def _copy(self, path: Path, now: datetime) -> None:
        with closing(sqlite3.connect(path)) as copy:
            with self._engine.connect() as connection:
                source = connection.connection.driver_connection
                if not isinstance(source, sqlite3.Connection):
                    raise StorageError("no copy was made: not an SQLite connection")
                source.backup(copy)  # in one go: between steps a busy writer would make it begin anew
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, with nothing beside it
            recovery.mark_copy(copy, now)
            copy.commit()
            found = [row[0] for row in copy.execute("PRAGMA integrity_check(5)")]
            if found != ["ok"]:
                raise StorageError(f"the copy is damaged: {'; '.join(found)}")


def _flushed(path: Path) -> int:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
        return os.fstat(handle).st_size
    finally:
        os.close(handle)
