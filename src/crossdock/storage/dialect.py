"""The few statements that the two databases spell differently."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Executable, Table
from sqlalchemy.dialects import postgresql, sqlite

Once = Callable[[str], Executable]


def insert_once(table: Table, returning: str = "") -> Once:
    """INSERT … ON CONFLICT DO NOTHING by the dialect's name; its values are given when it is executed."""

    def build(dialect: str) -> Executable:
        made = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
        once = made.on_conflict_do_nothing()
        return once.returning(table.c[returning]) if returning else once

    return build
