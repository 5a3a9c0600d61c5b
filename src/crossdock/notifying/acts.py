"""What people did about an incident while it was open, by the audit trail; counted, and without who."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from crossdock.incidents.records import Incident, Kind
from crossdock.operations.desk import Desk
from crossdock.storage.trail_search import AuditFilter, AuditRow

MOST = 5000  # lines of the trail
BY_KIND: Mapping[Kind, frozenset[str]] = {
    Kind.DEAD: frozenset({"replay", "resolve", "edit", "lookup-put"}),
    Kind.LOGIN: frozenset({"resume"}),
    Kind.PAUSED: frozenset({"resume"}),
    Kind.HELD: frozenset({"approve", "reject"}),
    Kind.SCHEDULE: frozenset({"pause-schedule", "resume-schedule"}),
    Kind.DRIFT: frozenset({"reconcile"}),
}


def acts_of(desk: Desk, incident: Incident, now: datetime) -> dict[str, int]:
    """By operation, most often first. Of dead letters all of its flow: a replay does not say of which cause it was."""
    wanted = BY_KIND.get(incident.sight.kind, frozenset())
    if not wanted:
        return {}
    which = AuditFilter(people=True, since=incident.first_at, until=now, limit=MOST)
    rows = desk.store.operations.audit(which, desk.names).rows
    return dict(Counter(row.operation_type for row in rows if _is_of(row, incident, wanted)).most_common())


def _is_of(row: AuditRow, incident: Incident, wanted: frozenset[str]) -> bool:
    if row.operation_type not in wanted:
        return False
    if incident.sight.kind is Kind.DEAD:
        return row.operation_type == "lookup-put" or row.entity_type == incident.sight.flow
    if incident.sight.kind in {Kind.LOGIN, Kind.PAUSED}:
        return row.entity_id == incident.sight.connection
    return True
