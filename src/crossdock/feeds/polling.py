"""Reading rows out of a source, page by page, each stored in one transaction with how far it reaches.

One reader at a time on any number of machines: who reads has claimed the route's stream, and each page renews the claim
under its fence. Of states a page is a feed: a process that dies after it was stored leaves a feed that is TAKEN; it is
compared by `Feeds.resume`, and the next reader goes on behind it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

import msgspec
import structlog

from crossdock.contract.connector import RowPage, RowSource
from crossdock.contract.message import Message
from crossdock.delivery.store import Checkpoint
from crossdock.feeds.feeds import Feeds, read_rows
from crossdock.feeds.levels import FeedState, LevelStore, NewFeed
from crossdock.feeds.roads import Road
from crossdock.model.base import Record

log = structlog.get_logger("crossdock.polling")
CHANNEL = "poll"
LEFT = 100  # feeds looked through for what a dead reader has left


class StreamStore(Protocol):
    """The part of delivery.store.Store that keeps streams."""

    def claim_stream(self, source: str, stream: str, holder: str, now: datetime, until: datetime) -> Checkpoint | None:
        """None while another's claim holds."""

    def release_stream(self, checkpoint: Checkpoint, now: datetime) -> None:
        """Another may read on."""


class Tally(Record, frozen=True, kw_only=True):
    """What a scan came to."""

    pages: int = 0
    rows: int = 0
    changed: int = 0
    rejected: int = 0
    held: int = 0  # feeds that wait for a person
    conflicts: int = 0  # documents whose number came before with another content
    complete: bool = False  # whether it came to its end

    def told(self) -> str:
        """In a line, what is nothing left out."""
        return ", ".join(f"{getattr(self, name)} {name}" for name in COUNTS if getattr(self, name)) or "nothing"

    def plus(self, page: Tally) -> Tally:
        """With one more page."""
        counts = {name: getattr(self, name) + getattr(page, name) for name in COUNTS}
        return Tally(**counts, complete=page.complete)


COUNTS = ("pages", "rows", "changed", "rejected", "held", "conflicts")


class Pages(Protocol):
    """What is done with what was read."""

    def finish(self, road: Road) -> None:
        """What a reader stored and did not live to end: the claim says that it is gone."""

    def keep(self, road: Road, reached: Checkpoint, page: RowPage, number: int) -> Tally:
        """Store it with how far it reaches, in one transaction, and go on with it. Raises LeaseLost."""


class RowReader:
    """Scans of one road. Safe for many threads and processes: of several, one reads."""

    def __init__(
        self,
        name: str,
        road: Road,
        source: RowSource,
        streams: StreamStore,
        pages: Pages,
        clock: Callable[[], datetime],
        *,
        claim: float,
        begin: Callable[[], None] = lambda: None,
        failpoint: Callable[[str], None] = lambda _name: None,
    ) -> None:
        self._name = name
        self.road = road
        self._source = source
        self._streams = streams
        self._pages = pages
        self._clock = clock
        self._claim = timedelta(seconds=claim)
        self._begin = begin
        self._failpoint = failpoint
        self.stopping = threading.Event()

    def claim(self) -> Checkpoint | None:
        """The right to read, until `release`; None while another has it."""
        now = self._clock()
        return self._streams.claim_stream(self.road.source, self.road.stream(), self._name, now, now + self._claim)

    def release(self, claimed: Checkpoint) -> None:
        """Another may read."""
        self._streams.release_stream(claimed, self._clock())

    def scan(self, *, full: bool = False) -> Tally | None:
        """Everything that changed since the watermark, or everything there is; None while another reads."""
        claimed = self.claim()
        if claimed is None:
            return None
        try:
            return self.read(claimed, full=full)
        finally:
            self.release(claimed)

    def read(
        self, claimed: Checkpoint, *, full: bool = False, told: Callable[[Tally], None] = lambda _tally: None
    ) -> Tally:
        """Under a claim. `told` hears of each page. Raises DeliveryError, LeaseLost; pages before are good."""
        tally = Tally()
        self._begin()
        self._pages.finish(self.road)
        for page in self._source.changes(None if full else claimed.watermark):
            self._failpoint("rows-read")
            reached = msgspec.structs.replace(claimed, watermark=page.watermark, held_until=self._clock() + self._claim)
            tally = tally.plus(self._pages.keep(self.road, reached, page, tally.pages))
            told(tally)
            self._begin()  # what was said to the source is nobody's attempt
            if self.stopping.is_set():
                break
        return tally


class StatePages:
    """Each page a feed. See Pages."""

    def __init__(
        self,
        levels: LevelStore,
        feeds: Feeds,
        clock: Callable[[], datetime],
        failpoint: Callable[[str], None] = lambda _name: None,
    ) -> None:
        self._levels = levels
        self._feeds = feeds
        self._clock = clock
        self._failpoint = failpoint

    def finish(self, road: Road) -> None:
        """Pages that were stored and not compared."""
        place = (road.source, road.target, road.flow, CHANNEL)
        for feed in self._levels.feeds_in((FeedState.TAKEN,), self._clock(), LEFT):
            if (feed.source, feed.target, feed.flow, feed.channel) == place:
                self._feeds.compare(feed, read_rows(self._levels.feed_body(feed)))

    def keep(self, road: Road, reached: Checkpoint, page: RowPage, number: int) -> Tally:
        """Stored as it came, then compared."""
        now = self._clock()
        new = [self._feed(road, reached, page, number, now)] if page.rows else []
        taken = self._levels.take_page(reached, new, now, complete=page.complete)
        self._failpoint("rows-stored")
        feeds = [self._feeds.compare(feed, page.rows) for feed in taken]
        return Tally(
            pages=1,
            rows=len(page.rows),
            changed=sum(feed.changed for feed in feeds),
            rejected=sum(feed.rejected for feed in feeds),
            held=sum(feed.state is FeedState.HELD for feed in feeds),
            complete=page.complete,
        )

    def _feed(self, road: Road, reached: Checkpoint, page: RowPage, number: int, now: datetime) -> NewFeed:
        """Its id is that of this very reading: the same rows read again later may count again."""
        message = Message(
            id=f"poll:{road.stream()}:{reached.fence}:{number}",
            source=road.source,
            flow=road.flow,
            subject="feed",
            occurred_at=now,
            payload=msgspec.json.encode({"items": page.rows}),
        )
        return NewFeed(message=message, flow=road.flow, target=road.target, channel=CHANNEL)


__all__ = ["CHANNEL", "Pages", "Road", "RowReader", "StatePages", "Tally"]
