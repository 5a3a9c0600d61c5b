"""The half of the store that keeps states: feeds.levels.LevelStore."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from crossdock.delivery.records import Attempt, Delivery, Verdict
from crossdock.delivery.store import Checkpoint
from crossdock.errors import LeaseLost
from crossdock.feeds.levels import Fate, Feed, FeedState, Level, NewFeed, Row, Standing
from crossdock.storage import batches, feeds, levels, stock, streams, trail
from crossdock.storage.committer import Committer
from crossdock.storage.payloads import Payloads
from crossdock.storage.watched import Watched, traced


class Reader(Protocol):
    """Runs a reading function on a connection."""

    def __call__(self, reader: Any, *arguments: Any) -> Any:
        """Raises StorageError."""


class SqlLevels:
    """See feeds.levels.LevelStore for what each method promises. Safe for many threads."""

    def __init__(self, committer: Committer, payloads: Payloads, read: Reader, watched: Watched) -> None:
        self._committer = committer
        self._payloads = payloads
        self._read = read
        self._watched = watched

    def take_feed(self, new: NewFeed, now: datetime) -> Feed:
        """Stored, once."""
        ours = traced(new)
        feed = self._committer.run(lambda c: feeds.take(c, self._payloads, ours, now))
        self._watched.taken([ours], [feed])
        return feed

    def take_page(self, checkpoint: Checkpoint, new: Sequence[NewFeed], now: datetime, *, complete: bool) -> list[Feed]:
        """The page and the watermark, or neither."""
        ours = [traced(one) for one in new]
        taken = self._committer.run(
            lambda c: (
                [feeds.take(c, self._payloads, one, now) for one in ours]
                if streams.advance(c, checkpoint, now, complete=complete)
                else None
            )
        )
        if taken is None:
            raise LeaseLost(f"another reader has {checkpoint.source}/{checkpoint.stream}")
        self._watched.taken(ours, taken)
        return taken

    def standings(self, target: str, keys: Sequence[str]) -> dict[str, Standing]:
        """What is known, by key."""
        found: dict[str, Standing] = self._read(levels.standings, target, keys)
        return found

    def reserved(
        self, source: str, target: str, flow: str, names: Sequence[str]
    ) -> list[tuple[str, str, Decimal, datetime]]:
        """(name, reference, quantity, since when) of what a source keeps aside and the target knows of."""
        found: list[tuple[str, str, Decimal, datetime]] = self._read(stock.kept, source, target, flow, names)
        return found

    def left(
        self, source: str, target: str, flow: str, names: Sequence[str]
    ) -> list[tuple[str, str, Decimal, datetime, datetime | None]]:
        """(name, place, quantity, when, since when the target knows of its subject) of what has left its stock."""
        found: list[tuple[str, str, Decimal, datetime, datetime | None]] = self._read(
            stock.left, source, target, flow, names
        )
        return found

    def unsettled(self, source: str, target: str, after: datetime) -> frozenset[str]:
        """Names that something is kept aside of, or that left after then."""
        found: frozenset[str] = self._read(stock.unsettled, source, target, after)
        return found

    def forget_moves(self, before: datetime) -> int:
        """What left before then; returns how many rows."""
        return self._committer.run(lambda c: stock.forget(c, before))

    def records(self, target: str, keys: Sequence[str]) -> dict[str, bytes]:
        """The newest, by key."""
        found: dict[str, bytes] = self._read(levels.records, target, keys)
        return found

    def merge(self, feed: Feed, wanted: Sequence[Level], priority: int, now: datetime) -> list[Fate]:
        """By compare-and-set."""
        return self._committer.run(lambda c: levels.merge(c, feed, wanted, priority, now))

    def keep_rows(self, feed: Feed, rows: Sequence[Row]) -> None:
        """Once each."""
        self._committer.run(lambda c: feeds.keep(c, feed.id, rows))

    def close_feed(self, feed: Feed, state: FeedState, total: int, reason: str) -> Feed:
        """What its comparison came to."""
        closed = self._committer.run(lambda c: feeds.close(c, feed, state, total, reason))
        self._watched.compared(closed)
        return closed

    def feed(self, feed_id: int) -> Feed | None:
        """By its number."""
        found: Feed | None = self._read(feeds.read, feed_id)
        return found

    def feed_body(self, feed: Feed) -> bytes:
        """As it came."""
        found: bytes = self._read(feeds.body, self._payloads, feed)
        return found

    def feeds_in(self, states: Sequence[FeedState], before: datetime, limit: int) -> list[Feed]:
        """Oldest first."""
        found: list[Feed] = self._read(feeds.waiting, states, before, limit)
        return found

    def latest_feeds(self, flow: str, least_rejected: int, limit: int) -> list[Feed]:
        """Newest first, those with so many refused rows at least; "" is every flow."""
        found: list[Feed] = self._read(feeds.latest, flow, least_rejected, limit)
        return found

    def decide_feed(self, feed: Feed, state: FeedState, by: str, why: str, now: datetime) -> bool:
        """With its line in the trail."""

        def write(c: Any) -> bool:
            done = feeds.decide(c, feed.id, state, by, why)
            if done:
                action = Attempt(
                    operation="approve" if state is FeedState.DONE else "reject",
                    entity="feed",
                    entity_id=str(feed.id),
                    started_at=now,
                    actor=by,
                    detail=why,
                )
                trail.append(c, self._payloads, action, None, now, source=feed.source)
            return done

        return self._committer.run(write)

    def answer_feed(self, feed: Feed, text: str) -> None:
        """What its sender is told."""
        self._committer.run(lambda c: feeds.answer(c, feed.id, text))

    def feed_rows(self, feed_id: int, after: int, limit: int) -> list[Row]:
        """Those behind that number."""
        found: list[Row] = self._read(feeds.rows_of, feed_id, after, limit)
        return found

    def outcomes(self, feed: Feed, rows: Sequence[Row]) -> list[tuple[str, str]]:
        """Word and reason of each."""
        found: list[tuple[str, str]] = self._read(feeds.outcomes, feed, rows)
        return found

    def lease_batch(
        self, worker: str, now: datetime, until: datetime, target: str, sizes: Mapping[str, int]
    ) -> list[Delivery]:
        """Rows of one lane."""
        return self._committer.run(lambda c: batches.lease(c, worker, now, until, target, sizes))

    def settle_batch(
        self, settled: Sequence[tuple[Delivery, Verdict]], attempts: Sequence[Attempt], now: datetime
    ) -> int:
        """Those whose fence holds."""
        return self._committer.run(lambda c: batches.settle(c, self._payloads, settled, attempts, now))

    def forget_feeds(self, before: datetime, limit: int = 100) -> int:
        """Old ones."""
        return self._committer.run(lambda c: feeds.forget(c, before, limit))
