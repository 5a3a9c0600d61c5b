"""States on their way: what a row of a feed asks for, beside what stands. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol

from crossdock.contract.message import Message
from crossdock.delivery.records import State
from crossdock.delivery.store import Checkpoint
from crossdock.model.base import Record


class Fate(StrEnum):
    """What became of a row."""

    CHANGED = "changed"  # a delivery is owed
    UNCHANGED = "unchanged"  # the target has it, or is about to get it
    STALE = "stale"  # something newer is known
    HELD = "held"  # waits for a person
    REJECTED = "rejected"  # cannot be read


class Level(Record, frozen=True, kw_only=True, gc=False):
    """One row of a feed, ready to be compared. `number` is its place there, from 0; `record` the flow's, as JSON."""

    number: int
    subject: str
    reference: str
    key: str
    lane: str
    content: str
    record: bytes
    version: str = ""
    unsettled: bool = False  # told anew it is written anew, whatever it says


class Standing(NamedTuple):
    """What is known of a level's subject at its target. `seq` is that of the message that brought it.

    A million of them are read for a large feed: hence no Record. `is_open` is 0 for no.
    """

    key: str
    state: str
    is_open: int
    content: str
    version: str
    seq: int


class Row(Record, frozen=True, kw_only=True, gc=False):
    """What is kept of a row that was not simply unchanged."""

    number: int
    fate: Fate
    subject: str = ""
    reference: str = ""
    key: str = ""
    content: str = ""
    version: str = ""
    lane: str = ""
    reason: str = ""
    record: bytes = b""


class FeedState(StrEnum):
    """Where a feed stands."""

    TAKEN = "taken"  # stored; its rows are being compared now
    QUEUED = "queued"  # stored; its rows are compared as soon as somebody comes to it
    DONE = "done"  # all that it asks for is promised
    HELD = "held"  # waits for a person, with all that it would change
    REFUSED = "refused"  # a person said no


class NewFeed(Record, frozen=True, kw_only=True):
    """Rows of one flow from one source for one target, as they came. `message` holds the body, or none for a file."""

    message: Message
    flow: str
    target: str
    channel: str
    fingerprint: str = ""
    queued: bool = False


class Feed(Record, frozen=True, kw_only=True):
    """A feed as it is kept. Counts are of rows; `changed` are those that owe a delivery, or would."""

    id: int
    seq: int
    source: str
    target: str
    flow: str
    channel: str
    state: FeedState
    total: int = 0
    changed: int = 0
    unchanged: int = 0
    stale: int = 0
    rejected: int = 0
    reason: str = ""
    received_at: datetime
    decided_by: str = ""
    answer: str = ""  # what its sender was told
    known: bool = False  # it came before, under the same id


def compare(content: str, version: str, standing: Standing | None, seq: int, *, unsettled: bool = False) -> Fate:
    """An older level never wins; one that stands already asks for nothing (flaws 44, 45).

    Versions decide where both have one; else the order in which their messages came. What was given up is owed again
    once its source repeats it; what is `unsettled` (it is reckoned with something else) once it is told anew.
    """
    if standing is None:
        return Fate.CHANGED
    versioned = version and standing.version
    if version < standing.version if versioned else seq < standing.seq:
        return Fate.STALE
    if content != standing.content:
        return Fate.CHANGED
    newer = version > standing.version if versioned else seq > standing.seq
    if unsettled and newer:
        return Fate.CHANGED
    stands = standing.state == State.DELIVERED or (standing.is_open and standing.state != State.DEAD)
    return Fate.UNCHANGED if stands else Fate.CHANGED


class LevelStore(Protocol):
    """What a storage keeps of states. Every method is one transaction."""

    def take_feed(self, new: NewFeed, now: datetime) -> Feed:
        """Store it; the same id brings the first one back, as `known`. Raises InvalidPayload for another content."""

    def take_page(self, checkpoint: Checkpoint, new: Sequence[NewFeed], now: datetime, *, complete: bool) -> list[Feed]:
        """Store what was read and how far that reaches, or neither. Raises LeaseLost under an older claim."""

    def standings(self, target: str, keys: Sequence[str]) -> dict[str, Standing]:
        """By key, what is known. Locks nothing."""

    def records(self, target: str, keys: Sequence[str]) -> dict[str, bytes]:
        """By key, the newest record that is known."""

    def merge(self, feed: Feed, wanted: Sequence[Level], priority: int, now: datetime) -> list[Fate]:
        """Put in place what is newer, and keep the feed's rows; one fate a level. Twice is as good as once."""

    def keep_rows(self, feed: Feed, rows: Sequence[Row]) -> None:
        """Rows of the feed, once each by their number."""

    def close_feed(self, feed: Feed, state: FeedState, total: int, reason: str) -> Feed:
        """Its state, and its counts as the kept rows tell them."""

    def feed(self, feed_id: int) -> Feed | None:
        """By its number."""

    def feed_body(self, feed: Feed) -> bytes:
        """As it came; empty once it was forgotten."""

    def feeds_in(self, states: Sequence[FeedState], before: datetime, limit: int) -> list[Feed]:
        """Those taken before then, oldest first."""

    def decide_feed(self, feed: Feed, state: FeedState, by: str, why: str, now: datetime) -> bool:
        """A person's word on a held one, and on its held rows; False where it is not held any more."""

    def answer_feed(self, feed: Feed, text: str) -> None:
        """Keep what its sender is told, for when it asks again."""

    def feed_rows(self, feed_id: int, after: int, limit: int) -> list[Row]:
        """Its rows behind that number."""

    def outcomes(self, feed: Feed, rows: Sequence[Row]) -> list[tuple[str, str]]:
        """Of each row: applied, unchanged, stale, held, rejected, failed or pending; and why."""
