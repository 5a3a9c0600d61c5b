"""States on both databases: one row a subject, compare-and-set, batches by the lane under a fence."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from crossdock.conformance.storages import NOW
from crossdock.contract.connector import Watermark
from crossdock.contract.message import Message
from crossdock.delivery.records import Delivery, State, Verdict
from crossdock.delivery.store import Checkpoint, DeadFilter
from crossdock.errors import InvalidPayload, LeaseLost
from crossdock.feeds.levels import Fate, Feed, FeedState, Level, NewFeed, Row
from crossdock.security.envelope import Envelope
from crossdock.storage.engine import open_engine
from crossdock.storage.migrate import migrate
from crossdock.storage.sql import SqlStore
from tests.databases import postgres_url, sqlite_url

LEASE = timedelta(seconds=60)
SIZES = {"levels": 10}


class Kept:
    def __init__(self, url: str) -> None:
        engine = open_engine(url)
        migrate(engine)
        self.whole = SqlStore(engine, Envelope(b"k" * 32))
        self.store = self.whole.levels
        self.feeds = 0

    def feed(self, name: str = "", body: bytes = b"{}", **changes: Any) -> Feed:
        self.feeds += 1
        message = Message(
            id=name or f"feed-{self.feeds}",
            source="erp",
            flow="levels",
            subject="feed",
            occurred_at=NOW,
            payload=body,
        )
        new = NewFeed(message=message, flow="levels", target="store", channel="push", fingerprint=body.hex(), **changes)
        return self.store.take_feed(new, NOW)

    def page(self, claimed: Checkpoint, name: str, *targets: str) -> list[Feed]:
        message = Message(id=name, source="erp", flow="levels", subject="feed", occurred_at=NOW, payload=b"{}")
        new = [NewFeed(message=message, flow="levels", target=target, channel="poll") for target in targets]
        reached = msgspec.structs.replace(claimed, watermark=Watermark(value={"at": name}))
        return self.store.take_page(reached, new, NOW, complete=False)

    def claim(self, after: int = 0) -> Checkpoint | None:
        now = NOW + timedelta(seconds=after)
        return self.whole.claim_stream("erp", "levels", "me", now, now + LEASE)

    def reached(self) -> Any:
        found = self.whole.checkpoint("erp", "levels")
        return found and found.watermark and found.watermark.value["at"]

    def told(self, *levels: Level, feed: Feed | None = None) -> list[Fate]:
        return self.store.merge(feed or self.feed(), levels, 7, NOW)

    def lease(self, worker: str = "w", after: int = 0) -> list[Delivery]:
        now = NOW + timedelta(seconds=after)
        return self.store.lease_batch(worker, now, now + LEASE, "store", SIZES)

    def settle(self, batch: list[Delivery], state: State, after: int = 0, **changes: Any) -> int:
        due = NOW + timedelta(seconds=after)
        return self.store.settle_batch(
            [(one, Verdict(state=state, due_at=due, attempts=1, **changes)) for one in batch], (), due
        )


def _message(name: str) -> Message:
    return Message(id=name, source="erp", flow="levels", subject="feed", occurred_at=NOW, payload=b"{other}")


def level(sku: str, content: str = "1", *, version: str = "", lane: str = "a", number: int = 0) -> Level:
    record = f'{{"n":"{content}"}}'.encode()
    return Level(
        number=number,
        subject=sku,
        reference=sku,
        key=f"k:{sku}",
        lane=lane,
        content=content,
        record=record,
        version=version,
    )


@pytest.fixture(params=["sqlite", "postgresql"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kept]:
    if request.param == "sqlite":
        found = Kept(sqlite_url(tmp_path))
        yield found
        found.whole.close()
        return
    with postgres_url() as url:
        found = Kept(url)
        yield found
        found.whole.close()


def test_a_feed_is_taken_once_and_another_body_under_its_id_is_refused(kept: Kept) -> None:
    first = kept.feed("f")
    again = kept.feed("f")
    assert (again.id, again.known, first.known) == (first.id, True, False)
    with pytest.raises(InvalidPayload):
        kept.feed("f", b"other")
    assert kept.store.feed_body(first) == b"{}"


def test_a_page_and_its_watermark_are_stored_together_or_not_at_all(kept: Kept) -> None:
    claimed = kept.claim()
    assert claimed is not None
    (feed,) = kept.page(claimed, "one", "store")
    assert (feed.state, kept.reached()) == (FeedState.TAKEN, "one")
    assert kept.page(claimed, "nothing") == []
    assert kept.reached() == "nothing"
    kept.feed("broken", b"{}")
    with pytest.raises(InvalidPayload):  # the feed cannot be stored, so neither is how far it reaches
        kept.store.take_page(
            msgspec.structs.replace(claimed, watermark=Watermark(value={"at": "broken"})),
            [NewFeed(message=_message("broken"), flow="levels", target="store", channel="poll", fingerprint="other")],
            NOW,
            complete=True,
        )
    assert kept.reached() == "nothing"


def test_a_page_under_an_older_claim_is_not_stored(kept: Kept) -> None:
    slow = kept.claim()
    assert slow is not None
    assert kept.claim(after=59) is None
    assert kept.claim(after=61) is not None
    with pytest.raises(LeaseLost):
        kept.page(slow, "late", "store")
    assert kept.reached() is None
    assert kept.store.feeds_in((FeedState.TAKEN,), NOW + LEASE, 10) == []


def test_one_page_for_two_targets_is_one_message_and_two_feeds(kept: Kept) -> None:
    claimed = kept.claim()
    assert claimed is not None
    one, other = kept.page(claimed, "one", "store", "outlet")
    assert (one.seq, one.target, other.target) == (other.seq, "store", "outlet")
    assert one.id != other.id


def test_what_stands_asks_for_nothing_and_what_is_older_never_wins(kept: Kept) -> None:
    old = kept.feed()
    assert kept.told(level("x", "5")) == [Fate.CHANGED]
    assert kept.told(level("x", "5")) == [Fate.UNCHANGED]
    assert kept.told(level("x", "4"), feed=old) == [Fate.STALE], "it arrived before"
    assert kept.told(level("x", "6", version="7")) == [Fate.CHANGED]
    assert kept.told(level("x", "4", version="6")) == [Fate.STALE]
    assert kept.told(level("x", "6", version="9")) == [Fate.UNCHANGED]
    assert kept.told(level("x", "4", version="8")) == [Fate.STALE], "the version moved on although nothing changed"


def test_of_two_rows_in_one_feed_the_later_one_stands(kept: Kept) -> None:
    assert kept.told(level("x", "1"), level("x", "2", number=1)) == [Fate.CHANGED, Fate.CHANGED]
    (one,) = kept.lease()
    assert (one.message.content, one.message.payload) == ("2", b'{"n":"2"}')


def test_a_lane_has_one_batch_under_way(kept: Kept) -> None:
    kept.told(*(level(f"{lane}{n}", lane=lane) for lane in "ab" for n in range(3)))
    first, second = kept.lease(), kept.lease("other")
    assert {one.lane for one in first} | {one.lane for one in second} == {"a", "b"}
    assert [len(first), len(second), len(kept.lease())] == [3, 3, 0]
    assert [one.subject for one in first] == sorted(one.subject for one in first)
    kept.told(level("late", lane=first[0].lane))
    assert kept.lease() == [], "its lane is busy"
    assert kept.settle(first, State.DELIVERED) == 3
    assert [one.subject for one in kept.lease()] == ["late"]


def test_what_becomes_newer_under_way_is_due_again(kept: Kept) -> None:
    kept.told(level("x", "1"))
    batch = kept.lease()
    assert kept.told(level("x", "2")) == [Fate.CHANGED]
    assert kept.settle(batch, State.DELIVERED) == 1
    (again,) = kept.lease()
    assert again.message.content == "2"


def test_a_lease_that_ran_out_means_maybe_sent_and_is_fenced(kept: Kept) -> None:
    kept.told(level("x"))
    slow = kept.lease()
    (again,) = kept.lease("other", after=61)
    assert again.maybe_sent
    assert kept.settle(slow, State.DELIVERED, after=62) == 0, "the fence has moved on"
    assert kept.settle([again], State.DELIVERED, after=63) == 1
    assert kept.lease(after=999) == []


def test_doubt_is_waited_out_whatever_comes_meanwhile(kept: Kept) -> None:
    kept.told(level("x", "1"))
    kept.settle(kept.lease(), State.PENDING, after=30, maybe_sent=True)
    assert kept.told(level("x", "2")) == [Fate.CHANGED]
    assert kept.lease(after=29) == [], "the lost call may still bring back the older level"
    assert [one.message.content for one in kept.lease(after=31)] == ["2"]


def test_what_was_given_up_is_owed_again_when_its_source_repeats_it(kept: Kept) -> None:
    kept.told(level("x"))
    kept.settle(kept.lease(), State.DEAD, code="rejected", reason="no such product")
    (letter,) = kept.whole.dead(DeadFilter())
    assert letter.reference == "x"
    assert kept.told(level("y")) == [Fate.CHANGED]
    assert [one.subject for one in kept.lease()] == ["y"], "a dead one holds up nobody"
    assert kept.told(level("x")) == [Fate.CHANGED]
    assert kept.whole.dead(DeadFilter()) == []


def test_a_dead_level_is_replayed_in_its_batch_and_cannot_be_edited(kept: Kept) -> None:
    kept.told(level("x"))
    kept.settle(kept.lease(), State.DEAD, code="rejected")
    (letter,) = kept.whole.dead(DeadFilter())
    assert not kept.whole.edit(letter.id, b"{}", "me", "why", NOW)
    assert kept.whole.replay([letter.id], "me", NOW) == 1
    assert [one.subject for one in kept.lease()] == ["x"]


def test_documents_never_meet_states(kept: Kept) -> None:
    kept.told(level("x"))
    assert kept.whole.lease("w", NOW, NOW + LEASE, {"store": 10}, limit=10) == []
    assert kept.whole.announce(["store"], NOW, before=None, limit=10) == {}
    assert kept.whole.next_due(NOW) is None


def test_a_paused_target_gets_nothing(kept: Kept) -> None:
    kept.told(level("x"))
    kept.whole.pause("store", "closed", "me", NOW)
    assert kept.lease() == []
    kept.whole.resume("store", "me", NOW)
    assert len(kept.lease()) == 1


def test_a_held_feed_goes_on_once(kept: Kept) -> None:
    feed = kept.feed()
    held = Row(number=0, fate=Fate.HELD, subject="x", key="k:x", content="1", record=b"{}")
    kept.store.keep_rows(feed, [held, Row(number=1, fate=Fate.REJECTED, reason="qty: is missing")])
    closed = kept.store.close_feed(feed, FeedState.HELD, 5, "odd")
    assert (closed.changed, closed.rejected, closed.unchanged, closed.state) == (1, 1, 3, FeedState.HELD)
    assert kept.store.decide_feed(feed, FeedState.DONE, "me", "fine", NOW)
    assert not kept.store.decide_feed(feed, FeedState.REFUSED, "you", "no", NOW)
    rows = kept.store.feed_rows(feed.id, -1, 10)
    assert [row.fate for row in rows] == [Fate.CHANGED, Fate.REJECTED]
    assert kept.store.outcomes(feed, rows) == [("pending", ""), ("rejected", "qty: is missing")]


def test_old_feeds_are_forgotten_and_held_ones_are_not(kept: Kept) -> None:
    done, held = kept.feed(), kept.feed()
    kept.store.close_feed(done, FeedState.DONE, 0, "")
    kept.store.close_feed(held, FeedState.HELD, 0, "odd")
    assert kept.store.forget_feeds(NOW + timedelta(days=1)) == 1
    assert kept.store.feed(done.id) is None
    assert kept.store.feed(held.id) is not None
