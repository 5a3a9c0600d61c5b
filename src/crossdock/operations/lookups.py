"""Lookup tables: what there is, what is missing, and changing it while Crossdock runs."""

from __future__ import annotations

import ast
import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from crossdock.errors import MappingError, MissingEntry, NotThere
from crossdock.lookups import replay_answered
from crossdock.operations import audit
from crossdock.operations.desk import Desk, View, line, needs_why
from crossdock.operations.overview import dead_rows
from crossdock.settings import LookupSettings

LONGEST_NAME, LONGEST_VALUE, LONGEST_ENTRY = 100, 255, 2000
ABSENT = "absent"
LONGEST_SUBJECT, KEPT = 255, 50
SAID = re.compile(r"lookups\.(?P<table>.+?): has no entry for (?P<value>.+)")
OnlyIf = Callable[[str | None], bool]


class Entry(View, frozen=True, kw_only=True):
    """What one side calls `value`, the other calls `entry`. `added`: by a person while Crossdock runs, over the file.

    `tag` changes with the entry.
    """

    table: str
    value: str
    entry: str
    added: bool
    tag: str
    cli: str


class Missing(View, frozen=True, kw_only=True):
    """What `count` documents wait for. `table` and `value` are "" where the text does not name them."""

    reason: str
    count: int
    table: str = ""
    value: str = ""


class Version(View, frozen=True, kw_only=True):
    """What somebody made of an entry. `dropped`: the file's own counted again. `entry` None: dropped, or unknown."""

    at: datetime
    by: str
    entry: str | None
    dropped: bool
    why: str


class Changed(View, frozen=True, kw_only=True):
    """`again`: dead letters that waited for it and are tried again. `changed` is false where nothing was dropped."""

    table: str
    value: str
    entry: str | None
    changed: bool
    again: int
    tag: str
    cli: str


def every(desk: Desk, table: str = "") -> list[Entry]:
    """By table and value."""
    added = desk.store.lookup_entries()
    found = [
        _entry(name, value, entry, added=False)
        for name, rules in _tables(desk).items()
        for value, entry in rules.entries.items()
        if value not in added.get(name, {})
    ]
    found += [
        _entry(name, value, entry, added=True) for name, entries in added.items() for value, entry in entries.items()
    ]
    return sorted((one for one in found if table in {"", one.table}), key=lambda one: (one.table, one.value))


def one(desk: Desk, table: str, value: str) -> Entry:
    """Raises NotThere."""
    for entry in every(desk, table):
        if entry.value == value:
            return entry
    raise NotThere("there is no such entry")


def missing(desk: Desk) -> list[Missing]:
    """What is waited for most, first."""
    found = Counter(row.reason for row in dead_rows(desk, code=MissingEntry.code))
    return [
        Missing(reason=reason, count=count, **dict(zip(("table", "value"), _waited_for(reason), strict=True)))
        for reason, count in found.most_common()
    ]


def history(desk: Desk, table: str, value: str) -> list[Version]:
    """What people made of an entry, the newest first, as the audit trail has it."""
    asked = audit.Asked(subject=f"{table}/{value}"[:LONGEST_SUBJECT], operation="lookup-", limit=KEPT)
    return [_version(one) for one in audit.page(desk, asked).rows if one.entity == "lookups"]


def put(desk: Desk, table: str, value: str, entry: str, by: str, why: str, only_if: OnlyIf | None = None) -> Changed:
    """Added or changed; what waited for it is tried again. Raises Stale where `only_if` says no to what stands there.

    What stands there is the added entry; None where there is none, whatever the file says.
    """
    said = needs_why(why)
    check(table, value, entry)
    now = desk.clock()
    desk.store.put_entry(table, value, entry, by, said, now, only_if or anything)
    desk.crossdock.connections.lookups.look_again()
    again = replay_answered(desk.store, desk.crossdock.connections.lookups, by, now)
    desk.acted()
    cli = line("lookups", "add", table, value, entry, "--why", said)
    return Changed(table=table, value=value, entry=entry, changed=True, again=again, tag=tag_of(entry), cli=cli)


def drop(desk: Desk, table: str, value: str, by: str, why: str, only_if: OnlyIf | None = None) -> Changed:
    """The added entry goes; the file's own counts again. Raises Stale where `only_if` says no to what stands there."""
    said = needs_why(why)
    check(table, value, "-")
    changed = desk.store.drop_entry(table, value, by, said, desk.clock(), only_if or anything)
    desk.crossdock.connections.lookups.look_again()
    desk.acted()
    cli = line("lookups", "remove", table, value, "--why", said)
    return Changed(table=table, value=value, entry=None, changed=changed, again=0, tag=tag_of(None), cli=cli)


def tag_of(entry: str | None, in_file: str | None = None) -> str:
    """Another one for another entry: the added one, else the file's."""
    if entry is not None:
        return hashlib.sha256(entry.encode()).hexdigest()[:16]
    return ABSENT if in_file is None else f"file-{hashlib.sha256(in_file.encode()).hexdigest()[:16]}"


def stands_as(desk: Desk, table: str, value: str, tags: Sequence[str]) -> OnlyIf:
    """Whether the entry is still one of those that these tags were given with. Made before the change begins."""
    rules = _tables(desk).get(table)
    in_file = rules.entries.get(value) if rules else None
    return lambda stands: tag_of(stands, in_file) in tags


def is_there(stands: str | None) -> bool:
    """Whether there is an added entry, whichever."""
    return stands is not None


def anything(_stands: str | None) -> bool:
    """Whatever stands there."""
    return True


def _waited_for(reason: str) -> tuple[str, str]:
    """Table and value of a MissingEntry, by its text."""
    told = SAID.fullmatch(reason)
    try:
        value = ast.literal_eval(told["value"]) if told else ""
    except (ValueError, SyntaxError):  # it was cut off
        value = ""
    return (told["table"], value) if told and isinstance(value, str) and value else ("", "")


def _version(row: audit.Entry) -> Version:
    put = row.operation == "lookup-put"
    entry, why = _said(row.detail) if put else (None, row.detail)
    return Version(at=row.at, by=row.actor, entry=entry, dropped=not put, why=why)


def _said(detail: str) -> tuple[str | None, str]:
    """The entry and the reason; of what an older version wrote the entry's end cannot be told."""
    try:
        entry, end = json.JSONDecoder().raw_decode(detail)
    except ValueError:
        return None, detail
    return entry, detail[end:].removeprefix(": ")


def _tables(desk: Desk) -> Mapping[str, LookupSettings]:
    return desk.crossdock.connections.lookups.tables()


def _entry(name: str, value: str, entry: str, *, added: bool) -> Entry:
    verb = line("lookups", "remove", name, value, "--why", "…") if added else line("lookups", "list", "--table", name)
    return Entry(
        table=name, value=value, entry=entry, added=added, tag=tag_of(entry) if added else tag_of(None, entry), cli=verb
    )


def check(table: str, value: str, entry: str) -> None:
    """Raises MappingError for what cannot be kept."""
    for name, text, most in (
        ("table", table, LONGEST_NAME),
        ("value", value, LONGEST_VALUE),
        ("entry", entry, LONGEST_ENTRY),
    ):
        if not text.strip() or len(text) > most or "\0" in text:
            raise MappingError(name, f"is a text of 1 to {most} characters")


__all__ = [
    "Changed",
    "Entry",
    "Missing",
    "Version",
    "anything",
    "check",
    "drop",
    "every",
    "history",
    "is_there",
    "missing",
    "one",
    "put",
    "stands_as",
    "tag_of",
]
