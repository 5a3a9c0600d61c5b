"""What targets were told, for look-ups that were done once for all: bounded, whatever the period."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from crossdock.replaying.tape import Said, said_in
from crossdock.replaying.then import writes
from crossdock.storage.replays import Question, Row

MOST = 32_000_000  # bytes


class Trail(Protocol):
    """What was kept."""

    def answered(self, question: Question, at: datetime) -> Row | None:
        """What the target was told to the same question at about that moment, by any delivery."""


class Heard:
    """By target. The ones longest not asked for go first, and are then looked for in the trail again."""

    def __init__(self, trail: Trail, most: int = MOST) -> None:
        self._trail = trail
        self._most = most
        self._size = 0
        self._rows: OrderedDict[tuple[str, Said], Row] = OrderedDict()

    def take(self, target: str, rows: Iterable[Row]) -> None:
        """The answers to look-ups among these."""
        for row in rows:
            if not writes(row) and row.beside.asked and row.tells:
                self._keep((target, said_in(row)), row)

    def at_any_time(self, target: str, said: Said, at: datetime) -> Row | None:
        """Cheap: what was taken last."""
        known = self._rows.get((target, said))
        if known is not None:
            self._rows.move_to_end((target, said))
            return known
        return self.at_about(target, said, at)

    def at_about(self, target: str, said: Said, at: datetime) -> Row | None:
        """From the trail: the answer of that time, which may have been another later."""
        asked = Question(target=target, operation=said.operation, asked=said.asked, request=said.body)
        found = self._trail.answered(asked, at)
        if found is not None:
            self._keep((target, said), found)
        return found

    @property
    def size(self) -> int:
        """Bytes of bodies in memory."""
        return self._size

    def _keep(self, place: tuple[str, Said], row: Row) -> None:
        if (old := self._rows.pop(place, None)) is not None:
            self._size -= _size(old)
        self._rows[place] = row
        self._size += _size(row)
        while self._size > self._most and len(self._rows) > 1:
            _, gone = self._rows.popitem(last=False)
            self._size -= _size(gone)


def _size(row: Row) -> int:
    return len(row.request) + len(row.response) + 500  # the row itself, about


__all__ = ["Heard", "Trail"]
