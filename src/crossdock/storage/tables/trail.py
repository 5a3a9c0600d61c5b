"""The audit trail."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, String, Table, Text, text

from crossdock.storage.tables.columns import Moment, Serial, metadata

audit = Table(
    "audit",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("position", BigInteger, unique=True),  # in the chain; NULL until sealed
    Column("hash", LargeBinary),
    Column("delivery_id", BigInteger),
    Column("source", String(100), nullable=False, server_default=""),
    Column("operation_type", String(50), nullable=False),
    Column("entity_type", String(50), nullable=False, server_default=""),
    Column("entity_id", String(255), nullable=False, server_default=""),
    Column("idempotency_key", String(255), nullable=False, server_default=""),
    Column("request_id", BigInteger),
    Column("request_hash", String(64), nullable=False, server_default=""),
    Column("response_id", BigInteger),
    Column("response_hash", String(64), nullable=False, server_default=""),
    Column("status_code", Integer),
    Column("error_message", Text, nullable=False, server_default=""),
    Column("detail", Text, nullable=False, server_default=""),
    Column("actor", String(100), nullable=False, server_default=""),
    Column("duration_ms", Integer, nullable=False, server_default="0"),
    Column("created_at", Moment, nullable=False),
    Column("mapping", String(60), nullable=False, server_default=""),  # not in the chain, which is older
    Index("ix_audit_idempotency_key", "idempotency_key"),
    Index("ix_audit_created_at", "created_at"),
    Index("ix_audit_source_entity_id", "source", "entity_id"),
    # what people did, newest last: far less than what we did
    Index(
        "ix_audit_people",
        "created_at",
        "id",
        "actor",
        "operation_type",
        sqlite_where=text("actor <> 'crossdock'"),
        postgresql_where=text("actor <> 'crossdock'"),
    ),
    Index("ix_audit_unsealed", "id", sqlite_where=text("position IS NULL"), postgresql_where=text("position IS NULL")),
)

# where rows were let go: positions `first` to `last`, the hash in front of them and that of the last of them
audit_anchors = Table(
    "audit_anchors",
    metadata,
    Column("first", BigInteger, primary_key=True, autoincrement=False),
    Column("last", BigInteger, nullable=False),
    Column("before", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("removed_at", Moment, nullable=False),
)


__all__ = [
    "audit",
    "audit_anchors",
]
