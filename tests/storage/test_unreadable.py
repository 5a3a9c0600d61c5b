"""A body that does not open any more: a dead letter that says so, and nobody else is held up by it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select, update

from crossdock.conformance.storages import LEASE, NOW, arrival, hint, lease, promise, verdict
from crossdock.delivery.records import Owner, Settlement, State
from crossdock.delivery.store import DeadFilter
from crossdock.security.envelope import Envelope
from crossdock.storage.engine import open_engine
from crossdock.storage.migrate import migrate
from crossdock.storage.sql import SqlStore
from crossdock.storage.tables import deliveries, messages, payloads
from tests.databases import postgres_url, sqlite_url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield sqlite_url(tmp_path)
        return
    with postgres_url() as found:
        yield found


@pytest.fixture
def store(url: str) -> Iterator[SqlStore]:
    engine = open_engine(url)
    migrate(engine)
    made = SqlStore(engine, Envelope(b"k" * 32))
    for number in (1, 2, 3):
        made.record([arrival(hint(number))], NOW)
    for look in lease(made):
        owed = Settlement(verdict=verdict(State.DELIVERED), promises=(promise(int(look.subject)),))
        made.settle(look, owed, NOW)
    yield made
    made.close()


def spoil(url: str, number: int, key: str = "{}:place") -> int:
    """Somebody changes the sealed body of an order's document, or of a look at it; its delivery."""
    engine = open_engine(url)
    with engine.begin() as connection:
        query = (
            select(deliveries.c.id, messages.c.payload_id)
            .join(messages, messages.c.seq == deliveries.c.message_seq)
            .where(deliveries.c.key == key.format(number))
        )
        delivery, payload = connection.execute(query).one()
        body = connection.execute(select(payloads.c.body).where(payloads.c.id == payload)).scalar_one()
        other = bytes(body[:-1]) + bytes([body[-1] ^ 1])
        connection.execute(update(payloads).where(payloads.c.id == payload).values(body=other))
    engine.dispose()
    return int(delivery)


def test_it_is_a_dead_letter_and_the_others_go(store: SqlStore, url: str) -> None:
    spoiled = spoil(url, 2)
    assert sorted(one.subject for one in lease(store)) == ["1", "3"]
    (letter,) = store.dead(DeadFilter())
    assert (letter.id, letter.code, letter.owner) == (spoiled, "unreadable", Owner.DEVOPS)
    assert "does not open" in letter.reason
    trail = [row for row in store.audit_export(bodies=False) if row["operation_type"] == "dead"]
    assert [(row["delivery_id"], row["entity_id"]) for row in trail] == [(spoiled, "2")]
    assert lease(store, NOW + 2 * LEASE), "the others, whose leases ran out"
    assert [one.id for one in store.dead(DeadFilter())] == [spoiled]


def test_tried_again_it_is_one_again(store: SqlStore, url: str) -> None:
    spoiled = spoil(url, 2)
    lease(store)
    assert store.replay([spoiled], "ann", NOW) == 1
    assert lease(store, NOW) == []
    assert [one.id for one in store.dead(DeadFilter())] == [spoiled]


def test_a_fleet_hears_of_it_and_goes_on(store: SqlStore, url: str) -> None:
    spoiled = spoil(url, 2)
    found = store.announce(["erp"], NOW, before=None, limit=10)
    ids = [one for several in found.values() for one in several]
    assert spoiled in ids
    leased = store.lease_announced("w", NOW, NOW + LEASE, ids)
    assert sorted(one.subject for one in leased) == ["1", "3"]
    assert [one.id for one in store.dead(DeadFilter())] == [spoiled]


def test_a_look_goes_on_without_it_where_its_source_can_be_read(store: SqlStore, url: str) -> None:
    spoiled = looked_for(store, url)
    store.rereads = frozenset({"store"})
    found = {one.id: one.message for one in lease(store, limits={"store": 10})}
    assert found[spoiled].payload == b""
    assert (found[spoiled].id, found[spoiled].subject) == ("event-7", "7")
    assert sorted(one.payload for one in found.values()) == [b"", b"{}"], "the other one has its own"
    assert store.dead(DeadFilter()) == []
    again = lease(store, NOW + 2 * LEASE, limits={"store": 10})
    assert spoiled in {one.id for one in again}, "whoever had it was killed"
    (told,) = [row for row in store.audit_export(bodies=False) if row["operation_type"] == "look"]
    assert (told["delivery_id"], told["entity_id"], told["idempotency_key"]) == (spoiled, "7", "look:7")
    assert "does not open" in told["error_message"]
    assert store.audit_broken_at() is None


def test_a_fleets_look_goes_on_too(store: SqlStore, url: str) -> None:
    spoiled = looked_for(store, url)
    store.rereads = frozenset({"store"})
    leased = store.lease_announced("w", NOW, NOW + LEASE, [spoiled])
    assert [(one.id, one.message.payload) for one in leased] == [(spoiled, b"")]


def test_of_a_source_that_cannot_be_read_it_is_all_there_is(store: SqlStore, url: str) -> None:
    spoiled = looked_for(store, url)
    store.rereads = frozenset({"erp"})
    assert spoiled not in {one.id for one in lease(store, limits={"store": 10})}
    assert [one.id for one in store.dead(DeadFilter())] == [spoiled]


def test_a_word_of_another_about_the_source_is_all_there_is(store: SqlStore, url: str) -> None:
    """As an ERP's about a customer of the store: the store does not know what it said."""
    pushed = msgspec.structs.replace(hint(7, payload=b"{}"), source="erp")
    store.record([arrival(pushed)], NOW)
    spoiled = spoil(url, 7, "look:{}")
    store.rereads = frozenset({"store", "erp"})
    assert lease(store, limits={"store": 10}) == []
    assert [one.id for one in store.dead(DeadFilter())] == [spoiled]


@pytest.mark.parametrize("where", ["before-commit", "after-commit"])
def test_whoever_claims_it_may_be_killed_and_it_is_looked_at_and_told_once(
    store: SqlStore, url: str, where: str
) -> None:
    spoiled = looked_for(store, url)
    store.rereads = frozenset({"store"})
    child = subprocess.run([sys.executable, "-m", "tests.chaos.unreadable_child", url, where], check=False, timeout=60)
    assert child.returncode == -9
    told = [row for row in store.audit_export(bodies=False) if row["operation_type"] == "look"]
    assert len(told) == (where == "after-commit")
    later = NOW if where == "before-commit" else NOW + 2 * LEASE
    found = {one.id: one for one in lease(store, later, limits={"store": 10})}
    assert found[spoiled].message.payload == b""
    told = [row for row in store.audit_export(bodies=False) if row["operation_type"] == "look"]
    assert [row["delivery_id"] for row in told] == [spoiled]
    assert store.dead(DeadFilter()) == []


def looked_for(store: SqlStore, url: str) -> int:
    """Two looks that came with a copy of their order; the spoiled one's delivery."""
    store.record([arrival(hint(number, payload=b"{}")) for number in (7, 8)], NOW)
    return spoil(url, 7, "look:{}")
