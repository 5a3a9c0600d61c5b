"""What was handed over to a target's own queue and has not ended yet."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from crossdock.storage.tables import Moment

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "handed",
        sa.Column("target", sa.String(100), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("batch", sa.String(40), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("ticket", sa.String(64), server_default="", nullable=False),
        sa.Column("found", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("content", sa.String(64), server_default="", nullable=False),
        sa.Column("detail", sa.String(255), server_default="", nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("target", "key", name="pk_handed"),
    )
    op.create_index("ix_handed_batch", "handed", ["target", "batch"], unique=False)


def downgrade() -> None:
    op.drop_table("handed")
