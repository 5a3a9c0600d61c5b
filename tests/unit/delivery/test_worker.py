from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crossdock.broker.fleet import Fleet
from crossdock.contract.message import Message, Receipt
from crossdock.delivery.deliver import Deliverer, Limits
from crossdock.delivery.dispatch import Announced, Dispatch
from crossdock.delivery.intake import Intake
from crossdock.delivery.records import Delivery, Verdict
from crossdock.delivery.verdict import Policy
from crossdock.delivery.worker import Worker, WorkerOptions
from crossdock.security.envelope import Envelope
from crossdock.storage.engine import open_engine
from crossdock.storage.migrate import migrate
from crossdock.storage.sql import SqlStore
from tests.databases import postgres_url, sqlite_url
from tests.rabbit import forget_queues
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
        self.let_go.wait(60)
        return super().put(record, key)


class LateDesk(Desk):
    """Has it at once, and answers when it is let go. `shared` is the same desk as another worker meets it: prompt."""

    def __init__(self) -> None:
        super().__init__()
        self.shared = Desk()
        self.begun = threading.Event()
        self.let_go = threading.Event()

    def put(self, record: Thing, key: str) -> Receipt:
        receipt = self.shared.put(record, key)
        self.begun.set()
        self.let_go.wait(60)
        return receipt

    def find(self, record: Thing, key: str) -> Receipt | None:
        return self.shared.find(record, key)


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


class Running:
    """One worker on a store. With a `broker` it hears of what is due, and looks by itself far too late for a test."""

    def __init__(
        self,
        store: SqlStore,
        broker: str = "",
        lease_seconds: float = 180,
        name: str = "w",
        targets: tuple[str, ...] = ("desk", "shop"),
    ) -> None:
        self.store = store
        self.settled: list[str] = []  # targets, in their order
        clock = Clock()
        self.ends = FakeEnds(clock)
        clock.now = now()
        announced = Announced(24, 600) if broker else None
        if announced:
            announced.looked(0)
        self.deliverer = Deliverer(store, self.ends, Policy(settling=0), Limits(), now, lambda: 0.0)
        self.worker = Worker(
            name,
            store,
            self.deliverer,
            lambda: targets,
            Free(),
            WorkerOptions(threads=4, lease_seconds=lease_seconds, idle_seconds=0.1),
            now,
            self._settled,
            announced,
        )
        self.dispatch: Dispatch = self.worker
        if announced:
            self.dispatch = Fleet(name, broker, store, ("desk", "shop"), now, announced, self.worker)
        self.intake = Intake(store, self.ends.flow, now, self.dispatch.wake)

    def _settled(self, delivery: Delivery, verdict: Verdict) -> None:
        self.settled.append(delivery.target)
        self.dispatch.wake()

    def hear(self, subject: str) -> str:
        self.ends.shop.things[subject] = Thing(id=subject)
        message = Message(id=f"e{subject}", source="shop", flow="looks", subject=subject, occurred_at=now())
        return self.intake.offer(message).result(60).outcome


@contextmanager
def store_at(url: str) -> Iterator[SqlStore]:
    engine = open_engine(url)
    migrate(engine)
    store = SqlStore(engine, Envelope(b"k" * 32))
    try:
        yield store
    finally:
        store.close()


