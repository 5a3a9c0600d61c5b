"""What the spine asks of a storage. SQLite and PostgreSQL answer it alike; conformance.storages holds them to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from crossdock.contract.connector import Watermark
from crossdock.contract.message import Message
from crossdock.delivery.records import Arrival, Attempt, Delivery, Known, Link, Recorded, Settlement, State
from crossdock.model.base import Record


class Checkpoint(Record, frozen=True, kw_only=True):
    """How far a stream of a source was read, and who reads it now."""

    source: str
    stream: str
    watermark: Watermark | None = None
    fence: int = 0
    read_at: datetime | None = None  # last page stored
    complete_at: datetime | None = None  # last scan that reached its end
    held_until: datetime | None = None  # its reader holds on so long; one that has died holds it still


class DeliveryView(Record, frozen=True, kw_only=True):
    """A delivery as people see it."""

    id: int
    flow: str
    source: str
    target: str
    subject: str
    reference: str
    key: str
    state: State
    attempts: int
    created_at: datetime
    due_at: datetime
    settled_at: datetime | None = None
    maybe_sent: bool = False
    code: str = ""
    reason: str = ""
    owner: str = ""
    resolved: str = ""


class Event(Record, frozen=True, kw_only=True):
    """One line of a subject's timeline."""

    at: datetime
    kind: str  # heard | promised | attempt | action
    flow: str = ""
    target: str = ""
    text: str = ""


class DeadFilter(Record, frozen=True, kw_only=True):
    """Which dead letters: every given part must match."""

    id: int | None = None
    flow: str = ""
    target: str = ""
    code: str = ""
    owner: str = ""
    reference: str = ""
    limit: int = 1000


class Pause(Record, frozen=True, kw_only=True):
    """A connection to which nothing is sent."""

    connection: str
    reason: str
    since: datetime
    by: str


class Store(Protocol):
    """Every method is one transaction. None sends anything anywhere."""

    def record(self, arrivals: Sequence[Arrival], now: datetime) -> list[Recorded]:
        """Inbox and outbox together; returns after the commit, one outcome an arrival, in order."""

    def record_page(
        self, checkpoint: Checkpoint, arrivals: Sequence[Arrival], now: datetime, *, complete: bool
    ) -> list[Recorded]:
        """A page and its watermark in one transaction. Raises LeaseLost under an older fence."""

    def claim_stream(self, source: str, stream: str, holder: str, now: datetime, until: datetime) -> Checkpoint | None:
        """Become the one reader of a stream, or None while another is."""

    def release_stream(self, checkpoint: Checkpoint, now: datetime) -> None:
        """Let another read it."""

    def checkpoint(self, source: str, stream: str) -> Checkpoint | None:
        """How far it was read."""

    def lease(
        self, worker: str, now: datetime, until: datetime, limits: Mapping[str, int], *, limit: int
    ) -> list[Delivery]:
        """Due heads of lanes, at most `limits[target]` a target; one whose lease ran out comes back as maybe sent."""

    def announce(
        self, targets: Sequence[str], now: datetime, *, before: datetime | None, limit: int
    ) -> dict[str, list[int]]:
        """Due heads of lanes of unpaused targets, marked as announced: not since their last claim, or `before` then."""

    def lease_announced(self, worker: str, now: datetime, until: datetime, ids: Sequence[int]) -> list[Delivery]:
        """As `lease`, but only of these: what is not due, not ours or gone meanwhile is passed over."""

    def settle(self, delivery: Delivery, settlement: Settlement, now: datetime) -> None:
        """Everything an attempt changes. Raises LeaseLost when the fence has moved on: then nothing is written."""

    def give_back(self, deliveries: Sequence[Delivery], now: datetime) -> None:
        """Leased but never begun (shutdown): due again, nothing was sent."""

    def known(self, source: str, subject: str) -> list[Known]:
        """All that was ever promised of a subject, oldest first."""

    def next_due(self, now: datetime) -> datetime | None:
        """When the next delivery comes due, for sleeping no longer than needed."""

    def pause(self, connection: str, reason: str, by: str, now: datetime) -> bool:
        """Send nothing to it any more; False when it was paused already."""

    def resume(self, connection: str, by: str, now: datetime) -> bool:
        """Go on; False when it was not paused."""

    def paused(self) -> list[Pause]:
        """What is paused, why, since when."""

    def dead(self, which: DeadFilter) -> list[DeliveryView]:
        """Dead letters that nobody has resolved, oldest first."""

    def delivery(self, delivery_id: int) -> tuple[DeliveryView, Message] | None:
        """One delivery with its message."""

    def replay(self, ids: Sequence[int], by: str, now: datetime) -> int:
        """Try dead letters again under the same key; returns how many."""

    def replay_moved_on(self, by: str, now: datetime) -> int:
        """What its subject did not take as it stood (`not-open`), where that was heard of or changed since."""

    def edit(self, delivery_id: int, payload: bytes, by: str, why: str, now: datetime) -> bool:
        """Replace a dead letter's payload and try again under the same key."""

    def resolve(self, ids: Sequence[int], by: str, why: str, now: datetime) -> int:
        """A person has dealt with it: its lane goes on without it."""

    def links(self, source: str, subject: str) -> list[Link]:
        """What the targets call it."""

    def find_subjects(self, reference: str) -> list[tuple[str, str]]:
        """(source, subject) of everything that people call by this number."""

    def timeline(self, source: str, subject: str) -> list[Event]:
        """All that ever happened to a subject, oldest first."""

    def counts(self) -> dict[tuple[str, str, str], int]:
        """How many deliveries by (flow, target, state)."""

    def open_subjects(self, source: str, flow: str, older_than: datetime, limit: int) -> list[str]:
        """Subjects of a LOOK flow whose last look is older: the sweep reads them again."""

    def seen(self, source: str, subjects: Sequence[str]) -> set[str]:
        """Which of these subjects were ever recorded and not given up as gone."""

    def looks_at(self, source: str, flow: str, subjects: Sequence[str]) -> dict[str, DeliveryView]:
        """Where the look at each of these subjects stands; those never looked at are left out."""

    def note(self, attempt: Attempt, now: datetime) -> None:
        """An operator's action in the audit trail."""
