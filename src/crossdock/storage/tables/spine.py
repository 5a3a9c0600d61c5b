"""Messages, deliveries, what they hold, and what tells when something is done."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    ForeignKey,
    FromClause,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
    text,
)

from crossdock.storage.tables.columns import Moment, Serial, metadata

subject_keys = Table(
    "subject_keys",
    metadata,
    Column("subject", String(255), primary_key=True),
    Column("wrapped", LargeBinary, nullable=True),  # NULL: erased, for ever
    Column("created_at", Moment, nullable=False),
    Column("erased_at", Moment),
)

# keys that are no subject's, wrapped by the master key
kept_keys = Table(
    "kept_keys",
    metadata,
    Column("name", String(50), primary_key=True),
    Column("wrapped", LargeBinary, nullable=False),
    Column("changed_at", Moment, nullable=False),
)

people = Table(
    "people",
    metadata,
    Column("fingerprint", String(64), primary_key=True),
    Column("subject", String(255), primary_key=True),
)

payloads = Table(
    "payloads",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("subject", String(255), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("created_at", Moment, nullable=False),
    Index("ix_payloads_created_at", "created_at"),
)

messages = Table(
    "messages",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=True),
    Column("id", String(255), nullable=False),
    Column("source", String(100), nullable=False),
    Column("flow", String(50), nullable=False),
    Column("subject", String(255), nullable=False),
    Column("reference", String(255), nullable=False, server_default=""),
    Column("version", String(100), nullable=False, server_default=""),
    Column("content", String(64), nullable=False, server_default=""),
    Column("fingerprint", String(64), nullable=False, server_default=""),
    Column("channel", String(20), nullable=False, server_default=""),
    Column("occurred_at", Moment, nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("read_at", Moment),
    Column("payload_id", Serial, ForeignKey("payloads.id")),
    Column("trace", String(55), nullable=False, server_default=""),  # W3C trace context
    UniqueConstraint("source", "id"),
    Index("ix_messages_source_subject", "source", "subject"),
    Index("ix_messages_reference", "reference"),
)

ASIDE = 3  # of `is_open`

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("message_seq", Serial, ForeignKey("messages.seq"), nullable=False),
    Column("flow", String(50), nullable=False),
    Column("source", String(100), nullable=False),
    Column("target", String(100), nullable=False),
    Column("subject", String(255), nullable=False),
    Column("reference", String(255), nullable=False, server_default=""),
    Column("key", String(255), nullable=False),
    Column("lane", String(255), nullable=False),
    Column("priority", Integer, nullable=False, server_default="5"),
    Column("state", String(12), nullable=False),
    # pending, leased, or dead and unresolved: 1 where it waits for its lane, 2 where it goes with others of its lane,
    # ASIDE where it is dead and its lane goes on without it
    Column("is_open", SmallInteger, nullable=False),
    Column("one_row", Boolean, nullable=False, server_default=text("false")),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("unexpected", Integer, nullable=False, server_default="0"),
    Column("generation", Integer, nullable=False, server_default="0"),
    Column("fence", Integer, nullable=False, server_default="0"),
    Column("version", String(100), nullable=False, server_default=""),
    Column("content", String(64), nullable=False, server_default=""),
    Column("created_at", Moment, nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("leased_until", Moment),
    Column("leased_by", String(100)),
    Column("maybe_sent", Boolean, nullable=False, server_default=text("false")),
    Column("sent_at", Moment),
    Column("settled_at", Moment),
    Column("code", String(50), nullable=False, server_default=""),
    Column("reason", Text, nullable=False, server_default=""),
    Column("owner", String(20), nullable=False, server_default=""),
    Column("resolved_at", Moment),
    Column("resolved_why", Text, nullable=False, server_default=""),
    Column("memo", Text, nullable=False, server_default="{}"),
    Column("announced", Integer, nullable=False, server_default="-1"),  # the fence under which a broker was told of it
    Column("announced_at", Moment),
    Column("desired", String(64), nullable=False, server_default=""),  # STATE: what `content` is to become
    Column("record", LargeBinary),  # STATE: the newest record itself; it is about no person
    UniqueConstraint("target", "key"),
    Index(
        "ix_deliveries_due",
        "target",
        "priority",
        "due_at",
        sqlite_where=text("is_open = 1"),
        postgresql_where=text("is_open = 1"),
    ),
    Index(
        "ix_deliveries_lane",
        "lane",
        "target",
        "id",
        sqlite_where=text("is_open = 1"),
        postgresql_where=text("is_open = 1"),
    ),
    # a claim moves the fence on, so a row comes back into this index by itself; SQLite has no fleet and no use for it
    Index(
        "ix_deliveries_unannounced",
        "target",
        "priority",
        "due_at",
        postgresql_where=text("is_open = 1 AND announced <> fence"),
    ).ddl_if(dialect="postgresql"),
    Index(
        "ix_deliveries_batched",
        "target",
        "priority",
        "due_at",
        sqlite_where=text("is_open = 2"),
        postgresql_where=text("is_open = 2"),
    ),
    Index(
        "ix_deliveries_batched_lane",
        "target",
        "lane",
        "id",
        sqlite_where=text("is_open = 2"),
        postgresql_where=text("is_open = 2"),
    ),
    # whether a lane of states has a call under way
    Index(
        "ix_deliveries_batched_leased",
        "target",
        "lane",
        sqlite_where=text("is_open = 2 AND state = 'leased'"),
        postgresql_where=text("is_open = 2 AND state = 'leased'"),
    ),
    # what may have been sent: looked for first by a connection that is only tried
    Index(
        "ix_deliveries_doubtful",
        "target",
        "due_at",
        sqlite_where=text("is_open = 1 AND maybe_sent = 1"),
        postgresql_where=text("is_open = 1 AND maybe_sent"),
    ),
    # what may go to the archive, oldest first
    Index(
        "ix_deliveries_final",
        "settled_at",
        sqlite_where=text("is_open = 0 AND code = 'final'"),
        postgresql_where=text("is_open = 0 AND code = 'final'"),
    ),
    Index("ix_deliveries_message_seq", "message_seq"),  # a message goes to the archive only once none refers to it
    Index("ix_deliveries_subject", "source", "subject"),
    # how many stand where, and lists of them, newest first: each mixture of the first five is a range of its own
    Index("ix_deliveries_standing", "state", "flow", "target", "is_open", "code", "opened_at", "id"),
    # what was delivered of late, and how long it took
    Index(
        "ix_deliveries_rate",
        "settled_at",
        "state",
        "flow",
        "target",
        "opened_at",
        sqlite_where=text("is_open = 0"),
        postgresql_where=text("is_open = 0"),
    ),
    Index("ix_deliveries_reference", "reference"),
)


def is_open(table: FromClause = deliveries) -> ColumnElement[bool]:
    """Said with a literal, so that both databases see that the partial indexes serve it."""
    return table.c.is_open == literal_column("1")


def is_batched(table: FromClause = deliveries) -> ColumnElement[bool]:
    """Open, and carried with others of its lane. A version that knows of no batches never sees such a row as due."""
    return table.c.is_open == literal_column("2")


links = Table(
    "links",
    metadata,
    Column("source", String(100), primary_key=True),
    Column("subject", String(255), primary_key=True),
    Column("target", String(100), primary_key=True),
    Column("part", String(100), primary_key=True, server_default=""),
    Column("external_id", String(255), nullable=False),
    Column("number", String(255), nullable=False, server_default=""),
    Column("created_at", Moment, nullable=False),
    Index("ix_links_target_external_id", "target", "external_id"),
    Index("ix_links_number", "number"),
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("source", String(100), primary_key=True),
    Column("stream", String(50), primary_key=True),
    Column("watermark", Text),
    Column("fence", Integer, nullable=False, server_default="0"),
    Column("holder", String(100)),
    Column("held_until", Moment),
    Column("read_at", Moment),
    Column("complete_at", Moment),
)

# when roads are read: what became of each line of their schedules, and which a person has paused
schedules = Table(
    "schedules",
    metadata,
    Column("source", String(100), primary_key=True),
    Column("target", String(100), primary_key=True),
    Column("flow", String(50), primary_key=True),
    Column("entry", String(200), primary_key=True),
    Column("settled_to", Moment, nullable=False),
    Column("began_at", Moment),
    Column("ended_at", Moment),
    Column("done_at", Moment),
    Column("outcome", String(20), nullable=False, server_default=""),
    Column("detail", Text, nullable=False, server_default=""),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("retry_at", Moment),
    Column("missed", Integer, nullable=False, server_default="0"),
    Column("missed_at", Moment),
)

# when a system last said that something of a flow has changed there: its next scan is due
hints = Table(
    "hints",
    metadata,
    Column("source", String(100), primary_key=True),
    Column("flow", String(50), primary_key=True),
    Column("hinted_at", Moment, nullable=False),
)

schedule_halts = Table(
    "schedule_halts",
    metadata,
    Column("source", String(100), primary_key=True),
    Column("target", String(100), primary_key=True),
    Column("flow", String(50), primary_key=True),
    Column("paused_at", Moment),
    Column("resumed_at", Moment),
    Column("by", String(100), nullable=False, server_default=""),
    Column("reason", Text, nullable=False, server_default=""),
)

# what two ends are known to have of one subject, encrypted under that subject's key; NULL: erased
agreements = Table(
    "agreements",
    metadata,
    Column("source", String(100), primary_key=True),
    Column("subject", String(255), primary_key=True),
    Column("target", String(100), primary_key=True),
    Column("external_id", String(255), nullable=False, server_default=""),
    Column("body", LargeBinary),
    Column("changed_at", Moment, nullable=False),
    Index("ix_agreements_external_id", "source", "target", "external_id"),
)

# entries of lookup tables that people added while Crossdock runs
lookup_entries = Table(
    "lookup_entries",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("value", String(255), primary_key=True),
    Column("entry", Text, nullable=False),
    Column("by", String(100), nullable=False, server_default=""),
    Column("changed_at", Moment, nullable=False),
)

connections = Table(
    "connections",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("paused_at", Moment),
    Column("reason", Text, nullable=False, server_default=""),
    Column("by", String(100), nullable=False, server_default=""),
)


__all__ = [
    "ASIDE",
    "agreements",
    "checkpoints",
    "connections",
    "deliveries",
    "hints",
    "is_batched",
    "is_open",
    "kept_keys",
    "links",
    "lookup_entries",
    "messages",
    "payloads",
    "people",
    "schedule_halts",
    "schedules",
    "subject_keys",
]
