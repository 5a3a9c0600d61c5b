"""Group commit: many callers, one transaction, everyone answered after it.

A commit costs a disk flush whatever it holds. One thread takes what waits, runs it all in one transaction and then
resolves the callers' futures: nobody is told before the commit. One write that fails makes the whole group roll back;
then each is run alone, so that it fails alone.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

from sqlalchemy import Engine
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from crossdock.errors import StorageError
from crossdock.storage import prepared

T = TypeVar("T")
Write = Callable[[Connection], Any]
Committed = Callable[[int, float], None]  # how many writes went together, and seconds from the first statement on
GROUP = 256
CONNECTIONS = 4


class Committer:
    """Runs writes in groups. A write must only touch the database: it may be run twice."""

    def __init__(self, engine: Engine, committed: Committed = lambda _count, _seconds: None) -> None:
        self._waiting: queue.SimpleQueue[tuple[Write, Future[Any]] | None] = queue.SimpleQueue()
        self._closed = False
        self._gate = threading.Lock()  # nothing is put behind the last mark, where nobody would take it
        # SQLite has one writer at a time; PostgreSQL many, and its round trips are worth overlapping
        count = CONNECTIONS if engine.dialect.name == "postgresql" else 1
        writing = engine.execution_options(writes=True)
        self._groups = [_Groups(writing, self._waiting, committed) for _ in range(count)]

    def submit(self, write: Callable[[Connection], T]) -> Future[T]:
        """The future holds the write's result once it is committed, or StorageError."""
        future: Future[T] = Future()
        with self._gate:
            if not self._closed:
                self._waiting.put((write, future))
                return future
        future.set_exception(StorageError("the storage is closed"))
        return future

    def run(self, write: Callable[[Connection], T]) -> T:
        """Submit and wait for the commit."""
        return self.submit(write).result()

    def close(self) -> None:
        """What waits is still committed."""
        with self._gate:
            self._closed = True
            for _ in self._groups:
                self._waiting.put(None)
        for groups in self._groups:
            groups.thread.join()


class _Groups:
    """One thread with one connection."""

    def __init__(
        self, engine: Engine, waiting: queue.SimpleQueue[tuple[Write, Future[Any]] | None], committed: Committed
    ) -> None:
        self._engine = engine
        self._waiting = waiting
        self._committed = committed
        self._connection: Connection | None = None
        self.thread = threading.Thread(target=self._run, name="committer", daemon=True)
        self.thread.start()

    def _run(self) -> None:
        while (first := self._waiting.get()) is not None:
            group, last = self._gather(first)
            # whoever gave up waiting was told nothing; a future that was cancelled cannot take a result
            self._commit([member for member in group if member[1].set_running_or_notify_cancel()])
            if last:
                break
        self._disconnect()

    def _gather(self, first: tuple[Write, Future[Any]]) -> tuple[list[tuple[Write, Future[Any]]], bool]:
        group = [first]
        while len(group) < GROUP:
            try:
                following = self._waiting.get_nowait()
            except queue.Empty:
                break
            if following is None:
                return group, True
            group.append(following)
        return group, False

    def _commit(self, group: Sequence[tuple[Write, Future[Any]]], tries: int = 3) -> None:
        began = time.monotonic()
        try:
            connection = self._connected()
            with connection.begin():
                prepared.begin(connection)
                results = [write(connection) for write, _ in group]
                prepared.flush(connection)
        except Exception as error:  # noqa: BLE001  a bug in one write must not kill the thread that serves all
            self._disconnect()
            self._apart(group, error, tries - 1)
        else:
            for (_, future), result in zip(group, results, strict=True):
                future.set_result(result)
            self._committed(len(group), time.monotonic() - began)

    def _connected(self) -> Connection:
        """One connection for all groups, and a fresh one after any failure: the pool asks whether it still answers."""
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            with suppress(SQLAlchemyError):  # what is broken need not be given back whole
                self._connection.close()
            self._connection = None

    def _apart(self, group: Sequence[tuple[Write, Future[Any]]], error: Exception, tries: int) -> None:
        if len(group) == 1 and not (tries and _is_deadlock(error)):
            group[0][1].set_exception(_ours(error))
            return
        try:
            self._connected()
        except SQLAlchemyError as gone:  # the database is: everybody learns it now, not one after the other
            for _, future in group:
                future.set_exception(_ours(gone))
            return
        for member in group:
            self._commit([member], tries)


def _is_deadlock(error: BaseException | None) -> bool:
    """Two processes' groups held what the other wanted; the database broke one off, which is run once more."""
    while error is not None:
        if type(error).__name__ in {"DeadlockDetected", "SerializationFailure"}:
            return True
        error = error.__cause__
    return False


def _ours(error: Exception) -> Exception:
    if isinstance(error, SQLAlchemyError):
        ours = StorageError(f"the database failed: {type(error).__name__}")
        ours.__cause__ = error
        return ours
    return error
