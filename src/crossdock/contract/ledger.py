"""What was handed over to a target's own queue and has not ended yet: written down before it is sent.

A target that takes work with "accepted" does it later, and a process may die meanwhile. So a connector writes down each
row before it hands it over, the target's name of the batch as soon as it knows it, and closes the rows when they ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from crossdock.model.base import Record


class Handed(Record, frozen=True, kw_only=True):
    """One row. `batch` is our name of what it went with, `ticket` the target's, "" until it has said it.

    `place` is the row's number in the batch, from 0; `content` says what was sent; `detail` what it is told as.
    `found`: the ticket is not the target's answer, it was found afterwards and may be an older batch of the same.
    """

    key: str
    batch: str
    place: int
    at: datetime
    ticket: str = ""
    found: bool = False
    content: str = ""
    detail: str = ""


class Batch(Record, frozen=True, kw_only=True):
    """Rows that went together and have not all been closed. `at` is when the first of them was written down."""

    batch: str
    ticket: str
    rows: int
    at: datetime


class Ledger(Protocol):
    """Of one target. Every method is one transaction; it raises StorageError."""

    def hand_over(self, rows: Sequence[Handed]) -> None:
        """Before they are sent; each takes the place of what stood under its key."""

    def accept(self, batch: str, ticket: str, *, found: bool = False) -> None:
        """The target has it, under this name."""

    def of(self, keys: Iterable[str]) -> Mapping[str, Handed]:
        """What has not ended, by key."""

    def close(self, keys: Iterable[str]) -> None:
        """These have ended, or were never accepted."""

    def batches(self) -> Sequence[Batch]:
        """Oldest first."""


@runtime_checkable
class HandsOver(Protocol):
    """A connector whose target has a queue of its own."""

    def keep_in(self, ledger: Ledger) -> None:
        """Called once, before anything is sent. Without it nothing is handed over."""


class BatchState(Record, frozen=True, kw_only=True):
    """How far a target is with a batch. Counts are of its operations; `total` holds all of them, whatever their state.

    `status` is the vendor's number for the whole: 0 not begun, 1 under way, 2 all succeeded, 3 ended with failures.
    """

    ticket: str
    total: int
    successful: int
    failed: int
    open: int
    start_time: str = ""
    user_id: int | None = None
    reasons: Mapping[str, int] = {}  # of failures, how often each

    @property
    def status(self) -> int:
        """Complete only where nothing is open any more, and nothing is missing."""
        if self.open == 0 and self.successful + self.failed == self.total:
            return 3 if self.failed else 2
        return 1 if self.successful or self.failed else 0


@runtime_checkable
class TellsBatches(Protocol):
    """A connector that can be asked how far its target is with a batch."""

    def batch_state(self, ticket: str) -> BatchState | None:
        """None where the target knows no such batch. Raises DeliveryError."""
