"""The trace context of a message, with the message."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("messages", "archived_messages"):
        op.add_column(table, sa.Column("trace", sa.String(55), server_default="", nullable=False))


def downgrade() -> None:
    for table in ("archived_messages", "messages"):
        op.drop_column(table, "trace")
