"""The few statements that the two databases spell differently."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Executable, Table, any_, bindparam, func, literal_column, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

Once = Callable[[str], Executable]


def insert_once(table: Table, returning: str = "", **reckoned: ColumnElement[Any]) -> Once:
    """INSERT … ON CONFLICT DO NOTHING by the dialect's name; its values are given when it is executed.

    Those that are `reckoned` by the database itself are given here.
    """

    def build(dialect: str) -> Executable:
        made = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
        once = (made.values(reckoned) if reckoned else made).on_conflict_do_nothing()
        return once.returning(table.c[returning]) if returning else once

    return build


def among(dialect: str, column: Column[Any], name: str) -> ColumnElement[bool]:
    """`column` is one of the many values that `listed` makes one parameter of: a statement need not name each."""
    if dialect == "postgresql":
        return column == any_(bindparam(name, type_=postgresql.ARRAY(column.type)))
    return column.in_(select(literal_column("value")).select_from(func.json_each(bindparam(name))))


def listed(connection: Connection, values: Sequence[Any]) -> Any:
    """Many values as the one parameter of `among`."""
    return list(values) if connection.dialect.name == "postgresql" else json.dumps(list(values))


def alone(connection: Connection, name: str) -> None:
    """One transaction at a time under this name, until it ends. SQLite has one writer anyhow."""
    if connection.dialect.name == "postgresql":
        place = {"space": 7305106, "name": zlib.crc32(name.encode()) - 2**31}
        connection.execute(text("SELECT pg_advisory_xact_lock(:space, :name)"), place)
