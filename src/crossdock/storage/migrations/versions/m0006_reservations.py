"""What stores keep aside for their orders, and what left their stock."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from crossdock.storage.tables import Moment

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reservations",
        sa.Column("source", sa.String(100), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("quantity", sa.String(30), nullable=False),
        sa.PrimaryKeyConstraint("source", "subject", "name", name="pk_reservations"),
    )
    op.create_index("ix_reservations_name", "reservations", ["source", "name"], unique=False)
    op.create_table(
        "moves",
        sa.Column("delivery_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("source", sa.String(100), nullable=False),
        sa.Column("origin", sa.String(100), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("place", sa.String(100), nullable=False),
        sa.Column("quantity", sa.String(30), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("delivery_id", "name", name="pk_moves"),
    )
    op.create_index("ix_moves_name", "moves", ["source", "name"], unique=False)
    op.create_index("ix_moves_at", "moves", ["at"], unique=False)


def downgrade() -> None:
    op.drop_table("moves")
    op.drop_table("reservations")
