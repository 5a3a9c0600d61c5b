"""What SuiteQL sees of the account: SQLite tables with NetSuite's names, and the few functions that a query may use.

Answers are as over REST: column names in small letters, values as text, NULL left out.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from typing import Any

TABLES: Mapping[str, str] = {
    "item": "id INTEGER PRIMARY KEY, itemid TEXT, displayname TEXT, salesdescription TEXT, "
    "isinactive TEXT DEFAULT 'F', lastmodifieddate TEXT",
    "location": "id INTEGER PRIMARY KEY, name TEXT",
    "aggregateitemlocation": "item INTEGER, location INTEGER, quantityonhand NUMERIC, quantityavailable NUMERIC, "
    "lastquantityavailablechange TEXT, PRIMARY KEY (item, location)",
    "pricing": "item INTEGER, pricelevel INTEGER, currency INTEGER, quantity NUMERIC, unitprice NUMERIC, "
    "PRIMARY KEY (item, pricelevel, currency, quantity)",
    "customer": "id INTEGER PRIMARY KEY, entityid TEXT, externalid TEXT UNIQUE, firstname TEXT, middlename TEXT, "
    "lastname TEXT, companyname TEXT, email TEXT, isperson TEXT, "
    "isinactive TEXT DEFAULT 'F', custentity_tier TEXT, lastmodifieddate TEXT",
    "transaction": "id INTEGER PRIMARY KEY, tranid TEXT, type TEXT, status TEXT, externalid TEXT UNIQUE, "
    "entity INTEGER, trandate TEXT, memo TEXT, otherrefnum TEXT, linkedtrackingnumberlist TEXT, "
    "createddate TEXT, lastmodifieddate TEXT",
    "transactionline": '"transaction" INTEGER, id INTEGER, item INTEGER, quantity NUMERIC, location INTEGER, '
    "mainline TEXT DEFAULT 'F', iscogs TEXT DEFAULT 'F', custcol_line_id TEXT, PRIMARY KEY (\"transaction\", id)",
    "previoustransactionlinelink": "previousdoc INTEGER, previousline INTEGER, nextdoc INTEGER, nextline INTEGER, "
    "linktype TEXT",
}
WORD = re.compile(r'(?<!")\btransaction\b(?!")', re.IGNORECASE)  # a word of SQLite's own


class Tables:
    """One account's. Used by the server's thread, and by tests through it."""

    def __init__(self) -> None:
        self._db = sqlite3.connect(":memory:", check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        self._db.create_function("TO_CHAR", 2, lambda value, _form: value)
        self._db.create_function("TO_TIMESTAMP", 2, lambda value, _form: value)
        for name, columns in TABLES.items():
            self._db.execute(f'CREATE TABLE "{name}" ({columns})')

    def close(self) -> None:
        """All of it is gone."""
        self._db.close()

    def put(self, table: str, **values: Any) -> None:
        """Inserts a row, or takes the place of the one of the same key."""
        names = ", ".join(f'"{name}"' for name in values)
        marks = ", ".join("?" for _ in values)
        self._db.execute(f'INSERT OR REPLACE INTO "{table}" ({names}) VALUES ({marks})', list(values.values()))  # noqa: S608  tests' own names

    def run(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        """Any statement, for the stand-in itself."""
        return [dict(row) for row in self._db.execute(WORD.sub('"transaction"', sql), values)]

    def query(self, sql: str, limit: int, offset: int) -> list[dict[str, Any]]:
        """As SuiteQL answers. Raises sqlite3.Error for what it does not understand."""
        if not sql.lstrip().upper().startswith("SELECT"):
            raise sqlite3.OperationalError("only SELECT is allowed")
        rows = self._db.execute(WORD.sub('"transaction"', sql)).fetchall()[offset : offset + limit]
        return [_told(row) for row in rows]


def _told(row: sqlite3.Row) -> dict[str, Any]:
    told = {name.lower(): str(row[name]) for name in row.keys() if row[name] is not None}  # noqa: SIM118  a Row
    return {"links": [], **told}
