"""The ledger of what was handed over: contract.ledger.Ledger over the database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from sqlalchemy import Boolean, Executable, bindparam, delete, func, insert, select, update
from sqlalchemy.engine import Connection

from crossdock.contract.ledger import Batch, Handed
from crossdock.storage.committer import Committer
from crossdock.storage.dialect import among, listed
from crossdock.storage.prepared import Prepared
from crossdock.storage.tables import handed

T = TypeVar("T")
HERE = handed.c.target == bindparam("wanted_target")
OF_BATCH = Prepared(
    update(handed)
    .where(HERE, handed.c.batch == bindparam("wanted_batch"))
    .values(ticket=bindparam("new_ticket"), found=bindparam("new_found", type_=Boolean))
)
WRITE = Prepared(insert(handed))


def _of_keys(dialect: str) -> Executable:
    return select(handed).where(HERE, among(dialect, handed.c.key, "keys"))


def _closed(dialect: str) -> Executable:
    return delete(handed).where(HERE, among(dialect, handed.c.key, "keys"))


OF_KEYS = Prepared(_of_keys)
CLOSED = Prepared(_closed)


class Reader(Protocol):
    """Runs a reading function on a connection."""

    def __call__(self, reader: Callable[..., T], *arguments: Any) -> T:
        """Raises StorageError."""


class SqlLedger:
    """See contract.ledger.Ledger. Safe for many threads."""

    def __init__(self, committer: Committer, read: Reader, target: str) -> None:
        self._committer = committer
        self._read = read
        self._target = target

    def hand_over(self, rows: Sequence[Handed]) -> None:
        """Committed when it returns."""

        def write(connection: Connection) -> None:
            self._close(connection, [row.key for row in rows])
            WRITE.many(connection, [self._values(row) for row in rows])

        self._committer.run(write)

    def accept(self, batch: str, ticket: str, *, found: bool = False) -> None:
        """All rows of it."""
        asked = {"wanted_target": self._target, "wanted_batch": batch, "new_ticket": ticket, "new_found": found}
        self._committer.run(lambda c: OF_BATCH.run(c, asked))

    def of(self, keys: Iterable[str]) -> Mapping[str, Handed]:
        """By key."""
        wanted = list(keys)
        return self._read(self._of, wanted) if wanted else {}

    def close(self, keys: Iterable[str]) -> None:
        """Forgotten."""
        if wanted := list(keys):
            self._committer.run(lambda c: self._close(c, wanted))

    def batches(self) -> Sequence[Batch]:
        """With how many of their rows have not ended."""
        return self._read(self._batches)

    def _of(self, connection: Connection, keys: Sequence[str]) -> Mapping[str, Handed]:
        rows = OF_KEYS.rows(connection, {"wanted_target": self._target, "keys": listed(connection, keys)})
        return {row.key: Handed(**{name: getattr(row, name) for name in Handed.__struct_fields__}) for row in rows}

    def _close(self, connection: Connection, keys: Sequence[str]) -> None:
        CLOSED.run(connection, {"wanted_target": self._target, "keys": listed(connection, keys)})

    def _batches(self, connection: Connection) -> Sequence[Batch]:
        at = func.min(handed.c.at).label("at")
        query = select(handed.c.batch, handed.c.ticket, func.count().label("rows"), at)
        grouped = query.where(handed.c.target == self._target).group_by(handed.c.batch, handed.c.ticket).order_by(at)
        return [
            Batch(batch=row.batch, ticket=row.ticket, rows=row.rows, at=row.at) for row in connection.execute(grouped)
        ]

    def _values(self, row: Handed) -> Mapping[str, Any]:
        return {name: getattr(row, name) for name in row.__struct_fields__} | {"target": self._target}


__all__ = ["SqlLedger"]
