"""The navigation: which pages there are, in which order, and who may see them. Pure."""

from __future__ import annotations

from crossdock.model.base import Record
from crossdock.security.access import Permission, Who, may


class Entry(Record, frozen=True, kw_only=True):
    """One page. `group` is the heading that it stands under. `counts`: which live count stands beside it."""

    name: str
    path: str
    title: str
    group: str
    needs: Permission = Permission.READ
    counts: str = ""


# in the order in which they are shown
ENTRIES: tuple[Entry, ...] = (
    Entry(name="overview", path="/console", title="Overview", group="Now"),
    Entry(name="deliveries", path="/console/deliveries", title="Deliveries", group="Now"),
    Entry(name="dead", path="/console/dead", title="Dead letters", group="Now", counts="dead"),
    Entry(name="incidents", path="/console/incidents", title="Incidents", group="Now"),
    Entry(name="held", path="/console/held", title="Held batches", group="Now"),
    Entry(name="reconciliation", path="/console/reconciliation", title="Reconciliation", group="Both sides"),
    Entry(name="shadow", path="/console/shadow", title="Shadow", group="Both sides"),
    Entry(name="bulks", path="/console/bulks", title="Bulk runs", group="Both sides"),
    Entry(name="schedules", path="/console/schedules", title="Schedules", group="Both sides"),
    Entry(name="lookups", path="/console/lookups", title="Mappings and lookups", group="Rules"),
    Entry(name="settings", path="/console/settings", title="Settings", group="Rules", needs=Permission.ADMIN),
    Entry(name="audit", path="/console/audit", title="Audit trail", group="Rules"),
)


def entries_for(who: Who) -> dict[str, list[Entry]]:
    """By group, those that they may see."""
    found: dict[str, list[Entry]] = {}
    for entry in ENTRIES:
        if may(who, entry.needs):
            found.setdefault(entry.group, []).append(entry)
    return found


__all__ = ["ENTRIES", "Entry", "entries_for"]
