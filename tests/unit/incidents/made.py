"""Sights and a small world that is looked at again and again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from crossdock.incidents.audiences import Audience
from crossdock.incidents.decide import Rules, Telling, decide
from crossdock.incidents.records import Incident, Kind, Seen, Severity, Sight, State, key_of

NOW = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
RULES = Rules(gather=timedelta(seconds=30), clear=timedelta(seconds=300), growth_pause=timedelta(seconds=900))
OPS = Audience(name="ops")


def sight(cause: str = "a", **more: Any) -> Sight:
    values: dict[str, Any] = {
        "key": key_of(Kind.DEAD, flow="orders", target="erp", code="rejected", cause=cause),
        "kind": Kind.DEAD,
        "owner": "business",
        "severity": Severity.ERROR,
        "since": NOW,
        "flow": "orders",
        "connection": "erp",
        "code": "rejected",
        "cause": cause,
    }
    return Sight(**values | more)


class World:
    """What a storage would keep: told once, resolved ones gone."""

    def __init__(self, audiences: Mapping[str, Audience] | None = None, rules: Rules = RULES) -> None:
        self.audiences = audiences or {"ops": OPS}
        self.rules = rules
        self.now = NOW
        self.open: dict[str, Incident] = {}
        self.over: list[Incident] = []
        self.told: list[Telling] = []

    def look(
        self, *sights: Sight, after: float = 15, blind: Sequence[Kind] = (), unseen: Sequence[str] = ()
    ) -> list[str]:
        """Some seconds later; what is told of it."""
        self.now += timedelta(seconds=after)
        seen = Seen(sights=sights, blind=frozenset(blind), unseen=frozenset(unseen))
        decision = decide([*self.open.values()], seen, self.audiences, self.rules, self.now)
        for one in decision.incidents:
            kept = one if one.id else msgspec.structs.replace(one, id=len(self.open) + len(self.over) + 1)
            self.open.pop(kept.sight.key, None)
            if kept.state is State.RESOLVED:
                self.over.append(kept)
            else:
                self.open[kept.sight.key] = kept
        self.told += decision.tellings
        return [f"{one.transition} {one.audience}" for one in decision.tellings]

    def acknowledge(self) -> None:
        for key, one in self.open.items():
            self.open[key] = msgspec.structs.replace(one, acknowledged_at=self.now, acknowledged_by="user:ada")
