"""Incidents, and who is told of them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text, UniqueConstraint, text

from crossdock.storage.tables.columns import Moment, Serial, metadata

# causes that a person must see to, over their time; `sight` and the lists are JSON, and about no person
incidents = Table(
    "incidents",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("key", String(64), nullable=False),
    Column("state", String(12), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("severity", String(10), nullable=False),
    Column("sight", Text, nullable=False),
    Column("first_at", Moment, nullable=False),
    Column("last_at", Moment, nullable=False),
    Column("peak", Integer, nullable=False, server_default="1"),
    Column("opened_at", Moment),
    Column("cleared_at", Moment),
    Column("resolved_at", Moment),
    Column("told", Text, nullable=False, server_default="[]"),
    Column("told_at", Moment),
    Column("told_count", Integer, nullable=False, server_default="0"),
    Column("told_severity", String(10), nullable=False, server_default="info"),
    Column("acknowledged_at", Moment),
    Column("acknowledged_by", String(100), nullable=False, server_default=""),
    Column("acknowledged_why", Text, nullable=False, server_default=""),
    Column("done", Text, nullable=False, server_default="{}"),
    # of one cause one is open
    Index(
        "uq_incidents_open",
        "key",
        unique=True,
        sqlite_where=text("resolved_at IS NULL"),
        postgresql_where=text("resolved_at IS NULL"),
    ),
    Index("ix_incidents_resolved_at", "resolved_at"),
)

# connections that a worker gets no answer from; its word holds for as long as it is renewed
breakers = Table(
    "breakers",
    metadata,
    Column("worker", String(100), primary_key=True),
    Column("connection", String(100), primary_key=True),
    Column("since", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False),
)

# messages that audiences are owed of them: the outbox of notices. A digest's incident is 0
notices = Table(
    "notices",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("audience", String(40), nullable=False),
    Column("incident_id", BigInteger, nullable=False),
    Column("transition", String(12), nullable=False),
    Column("step", String(100), nullable=False, server_default=""),
    Column("at", Moment, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("bundle", String(60), nullable=False, server_default=""),
    Column("severity", String(10), nullable=False, server_default="info"),
    Column("title", Text, nullable=False, server_default=""),
    Column("body", Text, nullable=False, server_default=""),
    Column("state", String(12), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("targets", Text, nullable=False, server_default="[]"),
    Column("error", Text, nullable=False, server_default=""),
    Column("sent_at", Moment),
    UniqueConstraint("audience", "incident_id", "transition", "step"),
    Index(
        "ix_notices_due",
        "due_at",
        sqlite_where=text("state = 'pending'"),
        postgresql_where=text("state = 'pending'"),
    ),
    Index("ix_notices_incident_id", "incident_id"),
)


__all__ = [
    "breakers",
    "incidents",
    "notices",
]
