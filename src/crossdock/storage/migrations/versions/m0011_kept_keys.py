"""Keys that are no subject's, wrapped by the master key: the one of fingerprints, which outlives a master key."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from crossdock.storage.tables import Moment

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "kept_keys",
        sa.Column("name", sa.String(50), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("changed_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_kept_keys"),
    )


def downgrade() -> None:
    op.drop_table("kept_keys")
