"""Watching how deliveries move from state to state in a SQLite database: what is drawn in docs/diagrams/states.svg."""

from __future__ import annotations

import sqlite3
from contextlib import closing

WATCH = """
CREATE TABLE moves_seen (before TEXT, after TEXT);
CREATE TRIGGER born AFTER INSERT ON deliveries BEGIN
    INSERT INTO moves_seen VALUES ('promised', new.state);
END;
CREATE TRIGGER moved AFTER UPDATE ON deliveries
    WHEN old.state <> new.state
        OR (new.state = 'leased' AND old.fence <> new.fence)
        OR (new.state = 'dead' AND old.is_open <> new.is_open)
BEGIN
    INSERT INTO moves_seen VALUES (old.state, new.state);
END;
"""


def watch(url: str) -> None:
    """From now on each move of a delivery is noted, by the database itself."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database:
        database.executescript(WATCH)


def seen(url: str) -> set[tuple[str, str]]:
    """The moves since then."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database:
        return set(database.execute("SELECT before, after FROM moves_seen"))
