"""When a system last said that something has changed there."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from crossdock.storage.tables import Moment

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hints",
        sa.Column("source", sa.String(100), nullable=False),
        sa.Column("flow", sa.String(50), nullable=False),
        sa.Column("hinted_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("source", "flow", name="pk_hints"),
    )


def downgrade() -> None:
    op.drop_table("hints")
