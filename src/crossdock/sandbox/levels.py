"""What the stand-in ERP lists, as such systems do: by a change sequence, by time, or by a cursor.

A change takes its number at once; with the fault `late_commits` it becomes visible later, behind newer ones that were
read already.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from crossdock.sandbox.clock import Clock
from crossdock.sandbox.faults import Lottery
from crossdock.sandbox.wire import Answer

MOST = 1000
Place = tuple[str, ...]
# by path: what tells two rows of a list apart
LISTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "stock": ("sku", "warehouse"),
        "prices": ("kind", "sku", "scope", "group", "quantity"),
        "products": ("sku",),
        "customer-changes": ("number",),
        "shipments": ("number",),
        "tracks": ("number", "tracks"),
        "invoices": ("number",),
        "credit-memos": ("number",),
        "order-updates": ("number",),
    }
)
DEFAULTS: Mapping[str, Mapping[str, Any]] = MappingProxyType({"stock": {"warehouse": "MI"}})


class Levels:
    """One list: a row for each thing that its `names` tell apart."""

    def __init__(self, clock: Clock, lottery: Lottery, what: str = "stock") -> None:
        self._clock = clock
        self._lottery = lottery
        self._what = what
        self._rows: dict[Place, dict[str, Any]] = {}
        self._late: list[tuple[datetime, Place, dict[str, Any]]] = []
        self._ids: dict[Place, int] = {}
        self.head = 0

    def change(self, rows: Sequence[Mapping[str, Any]]) -> int:
        """Put these in place, one after the other; the newest number."""
        for told in rows:
            self.head += 1
            row = {**DEFAULTS.get(self._what, {}), **told}
            place = tuple(str(row.get(name, "")) for name in LISTS[self._what])
            number = self._ids.setdefault(place, len(self._ids) + 1)
            stamp = self._clock().isoformat(timespec="milliseconds")
            fresh = {"id": number, **row, "seq": self.head, "changed_at": stamp}
            if self._lottery.draw_bug("late_commits", f"{self._what} {place[0]}"):
                seen = self._clock.real() + timedelta(seconds=self._lottery.faults.bugs.late_commit_s)
                self._late.append((seen, place, fresh))
            else:
                self._put(place, fresh)
        return self.head

    def commit(self, now: datetime) -> None:
        """What is late becomes visible, as far as it is due by then."""
        due = [one for one in self._late if one[0] <= now]
        self._late = [one for one in self._late if one[0] > now]
        for _, place, row in due:
            self._put(place, row)

    def visible(self) -> list[dict[str, Any]]:
        """What a reader sees now, by number."""
        self.commit(self._clock.real())
        return sorted(self._rows.values(), key=lambda row: row["seq"])

    def answer(self, query: Mapping[str, str]) -> Answer:
        """`after_seq`, or `changed_since` with `after_id`, or `cursor`; and `limit`."""
        limit = min(MOST, int(query.get("limit") or MOST))
        rows = self.visible()
        if "changed_since" in query:
            since, after = datetime.fromisoformat(query["changed_since"]), int(query.get("after_id") or 0)
            rows.sort(key=lambda row: (row["changed_at"], row["id"]))
            spots = [(datetime.fromisoformat(row["changed_at"]), row["id"]) for row in rows]
            rows = [row for row, spot in zip(rows, spots, strict=True) if spot > (since, after)]
        elif "by" in query:  # everything, by id
            rows.sort(key=lambda row: row["id"])
            rows = [row for row in rows if row["id"] > int(query.get("after_id") or 0)]
        else:
            after_seq = int(query.get("cursor", "c0")[1:] if "cursor" in query else query.get("after_seq") or 0)
            rows = [row for row in rows if row["seq"] > after_seq]
        page = rows[:limit]
        told = {"items": page, "head": self.head, "more": len(rows) > limit}
        return Answer(body=told | ({"cursor": f"c{page[-1]['seq']}"} if page else {}))

    def _put(self, place: Place, row: dict[str, Any]) -> None:
        if place not in self._rows or self._rows[place]["seq"] < row["seq"]:
            self._rows[place] = row