@pytest.fixture(params=["embedded", pytest.param("fleet", marks=pytest.mark.services)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[SqlStore, str]]:
    """A store, and a broker's URL or none: the two dispatchers."""
    if request.param == "embedded":
        with store_at(sqlite_url(tmp_path)) as store:
            yield store, ""
        return
    broker = request.getfixturevalue("rabbit")
    with postgres_url() as url, store_at(url) as store:
        yield store, broker
    forget_queues(broker, "desk", "shop")


@pytest.fixture
def running(place: tuple[SqlStore, str]) -> Running:
    return Running(*place)


def test_what_is_heard_is_carried_to_the_end(running: Running) -> None:
    running.dispatch.start()
    outcomes = [running.hear(str(number)) for number in range(30)]
    until(lambda: len(running.ends.counter.kept) == 30)
    running.dispatch.stop()
    assert set(outcomes) == {"new"}
    assert sorted(running.ends.desk.kept) == sorted(f"put:{number}" for number in range(30))


@pytest.mark.parametrize("targets", [("desk", "shop"), ("shop", "desk")])
def test_a_target_that_is_always_busy_keeps_no_other_waiting(
    place: tuple[SqlStore, str], targets: tuple[str, ...]
) -> None:
    """A storm of hints: orders go to the ERP while it lasts, not only after it."""
    running = Running(*place, targets=targets)
    for number in range(160):
        running.hear(str(number))
    running.dispatch.start()
    until(lambda: len(running.ends.counter.kept) == 160)
    running.dispatch.stop()
    assert running.settled.index("desk") < 80


def test_stopping_settles_what_is_under_way_and_begins_nothing_new(running: Running) -> None:
    running.ends.desk = slow = SlowDesk()
    running.dispatch.start()
    running.hear("1")
    assert slow.begun.wait(60)
    stopper = threading.Thread(target=running.dispatch.stop)
    stopper.start()
    until(running.worker._stopping.is_set)
    running.hear("2")
    slow.let_go.set()
    stopper.join(60)
    assert not stopper.is_alive()
    assert slow.kept == ["put:1"]
    assert [one.state for one in running.store.known("shop", "1")] == ["delivered", "pending"]
    assert running.store.known("shop", "2") == []


def test_a_hanging_workers_lease_is_taken_over_and_it_writes_nothing_when_it_wakes_up(
    place: tuple[SqlStore, str],
) -> None:
    """It hangs after the target did it: the other one finds that, and the first one's word comes too late."""
    first, second = Running(*place, lease_seconds=0.5, name="first"), Running(*place, lease_seconds=30, name="second")
    first.ends.desk = slow = LateDesk()
    second.ends.desk, second.ends.counter = slow.shared, first.ends.counter
    first.dispatch.start()
    first.hear("1")
    assert slow.begun.wait(60)
    second.ends.shop.things = first.ends.shop.things
    second.dispatch.start()
    until(lambda: [one.state for one in first.store.known("shop", "1")] == ["delivered", "delivered"])
    before = first.store.timeline("shop", "1")
    slow.let_go.set()
    first.dispatch.stop()
    second.dispatch.stop()
    assert slow.shared.kept == ["put:1"]
    assert first.ends.counter.kept == ["echo:1"]
    assert first.store.timeline("shop", "1") == before


def test_a_worker_that_slept_past_its_lease_before_it_sent_sends_nothing(place: tuple[SqlStore, str]) -> None:
    first, second = Running(*place, lease_seconds=0.5, name="first"), Running(*place, lease_seconds=30, name="second")
    asleep, wake_up = threading.Event(), threading.Event()

    def sleep(step: str) -> None:
        if step == "before-send" or asleep.is_set():
            return
        asleep.set()
        wake_up.wait(60)

    first.deliverer._failpoint = lambda step: sleep(step) if step == "before-look" else None
    second.ends.shop.things, second.ends.desk, second.ends.counter = (
        first.ends.shop.things,
        first.ends.desk,
        first.ends.counter,
    )
    first.dispatch.start()
    first.hear("1")
    assert asleep.wait(60)
    second.dispatch.start()
    until(lambda: [one.state for one in first.store.known("shop", "1")] == ["delivered", "delivered"])
    wake_up.set()
    first.dispatch.stop()
    second.dispatch.stop()
    assert (first.ends.desk.kept, first.ends.counter.kept) == (["put:1"], ["echo:1"])


def test_many_workers_carry_each_once(place: tuple[SqlStore, str]) -> None:
    crowd = [Running(*place, name=f"w{number}") for number in range(3)]
    for one in crowd:
        one.ends.shop, one.ends.desk, one.ends.counter = (
            crowd[0].ends.shop,
            crowd[0].ends.desk,
            crowd[0].ends.counter,
        )
        one.dispatch.start()
    for number in range(60):
        crowd[number % 3].hear(str(number))
    until(lambda: len(crowd[0].ends.counter.kept) >= 60)
    for one in crowd:
        one.dispatch.stop()
    assert sorted(crowd[0].ends.desk.kept) == sorted(f"put:{number}" for number in range(60))
    assert len(crowd[0].ends.counter.kept) == 60
