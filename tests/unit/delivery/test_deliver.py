from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from crossdock.contract.message import Message
from crossdock.delivery.deliver import Deliverer, Limits
from crossdock.delivery.intake import arrival_of
from crossdock.delivery.records import State, Verdict
from crossdock.delivery.store import DeadFilter
from crossdock.delivery.verdict import Policy
from crossdock.errors import OutcomeUnknown, Rejected, Unauthorized, Unreachable
from crossdock.security.envelope import Envelope
from crossdock.storage.engine import open_engine
from crossdock.storage.migrate import migrate
from crossdock.storage.sql import SqlStore
from tests.databases import sqlite_url
from tests.unit.delivery.fakes import FLOWS, Clock, FakeEnds, Thing


class Walk:
    """The spine with fake ends on a real database, moved by hand."""

    def __init__(self, store: SqlStore) -> None:
        self.clock = Clock()
        self.ends = FakeEnds(self.clock)
        self.store = store
        self.deliverer = Deliverer(store, self.ends, Policy(), Limits(), self.clock, lambda: 0.5)
        self.heard = 0

    def hear(self, subject: str = "1") -> None:
        self.heard += 1
        message = Message(id=f"e{self.heard}", source="shop", flow="looks", subject=subject, occurred_at=self.clock())
        self.store.record([arrival_of(FLOWS["looks"], message, "webhook")], self.clock())

    def step(self) -> list[Verdict | None]:
        """Carry all that is due now, once."""
        now = self.clock()
        until = now + timedelta(seconds=60)
        leased = self.store.lease("w", now, until, {"desk": 9, "shop": 9}, limit=99)
        return [self.deliverer.carry(one) for one in leased]

    def run(self) -> None:
        while self.step():
            pass

    def state(self, key: str) -> str:
        return next(one.state for one in self.store.known("shop", "1") if one.key == key)


@pytest.fixture
def walk(tmp_path: Path) -> Iterator[Walk]:
    engine = open_engine(sqlite_url(tmp_path))
    migrate(engine)
    store = SqlStore(engine, Envelope(b"k" * 32))
    yield Walk(store)
    store.close()


def test_heard_read_put_and_acknowledged(walk: Walk) -> None:
    walk.ends.shop.things["1"] = Thing(id="1")
    walk.hear()
    walk.run()
    assert walk.ends.desk.kept == ["put:1"]
    assert walk.ends.counter.kept == ["echo:1"]
    assert {one.state for one in walk.store.known("shop", "1")} == {"delivered"}
    assert walk.store.links("shop", "1")[0].number == "N1"


def test_many_events_of_one_thing_put_it_once(walk: Walk) -> None:
    walk.ends.shop.things["1"] = Thing(id="1")
    for _ in range(5):
        walk.hear()
        walk.run()
    assert walk.ends.desk.kept == ["put:1"]


def test_a_skip_has_its_reason_and_is_looked_at_again(walk: Walk) -> None:
    walk.ends.shop.things["1"] = Thing(id="1", ready=False)
    walk.hear()
    walk.run()
    assert "desk: not ready" in [event.text.removeprefix("pending: ") for event in walk.store.timeline("shop", "1")]
    walk.ends.shop.things["1"] = Thing(id="1")
    walk.clock.advance(61)
    walk.run()
    assert walk.ends.desk.kept == ["put:1"]


def test_done_but_unanswered_is_found_and_not_done_again(walk: Walk) -> None:
    walk.ends.shop.things["1"] = Thing(id="1")
    walk.ends.desk.plan = [("after", OutcomeUnknown("reset"))]
    walk.hear()
    walk.run()
    assert walk.state("put:1") == "pending"
    walk.clock.advance(120)
    walk.run()
    assert walk.state("put:1") == "delivered"
    assert walk.ends.desk.kept == ["put:1"]
    assert walk.ends.desk.found == 1


def test_not_done_and_unanswered_is_done_only_after_the_target_settled(walk: Walk) -> None:
    walk.ends.shop.things["1"] = Thing(id="1")
    walk.ends.desk.plan = [("before", OutcomeUnknown("reset"))]
    walk.hear()
    walk.run()
    walk.clock.advance(21)
    walk.run()
    assert (walk.ends.desk.found, walk.ends.desk.kept) == (1, ["put:1"])


