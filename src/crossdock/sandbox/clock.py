"""A clock that can be put wrong, or stopped, while everything runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class Clock:
    """Calling it tells the stand-in's time. `offset`: how far it is from the real one."""

    def __init__(self) -> None:
        self.offset = timedelta(0)
        self.stopped_at: datetime | None = None

    def __call__(self) -> datetime:
        """Aware, in UTC."""
        return self.stopped_at or self.real() + self.offset

    def shift(self, seconds: float) -> None:
        """Wrong by so much from now on; what was set before is forgotten."""
        self.offset, self.stopped_at = timedelta(seconds=seconds), None

    def stop(self, at: datetime | None = None) -> None:
        """Stands still, for outcomes that are the same in each run."""
        self.stopped_at = at or self()

    @staticmethod
    def real() -> datetime:
        """The machine's own time."""
        return datetime.now(UTC)
