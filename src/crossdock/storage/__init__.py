"""SQLite and PostgreSQL behind delivery.store."""
