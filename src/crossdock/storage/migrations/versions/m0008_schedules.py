"""When roads are read: what became of each line of their schedules, and which a person has paused."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from crossdock.storage.tables import Moment

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "schedules",
        sa.Column("source", sa.String(100), nullable=False),
        sa.Column("target", sa.String(100), nullable=False),
        sa.Column("flow", sa.String(50), nullable=False),
        sa.Column("entry", sa.String(200), nullable=False),
        sa.Column("settled_to", Moment(), nullable=False),
        sa.Column("began_at", Moment(), nullable=True),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.Column("done_at", Moment(), nullable=True),
        sa.Column("outcome", sa.String(20), server_default="", nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("retry_at", Moment(), nullable=True),
        sa.Column("missed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("missed_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("source", "target", "flow", "entry", name="pk_schedules"),
    )
    op.create_table(
        "schedule_halts",
        sa.Column("source", sa.String(100), nullable=False),
        sa.Column("target", sa.String(100), nullable=False),
        sa.Column("flow", sa.String(50), nullable=False),
        sa.Column("paused_at", Moment(), nullable=True),
        sa.Column("resumed_at", Moment(), nullable=True),
        sa.Column("by", sa.String(100), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("source", "target", "flow", name="pk_schedule_halts"),
    )


def downgrade() -> None:
    op.drop_table("schedule_halts")
    op.drop_table("schedules")
