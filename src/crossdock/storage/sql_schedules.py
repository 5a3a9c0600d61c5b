"""The part of the store that keeps schedules: feeds.timetable.ScheduleStore."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from crossdock.delivery.records import Attempt
from crossdock.delivery.store import Checkpoint
from crossdock.feeds.roads import Road
from crossdock.feeds.schedules import View
from crossdock.storage import schedules, trail
from crossdock.storage.committer import Committer
from crossdock.storage.payloads import Payloads
from crossdock.storage.sql_levels import Reader


class SqlSchedules:
    """See feeds.timetable.ScheduleStore for what each method promises. Safe for many threads."""

    def __init__(self, committer: Committer, payloads: Payloads, read: Reader) -> None:
        self._committer = committer
        self._payloads = payloads
        self._read = read

    def see(self, road: Road, entries: Mapping[str, datetime]) -> None:
        """New ones."""
        self._committer.run(lambda c: schedules.see(c, road, entries))

    def view(self, road: Road) -> View:
        """All that is known."""
        found: View = self._read(schedules.view, road)
        return found

    def hint(self, source: str, flow: str, now: datetime) -> None:
        """Something of this flow has changed there."""
        self._committer.run(lambda c: schedules.hint(c, source, flow, now))

    def begin(self, claimed: Checkpoint, road: Road, entries: Sequence[str], now: datetime) -> bool:
        """Under the claim."""
        return self._committer.run(lambda c: schedules.begin(c, claimed, road, entries, now))

    def end(
        self,
        claimed: Checkpoint,
        road: Road,
        entries: Mapping[str, datetime | None],
        outcome: str,
        detail: str,
        now: datetime,
    ) -> bool:
        """Under the claim."""
        return self._committer.run(lambda c: schedules.end(c, claimed, road, entries, outcome, detail, now))

    def note_missed(self, road: Road, entry: str, when: datetime) -> bool:
        """Once."""
        return self._committer.run(lambda c: schedules.note_missed(c, road, entry, when))

    def pause(self, road: Road, reason: str, by: str, now: datetime) -> bool:
        """With its line in the trail."""
        return self._acted(lambda c: schedules.pause(c, road, reason, by, now), "pause-schedule", road, by, reason, now)

    def resume(self, road: Road, by: str, now: datetime, why: str = "") -> bool:
        """With its line in the trail."""
        return self._acted(lambda c: schedules.resume(c, road, by, now), "resume-schedule", road, by, why, now)

    def _acted(self, act: Callable[[Any], bool], what: str, road: Road, by: str, why: str, now: datetime) -> bool:
        def write(c: Any) -> bool:
            if not (done := act(c)):
                return done
            action = Attempt(
                operation=what, entity="schedule", entity_id=road.name(), started_at=now, actor=by, detail=why
            )
            trail.append(c, self._payloads, action, None, now, source=road.source)
            return done

        return self._committer.run(write)
