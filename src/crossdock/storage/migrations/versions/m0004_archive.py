"""The archive: settled subjects, out of the way of what is under way. By month; on PostgreSQL a partition each."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from crossdock.storage.tables import Moment, Serial

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None
FINAL = sa.text("is_open = 0 AND code = 'final'")
BY_MONTH = "LIST (month)"


def _month() -> sa.Column[int]:
    return sa.Column("month", sa.Integer(), autoincrement=False, nullable=False)


def upgrade() -> None:
    op.create_index(
        "ix_deliveries_final",
        "deliveries",
        ["settled_at"],
        unique=False,
        sqlite_where=FINAL,
        postgresql_where=FINAL,
    )
    op.create_index("ix_deliveries_message_seq", "deliveries", ["message_seq"], unique=False)
    op.create_table(
        "archived_subjects",
        sa.Column("source", sa.String(100), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        _month(),
        sa.PrimaryKeyConstraint("source", "subject", name="pk_archived_subjects"),
    )
    op.create_table(
        "archived_messages",
        _month(),
        sa.Column("seq", Serial, autoincrement=False, nullable=False),
        sa.Column("id", sa.String(255), nullable=False),
        sa.Column("source", sa.String(100), nullable=False),
        sa.Column("flow", sa.String(50), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("reference", sa.String(255), server_default="", nullable=False),
        sa.Column("version", sa.String(100), server_default="", nullable=False),
        sa.Column("content", sa.String(64), server_default="", nullable=False),
        sa.Column("fingerprint", sa.String(64), server_default="", nullable=False),
        sa.Column("channel", sa.String(20), server_default="", nullable=False),
        sa.Column("occurred_at", Moment(), nullable=False),
        sa.Column("received_at", Moment(), nullable=False),
        sa.Column("read_at", Moment(), nullable=True),
        sa.Column("payload_id", Serial, nullable=True),
        sa.PrimaryKeyConstraint("month", "seq", name="pk_archived_messages"),
        postgresql_partition_by=BY_MONTH,
    )
    op.create_table(
        "archived_deliveries",
        _month(),
        sa.Column("id", Serial, autoincrement=False, nullable=False),
        sa.Column("message_seq", Serial, nullable=False),
        sa.Column("flow", sa.String(50), nullable=False),
        sa.Column("source", sa.String(100), nullable=False),
        sa.Column("target", sa.String(100), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("reference", sa.String(255), server_default="", nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("lane", sa.String(255), nullable=False),
        sa.Column("priority", sa.Integer(), server_default="5", nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("is_open", sa.SmallInteger(), nullable=False),
        sa.Column("one_row", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("unexpected", sa.Integer(), server_default="0", nullable=False),
        sa.Column("generation", sa.Integer(), server_default="0", nullable=False),
        sa.Column("fence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("version", sa.String(100), server_default="", nullable=False),
        sa.Column("content", sa.String(64), server_default="", nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("opened_at", Moment(), nullable=False),
        sa.Column("due_at", Moment(), nullable=False),
        sa.Column("leased_until", Moment(), nullable=True),
        sa.Column("leased_by", sa.String(100), nullable=True),
        sa.Column("maybe_sent", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("sent_at", Moment(), nullable=True),
        sa.Column("settled_at", Moment(), nullable=True),
        sa.Column("code", sa.String(50), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("owner", sa.String(20), server_default="", nullable=False),
        sa.Column("resolved_at", Moment(), nullable=True),
        sa.Column("resolved_why", sa.Text(), server_default="", nullable=False),
        sa.Column("memo", sa.Text(), server_default="{}", nullable=False),
        sa.Column("announced", sa.Integer(), server_default="-1", nullable=False),
        sa.Column("announced_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("month", "id", name="pk_archived_deliveries"),
        postgresql_partition_by=BY_MONTH,
    )
    for table in ("archived_messages", "archived_deliveries"):
        op.create_index(f"ix_{table}_source_subject", table, ["source", "subject"], unique=False)
        op.create_index(f"ix_{table}_reference", table, ["reference"], unique=False)
    op.create_index("ix_archived_deliveries_id", "archived_deliveries", ["id"], unique=False)


def downgrade() -> None:
    op.drop_table("archived_deliveries")
    op.drop_table("archived_messages")
    op.drop_table("archived_subjects")
    op.drop_index("ix_deliveries_message_seq", "deliveries")
    op.drop_index("ix_deliveries_final", "deliveries")
