"""The place that operators work at: the running Crossdock, and what is remembered between two looks at it."""

from __future__ import annotations

import shlex
import threading
import time
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar, cast

from crossdock.app import Crossdock, utc_now
from crossdock.errors import MappingError, NotThere
from crossdock.model.base import Record

T = TypeVar("T")
LONGEST_WHY = 1000
PAST = "rates"  # what was delivered cannot be undone


class View(Record, frozen=True, kw_only=True, omit_defaults=False):
    """What is shown. Unlike a record it is written whole: a field that is empty is there, and says so."""


class Remembered:
    """Answers that are good for some seconds. Safe for many threads: of several that ask at once, one asks on."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._kept: dict[str, tuple[float, Any]] = {}

    def get(self, name: str, seconds: float, make: Callable[[], T]) -> T:
        """What was made under this name less than so many seconds ago, else made anew."""
        with self._lock:
            lock = self._locks.setdefault(name, threading.Lock())
        with lock:
            at, found = self._kept.get(name, (0.0, None))
            if name not in self._kept or self._clock() - at >= seconds:
                found = make()
                self._kept[name] = (self._clock(), found)
            return cast("T", found)  # one name, one kind of answer

    def forget(self) -> None:
        """Something was done: the next look is a fresh one. What is over and done with stays."""
        with self._lock:
            self._kept = {name: kept for name, kept in self._kept.items() if name == PAST}


class Desk:
    """Safe for many threads."""

    def __init__(self, crossdock: Crossdock, clock: Callable[[], datetime] = utc_now) -> None:
        self.crossdock = crossdock
        self.store = crossdock.store
        self.settings = crossdock.settings
        self.clock = clock
        self.names = tuple(crossdock.connections.by_name)
        self.remembered = Remembered()
        self.totals: dict[tuple[int, int], tuple[str, Decimal] | None] = {}
        self.examining = threading.Lock()
        self.examined: Any = None  # operations.doctor's last report

    def acted(self) -> None:
        """What is due is looked at now, and what was remembered is not true any more."""
        self.remembered.forget()
        self.crossdock.wake()

    def connection(self, name: str) -> Any:
        """Its connector. Raises NotThere."""
        if name not in self.crossdock.connections.by_name:
            raise NotThere(f"there is no connection {name[:40]!r}")
        return self.crossdock.connections.by_name[name]


def line(*words: object) -> str:
    """The command that does the same, as it is typed."""
    return shlex.join(["crossdock", *map(str, words)])


def needs_why(why: str) -> str:
    """Raises MappingError where there is no reason, or a book of it."""
    if not (said := why.strip()):
        raise MappingError("why", "is missing: say why, it is kept in the audit trail")
    if len(said) > LONGEST_WHY:
        raise MappingError("why", f"has more than {LONGEST_WHY} characters")
    return said.replace("\0", "")


__all__ = ["PAST", "Desk", "Remembered", "View", "line", "needs_why"]
