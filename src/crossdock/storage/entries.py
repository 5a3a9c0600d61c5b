"""Entries of lookup tables that people added while Crossdock runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.engine import Connection

from crossdock.delivery.records import Attempt
from crossdock.errors import Stale
from crossdock.storage import trail
from crossdock.storage.dialect import alone, insert_once
from crossdock.storage.payloads import Payloads
from crossdock.storage.prepared import Prepared
from crossdock.storage.tables import lookup_entries

NEW = Prepared(insert_once(lookup_entries))
THIS = (lookup_entries.c.name == bindparam("wanted_name"), lookup_entries.c.value == bindparam("wanted_value"))
CHANGED = Prepared(update(lookup_entries).where(*THIS))
GONE = Prepared(delete(lookup_entries).where(*THIS))
ALL = Prepared(select(lookup_entries.c.name, lookup_entries.c.value, lookup_entries.c.entry))
ONE = Prepared(select(lookup_entries.c.entry).where(*THIS))
OnlyIf = Callable[[str | None], bool]
STAMP = Prepared(select(func.count().label("rows"), func.max(lookup_entries.c.changed_at).label("newest")))


def stamp(connection: Connection) -> tuple[int, str]:
    """Another one whenever an entry was added, changed or removed."""
    row = STAMP.first(connection, {})
    return (row.rows, str(row.newest)) if row is not None else (0, "")


def read(connection: Connection) -> dict[str, dict[str, str]]:
    """By table and value."""
    found: dict[str, dict[str, str]] = {}
    for row in ALL.rows(connection, {}):
        found.setdefault(row.name, {})[row.value] = row.entry
    return found


def put(
    connection: Connection,
    payloads: Payloads,
    name: str,
    value: str,
    entry: str,
    by: str,
    why: str,
    now: datetime,
    only_if: OnlyIf,
) -> None:
    """Added, or in the place of what stood there. Raises Stale where `only_if` says no to what stands there."""
    _look(connection, name, value, only_if)
    row = {"name": name, "value": value, "entry": entry, "by": by, "changed_at": now}
    if not NEW.run(connection, row):
        CHANGED.run(connection, {**row, "wanted_name": name, "wanted_value": value})
    told = json.dumps(entry, ensure_ascii=False)  # so that it can be read back from the trail
    _note(connection, payloads, "lookup-put", f"{name}/{value}", f"{told}: {why}", by, now)


def drop(
    connection: Connection,
    payloads: Payloads,
    name: str,
    value: str,
    by: str,
    why: str,
    now: datetime,
    only_if: OnlyIf,
) -> bool:
    """Whether it was there. Raises Stale where `only_if` says no to what stands there."""
    _look(connection, name, value, only_if)
    gone = GONE.run(connection, {"wanted_name": name, "wanted_value": value})
    if gone:
        _note(connection, payloads, "lookup-drop", f"{name}/{value}", why, by, now)
    return bool(gone)


def _look(connection: Connection, name: str, value: str, only_if: OnlyIf) -> None:
    alone(connection, f"lookup:{name}")  # of two who look at once, the second must see what the first has written
    if not only_if(ONE.scalar(connection, {"wanted_name": name, "wanted_value": value})):
        raise Stale(f"lookups.{name}: the entry was changed meanwhile")


def _note(
    connection: Connection, payloads: Payloads, action: str, which: str, detail: str, by: str, now: datetime
) -> None:
    attempt = Attempt(
        operation=action, entity="lookups", entity_id=which[:255], started_at=now, actor=by, detail=detail
    )
    trail.append(connection, payloads, attempt, None, now)
