"""What the storage tells of itself: of each commit, and of what was heard once it is stored. Nobody need listen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

import msgspec

from crossdock.contract.message import Message
from crossdock.delivery.records import Arrival, Promise, Recorded, Settlement
from crossdock.feeds.levels import Feed, NewFeed
from crossdock.telemetry import spans

Heard = Callable[[Message, str, str], None]  # a message, by which channel, and what became of it
Holds = TypeVar("Holds", Arrival, NewFeed, Promise)


class Watched:
    """Who listens is put in place before anything is heard; called after the commit, by the thread that waited for it.

    `group`: how many writes went into one transaction, and how many seconds it took.
    """

    def __init__(self) -> None:
        self.group: Callable[[int, float], None] = lambda _count, _seconds: None
        self.heard: Heard = lambda _message, _channel, _outcome: None
        self.feed: Callable[[Feed], None] = lambda _feed: None

    def committed(self, count: int, seconds: float) -> None:
        """By a committer's thread."""
        self.group(count, seconds)

    def offered(self, arrival: Arrival, done: Future[Recorded]) -> None:
        """Nothing is told of what was not stored."""
        if not done.cancelled() and done.exception() is None:
            self.recorded([arrival], [done.result()])

    def recorded(self, arrivals: Sequence[Arrival], outcomes: Sequence[Recorded]) -> None:
        """Arrivals."""
        for arrival, outcome in zip(arrivals, outcomes, strict=True):
            self.heard(arrival.message, arrival.channel, outcome.outcome)

    def taken(self, new: Sequence[NewFeed], feeds: Sequence[Feed]) -> None:
        """Rows that came together count as one message."""
        for one, feed in zip(new, feeds, strict=True):
            self.heard(one.message, one.channel, "duplicate" if feed.known else "new")

    def compared(self, feed: Feed) -> None:
        """Its rows have been compared."""
        self.feed(feed)


def traced(one: Holds) -> Holds:
    """With the trace under which it came; called where that is known, in the thread that heard it."""
    told: Any = msgspec.structs.replace(one, message=spans.traced(one.message))
    return told  # type: ignore[no-any-return]  # a struct's copy is of its kind


def with_traces(settlement: Settlement) -> Settlement:
    """What an attempt promises goes on in its trace."""
    if not settlement.promises:
        return settlement
    return msgspec.structs.replace(settlement, promises=tuple(map(traced, settlement.promises)))
