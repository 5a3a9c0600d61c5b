"""The database: is a commit kept there, is its version looked after, does its clock agree, is there room?"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import date, datetime
from types import MappingProxyType

from crossdock.contract.findings import Check, Finding
from crossdock.model.base import Record
from crossdock.storage.facts import DatabaseFacts

DATABASE = Check(
    name="database",
    title="The database keeps what it commits, and its version is looked after",
    why="A webhook is answered once its commit is done: what the database loses afterwards is lost to everybody.",
    told_as="a database that may lose what it commits, or whose version gets no more fixes",
)
DATABASE_CLOCK = Check(
    name="database-clock",
    title="Our clock and the database's agree",
    why="Leases and due times are written by each process's own clock: one that is ahead takes work from others.",
    told_as="a clock that differs from the database's",
)
DISK = Check(
    name="disk",
    title="There is room for the database",
    why="A full disk stops intake at once: the store's webhooks are refused until there is room again.",
    told_as="little room for the database",
)
CHECKS = (DATABASE, DATABASE_CLOCK, DISK)

# https://www.postgresql.org/support/versioning/ : the last day on which a version gets its faults mended
POSTGRES_ENDS: Mapping[int, date] = MappingProxyType(
    {
        12: date(2024, 11, 21),
        13: date(2025, 11, 13),
        14: date(2026, 11, 12),
        15: date(2027, 11, 11),
        16: date(2028, 11, 9),
        17: date(2029, 11, 8),
        18: date(2030, 11, 14),
    }
)
OLDEST_SQLITE = (3, 35)  # RETURNING
KEPT: Mapping[str, Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "postgresql": {
            "fsync": frozenset({"on"}),
            "synchronous_commit": frozenset({"on", "local", "remote_write", "remote_apply"}),
            "full_page_writes": frozenset({"on"}),
        },
        "sqlite": {"journal_mode": frozenset({"wal"}), "synchronous": frozenset({"2", "3"})},
    }
)
SOON_S, WRONG_S = 5.0, 30.0  # between the two clocks; a lease lasts a minute by default
MEGABYTE = 1_000_000
LITTLE, TOO_LITTLE = 2_000 * MEGABYTE, 300 * MEGABYTE
SHARE = 0.05


class Room(Record, frozen=True, kw_only=True):
    """Bytes of a disk."""

    free: int
    total: int


def is_kept(facts: DatabaseFacts, today: date) -> list[Finding]:
    """Pure."""
    name = f"{'PostgreSQL' if facts.kind == 'postgresql' else 'SQLite'} {facts.version}"
    loose = [
        f"{setting} = {value}"
        for setting, value in facts.settings.items()
        if value.lower() not in KEPT[facts.kind].get(setting, {value.lower()})
    ]
    if loose:
        mend = "ALTER SYSTEM SET … = on; SELECT pg_reload_conf();  (fsync and full_page_writes likewise)"
        return [
            DATABASE.error(
                f"{name}: a commit is not safe there: {', '.join(loose)}",
                mend if facts.kind == "postgresql" else "put the file on a local disk that takes SQLite's WAL",
            )
        ]
    return [_version(name, facts, today)]


def _version(name: str, facts: DatabaseFacts, today: date) -> Finding:
    major, minor = _numbers(facts.version)
    if facts.kind == "sqlite":
        if (major, minor) < OLDEST_SQLITE:
            return DATABASE.error(f"{name} is too old", "run Crossdock with a Python whose SQLite is 3.35 or newer")
        return DATABASE.ok(f"{name}, write-ahead log, every commit is synced")
    ends = POSTGRES_ENDS.get(major, date.min if major < min(POSTGRES_ENDS) else date.max)
    if ends < today:
        return DATABASE.warning(
            f"{name} gets no more fixes since {ends}", "upgrade the server to a newer major version"
        )
    return DATABASE.ok(f"{name}, every commit is synced")


def _numbers(version: str) -> tuple[int, int]:
    parts = [int(part) for part in version.split(".")[:2] if part.isdigit()]
    return (parts[0] if parts else 0, parts[1] if len(parts) > 1 else 0)


def clocks(facts: DatabaseFacts, before: datetime, after: datetime) -> list[Finding]:
    """Pure: `before` and `after` are our own clock around the question."""
    if facts.now is None:
        return [DATABASE_CLOCK.ok("the database is a file here: its clock is ours")]
    seconds = max((facts.now - after).total_seconds(), (before - facts.now).total_seconds(), 0.0)
    told = f"the database's clock is {(facts.now - after).total_seconds():+.1f} s from ours"
    mend = "run a time service (chrony, systemd-timesyncd) on both machines: `timedatectl status`"
    if seconds > WRONG_S:
        return [DATABASE_CLOCK.error(told, mend)]
    if seconds > SOON_S:
        return [DATABASE_CLOCK.warning(told, mend)]
    return [DATABASE_CLOCK.ok("the database's clock and ours agree")]


def room_in(folder: str) -> Room:
    """Of the disk that holds it. Raises OSError."""
    found = shutil.disk_usage(folder)
    return Room(free=found.free, total=found.total)


def room(facts: DatabaseFacts, there: Room | None) -> list[Finding]:
    """Pure: `there` is None for a server's disk, which we cannot see."""
    size = f"the database has {facts.size_bytes / MEGABYTE:,.0f} MB"
    if there is None:
        how = "on the server: `df -h $(psql -Atc 'SHOW data_directory')`"
        return [DISK.look_by_hand(f"{size}; a server does not tell how much room it has left", how)]
    told = f"{size}, and {there.free / MEGABYTE:,.0f} MB are free in {facts.folder}"
    mend = "free or add space; `audit.keep_days` and `archive.after_days` decide how much is kept"
    if there.free < TOO_LITTLE:
        return [DISK.error(told, mend)]
    if there.free < LITTLE or there.free < there.total * SHARE:
        return [DISK.warning(told, mend)]
    return [DISK.ok(told)]
