"""The lookup tables as they are now: those of the settings file, and over them what people added while we run."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

import msgspec
import structlog

from crossdock.delivery.store import DeadFilter, DeliveryView
from crossdock.errors import ConfigurationError, CrossdockError, MappingError, MissingEntry
from crossdock.settings import LookupSettings, load

log = structlog.get_logger("crossdock.lookups")
LOOK_EVERY = 2.0  # seconds for which a look at the database is good
OLDEST = 1_000_000
Tables = Mapping[str, LookupSettings]
Added = Mapping[str, Mapping[str, str]]


class Entries(Protocol):
    """What a storage keeps of them."""

    def lookup_stamp(self) -> tuple[int, str]:
        """Another one whenever an entry was added, changed or removed."""

    def lookup_entries(self) -> dict[str, dict[str, str]]:
        """By table and value."""


class Waiting(Protocol):
    """Where dead letters are."""

    def dead(self, which: DeadFilter) -> list[DeliveryView]:
        """Unresolved ones."""

    def replay(self, ids: Sequence[int], by: str, now: datetime) -> int:
        """Due again."""


class LiveLookups:
    """What connectors ask (contract.lookups.Lookups). Safe for many threads.

    A change of the file is seen by whoever asks next, an entry that was added within two seconds, in every process. A
    file that cannot be read leaves the tables as they were.
    """

    def __init__(self, tables: Tables, clock: Callable[[], float] = time.monotonic) -> None:
        self._tables = tables
        self._clock = clock
        self._lock = threading.Lock()
        self._added: Added = {}
        self._entries: Entries | None = None
        self._stamp: tuple[int, str] | None = None
        self._file: Path | None = None
        self._file_stamp: tuple[int, int] | None = None
        self._looked_at = -LOOK_EVERY

    def added_in(self, entries: Entries) -> None:
        """From now on."""
        self._entries = entries

    def written_in(self, file: Path | None) -> None:
        """The settings file to look at again whenever it changes."""
        self._file, self._file_stamp = file, _stamp_of(file)

    def has(self, table: str) -> bool:
        """In the file, or by an entry that was added."""
        self._look()
        return table in self._tables or table in self._added

    def find(self, table: str, value: str) -> str | None:
        """See contract.lookups. Raises MissingEntry, or MappingError where the table refuses what it does not know."""
        self._look()
        try:
            return found_in(self._tables, self._added, table, value)
        except MissingEntry:  # it may have been added a moment ago, and what waited for it sent here at once
            self._look(anew=True)
            return found_in(self._tables, self._added, table, value)

    def tables(self) -> Tables:
        """Those of the settings file, as it is now."""
        self._look()
        return self._tables

    def fingerprint(self) -> str:
        """Another one whenever any entry of any table is."""
        self._look()
        tables = {name: one.model_dump(mode="json") for name, one in self._tables.items()}
        return hashlib.sha256(msgspec.json.encode([tables, self._added], order="deterministic")).hexdigest()

    def look_again(self) -> None:
        """Now: something was changed by this very process."""
        self._look(anew=True)

    def answers(self) -> Iterator[str]:
        """The texts of missing entries that are not missing any more."""
        self._look()
        for table, entries in self._added.items():
            yield from (str(MissingEntry(table, value)) for value in entries)
        for table, rules in self._tables.items():
            yield from (str(MissingEntry(table, value)) for value in rules.entries)

    def _look(self, *, anew: bool = False) -> None:
        with self._lock:
            self._read_file()  # a stat: whoever has saved the file expects it of the very next order
            if not anew and self._clock() - self._looked_at < LOOK_EVERY:
                return
            self._looked_at = self._clock()
            self._read_entries()

    def _read_file(self) -> None:
        stamp = _stamp_of(self._file)
        if stamp is None or stamp == self._file_stamp:
            return
        self._file_stamp = stamp
        try:
            self._tables = load(self._file).lookups
            log.info("lookups were read anew", tables=sorted(self._tables))
        except ConfigurationError as error:
            log.error("the settings file cannot be read: lookups stay as they were", problems=list(error.problems))

    def _read_entries(self) -> None:
        if self._entries is None:
            return
        try:
            stamp = self._entries.lookup_stamp()
            if stamp != self._stamp:
                self._added, self._stamp = self._entries.lookup_entries(), stamp
        except CrossdockError as error:
            log.error("added lookup entries cannot be read: they stay as they were", code=error.code)


def found_in(tables: Tables, added: Added, table: str, value: str) -> str | None:
    """Pure: an entry that was added, else the file's, else what the table says of missing ones."""
    if value in added.get(table, {}):
        return added[table][value]
    rules = tables.get(table)
    if rules is None:
        if table not in added:
            return None
        raise MissingEntry(table, value)
    if value in rules.entries:
        return rules.entries[value]
    if rules.missing == "default":
        return rules.default
    if rules.missing == "reject":
        raise MappingError(f"lookups.{table}", f"does not take {value!r}")
    raise MissingEntry(table, value)


def replay_answered(waiting: Waiting, lookups: LiveLookups, by: str, now: datetime) -> int:
    """Dead letters whose missing entry is there by now are tried again; how many."""
    letters = waiting.dead(DeadFilter(code=MissingEntry.code, limit=OLDEST))
    if not letters:
        return 0
    answered = frozenset(lookups.answers())
    again = [letter.id for letter in letters if letter.reason in answered]
    return waiting.replay(again, by, now) if again else 0


def _stamp_of(file: Path | None) -> tuple[int, int] | None:
    try:
        found = file.stat() if file else None
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size) if found else None
