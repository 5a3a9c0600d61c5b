"""Run by Alembic on the connection that crossdock.storage.migrate opens."""

from __future__ import annotations

from alembic import context

from crossdock.storage.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=connection.dialect.name == "sqlite")
context.run_migrations()
