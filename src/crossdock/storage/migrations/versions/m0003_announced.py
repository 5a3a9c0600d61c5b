"""Which deliveries a broker was told of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from crossdock.storage.tables import Moment

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("announced", sa.Integer(), server_default="-1", nullable=False))
    op.add_column("deliveries", sa.Column("announced_at", Moment(), nullable=True))
    if op.get_bind().dialect.name == "postgresql":
        op.create_index(
            "ix_deliveries_unannounced",
            "deliveries",
            ["target", "priority", "due_at"],
            unique=False,
            postgresql_where=sa.text("is_open = 1 AND announced <> fence"),
        )


def downgrade() -> None:
    op.drop_index("ix_deliveries_unannounced", "deliveries", if_exists=True)
    op.drop_column("deliveries", "announced_at")
    op.drop_column("deliveries", "announced")
