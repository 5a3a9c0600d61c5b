"""Entries of lookup tables that people added while Crossdock runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from crossdock.storage.tables import Moment

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "lookup_entries",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("value", sa.String(255), nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("by", sa.String(100), server_default="", nullable=False),
        sa.Column("changed_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("name", "value", name="pk_lookup_entries"),
    )


def downgrade() -> None:
    op.drop_table("lookup_entries")
