"""Each way from state to state that is drawn is one that the storage goes. (No other: `test_storages.py` watches.)"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from crossdock.conformance.storages import LEASE, NOW, arrival, hint, instead, lease, promise, verdict
from crossdock.contract.shadow import PARKED, SHADOW
from crossdock.delivery.records import Promise, Settlement, State
from crossdock.delivery.store import DeadFilter
from crossdock.security.envelope import Envelope
from crossdock.storage.engine import open_engine
from crossdock.storage.migrate import migrate
from crossdock.storage.sql import SqlStore
from tests.databases import sqlite_url
from tests.storage.moves import seen, watch
from tools.diagrams.states import MOVES


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    engine = open_engine(sqlite_url(tmp_path))
    migrate(engine)
    watch(sqlite_url(tmp_path))
    store = SqlStore(engine, Envelope(b"k" * 32))
    yield store
    store.close()


def settled(store: SqlStore, state: State, *promises: Promise, **changes: object) -> None:
    """Whatever is due ends so."""
    for one in lease(store):
        store.settle(one, Settlement(verdict=verdict(state), promises=promises, **changes), NOW)  # type: ignore[arg-type]


def test_every_way_that_is_drawn_is_gone(store: SqlStore, tmp_path: Path) -> None:
    store.record([arrival(hint(1))], NOW)
    store.give_back(lease(store), NOW)
    lease(store)
    (late,) = lease(store, NOW + 2 * LEASE)  # the first one's lease ran out
    store.settle(late, Settlement(verdict=verdict(State.DELIVERED), promises=(promise(),)), NOW)
    settled(store, State.DEAD)
    store.record([arrival(hint(1, event="again"))], NOW)
    (look,) = lease(store)
    store.settle(look, instead(verdict(State.SUPERSEDED)), NOW)  # 1:place is taken the place of
    store.record([arrival(hint(1, event="once more"))], NOW)
    (look,) = lease(store, limits={"store": 1})
    ends = (("erp", "1:another", "canceled"),)
    store.settle(look, Settlement(verdict=verdict(State.DELIVERED), ends=ends), NOW)
    store.record([msgspec.structs.replace(arrival(hint(2)), park="cannot be read")], NOW)
    (letter,) = store.dead(DeadFilter())
    store.replay([letter.id], "ann", NOW)
    settled(store, State.DEAD)
    store.resolve([letter.id], "ann", "typed in by hand", NOW)
    parked = promise(3, memo={SHADOW: "yes", PARKED: "its money does not add up"})
    store.record([arrival(hint(3))], NOW)
    settled(store, State.DELIVERED, parked)
    (shadow,) = lease(store)
    store.settle(shadow, Settlement(verdict=verdict(State.SHADOWED)), NOW)
    assert store.shadows.again([shadow.id], "ann", "the mapping is mended", NOW) == 1
    settled(store, State.SHADOWED)
    assert store.shadows.send("store", "erp", ["3"], "ann", "it is ours now", NOW) == 1
    assert seen(sqlite_url(tmp_path)) == set(MOVES)
