from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import msgspec
import pytest

from crossdock.delivery.dispatch import SOON, Announced, Relay, RelayOptions
from crossdock.errors import BrokerDown
from crossdock.storage.sql import SqlStore
from tests.databases import sqlite_url
from tests.unit.delivery.test_worker import Running, store_at, until


def now() -> datetime:
    return datetime.now(UTC)


class FakeBroker:
    """Hands announcements on at once; `lost` of them first are confirmed and lost, each comes `times` times."""

    def __init__(self, announced: Announced) -> None:
        self.announced = announced
        self.down = False
        self.lost = 0
        self.times = 1
        self.told: list[int] = []

    def ready(self) -> bool:
        return not self.down

    def publish(self, target: str, ids: Sequence[int]) -> None:
        if self.down:
            raise BrokerDown("down")
        self.told += ids
        if self.lost:
            self.lost -= 1
            return
        for _ in range(self.times):
            self.announced.offer(target, ids, 0)

    def close(self) -> None:
        return None


class Told(Running):
    """A worker that only hears, beside a relay that only tells."""

    def __init__(self, store: SqlStore) -> None:
        super().__init__(store)
        self.announced = Announced(24, 600, self.worker.wake)
        self.announced.looked(0)
        self.worker._announced = self.announced
        self.broker = FakeBroker(self.announced)
        options = RelayOptions(every=0.05, again_after=0.3, again_every=0.05)
        self.relay = Relay("r", store, self.broker, ("desk", "shop"), now, unheard=self.announced.look, options=options)
        self.intake._woken = self.relay.wake

    def carried(self, count: int) -> None:
        until(lambda: len(self.ends.counter.kept) >= count)
        assert len(self.ends.desk.kept) == len(set(self.ends.desk.kept)) == count


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Told]:
    with store_at(sqlite_url(tmp_path)) as store:
        found = Told(store)
        found.worker.start()
        found.relay.start()
        yield found
        found.announced.close()
        found.relay.stop()
        found.worker.stop()


def test_what_is_told_is_carried(told: Told) -> None:
    # told twice, a row that is carried already makes the worker look into the tables, and what it finds is not told
    told.relay._options = msgspec.structs.replace(told.relay._options, again_after=600)
    told.announced._room = 600  # and none is turned away
    for number in range(20):
        told.hear(str(number))
    told.carried(20)
    assert set(told.broker.told) == set(range(1, 61)), "each of the three deliveries of a thing was announced"


def test_doubled_announcements_cost_nothing(told: Told) -> None:
    told.broker.times = 3
    for number in range(10):
        told.hear(str(number))
    told.carried(10)


def test_lost_announcements_come_again(told: Told) -> None:
    told.broker.lost = 2
    told.hear("1")
    told.carried(1)
    assert told.broker.told.count(1) >= 2


def test_without_the_broker_the_tables_are_looked_into(told: Told) -> None:
    told.broker.down = True
    told.hear("1")
    told.carried(1)
    assert told.broker.told == []
    told.broker.down = False
    heard = count(2)

    def is_told() -> bool:
        told.hear(str(next(heard)))  # what the worker finds by its last look is told by nobody
        return bool(told.broker.told)

    until(is_told)
    told.carried(next(heard) - 1)


def test_what_there_is_no_room_for_is_left_to_others() -> None:
    announced = Announced(2, 600)
    assert announced.offer("erp", [1, 2], 0)
    assert not announced.offer("erp", [3], 0)
    assert announced.offer("store", [4], 0), "one target does not take another's room"
    assert announced.taken({"erp": 1, "store": 5}, 9) == [1, 4]
    assert announced.offer("erp", [3], 0)
    assert announced.taken({"erp": 9}, 1) == [2]
    assert announced.taken({}, 9) == []


def test_waiting_for_room_ends_with_room_or_with_the_end() -> None:
    announced = Announced(1, 600)
    announced.offer("erp", [1], 0)
    answers: list[bool] = []
    waiting = threading.Thread(target=lambda: answers.append(announced.offer("erp", [2], 20)))
    waiting.start()
    announced.taken({"erp": 1}, 1)
    waiting.join(30)
    assert answers == [True]
    waiting = threading.Thread(target=lambda: answers.append(announced.offer("erp", [3], 20)))
    waiting.start()
    announced.close()
    waiting.join(30)
    assert answers == [True, True]
    assert announced.rest() == {"erp": [2, 3]}, "what will not be carried here is for others"
    assert announced.rest() == {}


def test_what_is_not_carried_is_handed_on(told: Told) -> None:
    told.relay.hand_on({"desk": [7, 8], "shop": [9]})
    until(lambda: told.broker.told == [7, 8, 9])


def test_looking_into_the_tables_goes_on_while_it_finds_something() -> None:
    announced = Announced(1, 600)
    assert announced.must_look(), "at once, whatever happened before"
    announced.looked(3)
    assert announced.must_look()
    announced.looked(0)
    assert not announced.must_look()
    announced.missed()
    assert 0 < announced.look_in() <= SOON
    announced.looked(0)
    assert 0 < announced.look_in() <= SOON
    announced.looked(0)
    assert SOON < announced.look_in() <= 2 * SOON
    for _ in range(20):
        announced.looked(0)
    assert announced.look_in() > 500
    announced.look()
    assert announced.must_look()
    assert announced.look_in() == 0


def test_what_a_transaction_held_just_then_is_found_soon(told: Told) -> None:
    """The announcement comes to nothing, and the broker does not say it again: the worker looks for itself."""
    told.relay.stop()
    told.hear("1")
    told.announced.offer("shop", [987_654], 0)
    until(lambda: bool(told.store.known("shop", "1")))


def test_a_relay_stops_while_it_waits(told: Told) -> None:
    told.relay._options = msgspec.structs.replace(told.relay._options, every=600)
    told.relay.wake()
    told.relay.stop(patience=60)
    assert not told.relay.alive()
