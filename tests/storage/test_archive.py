"""Archived subjects on both databases: out of the hot tables, whole again when anything is heard of them, never doubled."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Engine, func, select, text

from crossdock.conformance.storages import NOW, arrival, hint, lease, promise, verdict
from crossdock.delivery.records import Arrival, Attempt, Link, Settlement, State
from crossdock.security.envelope import Envelope
from crossdock.storage import archive, tables
from crossdock.storage.engine import open_engine
from crossdock.storage.migrate import migrate
from crossdock.storage.sql import SqlStore
from tests.databases import postgres_url, sqlite_url

LATER = NOW + timedelta(days=40)
HOT = (tables.messages, tables.deliveries)
ELSEWHERE = "elsewhere"
COLD = (tables.archived_messages, tables.archived_deliveries, tables.archived_subjects)


class Kept:
    def __init__(self, url: str) -> None:
        self.engine: Engine = open_engine(url)
        migrate(self.engine)
        self.store = SqlStore(self.engine, Envelope(b"k" * 32))
        self.newer = 0

    def rows(self, *which: Any) -> list[int]:
        with self.engine.connect() as connection:
            mine = (select(func.count()).where(table.c.source != ELSEWHERE) for table in which)
            return [connection.execute(query).scalar_one() for query in mine]

    def put_away(self, before: datetime) -> int:
        """With something newer there, of another store: SQLite keeps whatever has the highest number."""
        self.newer += 1
        message = hint(900 + self.newer, event=f"newer-{self.newer}")
        self.store.record([arrival(msgspec.structs.replace(message, source=ELSEWHERE))], NOW)
        with self.engine.begin() as connection:  # nothing that a lease would meet
            theirs = tables.deliveries.c.source == ELSEWHERE
            connection.execute(tables.deliveries.update().where(theirs).values(state="delivered", is_open=0))
        return self.store.put_away(before)

    def heard(self, message: Any) -> str:
        return self.store.record([arrival(message)], LATER)[0].outcome

    def carried(self, number: int = 1, *, final: bool = True) -> None:
        """Heard of, looked at, delivered."""
        self.store.record([arrival(hint(number, payload=b"{}"))], NOW)
        (look,) = lease(self.store)
        attempt = Attempt(operation="look", entity="orders", entity_id=str(number), started_at=NOW)
        self.store.settle(
            look,
            Settlement(verdict=verdict(State.DELIVERED), promises=(promise(number),), attempts=(attempt,), final=final),
            NOW,
        )
        (order,) = lease(self.store)
        links = (Link(source="store", subject=str(number), target="erp", external_id=f"SO-{number}", number="SO"),)
        self.store.settle(order, Settlement(verdict=verdict(State.DELIVERED), links=links), NOW)


@pytest.fixture(params=["sqlite", "postgresql"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kept]:
    if request.param == "sqlite":
        found = Kept(sqlite_url(tmp_path))
        yield found
        found.store.close()
        return
    with postgres_url() as url:
        found = Kept(url)
        yield found
        found.store.close()


def test_a_settled_order_leaves_the_hot_tables(kept: Kept) -> None:
    kept.carried()
    assert kept.put_away(NOW) == 0, "not old enough"
    assert kept.put_away(LATER) == 1
    assert kept.rows(*HOT) == [0, 0]
    assert kept.rows(*COLD) == [2, 2, 1]
    assert kept.put_away(LATER) == 0
    assert kept.store.archived() == 1


def test_what_people_ask_for_is_answered_as_before(kept: Kept) -> None:
    kept.carried()
    store = kept.store

    def asked() -> list[Any]:
        view = store.delivery(2)
        assert view is not None
        return [
            store.timeline("store", "1"),
            store.find_subjects("000000001"),
            store.find_subjects("SO"),
            view,
            store.delivered("orders", "erp", NOW - timedelta(hours=1), NOW + timedelta(hours=1), 0, 10),
            store.seen("store", ["1", "2"]),
            store.looks_at("store", "looks", ["1"]),
            store.links("store", "1"),
        ]

    before = asked()
    kept.put_away(LATER)
    assert asked() == before
    assert before[5] == {"1"}


def test_the_same_event_again_makes_nothing_new(kept: Kept) -> None:
    kept.carried()
    kept.put_away(LATER)
    assert kept.heard(hint(1, payload=b"{}")) == "duplicate"
    assert kept.rows(*HOT) == [2, 2]
    assert kept.rows(*COLD) == [0, 0, 0]
    assert lease(kept.store, LATER) == []


def test_a_newer_event_brings_it_back_and_knows_what_was_done(kept: Kept) -> None:
    kept.carried()
    kept.put_away(LATER)
    assert kept.heard(hint(1, event="refund")) == "new"
    known = kept.store.known("store", "1")
    assert [(one.key, one.state) for one in known] == [("1:place", "delivered")]
    (look,) = lease(kept.store, LATER)
    kept.store.settle(look, Settlement(verdict=verdict(State.DELIVERED, LATER), promises=(promise(1),)), LATER)
    assert lease(kept.store, LATER) == [], "the order was promised before: its key stands"
    assert kept.rows(*HOT)[1] == 2


def test_it_may_go_and_come_back_any_number_of_times(kept: Kept) -> None:
    kept.carried()
    for turn in range(3):
        assert kept.put_away(LATER + timedelta(days=turn)) == 1
        assert kept.heard(hint(1, event=f"again-{turn}")) == "new"
        (look,) = lease(kept.store, LATER)
        kept.store.settle(look, Settlement(verdict=verdict(State.DELIVERED, LATER), final=True), NOW)
    assert kept.rows(tables.deliveries) == [2]


@pytest.mark.parametrize("what", ["not final", "open", "dead", "a state"])
def test_what_is_still_expected_stays(kept: Kept, what: str) -> None:
    kept.carried(final=what != "not final")
    if what in {"open", "dead"}:
        kept.heard(hint(1, event="another"))
    if what == "dead":
        (look,) = lease(kept.store, LATER)
        kept.store.settle(look, Settlement(verdict=verdict(State.DEAD, LATER)), LATER)
    if what == "a state":
        with kept.engine.begin() as connection:
            connection.execute(text("UPDATE deliveries SET record = :r WHERE id = 2"), {"r": b"{}"})
    assert kept.put_away(LATER) == 0
    assert kept.rows(*COLD) == [0, 0, 0]


def test_a_body_that_was_forgotten_meanwhile_does_not_hinder(kept: Kept) -> None:
    kept.carried()
    kept.put_away(LATER)
    while kept.store.forget_bodies(LATER):
        pass
    assert kept.heard(hint(1, event="another")) == "new"


def test_months_lie_apart(kept: Kept) -> None:
    kept.carried()
    kept.put_away(LATER)
    with kept.engine.connect() as connection:
        assert connection.execute(select(tables.archived_deliveries.c.month).distinct()).scalars().all() == [202601]
        if kept.engine.dialect.name == "postgresql":
            partitions = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'archived_deliveries'::regclass"
            assert connection.execute(text(partitions)).scalar_one() == 1


def test_both_tables_have_the_same_columns() -> None:
    for hot, cold in archive.MOVES:
        assert ["month", *hot.c.keys()] == cold.c.keys()


def test_no_number_is_given_twice(kept: Kept) -> None:
    """Nothing is newer than what goes; then an order comes, and what was put away comes back."""
    kept.carried()
    kept.store.put_away(LATER)
    kept.carried(2)
    assert kept.heard(hint(1, payload=b"{}")) == "duplicate"
    assert kept.rows(*HOT) == [4, 4]


def test_while_the_archive_works_arrivals_double_nothing(kept: Kept) -> None:
    """Two threads put away and two bring back, over the same orders: in the end each has one look and one order."""
    numbers = range(1, 13)
    for number in numbers:
        kept.carried(number)
    stopping = threading.Event()
    failed: list[BaseException] = []

    def put_away() -> None:
        while not stopping.is_set():
            kept.store.put_away(LATER + timedelta(days=999), limit=5)

    def arrive(road: str) -> None:
        try:
            for turn in range(15):
                arrivals: list[Arrival] = [arrival(hint(number, event=f"{road}-{turn}-{number}")) for number in numbers]
                for one in arrivals:
                    kept.store.record([one], LATER)
                for look in lease(kept.store, LATER, road):
                    kept.store.settle(
                        look,
                        Settlement(
                            verdict=verdict(State.DELIVERED, LATER), promises=(promise(int(look.subject)),), final=True
                        ),
                        NOW,
                    )
        except BaseException as error:
            failed.append(error)
            raise

    cleaners = [threading.Thread(target=put_away) for _ in range(2)]
    roads = [threading.Thread(target=arrive, args=(name,)) for name in ("a", "b")]
    for thread in (*cleaners, *roads):
        thread.start()
    for thread in roads:
        thread.join()
    stopping.set()
    for thread in cleaners:
        thread.join()
    assert not failed
    with kept.engine.connect() as connection:
        whole = archive.everything(tables.deliveries)
        found = connection.execute(
            select(whole.c.target, whole.c.key, func.count()).group_by(whole.c.target, whole.c.key)
        )
        counts = {(target, key): count for target, key, count in found}
    assert set(counts.values()) == {1}
    assert len(counts) == 2 * len(numbers)
