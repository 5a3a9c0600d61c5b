"""Comparisons of both sides, the drifts that they found, and daily control totals."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from crossdock.storage.tables import Moment, Serial

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reconciliations",
        sa.Column("id", Serial, autoincrement=True, nullable=False),
        sa.Column("flow", sa.String(50), nullable=False),
        sa.Column("store", sa.String(100), nullable=False),
        sa.Column("erp", sa.String(100), nullable=False),
        sa.Column("by", sa.String(100), server_default="", nullable=False),
        sa.Column("since", Moment(), nullable=True),
        sa.Column("began_at", Moment(), nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("compared", sa.Integer(), server_default="0", nullable=False),
        sa.Column("drilled", sa.Integer(), server_default="0", nullable=False),
        sa.Column("drifts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("moving", sa.Integer(), server_default="0", nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_reconciliations"),
    )
    op.create_index("ix_reconciliations_flow", "reconciliations", ["flow", "store", "erp", "id"])
    op.create_table(
        "drifts",
        sa.Column("run_id", Serial, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("subject", sa.String(255), server_default="", nullable=False),
        sa.Column("field", sa.String(100), nullable=False),
        sa.Column("store_value", sa.Text(), server_default="", nullable=False),
        sa.Column("erp_value", sa.Text(), server_default="", nullable=False),
        sa.Column("cause", sa.String(30), nullable=False),
        sa.Column("repair", sa.String(20), nullable=False),
        sa.Column("why", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("delivery", sa.BigInteger(), nullable=True),
        sa.Column("seen", sa.Integer(), server_default="0", nullable=False),
        sa.Column("repaired_at", Moment(), nullable=True),
        sa.Column("repaired_by", sa.String(100), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["reconciliations.id"], name="fk_drifts_run_id_reconciliations"),
        sa.PrimaryKeyConstraint("run_id", "number", name="pk_drifts"),
    )
    op.create_index("ix_drifts_key", "drifts", ["key"])
    op.create_table(
        "control_totals",
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("flow", sa.String(50), nullable=False),
        sa.Column("store", sa.String(100), nullable=False),
        sa.Column("erp", sa.String(100), nullable=False),
        sa.Column("side", sa.String(100), nullable=False),
        sa.Column("unit", sa.String(150), nullable=False),
        sa.Column("amount", sa.String(60), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("day", "flow", "store", "erp", "side", "unit", name="pk_control_totals"),
    )


def downgrade() -> None:
    op.drop_table("control_totals")
    op.drop_table("drifts")
    op.drop_table("reconciliations")
