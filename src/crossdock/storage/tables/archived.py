"""Settled subjects, by the month in which they were."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Index, Integer, String, Table

from crossdock.storage.tables.columns import metadata
from crossdock.storage.tables.spine import deliveries, messages


def _archived(table: Table, key: str) -> Table:
    """The same columns behind the month in which the row's subject was last settled, as 202611."""

    def copied(column: Column[Any]) -> Column[Any]:
        return Column(
            column.name,
            column.type,
            nullable=column.nullable,
            server_default=column.server_default,
            primary_key=column.name == key,
            autoincrement=False,
        )

    name = f"archived_{table.name}"
    return Table(
        name,
        metadata,
        Column("month", Integer, primary_key=True, autoincrement=False),
        *map(copied, table.c),
        Index(f"ix_{name}_source_subject", "source", "subject"),
        Index(f"ix_{name}_reference", "reference"),
        postgresql_partition_by="LIST (month)",
    )


archived_messages = _archived(messages, "seq")

archived_deliveries = _archived(deliveries, "id")

Index("ix_archived_deliveries_id", archived_deliveries.c.id)

# which subjects are in the archive, and where
archived_subjects = Table(
    "archived_subjects",
    metadata,
    Column("source", String(100), primary_key=True),
    Column("subject", String(255), primary_key=True),
    Column("month", Integer, nullable=False, autoincrement=False),
)


__all__ = [
    "archived_deliveries",
    "archived_messages",
    "archived_subjects",
]
