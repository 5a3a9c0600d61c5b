"""The master key's rotation on both databases: nothing that was sealed is lost, no fingerprint changes, erased stays erased."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete, select, update

from crossdock.conformance.storages import NOW, arrival, hint
from crossdock.errors import ConfigurationError
from crossdock.security.envelope import Envelope
from crossdock.storage import rotation, tables
from crossdock.storage.engine import open_engine
from crossdock.storage.migrate import migrate
from crossdock.storage.sql import SqlStore
from tests.databases import postgres_url, sqlite_url

OLD, NEW, THIRD = b"k" * 32, b"n" * 32, b"t" * 32
PERSON = "jane@example.com"
SUBJECTS = 23


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.services)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield sqlite_url(tmp_path)
        return
    with postgres_url() as found:
        yield found


def opened(url: str, key: bytes, *former: bytes, kept: bool = True) -> SqlStore:
    engine: Engine = open_engine(url)
    migrate(engine)
    store = SqlStore(engine, Envelope(key, former))
    with ExitStack() as refused:
        refused.callback(store.close)
        if kept:
            store.keep_fingerprints(NOW)
        refused.pop_all()
    return store


def filled(url: str, *, kept: bool = True) -> None:
    store = opened(url, OLD, kept=kept)
    store.record([arrival(hint(number, payload=b"body %d" % number)) for number in range(SUBJECTS)], NOW)
    with store._engine.execution_options(writes=True).begin() as connection:
        store._payloads.about(connection, "store:1", ())
        rows = [{"fingerprint": store.fingerprint_of(PERSON), "subject": f"store:{number}"} for number in (3, 4)]
        connection.execute(tables.people.insert(), rows)
    store.close()


def bodies(store: SqlStore) -> list[bytes]:
    return sorted(message.payload for message in store.newest("looks", 100))


EVERY = sorted(b"body %d" % number for number in range(SUBJECTS))


def test_all_is_read_before_during_and_after(url: str) -> None:
    filled(url)
    store = opened(url, NEW, OLD)
    assert store.keys_by_head() == {Envelope(OLD).head: SUBJECTS + 1}
    store.record([arrival(hint(100, payload=b"body 100"))], NOW)
    assert store.keys_by_head() == {Envelope(OLD).head: SUBJECTS + 1, Envelope(NEW).head: 1}
    reader, seen = opened(url, NEW, OLD), []

    def look(_name: str) -> None:
        seen.append(store.keys_by_head()[Envelope(NEW).head])
        assert bodies(reader) == sorted([*EVERY, b"body 100"])

    assert store.rotate_keys("test", NOW, batch=5, failpoint=look) == SUBJECTS + 1
    assert seen == [6, 11, 16, 21, 24, 24], "small steps"
    assert store.keys_by_head() == {Envelope(NEW).head: SUBJECTS + 2}
    assert store.rotate_keys("test", NOW, batch=5) == 0
    for one in (reader, store):
        one.close()
    alone = opened(url, NEW)
    assert bodies(alone) == sorted([*EVERY, b"body 100"])
    assert alone.audit_broken_at() is None
    alone.close()


def test_a_person_is_found_and_erased_under_the_new_key_and_stays_erased(url: str) -> None:
    filled(url)
    first = opened(url, OLD)
    with first._engine.execution_options(writes=True).begin() as connection:
        connection.execute(delete(tables.people).where(tables.people.c.subject == "store:4"))
    assert first.erase(first.fingerprint_of(PERSON), "test", NOW) == ["store:3"]
    before = first.fingerprint_of(PERSON), first._payloads.hash_of(b"body")
    first.close()
    store = opened(url, NEW, OLD)
    store.rotate_keys("test", NOW, batch=4)
    store.close()
    alone = opened(url, NEW)
    assert (alone.fingerprint_of(PERSON), alone._payloads.hash_of(b"body")) == before
    assert alone.subjects_about(alone.fingerprint_of(PERSON)) == ["store:3"]
    assert alone.is_erased("store", "3")
    assert b"body 3" not in bodies(alone)
    assert len(bodies(alone)) == SUBJECTS - 1
    alone.record([arrival(hint(3, event="later", payload=b"more of them"))], NOW)
    assert b"more of them" not in bodies(alone)
    with alone._engine.connect() as connection:
        kept = select(tables.subject_keys.c.wrapped).where(tables.subject_keys.c.subject == "store:3")
        assert connection.execute(kept).scalar_one() is None
    alone.close()


def test_one_that_is_erased_while_it_is_wrapped_anew_stays_erased(url: str) -> None:
    filled(url)
    store = opened(url, NEW, OLD)

    def erased_first(wrapped: bytes) -> bytes:
        everyone = update(tables.subject_keys).where(tables.subject_keys.c.wrapped == wrapped)
        connection.execute(everyone.values(wrapped=None, erased_at=NOW))
        return store.sealer.rewrap(wrapped)

    with store._engine.execution_options(writes=True).begin() as connection:
        last, done = rotation.rewrap_subjects(connection, erased_first, store.sealer.head, "", 100)
    assert (last is not None, done) == (True, 0)
    assert store.keys_by_head() == {Envelope(OLD).head: 1}
    store.close()


def test_two_that_rotate_at_once_do_no_harm(url: str) -> None:
    filled(url)
    stores = [opened(url, NEW, OLD) for _ in range(2)]
    counts: list[int] = []
    crowd = [
        threading.Thread(target=lambda one=one: counts.append(one.rotate_keys("test", NOW, batch=2))) for one in stores
    ]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join(60)
    assert sum(counts) == SUBJECTS + 1, "each key once"
    assert bodies(stores[0]) == EVERY
    for one in stores:
        one.close()


def test_fingerprints_stay_where_the_key_is_changed_in_the_same_step_as_the_version(url: str) -> None:
    filled(url, kept=False)  # as an older version left it: the key of fingerprints is nowhere
    store = opened(url, NEW, OLD)
    assert store.subjects_about(store.fingerprint_of(PERSON)) == ["store:3", "store:4"]
    store.close()


def test_a_wrong_master_key_is_refused_at_the_start(url: str) -> None:
    filled(url)
    with pytest.raises(ConfigurationError, match="old_master_keys"):
        opened(url, THIRD)


def test_a_former_key_that_is_gone_too_early_is_refused_until_it_is_back(url: str) -> None:
    filled(url)
    with pytest.raises(ConfigurationError, match="old_master_keys"):
        opened(url, NEW)
    store = opened(url, NEW, OLD)
    store.rotate_keys("test", NOW)
    store.close()
    opened(url, NEW).close()


def test_a_key_that_nobody_knows_stops_the_rotation_and_harms_nothing(url: str) -> None:
    filled(url)
    store = opened(url, NEW, OLD)
    with store._engine.execution_options(writes=True).begin() as connection:
        alien = update(tables.subject_keys).where(tables.subject_keys.c.subject == "store:5")
        connection.execute(alien.values(wrapped=Envelope(THIRD).new_subject_key()))
    with pytest.raises(ConfigurationError, match="another master key"):
        store.rotate_keys("test", NOW, batch=3)
    assert store.keys_by_head()[Envelope(THIRD).head] == 1
    store.close()
    both = opened(url, NEW, OLD, THIRD)
    both.rotate_keys("test", NOW, batch=3)
    assert set(both.keys_by_head()) == {Envelope(NEW).head}
    both.close()


def test_who_rotated_is_in_the_trail(url: str) -> None:
    filled(url)
    store = opened(url, NEW, OLD)
    store.rotate_keys("cli:ann", NOW)
    store.seal_audit()
    rows = [row for row in store.audit_export(bodies=False) if row.get("operation_type") == "rotate keys"]
    assert [(row["actor"], row["detail"]) for row in rows] == [
        ("cli:ann", "begun"),
        ("cli:ann", f"{SUBJECTS + 1} keys"),
    ]
    store.close()
