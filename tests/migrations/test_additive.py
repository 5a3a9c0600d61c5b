"""Two versions run side by side while one takes the other's place: a migration may only add what the older one need not know."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text

from crossdock.storage.engine import open_engine
from crossdock.storage.migrate import _config, current, migrate
from tests.databases import postgres_url, sqlite_url

Shape = dict[str, dict[str, Any]]


def revisions() -> list[str]:
    """Oldest first."""
    return [script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()][::-1]


def brought_to(engine: Engine, revision: str) -> None:
    config = _config()
    with engine.execution_options(writes=True).begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def shape(engine: Engine) -> Shape:
    """What an older version could stumble over."""
    found = inspect(engine)
    return {
        table: {
            "columns": {
                one["name"]: (str(one["type"]), one["nullable"], one["default"] is not None or one.get("autoincrement"))
                for one in found.get_columns(table)
            },
            "unique": {
                *(tuple(one["column_names"]) for one in found.get_unique_constraints(table)),
                *(tuple(one["column_names"]) for one in found.get_indexes(table) if one["unique"]),
            },
            "foreign": {tuple(one["constrained_columns"]) for one in found.get_foreign_keys(table)},
            "checks": {one["sqltext"] for one in found.get_check_constraints(table)},
        }
        for table in found.get_table_names()
        if table != "alembic_version"
    }


def harms(before: Shape, after: Shape) -> list[str]:
    """What of the difference an older version does not survive."""
    found = [f"{table} is gone" for table in before.keys() - after.keys()]
    for table in before.keys() & after.keys():
        old, new = before[table], after[table]
        found += [f"{table}.{name} is gone" for name in old["columns"].keys() - new["columns"].keys()]
        for name in old["columns"].keys() & new["columns"].keys():
            if old["columns"][name] != new["columns"][name]:
                found.append(f"{table}.{name} is another: {old['columns'][name]} -> {new['columns'][name]}")
        for name in new["columns"].keys() - old["columns"].keys():
            _, nullable, filled = new["columns"][name]
            if not (nullable or filled):
                found.append(f"{table}.{name} must be filled in")
        for kind in ("unique", "foreign", "checks"):
            found += [f"{table}: a new rule ({kind} {one})" for one in new[kind] - old[kind]]
    return sorted(found)


def steps(engine: Engine) -> list[str]:
    found: list[str] = []
    before: Shape | None = None
    for revision in revisions():
        brought_to(engine, revision)
        after = shape(engine)
        if before is not None:
            found += [f"{revision}: {harm}" for harm in harms(before, after)]
        before = after
    engine.dispose()
    return found


def test_every_migration_after_the_first_only_adds(tmp_path: Path) -> None:
    assert len(revisions()) > 1
    assert steps(open_engine(sqlite_url(tmp_path))) == []


@pytest.mark.services
def test_the_same_on_postgresql() -> None:
    with postgres_url() as url:
        assert steps(open_engine(url)) == []


@pytest.mark.parametrize(
    ("statement", "harm"),
    [
        ("ALTER TABLE people DROP COLUMN subject", "people.subject is gone"),
        ("DROP TABLE links", "links is gone"),
        ("ALTER TABLE links ADD COLUMN who TEXT NOT NULL", "links.who must be filled in"),
        ("ALTER TABLE links ALTER COLUMN number DROP NOT NULL", "links.number is another"),
        ("ALTER TABLE links ALTER COLUMN number TYPE text", "links.number is another"),
        ("CREATE UNIQUE INDEX u ON links (external_id)", "links: a new rule (unique ('external_id',))"),
        ("ALTER TABLE links ADD CHECK (part <> 'x')", "links: a new rule (checks"),
        ("ALTER TABLE links ADD COLUMN who TEXT NOT NULL DEFAULT ''", ""),
        ("ALTER TABLE links ADD COLUMN who TEXT", ""),
        ("CREATE INDEX i ON links (number)", ""),
        ("CREATE TABLE more (id INTEGER PRIMARY KEY)", ""),
    ],
)
@pytest.mark.services
def test_what_would_break_the_rule_is_seen(statement: str, harm: str) -> None:
    with postgres_url() as url:
        engine = open_engine(url)
        migrate(engine)
        before = shape(engine)
        with engine.begin() as connection:
            connection.execute(text(statement))
        found = harms(before, shape(engine))
        engine.dispose()
    assert (len(found) >= 1 and found[0].startswith(harm)) if harm else found == []


def test_an_older_version_starts_on_a_newer_ones_database(tmp_path: Path) -> None:
    """As when one of its processes is started again in the middle of an upgrade."""
    engine = open_engine(sqlite_url(tmp_path))
    migrate(engine)
    with engine.execution_options(writes=True).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    migrate(engine)
    assert current(engine)[0] == "9999"
    engine.dispose()
