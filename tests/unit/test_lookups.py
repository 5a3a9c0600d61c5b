"""Lookup tables as they are now: the file's, and over them what people added."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from crossdock.errors import ConfigurationError, MappingError, MissingEntry, StorageError
from crossdock.lookups import LOOK_EVERY, LiveLookups
from crossdock.settings import LookupSettings, load


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now

    def later(self) -> None:
        self.now += LOOK_EVERY


class Kept:
    def __init__(self) -> None:
        self.rows: dict[str, dict[str, str]] = {}
        self.stamp = 0
        self.read = 0
        self.broken = False

    def put(self, table: str, value: str, entry: str) -> None:
        self.rows.setdefault(table, {})[value] = entry
        self.stamp += 1

    def lookup_stamp(self) -> tuple[int, str]:
        if self.broken:
            raise StorageError("gone")
        return self.stamp, ""

    def lookup_entries(self) -> dict[str, dict[str, str]]:
        self.read += 1
        return {name: dict(entries) for name, entries in self.rows.items()}


TABLES = {
    "ask": LookupSettings(entries={"a": "A"}),
    "default": LookupSettings(missing="default", default="Z", entries={"a": "A"}),
    "reject": LookupSettings(missing="reject", entries={"a": "A"}),
}


def test_what_becomes_of_a_value_without_an_entry() -> None:
    lookups = LiveLookups(TABLES)
    assert [lookups.find(table, "a") for table in TABLES] == ["A", "A", "A"]
    with pytest.raises(MissingEntry):
        lookups.find("ask", "b")
    assert lookups.find("default", "b") == "Z"
    with pytest.raises(MappingError, match=r"lookups\.reject: does not take 'b'") as caught:
        lookups.find("reject", "b")
    assert caught.value.code == "mapping"
    assert lookups.find("nowhere", "b") is None


def test_what_was_added_counts_first_and_is_seen_while_we_run() -> None:
    clock, kept = Clock(), Kept()
    lookups = LiveLookups(TABLES, clock)
    lookups.added_in(kept)
    assert lookups.find("ask", "a") == "A"
    kept.put("ask", "a", "A2")
    kept.put("fresh", "x", "X")
    clock.later()
    assert lookups.find("ask", "a") == "A2"
    assert lookups.has("fresh")
    with pytest.raises(MissingEntry):
        lookups.find("fresh", "y")
    clock.later()
    assert lookups.find("fresh", "x") == "X"
    assert kept.read == 2  # the second look found nothing new


def test_what_is_missing_is_looked_for_at_once() -> None:
    kept = Kept()
    lookups = LiveLookups(TABLES, Clock())
    lookups.added_in(kept)
    assert lookups.find("ask", "a") == "A"
    kept.put("ask", "b", "B")
    assert lookups.find("ask", "b") == "B"


def test_a_database_that_is_away_leaves_the_tables_as_they_were() -> None:
    clock, kept = Clock(), Kept()
    lookups = LiveLookups(TABLES, clock)
    lookups.added_in(kept)
    kept.put("ask", "b", "B")
    assert lookups.find("ask", "b") == "B"
    kept.broken = True
    clock.later()
    assert lookups.find("ask", "b") == "B"


def test_a_changed_file_is_read_anew_at_once_and_a_broken_one_is_not(tmp_path: Path) -> None:
    file = tmp_path / "crossdock.toml"

    def write(text: str, age: int) -> None:
        file.write_text(text)
        os.utime(file, ns=(age, age))

    write('[lookups.terms]\nentries = { a = "A" }\n', 1)
    lookups = LiveLookups(load(file).lookups, Clock())  # no time passes
    lookups.written_in(file)
    assert lookups.find("terms", "a") == "A"
    write('[lookups.terms]\nentries = { a = "B" }\n', 2)
    assert lookups.find("terms", "a") == "B"
    write("[lookups.terms\n", 3)
    assert lookups.find("terms", "a") == "B"
    assert set(lookups.answers()) == {str(MissingEntry("terms", "a"))}


@pytest.mark.parametrize("wrong", ['missing = "default"', 'default = "Z"', 'missing = "perhaps"', 'unknown = "x"'])
def test_a_table_that_cannot_be_is_refused(tmp_path: Path, wrong: str) -> None:
    file = tmp_path / "crossdock.toml"
    file.write_text(f"[lookups.terms]\n{wrong}\n")
    with pytest.raises(ConfigurationError):
        load(file)
