"""Incidents, and the messages that people are owed of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from crossdock.storage.tables import Moment, Serial

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None
STILL_OPEN = sa.text("resolved_at IS NULL")
STILL_OWED = sa.text("state = 'pending'")


def upgrade() -> None:
    op.create_table(
        "incidents",
        sa.Column("id", Serial, autoincrement=True, nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("severity", sa.String(10), nullable=False),
        sa.Column("sight", sa.Text(), nullable=False),
        sa.Column("first_at", Moment(), nullable=False),
        sa.Column("last_at", Moment(), nullable=False),
        sa.Column("peak", sa.Integer(), server_default="1", nullable=False),
        sa.Column("opened_at", Moment(), nullable=True),
        sa.Column("cleared_at", Moment(), nullable=True),
        sa.Column("resolved_at", Moment(), nullable=True),
        sa.Column("told", sa.Text(), server_default="[]", nullable=False),
        sa.Column("told_at", Moment(), nullable=True),
        sa.Column("told_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("told_severity", sa.String(10), server_default="info", nullable=False),
        sa.Column("acknowledged_at", Moment(), nullable=True),
        sa.Column("acknowledged_by", sa.String(100), server_default="", nullable=False),
        sa.Column("acknowledged_why", sa.Text(), server_default="", nullable=False),
        sa.Column("done", sa.Text(), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_incidents"),
    )
    op.create_index(
        "uq_incidents_open",
        "incidents",
        ["key"],
        unique=True,
        sqlite_where=STILL_OPEN,
        postgresql_where=STILL_OPEN,
    )
    op.create_index("ix_incidents_resolved_at", "incidents", ["resolved_at"])
    op.create_table(
        "notices",
        sa.Column("id", Serial, autoincrement=True, nullable=False),
        sa.Column("audience", sa.String(40), nullable=False),
        sa.Column("incident_id", sa.BigInteger(), nullable=False),
        sa.Column("transition", sa.String(12), nullable=False),
        sa.Column("step", sa.String(100), server_default="", nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("due_at", Moment(), nullable=False),
        sa.Column("bundle", sa.String(60), server_default="", nullable=False),
        sa.Column("severity", sa.String(10), server_default="info", nullable=False),
        sa.Column("title", sa.Text(), server_default="", nullable=False),
        sa.Column("body", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("targets", sa.Text(), server_default="[]", nullable=False),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.Column("sent_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_notices"),
        sa.UniqueConstraint(
            "audience",
            "incident_id",
            "transition",
            "step",
            name="uq_notices_audience_incident_id_transition_step",
        ),
    )
    op.create_index("ix_notices_due", "notices", ["due_at"], sqlite_where=STILL_OWED, postgresql_where=STILL_OWED)
    op.create_index("ix_notices_incident_id", "notices", ["incident_id"])


def downgrade() -> None:
    op.drop_table("notices")
    op.drop_table("incidents")
