"""States: the newest record in its delivery's row, feeds, and what became of their rows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from crossdock.storage.tables import Moment, Serial

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None
INDEXES = {
    "ix_deliveries_batched": (["target", "priority", "due_at"], sa.text("is_open = 2")),
    "ix_deliveries_batched_lane": (["target", "lane", "id"], sa.text("is_open = 2")),
    "ix_deliveries_batched_leased": (["target", "lane"], sa.text("is_open = 2 AND state = 'leased'")),
}


def upgrade() -> None:
    for table in ("deliveries", "archived_deliveries"):
        op.add_column(table, sa.Column("desired", sa.String(64), server_default="", nullable=False))
        op.add_column(table, sa.Column("record", sa.LargeBinary(), nullable=True))
    for name, (columns, where) in INDEXES.items():
        op.create_index(name, "deliveries", columns, unique=False, sqlite_where=where, postgresql_where=where)
    op.create_table(
        "feeds",
        sa.Column("id", Serial, autoincrement=True, nullable=False),
        sa.Column("message_seq", Serial, nullable=False),
        sa.Column("source", sa.String(100), nullable=False),
        sa.Column("target", sa.String(100), nullable=False),
        sa.Column("flow", sa.String(50), nullable=False),
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("total", sa.Integer(), server_default="0", nullable=False),
        sa.Column("changed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("unchanged", sa.Integer(), server_default="0", nullable=False),
        sa.Column("stale", sa.Integer(), server_default="0", nullable=False),
        sa.Column("rejected", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("received_at", Moment(), nullable=False),
        sa.Column("decided_by", sa.String(100), server_default="", nullable=False),
        sa.Column("answer", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["message_seq"], ["messages.seq"], name="fk_feeds_message_seq_messages"),
        sa.PrimaryKeyConstraint("id", name="pk_feeds"),
        sa.UniqueConstraint("message_seq", "target", name="uq_feeds_message_seq_target"),
    )
    op.create_index("ix_feeds_state", "feeds", ["state", "target"], unique=False)
    op.create_table(
        "feed_rows",
        sa.Column("feed_id", Serial, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("fate", sa.String(12), nullable=False),
        sa.Column("subject", sa.String(255), server_default="", nullable=False),
        sa.Column("reference", sa.String(255), server_default="", nullable=False),
        sa.Column("key", sa.String(255), server_default="", nullable=False),
        sa.Column("lane", sa.String(255), server_default="", nullable=False),
        sa.Column("content", sa.String(64), server_default="", nullable=False),
        sa.Column("version", sa.String(100), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("record", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["feed_id"], ["feeds.id"], name="fk_feed_rows_feed_id_feeds"),
        sa.PrimaryKeyConstraint("feed_id", "number", name="pk_feed_rows"),
    )


def downgrade() -> None:
    op.drop_table("feed_rows")
    op.drop_table("feeds")
    for name in INDEXES:
        op.drop_index(name, "deliveries")
    for table in ("deliveries", "archived_deliveries"):
        op.drop_column(table, "record")
        op.drop_column(table, "desired")
