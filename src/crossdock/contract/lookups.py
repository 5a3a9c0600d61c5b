"""Lookups: the tables by which people say what a code of one side is called on the other.

    [lookups.payment_terms]
    missing = "ask"
    entries = { checkmo = "NET30", banktransfer = "NET10" }

A connector asks by the table's role (`payment_terms`, `shipping_methods`, `tax_codes`, `units`, `countries`,
`customer_groups`, or any name of its own); a connection may say under `lookups` that a role is another table. Tables
change while Crossdock runs: a connector keeps the object and asks anew for each record.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from crossdock.errors import MissingEntry


class Lookups(Protocol):
    """All tables. Safe for many threads."""

    def has(self, table: str) -> bool:
        """Whether there is such a table at all; where there is none, a connector goes by its other settings."""

    def find(self, table: str, value: str) -> str | None:
        """What stands for the value: its entry, or the table's default. None where the table does not exist.

        Raises MissingEntry where neither is there: a dead letter that names table and value.
        """


class FixedLookups:
    """Tables that do not change: for previews and tests. A missing entry is always refused."""

    def __init__(self, tables: Mapping[str, Mapping[str, str]] | None = None) -> None:
        self._tables = tables or {}

    def has(self, table: str) -> bool:
        """As given."""
        return table in self._tables

    def find(self, table: str, value: str) -> str | None:
        """As given."""
        if table not in self._tables:
            return None
        if value not in self._tables[table]:
            raise MissingEntry(table, value)
        return self._tables[table][value]


class Named:
    """The lookups of one connection: `names` says which table a role is, where it is not called like it."""

    def __init__(self, lookups: Lookups, names: Mapping[str, str]) -> None:
        self._lookups = lookups
        self._names = names

    def has(self, table: str) -> bool:
        """By the role."""
        return self._lookups.has(self._names.get(table, table))

    def find(self, table: str, value: str) -> str | None:
        """By the role. Raises MissingEntry with the table's own name."""
        return self._lookups.find(self._names.get(table, table), value)


NO_LOOKUPS = FixedLookups()
