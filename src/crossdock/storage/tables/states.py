"""Feeds of states, their rows, and what orders reserve."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from crossdock.storage.tables.columns import Moment, Serial, metadata

# what a source keeps aside for its subjects; quantities as decimal text
reservations = Table(
    "reservations",
    metadata,
    Column("source", String(100), primary_key=True),
    Column("subject", String(255), primary_key=True),
    Column("name", String(255), primary_key=True),
    Column("quantity", String(30), nullable=False),
    Index("ix_reservations_name", "source", "name"),
)

# what left a store's stock by a delivery of ours; `origin` told us of it, `at` is when it did so by its own books
moves = Table(
    "moves",
    metadata,
    Column("delivery_id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", String(255), primary_key=True),
    Column("source", String(100), nullable=False),
    Column("origin", String(100), nullable=False),
    Column("subject", String(255), nullable=False),
    Column("place", String(100), nullable=False),
    Column("quantity", String(30), nullable=False),
    Column("at", Moment, nullable=False),
    Index("ix_moves_name", "source", "name"),
    Index("ix_moves_at", "at"),
)

# rows that went into a target's own queue and have not ended yet; `ticket` is the target's name of the batch
handed = Table(
    "handed",
    metadata,
    Column("target", String(100), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("batch", String(40), nullable=False),
    Column("place", Integer, nullable=False),
    Column("ticket", String(64), nullable=False, server_default=""),
    Column("found", Boolean, nullable=False, server_default=text("false")),
    Column("content", String(64), nullable=False, server_default=""),
    Column("detail", String(255), nullable=False, server_default=""),
    Column("at", Moment, nullable=False),
    Index("ix_handed_batch", "target", "batch"),
)

feeds = Table(
    "feeds",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("message_seq", Serial, ForeignKey("messages.seq"), nullable=False),
    Column("source", String(100), nullable=False),
    Column("target", String(100), nullable=False),
    Column("flow", String(50), nullable=False),
    Column("channel", String(20), nullable=False),
    Column("state", String(12), nullable=False),
    Column("total", Integer, nullable=False, server_default="0"),
    Column("changed", Integer, nullable=False, server_default="0"),
    Column("unchanged", Integer, nullable=False, server_default="0"),
    Column("stale", Integer, nullable=False, server_default="0"),
    Column("rejected", Integer, nullable=False, server_default="0"),
    Column("reason", Text, nullable=False, server_default=""),
    Column("received_at", Moment, nullable=False),
    Column("decided_by", String(100), nullable=False, server_default=""),
    Column("answer", Text, nullable=False, server_default=""),  # what the sender was told; "" until then
    UniqueConstraint("message_seq", "target"),
    Index("ix_feeds_state", "state", "target"),
)

# of a feed's rows, those that were not simply unchanged
feed_rows = Table(
    "feed_rows",
    metadata,
    Column("feed_id", Serial, ForeignKey("feeds.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("fate", String(12), nullable=False),
    Column("subject", String(255), nullable=False, server_default=""),
    Column("reference", String(255), nullable=False, server_default=""),
    Column("key", String(255), nullable=False, server_default=""),
    Column("lane", String(255), nullable=False, server_default=""),
    Column("content", String(64), nullable=False, server_default=""),
    Column("version", String(100), nullable=False, server_default=""),
    Column("reason", Text, nullable=False, server_default=""),
    Column("record", LargeBinary),
)


__all__ = [
    "feed_rows",
    "feeds",
    "handed",
    "moves",
    "reservations",
]
