"""The part of the store that a replay reads: what was received, decided and said."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from crossdock.storage import replays
from crossdock.storage.payloads import Payloads
from crossdock.storage.replays import History, Place, Question, Row
from crossdock.storage.sql_levels import Reader


class SqlReplays:
    """Reads only. Safe for many threads."""

    def __init__(self, payloads: Payloads, read: Reader) -> None:
        self._payloads = payloads
        self._read = read

    def places(self, flow: str, since: datetime, until: datetime, after: int, limit: int) -> list[tuple[int, Place]]:
        """Subjects of which something happened in the period, behind the look with the id `after`."""
        found: list[tuple[int, Place]] = self._read(replays.places, flow, since, until, after, limit)
        return found

    def owed(
        self, flows: Sequence[str], since: datetime, until: datetime, after: int, limit: int
    ) -> list[tuple[int, Place]]:
        """Deliveries of these flows that were promised in the period, behind that id."""
        found: list[tuple[int, Place]] = self._read(replays.owed, flows, since, until, after, limit)
        return found

    def promised(self, since: datetime, until: datetime) -> dict[tuple[str, str], int]:
        """How many deliveries were promised in the period, by flow and target."""
        found: dict[tuple[str, str], int] = self._read(replays.promised, since, until)
        return found

    def answered(self, question: Question, at: datetime) -> Row | None:
        """What the target was told to the same question at about that moment, by any delivery."""
        found: Row | None = self._read(replays.answered, self._payloads, question, at)
        return found

    def history(self, flow: str, source: str, subject: str) -> History:
        """All of one."""
        found: History = self._read(replays.history, self._payloads, flow, source, subject)
        return found


__all__ = ["SqlReplays"]
