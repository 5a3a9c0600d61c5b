"""What comparisons came to: of both sides, and of a shadow with its target."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

from crossdock.storage.tables.columns import Moment, Serial, metadata

# comparisons of both sides
reconciliations = Table(
    "reconciliations",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("flow", String(50), nullable=False),
    Column("store", String(100), nullable=False),
    Column("erp", String(100), nullable=False),
    Column("by", String(100), nullable=False, server_default=""),
    Column("since", Moment),
    Column("began_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("state", String(12), nullable=False),
    Column("compared", Integer, nullable=False, server_default="0"),
    Column("drilled", Integer, nullable=False, server_default="0"),
    Column("drifts", Integer, nullable=False, server_default="0"),
    Column("moving", Integer, nullable=False, server_default="0"),
    Column("detail", Text, nullable=False, server_default=""),
    Index("ix_reconciliations_flow", "flow", "store", "erp", "id"),
)

# fields at which the sides of a comparison differ; of customers values are keyed hashes
drifts = Table(
    "drifts",
    metadata,
    Column("run_id", Serial, ForeignKey("reconciliations.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("key", String(255), nullable=False),
    Column("subject", String(255), nullable=False, server_default=""),
    Column("field", String(100), nullable=False),
    Column("store_value", Text, nullable=False, server_default=""),
    Column("erp_value", Text, nullable=False, server_default=""),
    Column("cause", String(30), nullable=False),
    Column("repair", String(20), nullable=False),
    Column("why", Text, nullable=False, server_default=""),
    Column("state", String(12), nullable=False),
    Column("delivery", BigInteger),
    Column("seen", Integer, nullable=False, server_default="0"),
    Column("repaired_at", Moment),
    Column("repaired_by", String(100), nullable=False, server_default=""),
    Index("ix_drifts_key", "key"),
)

# what a shadow delivery found in the place of sending; `detail` holds the values, under its subject's key
shadows = Table(
    "shadows",
    metadata,
    Column("delivery_id", BigInteger, primary_key=True, autoincrement=False),
    Column("flow", String(50), nullable=False),
    Column("source", String(100), nullable=False),
    Column("target", String(100), nullable=False),
    Column("subject", String(255), nullable=False),
    Column("reference", String(255), nullable=False, server_default=""),
    Column("fate", String(12), nullable=False),
    Column("number", String(255), nullable=False, server_default=""),
    Column("compared", Integer, nullable=False, server_default="0"),
    Column("fields", Text, nullable=False, server_default="[]"),
    Column("uncompared", Text, nullable=False, server_default="[]"),
    Column("reason", Text, nullable=False, server_default=""),
    Column("detail", LargeBinary),
    Column("at", Moment, nullable=False),
    Index("ix_shadows_at", "at"),
    Index("ix_shadows_subject", "source", "subject"),
)

# sums of a day on one side, as decimal text
control_totals = Table(
    "control_totals",
    metadata,
    Column("day", String(10), primary_key=True),
    Column("flow", String(50), primary_key=True),
    Column("store", String(100), primary_key=True),
    Column("erp", String(100), primary_key=True),
    Column("side", String(100), primary_key=True),
    Column("unit", String(150), primary_key=True),
    Column("amount", String(60), nullable=False),
    Column("at", Moment, nullable=False),
)


__all__ = [
    "control_totals",
    "drifts",
    "reconciliations",
    "shadows",
]
