"""Indexes for what operators ask: lists, counts, rates and searches stay quick however much there is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None
DONE_WITH = sa.text("is_open = 0")
BY_PEOPLE = sa.text("actor <> 'crossdock'")


def upgrade() -> None:
    standing = ["state", "flow", "target", "is_open", "code", "opened_at", "id"]
    op.create_index("ix_deliveries_standing", "deliveries", standing)
    op.drop_index("ix_deliveries_state", "deliveries")  # it was the beginning of the one above
    rate = ["settled_at", "state", "flow", "target", "opened_at"]
    op.create_index("ix_deliveries_rate", "deliveries", rate, sqlite_where=DONE_WITH, postgresql_where=DONE_WITH)
    op.create_index("ix_links_number", "links", ["number"])
    people = ["created_at", "id", "actor", "operation_type"]
    op.create_index("ix_audit_people", "audit", people, sqlite_where=BY_PEOPLE, postgresql_where=BY_PEOPLE)


def downgrade() -> None:
    op.drop_index("ix_audit_people", "audit")
    op.drop_index("ix_links_number", "links")
    op.drop_index("ix_deliveries_rate", "deliveries")
    op.create_index("ix_deliveries_state", "deliveries", ["state", "flow", "target"])
    op.drop_index("ix_deliveries_standing", "deliveries")
