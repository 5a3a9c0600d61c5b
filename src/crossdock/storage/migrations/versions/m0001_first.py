"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from crossdock.storage.tables import Moment, Serial

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("id", Serial, autoincrement=True, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.Column("hash", sa.LargeBinary(), nullable=True),
        sa.Column("delivery_id", sa.BigInteger(), nullable=True),
        sa.Column("source", sa.String(length=100), server_default="", nullable=False),
        sa.Column("operation_type", sa.String(length=50), nullable=False),
        sa.Column("entity_type", sa.String(length=50), server_default="", nullable=False),
        sa.Column("entity_id", sa.String(length=255), server_default="", nullable=False),
        sa.Column("idempotency_key", sa.String(length=255), server_default="", nullable=False),
        sa.Column("request_id", sa.BigInteger(), nullable=True),
        sa.Column("request_hash", sa.String(length=64), server_default="", nullable=False),
        sa.Column("response_id", sa.BigInteger(), nullable=True),
        sa.Column("response_hash", sa.String(length=64), server_default="", nullable=False),
        sa.Column("status_code", sa.Integer(), nullable=True),
        sa.Column("error_message", sa.Text(), server_default="", nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.Column("actor", sa.String(length=100), server_default="", nullable=False),
        sa.Column("duration_ms", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
        sa.UniqueConstraint("position", name=op.f("uq_audit_position")),
    )
    op.create_index("ix_audit_created_at", "audit", ["created_at"], unique=False)
    op.create_index("ix_audit_idempotency_key", "audit", ["idempotency_key"], unique=False)
    op.create_index("ix_audit_source_entity_id", "audit", ["source", "entity_id"], unique=False)
    op.create_index(
        "ix_audit_unsealed",
        "audit",
        ["id"],
        unique=False,
        sqlite_where=sa.text("position IS NULL"),
        postgresql_where=sa.text("position IS NULL"),
    )
    op.create_table(
        "checkpoints",
        sa.Column("source", sa.String(length=100), nullable=False),
        sa.Column("stream", sa.String(length=50), nullable=False),
        sa.Column("watermark", sa.Text(), nullable=True),
        sa.Column("fence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("holder", sa.String(length=100), nullable=True),
        sa.Column("held_until", Moment(), nullable=True),
        sa.Column("read_at", Moment(), nullable=True),
        sa.Column("complete_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("source", "stream", name=op.f("pk_checkpoints")),
    )
    op.create_table(
        "connections",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("paused_at", Moment(), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("by", sa.String(length=100), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_connections")),
    )
    op.create_table(
        "links",
        sa.Column("source", sa.String(length=100), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("target", sa.String(length=100), nullable=False),
        sa.Column("part", sa.String(length=100), server_default="", nullable=False),
        sa.Column("external_id", sa.String(length=255), nullable=False),
        sa.Column("number", sa.String(length=255), server_default="", nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("source", "subject", "target", "part", name=op.f("pk_links")),
    )
    op.create_index("ix_links_target_external_id", "links", ["target", "external_id"], unique=False)
    op.create_table(
        "payloads",
        sa.Column("id", Serial, autoincrement=True, nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payloads")),
    )
    op.create_index("ix_payloads_created_at", "payloads", ["created_at"], unique=False)
    op.create_table(
        "people",
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", "subject", name=op.f("pk_people")),
    )
    op.create_table(
        "subject_keys",
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("erased_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_subject_keys")),
    )
    op.create_table(
        "messages",
        sa.Column("seq", Serial, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column("source", sa.String(length=100), nullable=False),
        sa.Column("flow", sa.String(length=50), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("reference", sa.String(length=255), server_default="", nullable=False),
        sa.Column("version", sa.String(length=100), server_default="", nullable=False),
        sa.Column("content", sa.String(length=64), server_default="", nullable=False),
        sa.Column("fingerprint", sa.String(length=64), server_default="", nullable=False),
        sa.Column("channel", sa.String(length=20), server_default="", nullable=False),
        sa.Column("occurred_at", Moment(), nullable=False),
        sa.Column("received_at", Moment(), nullable=False),
        sa.Column("read_at", Moment(), nullable=True),
        sa.Column("payload_id", Serial, nullable=True),
        sa.ForeignKeyConstraint(["payload_id"], ["payloads.id"], name=op.f("fk_messages_payload_id_payloads")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_messages")),
        sa.UniqueConstraint("source", "id", name=op.f("uq_messages_source_id")),
    )
    op.create_index("ix_messages_reference", "messages", ["reference"], unique=False)
    op.create_index("ix_messages_source_subject", "messages", ["source", "subject"], unique=False)
    op.create_table(
        "deliveries",
        sa.Column("id", Serial, autoincrement=True, nullable=False),
        sa.Column("message_seq", Serial, nullable=False),
        sa.Column("flow", sa.String(length=50), nullable=False),
        sa.Column("source", sa.String(length=100), nullable=False),
        sa.Column("target", sa.String(length=100), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("reference", sa.String(length=255), server_default="", nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("lane", sa.String(length=255), nullable=False),
        sa.Column("priority", sa.Integer(), server_default="5", nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("is_open", sa.SmallInteger(), nullable=False),
        sa.Column("one_row", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("unexpected", sa.Integer(), server_default="0", nullable=False),
        sa.Column("generation", sa.Integer(), server_default="0", nullable=False),
        sa.Column("fence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("version", sa.String(length=100), server_default="", nullable=False),
        sa.Column("content", sa.String(length=64), server_default="", nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("opened_at", Moment(), nullable=False),
        sa.Column("due_at", Moment(), nullable=False),
        sa.Column("leased_until", Moment(), nullable=True),
        sa.Column("leased_by", sa.String(length=100), nullable=True),
        sa.Column("maybe_sent", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("sent_at", Moment(), nullable=True),
        sa.Column("settled_at", Moment(), nullable=True),
        sa.Column("code", sa.String(length=50), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("owner", sa.String(length=20), server_default="", nullable=False),
        sa.Column("resolved_at", Moment(), nullable=True),
        sa.Column("resolved_why", sa.Text(), server_default="", nullable=False),
        sa.Column("memo", sa.Text(), server_default="{}", nullable=False),
        sa.ForeignKeyConstraint(["message_seq"], ["messages.seq"], name=op.f("fk_deliveries_message_seq_messages")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("target", "key", name=op.f("uq_deliveries_target_key")),
    )
    op.create_index(
        "ix_deliveries_due",
        "deliveries",
        ["target", "priority", "due_at"],
        unique=False,
        sqlite_where=sa.text("is_open = 1"),
        postgresql_where=sa.text("is_open = 1"),
    )
    op.create_index(
        "ix_deliveries_lane",
        "deliveries",
        ["lane", "target", "id"],
        unique=False,
        sqlite_where=sa.text("is_open = 1"),
        postgresql_where=sa.text("is_open = 1"),
    )
    op.create_index("ix_deliveries_reference", "deliveries", ["reference"], unique=False)
    op.create_index("ix_deliveries_state", "deliveries", ["state", "flow", "target"], unique=False)
    op.create_index("ix_deliveries_subject", "deliveries", ["source", "subject"], unique=False)


def downgrade() -> None:
    op.drop_table("deliveries")
    op.drop_table("messages")
    op.drop_table("subject_keys")
    op.drop_table("people")
    op.drop_table("payloads")
    op.drop_table("links")
    op.drop_table("connections")
    op.drop_table("checkpoints")
    op.drop_table("audit")
