"""What may have been sent, by an index of its own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_deliveries_doubtful",
        "deliveries",
        ["target", "due_at"],
        sqlite_where=sa.text("is_open = 1 AND maybe_sent = 1"),
        postgresql_where=sa.text("is_open = 1 AND maybe_sent"),
    )


def downgrade() -> None:
    op.drop_index("ix_deliveries_doubtful", "deliveries")
