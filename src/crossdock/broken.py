"""Which connections this worker gets no answer from, told in the tables: whoever looks after the incidents reads it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from crossdock.errors import StorageError

log = structlog.get_logger("crossdock.worker")
RENEW_EVERY = timedelta(seconds=20)
GOOD_FOR = timedelta(minutes=2)  # what a worker has not renewed for so long is its word no more


class Keeps(Protocol):
    """Where it is told. Every method is one transaction. Raises StorageError."""

    def tell_broken(self, worker: str, failed: Collection[str], answered: Collection[str], now: datetime) -> None:
        """Connections whose breaker has opened, and those whose has closed."""

    def renew_broken(self, worker: str, now: datetime) -> None:
        """The others stand as they were told."""

    def leave_broken(self, worker: str) -> None:
        """Nothing is known any more."""


class Broken:
    """One thread. `seen` gives the targets whose breaker is not closed, with their failures in a row.

    While all are closed nothing is written.
    """

    def __init__(
        self, worker: str, seen: Callable[[], Mapping[str, int]], keeps: Keeps, clock: Callable[[], datetime]
    ) -> None:
        self._worker = worker
        self._seen = seen
        self._keeps = keeps
        self._clock = clock
        self._told: Mapping[str, int] | None = None
        self._told_at = clock()
        self._failing = False

    def tell(self) -> None:
        """What has changed since the last time; what cannot be written now is written the next time."""
        try:
            self._tell(self._seen(), self._clock())
        except StorageError as error:
            if not self._failing:  # once an outage
                log.error("cannot tell which connections do not answer", code=error.code)
            self._failing = True
        else:
            self._failing = False

    def leave(self) -> None:
        """This worker ends. Raises StorageError."""
        if self._told:
            self._keeps.leave_broken(self._worker)

    def _tell(self, found: Mapping[str, int], now: datetime) -> None:
        if self._told is None:  # one of the same name may have been killed here, in a container say
            self._keeps.leave_broken(self._worker)
            self._told = {}
        failed = [name for name, failures in found.items() if self._told.get(name) != failures]
        answered = [name for name in self._told if name not in found]
        if failed or answered:
            self._keeps.tell_broken(self._worker, failed, answered, now)
        elif found and now - self._told_at >= RENEW_EVERY:
            self._keeps.renew_broken(self._worker, now)
        else:
            return
        self._told, self._told_at = found, now


__all__ = ["GOOD_FOR", "Broken"]
