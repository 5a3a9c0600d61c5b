from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from crossdock.contract.connector import Page, Watermark
from crossdock.contract.message import Message
from crossdock.delivery.poll import Created, Poller, PollOptions
from crossdock.security.envelope import Envelope
from crossdock.storage.engine import open_engine
from crossdock.storage.migrate import migrate
from crossdock.storage.sql import SqlStore
from tests.databases import sqlite_url
from tests.unit.delivery.fakes import FLOWS, START, Clock, Shop


class Died(BaseException):
    """The process ends here."""


def page(*subjects: str, at: int, complete: bool = True, poison: tuple[str, ...] = ()) -> Page:
    messages = tuple(
        Message(id=f"{subject}@{at}", source="shop", flow="looks", subject=subject, occurred_at=START)
        for subject in subjects
    )
    return Page(messages=messages, watermark=Watermark(value={"at": at}), complete=complete, poison=poison)


class Reading:
    def __init__(self, store: SqlStore) -> None:
        self.store = store
        self.clock = Clock()
        self.shop = Shop(self.clock)
        self.dies_at = ""

    def poller(self, name: str = "p1", created: Created | None = None) -> Poller:
        options = PollOptions()
        return Poller(
            name,
            self.store,
            "shop",
            FLOWS["looks"],
            self.shop,
            options,
            self.clock,
            failpoint=self.fail,
            created=created,
        )

    def fail(self, point: str) -> None:
        if point == self.dies_at:
            raise Died

    def watermark(self) -> object:
        found = self.store.checkpoint("shop", "changes")
        return found and found.watermark and found.watermark.value


@pytest.fixture
def reading(tmp_path: Path) -> Iterator[Reading]:
    engine = open_engine(sqlite_url(tmp_path))
    migrate(engine)
    store = SqlStore(engine, Envelope(b"k" * 32))
    yield Reading(store)
    store.close()


def test_every_page_is_kept_with_its_watermark(reading: Reading) -> None:
    reading.shop.pages = [page("1", "2", at=2, complete=False), page("3", at=3)]
    assert reading.poller().scan() == 3
    assert reading.watermark() == {"at": 3}
    assert reading.store.seen("shop", ["1", "2", "3", "4"]) == {"1", "2", "3"}


def test_what_is_read_twice_is_kept_once(reading: Reading) -> None:
    reading.shop.pages = [page("1", at=1)]
    assert [reading.poller().scan(), reading.poller().scan()] == [1, 0]


@pytest.mark.parametrize(("point", "kept"), [("page-read", set()), ("page-stored", {"1"})])
def test_dying_between_pages_loses_nothing(reading: Reading, point: str, kept: set[str]) -> None:
    reading.shop.pages = [page("1", at=1, complete=False), page("2", at=2)]
    reading.dies_at = point
    with pytest.raises(Died):
        reading.poller().scan()
    assert reading.store.seen("shop", ["1", "2"]) == kept
    reading.dies_at = ""
    reading.poller("p2").scan()
    assert reading.store.seen("shop", ["1", "2"]) == {"1", "2"}


def test_two_pollers_never_overlap(reading: Reading) -> None:
    held = reading.store.claim_stream("shop", "changes", "other", START, START.replace(hour=10))
    assert held is not None
    reading.shop.pages = [page("1", at=1)]
    assert reading.poller().scan() == 0
    reading.clock.advance(7200)
    assert reading.poller().scan() == 1


def test_a_poison_order_is_looked_at_singly(reading: Reading) -> None:
    reading.shop.pages = [page("1", at=1, poison=("7",))]
    reading.poller().scan()
    assert reading.store.seen("shop", ["7"]) == {"7"}


def test_the_sweep_looks_again_at_what_is_still_open(reading: Reading) -> None:
    from crossdock.delivery.records import Settlement, State, Verdict

    reading.shop.pages = [page("1", at=1)]
    reading.poller().scan()
    now = reading.clock()
    (looked,) = reading.store.lease("w", now, now.replace(minute=1), {"shop": 1}, limit=1)
    verdict = Verdict(state=State.DELIVERED, due_at=now, attempts=1)
    reading.store.settle(looked, Settlement(verdict=verdict), now)
    assert reading.poller().sweep() == 0
    reading.clock.advance(7 * 3600)
    assert reading.poller().sweep() == 1
    now = reading.clock()
    assert len(reading.store.lease("w", now, now.replace(minute=1), {"shop": 1}, limit=1)) == 1


def test_gaps_are_filled(reading: Reading) -> None:
    reading.shop.pages = [page("1", "3", at=3)]
    poller = reading.poller()
    poller.scan()
    assert poller.fill_gaps(["1", "2", "3"]) == ["2"]
    assert poller.fill_gaps(["1", "2", "3"]) == []


def test_what_exists_and_was_never_told_is_swept_up(reading: Reading) -> None:
    asked: list[tuple[datetime, Watermark]] = []

    def created(since: datetime, watermark: Watermark) -> list[str]:
        asked.append((since, watermark))
        return ["1", "2", "3"]

    reading.shop.pages = [page("1", "3", at=3)]
    poller = reading.poller(created=created)
    assert poller.sweep_gaps() == []  # before the first scan nothing says where the stream begins
    assert asked == []
    poller.scan()
    assert poller.sweep_gaps() == ["2"]
    assert asked == [(reading.clock() - timedelta(seconds=PollOptions().gap_window), Watermark(value={"at": 3}))]
    assert poller.sweep_gaps() == []
