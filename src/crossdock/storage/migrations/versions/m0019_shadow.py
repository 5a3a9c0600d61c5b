"""What shadow deliveries found in the place of sending, and by which settings each attempt was mapped."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from crossdock.storage.tables import Moment

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "shadows",
        sa.Column("delivery_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("flow", sa.String(50), nullable=False),
        sa.Column("source", sa.String(100), nullable=False),
        sa.Column("target", sa.String(100), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("reference", sa.String(255), server_default="", nullable=False),
        sa.Column("fate", sa.String(12), nullable=False),
        sa.Column("number", sa.String(255), server_default="", nullable=False),
        sa.Column("compared", sa.Integer(), server_default="0", nullable=False),
        sa.Column("fields", sa.Text(), server_default="[]", nullable=False),
        sa.Column("uncompared", sa.Text(), server_default="[]", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("detail", sa.LargeBinary(), nullable=True),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("delivery_id", name="pk_shadows"),
    )
    op.create_index("ix_shadows_at", "shadows", ["at"])
    op.create_index("ix_shadows_subject", "shadows", ["source", "subject"])
    op.add_column("audit", sa.Column("mapping", sa.String(60), server_default="", nullable=False))


def downgrade() -> None:
    op.drop_column("audit", "mapping")
    op.drop_table("shadows")
