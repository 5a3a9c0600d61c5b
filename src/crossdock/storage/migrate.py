"""Bringing a database to this version's tables. Safe to call at every start, from several processes."""

from __future__ import annotations

import structlog
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text
from sqlalchemy.engine import Connection

log = structlog.get_logger("crossdock.storage")
LOCK = 7305104


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "crossdock.storage:migrations")
    config.set_main_option("path_separator", "os")
    return config


def migrate(engine: Engine) -> None:
    """To the newest version. A database of a newer one is left as it is: what it has more does us no harm.

    Migrations only add (tests/migrations), so that two versions may run side by side while one takes the other's place.
    """
    config = _config()
    with engine.execution_options(writes=True).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
        config.attributes["connection"] = connection
        if _is_newer(connection, config):
            log.warning("the database is of a newer version")
            return
        command.upgrade(config, "head")


def _is_newer(connection: Connection, config: Config) -> bool:
    has = MigrationContext.configure(connection).get_current_revision()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    return has is not None and has not in known


def current(engine: Engine) -> tuple[str | None, str | None]:
    """(what the database has, what this version wants)."""
    with engine.connect() as connection:
        has = MigrationContext.configure(connection).get_current_revision()
    return has, ScriptDirectory.from_config(_config()).get_current_head()
