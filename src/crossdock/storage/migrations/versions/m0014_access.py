"""Who may come in: tokens of programs, people and their sessions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from crossdock.storage.tables import Moment, Serial

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_tokens",
        sa.Column("id", Serial, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("connection", sa.String(100), server_default="", nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("created_by", sa.String(100), server_default="", nullable=False),
        sa.Column("expires_at", Moment()),
        sa.Column("last_used_at", Moment()),
        sa.Column("revoked_at", Moment()),
        sa.PrimaryKeyConstraint("id", name="pk_api_tokens"),
        sa.UniqueConstraint("hash", name="uq_api_tokens_hash"),
        sa.UniqueConstraint("name", "generation", name="uq_api_tokens_name_generation"),
    )
    op.create_table(
        "request_nonces",
        sa.Column("client", sa.String(100), nullable=False),
        sa.Column("nonce", sa.String(64), nullable=False),
        sa.Column("until", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("client", "nonce", name="pk_request_nonces"),
    )
    op.create_index("ix_request_nonces_until", "request_nonces", ["until"])
    _people()


def _people() -> None:
    op.create_table(
        "users",
        sa.Column("id", Serial, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("password", sa.Text(), server_default="", nullable=False),
        sa.Column("identity", sa.String(255)),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("created_by", sa.String(100), server_default="", nullable=False),
        sa.Column("disabled_at", Moment()),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("name", name="uq_users_name"),
        sa.UniqueConstraint("identity", name="uq_users_identity"),
    )
    op.create_table(
        "sessions",
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("method", sa.String(20), server_default="", nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("seen_at", Moment(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_sessions"),
    )
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"])
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])
    op.create_table(
        "login_tries",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("locked_until", Moment()),
        sa.Column("forget_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_login_tries"),
    )
    op.create_index("ix_login_tries_forget_at", "login_tries", ["forget_at"])


def downgrade() -> None:
    for table in ("login_tries", "sessions", "users"):
        op.drop_table(table)
    op.drop_table("request_nonces")
    op.drop_table("api_tokens")