def test_a_worker_that_died_leaves_a_doubt_that_is_looked_up(walk: Walk) -> None:
    walk.ends.shop.things["1"] = Thing(id="1")
    walk.hear()
    walk.step()
    now = walk.clock()
    (lost,) = walk.store.lease("died", now, now.replace(minute=1), {"desk": 1}, limit=1)
    walk.ends.desk.put(Thing(id="1"), lost.key)
    walk.clock.advance(120)
    walk.run()
    assert walk.ends.desk.kept == ["put:1"]
    assert walk.state("put:1") == "delivered"


def test_before_a_find_can_prove_absence_nothing_is_sent(walk: Walk) -> None:
    walk.ends.shop.things["1"] = Thing(id="1")
    walk.hear()
    walk.step()
    now = walk.clock()
    walk.store.lease("died", now, now.replace(minute=1), {"desk": 1}, limit=1)
    walk.clock.advance(70)
    (verdict,) = walk.step()
    assert verdict is not None
    assert (verdict.state, verdict.due_at) == (State.PENDING, now.replace(minute=1, second=20))
    assert walk.ends.desk.kept == []
    walk.clock.advance(11)
    walk.run()
    assert walk.ends.desk.kept == ["put:1"]


def test_that_a_flow_can_be_read_at_the_target_proves_no_absence(walk: Walk) -> None:
    """What is written there may be listed there too: a write may still be under way."""
    walk.ends.able = msgspec.structs.replace(walk.ends.able, reads=frozenset({"things"}))
    test_before_a_find_can_prove_absence_nothing_is_sent(walk)


def test_a_target_that_can_neither_find_nor_dedupe_is_left_to_a_person(walk: Walk) -> None:
    walk.ends.able = msgspec.structs.replace(walk.ends.able, finds=frozenset())
    walk.ends.shop.things["1"] = Thing(id="1")
    walk.ends.desk.plan = [("after", OutcomeUnknown("reset"))]
    walk.hear()
    walk.run()
    walk.clock.advance(600)
    walk.run()
    (letter,) = walk.store.dead(DeadFilter())
    assert letter.code == "rejected"
    assert walk.ends.desk.kept == ["put:1"]


def test_rejected_is_a_dead_letter_and_its_replay_keeps_the_key(walk: Walk) -> None:
    walk.ends.shop.things["1"] = Thing(id="1")
    walk.ends.desk.plan = [("before", Rejected("no such thing"))]
    walk.hear()
    walk.run()
    (letter,) = walk.store.dead(DeadFilter())
    walk.store.replay([letter.id], "ann", walk.clock())
    walk.run()
    assert walk.ends.desk.kept == [letter.key]


def test_a_broken_login_pauses_the_connection_and_costs_no_attempt(walk: Walk) -> None:
    walk.ends.shop.things["1"] = Thing(id="1")
    walk.ends.desk.plan = [("before", Unauthorized("401"))]
    walk.hear()
    walk.run()
    assert [one.connection for one in walk.store.paused()] == ["desk"]
    walk.clock.advance(3600)
    assert walk.step() == []
    walk.store.resume("desk", "ann", walk.clock())
    walk.run()
    assert walk.ends.desk.kept == ["put:1"]


def test_an_old_payload_is_looked_at_again_before_it_is_sent(walk: Walk) -> None:
    walk.ends.shop.things["1"] = Thing(id="1")
    walk.ends.desk.plan = [("before", Unreachable("down"))]
    walk.hear()
    walk.run()
    walk.ends.shop.things["1"] = Thing(id="1", ready=False)
    walk.clock.advance(3600)
    walk.run()
    assert walk.ends.desk.kept == []
    assert walk.state("put:1") == "superseded"


def test_announced_but_never_committed_is_dropped_with_a_reason(walk: Walk) -> None:
    walk.hear()
    walk.run()
    walk.clock.advance(700)
    walk.run()
    texts = [event.text for event in walk.store.timeline("shop", "1")]
    assert any("rolled back" in text for text in texts)
    assert walk.step() == []


def test_a_bug_does_not_stop_the_worker(walk: Walk) -> None:
    walk.ends.shop.things["1"] = Thing(id="1")
    walk.ends.desk.plan = [("before", ZeroDivisionError())]
    walk.hear()
    walk.run()
    walk.clock.advance(3600)
    walk.run()
    assert walk.ends.desk.kept == ["put:1"]


def test_an_attempt_is_told_when_its_claim_ends(walk: Walk) -> None:
    walk.ends.shop.things["1"] = Thing(id="1")
    walk.hear()
    walk.step()
    assert walk.ends.begun == [walk.clock() + timedelta(seconds=60)]
