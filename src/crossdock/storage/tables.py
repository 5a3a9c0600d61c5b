"""The tables, once for both databases.

Times are microseconds since 1970 in UTC: they sort, index and never lose a zone.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Dialect,
    ForeignKey,
    FromClause,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
    text,
)
from sqlalchemy.types import TypeDecorator

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Moment(TypeDecorator[datetime]):
    """An aware UTC datetime, kept as microseconds."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """Refuses a naive time by failing to subtract it."""
        return None if value is None else (value - EPOCH) // MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Always aware, always UTC."""
        return None if value is None else EPOCH + timedelta(microseconds=value)


# SQLite only counts INTEGER PRIMARY KEY up by itself
Serial = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    }
)

subject_keys = Table(
    "subject_keys",
    metadata,
    Column("subject", String(255), primary_key=True),
    Column("wrapped", LargeBinary, nullable=True),  # NULL: erased, for ever
    Column("created_at", Moment, nullable=False),
    Column("erased_at", Moment),
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
    # what may go to the archive, oldest first
    Index(
        "ix_deliveries_final",
        "settled_at",
        sqlite_where=text("is_open = 0 AND code = 'final'"),
        postgresql_where=text("is_open = 0 AND code = 'final'"),
    ),
    Index("ix_deliveries_message_seq", "message_seq"),  # a message goes to the archive only once none refers to it
    Index("ix_deliveries_subject", "source", "subject"),
    Index("ix_deliveries_state", "state", "flow", "target"),
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

connections = Table(
    "connections",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("paused_at", Moment),
    Column("reason", Text, nullable=False, server_default=""),
    Column("by", String(100), nullable=False, server_default=""),
)

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
    Index("ix_audit_idempotency_key", "idempotency_key"),
    Index("ix_audit_created_at", "created_at"),
    Index("ix_audit_source_entity_id", "source", "entity_id"),
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


def _archived(table: Table, key: str) -> Table:
    """The same columns behind the month in which the row's subject was last settled, as 202611."""

    def copied(column: Column[Any]) -> Column[Any]:
        return Column(
            column.name,
            column.type,
            nullable=column.nullable,
            server_default=column.server_default,
            primary_key=column.name == key,
            autoincrement=False,
        )

    name = f"archived_{table.name}"
    return Table(
        name,
        metadata,
        Column("month", Integer, primary_key=True, autoincrement=False),
        *map(copied, table.c),
        Index(f"ix_{name}_source_subject", "source", "subject"),
        Index(f"ix_{name}_reference", "reference"),
        postgresql_partition_by="LIST (month)",
    )


archived_messages = _archived(messages, "seq")
archived_deliveries = _archived(deliveries, "id")
Index("ix_archived_deliveries_id", archived_deliveries.c.id)

# which subjects are in the archive, and where
archived_subjects = Table(
    "archived_subjects",
    metadata,
    Column("source", String(100), primary_key=True),
    Column("subject", String(255), primary_key=True),
    Column("month", Integer, nullable=False, autoincrement=False),
)
