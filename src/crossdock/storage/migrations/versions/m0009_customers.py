"""What two ends are known to have of one subject: customers, field by field."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from crossdock.storage.tables import Moment

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "agreements",
        sa.Column("source", sa.String(100), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("target", sa.String(100), nullable=False),
        sa.Column("external_id", sa.String(255), server_default="", nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("changed_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("source", "subject", "target", name="pk_agreements"),
    )
    op.create_index("ix_agreements_external_id", "agreements", ["source", "target", "external_id"], unique=False)


def downgrade() -> None:
    op.drop_table("agreements")
