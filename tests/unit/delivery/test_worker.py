from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crossdock.contract.message import Message, Receipt
from crossdock.delivery.deliver import Deliverer, Limits
from crossdock.delivery.intake import Intake
from crossdock.delivery.records import Verdict
from crossdock.delivery.verdict import Policy
from crossdock.delivery.worker import Worker, WorkerOptions
from crossdock.security.envelope import Envelope
from crossdock.storage.engine import open_engine
from crossdock.storage.migrate import migrate
from crossdock.storage.sql import SqlStore
from tests.databases import sqlite_url
from tests.unit.delivery.fakes import Clock, Desk, FakeEnds, Thing


def now() -> datetime:
    return datetime.now(UTC)


class Free:
    def permits(self, target: str) -> int:
        return 32

    def begin(self, target: str) -> None:
        return None

    def end(self, target: str, verdict: Verdict | None, seconds: float) -> None:
        return None


class SlowDesk(Desk):
    """Holds a put until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Event()
        self.let_go = threading.Event()

    def put(self, record: Thing, key: str) -> Receipt:
        self.begun.set()
        self.let_go.wait(20)
        return super().put(record, key)


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


class Running:
    def __init__(self, store: SqlStore) -> None:
        self.store = store
        clock = Clock()
        self.ends = FakeEnds(clock)
        clock.now = now()
        deliverer = Deliverer(store, self.ends, Policy(), Limits(), now, lambda: 0.5)
        self.worker = Worker("w", store, deliverer, lambda: ("desk", "shop"), Free(), WorkerOptions(threads=4), now)
        self.intake = Intake(store, self.ends.flow, now, self.worker.wake)

    def hear(self, subject: str) -> str:
        self.ends.shop.things[subject] = Thing(id=subject)
        message = Message(id=f"e{subject}", source="shop", flow="looks", subject=subject, occurred_at=now())
        return self.intake.offer(message).result(20).outcome


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    engine = open_engine(sqlite_url(tmp_path))
    migrate(engine)
    store = SqlStore(engine, Envelope(b"k" * 32))
    yield Running(store)
    store.close()


def test_what_is_heard_is_carried_to_the_end(running: Running) -> None:
    running.worker.start()
    outcomes = [running.hear(str(number)) for number in range(30)]
    until(lambda: len(running.ends.counter.kept) == 30)
    running.worker.stop()
    assert set(outcomes) == {"new"}
    assert sorted(running.ends.desk.kept) == sorted(f"put:{number}" for number in range(30))


def test_stopping_settles_what_is_under_way_and_begins_nothing_new(running: Running) -> None:
    running.ends.desk = slow = SlowDesk()
    running.worker.start()
    running.hear("1")
    assert slow.begun.wait(20)
    stopper = threading.Thread(target=running.worker.stop)
    stopper.start()
    running.hear("2")
    slow.let_go.set()
    stopper.join(20)
    assert not stopper.is_alive()
    assert slow.kept == ["put:1"]
    assert [one.state for one in running.store.known("shop", "1")] == ["delivered", "pending"]
    assert running.store.known("shop", "2") == []
