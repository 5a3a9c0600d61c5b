"""The few statements that the two databases spell differently."""

from __future__ import annotations

from functools import cache

from sqlalchemy import Executable, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection


@cache
def _once(dialect: str, table: Table, returning: str) -> Executable:
    made = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    once = made.on_conflict_do_nothing()
    return once.returning(table.c[returning]) if returning else once


def insert_once(connection: Connection, table: Table, returning: str = "") -> Executable:
    """INSERT … ON CONFLICT DO NOTHING, built once: its values are given when it is executed."""
    return _once(connection.dialect.name, table, returning)
