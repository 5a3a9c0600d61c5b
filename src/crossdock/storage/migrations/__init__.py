"""Alembic's migrations: the order of the tables' versions."""
