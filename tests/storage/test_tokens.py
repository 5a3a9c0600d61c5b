"""Tokens in the database, on both: what is kept, what ends when, and what the audit trail has of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Thread

import pytest
from sqlalchemy import text

from crossdock.conformance.storages import NOW
from crossdock.errors import StorageError
from crossdock.security.envelope import Envelope
from crossdock.security.tokens import NewToken, hash_of, new_token
from crossdock.storage.engine import open_engine
from crossdock.storage.migrate import migrate
from crossdock.storage.sql import SqlStore
from tests.databases import postgres_url, sqlite_url
from tests.walk.world import until

HOUR = timedelta(hours=1)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    def opened(url: str) -> SqlStore:
        engine = open_engine(url)
        migrate(engine)
        return SqlStore(engine, Envelope(b"k" * 32))

    if request.param == "sqlite":
        found = opened(sqlite_url(tmp_path))
        yield found
        found.close()
        return
    with postgres_url() as url:
        found = opened(url)
        yield found
        found.close()


def made(store: SqlStore, name: str = "sap", **more: object) -> str:
    secret = new_token()
    new = NewToken(name=name, hash=hash_of(secret), scopes=("erp:*", "read"), connection="erp", **more)  # type: ignore[arg-type]
    assert store.access.add_token(new, "cli:ada", NOW)
    return secret


def state(store: SqlStore, secret: str, later: timedelta = timedelta()) -> str:
    found = store.access.token_of(hash_of(secret))
    return "unknown" if found is None else found.state(NOW + later)


def test_a_token_is_known_by_its_hash_alone(store: SqlStore) -> None:
    secret = made(store)
    found = store.access.token_of(hash_of(secret))
    assert found is not None
    assert (found.name, found.scopes, found.connection, found.created_by) == (
        "sap",
        ("erp:*", "read"),
        "erp",
        "cli:ada",
    )
    assert state(store, secret, 1000 * HOUR) == "good"
    assert state(store, new_token()) == "unknown"
    with store._engine.connect() as connection:
        assert secret not in str(connection.execute(text("SELECT * FROM api_tokens")).all())


def test_one_name_one_token_until_it_ends(store: SqlStore) -> None:
    first = made(store, expires_at=NOW + HOUR)
    again = NewToken(name="sap", hash=hash_of(new_token()), scopes=("read",))
    assert not store.access.add_token(again, "cli:bob", NOW)
    assert store.access.add_token(again, "cli:bob", NOW + HOUR)
    assert (state(store, first), state(store, first, HOUR)) == ("good", "expired")
    assert [one.generation for one in store.access.tokens()] == [1, 2]


def test_a_rotation_overlaps_and_keeps_what_was_allowed(store: SqlStore) -> None:
    old, new = made(store, expires_at=NOW + 100 * HOUR), new_token()
    wanted = NewToken(name="sap", hash=hash_of(new), scopes=())
    heir = store.access.rotate_token(wanted, NOW + 25 * HOUR, "cli:bob", NOW + HOUR)
    assert heir is not None
    assert (heir.scopes, heir.connection, heir.expires_at) == (("erp:*", "read"), "erp", NOW + 101 * HOUR)
    assert [state(store, one, 24 * HOUR) for one in (old, new)] == ["good", "good"]
    assert [state(store, one, 25 * HOUR) for one in (old, new)] == ["expired", "good"]
    assert store.access.rotate_token(wanted, NOW, "x", NOW + 200 * HOUR) is None


def test_an_overlap_never_makes_a_token_live_longer(store: SqlStore) -> None:
    old = made(store, expires_at=NOW + HOUR)
    store.access.rotate_token(NewToken(name="sap", hash=hash_of(new_token()), scopes=()), NOW + 9 * HOUR, "x", NOW)
    assert state(store, old, HOUR) == "expired"


def test_revoking_ends_every_generation_at_once(store: SqlStore) -> None:
    old, new = made(store), new_token()
    store.access.rotate_token(NewToken(name="sap", hash=hash_of(new), scopes=()), NOW + HOUR, "x", NOW)
    assert store.access.revoke_token("sap", "cli:bob", "leaked", NOW) == 2
    assert [state(store, one) for one in (old, new)] == ["revoked", "revoked"]
    assert store.access.revoke_token("sap", "cli:bob", "again", NOW) == 0


def test_the_last_use_is_written_once_a_minute(store: SqlStore) -> None:
    secret = made(store)
    kept = store.access.token_of(hash_of(secret))
    assert kept is not None

    def last() -> object:
        found = store.access.token_of(hash_of(secret))
        return found and found.last_used_at

    def used(after: int) -> object:
        store.access.token_used(kept.id, NOW + timedelta(seconds=after))
        store.access.revoke_token("nobody", "x", "x", NOW)  # behind it in the queue: then it is committed
        return last()

    used(0)
    until(lambda: last() == NOW)  # PostgreSQL has several committers, and any of them may be the first
    if store._engine.dialect.name == "sqlite":  # one committer: the order of the queue is the order of the commits
        assert used(59) == NOW
        assert used(61) == NOW + timedelta(seconds=61)


def test_of_two_that_make_the_same_name_at_once_one_fails(store: SqlStore) -> None:
    gate, outcomes = Barrier(2), []

    def make() -> None:
        gate.wait()
        try:
            new = NewToken(name="sap", hash=hash_of(new_token()), scopes=("read",))
            outcomes.append(store.access.add_token(new, "x", NOW))
        except StorageError:
            outcomes.append(False)

    threads = [Thread(target=make) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(outcomes) == [False, True]
    assert len(store.access.tokens()) == 1


def test_every_change_is_in_the_trail_with_who_did_it_and_without_the_token(store: SqlStore) -> None:
    secret, heir = made(store), new_token()
    store.access.rotate_token(NewToken(name="sap", hash=hash_of(heir), scopes=()), NOW + HOUR, "cli:bob", NOW)
    store.access.revoke_token("sap", "cli:eve", "leaked", NOW)
    rows = [one for one in store.audit_export(bodies=True) if one.get("entity_type") == "token"]
    assert [(one["operation_type"], one["entity_id"], one["actor"]) for one in rows] == [
        ("token-create", "sap", "cli:ada"),
        ("token-rotate", "sap", "cli:bob"),
        ("token-revoke", "sap", "cli:eve"),
    ]
    assert "erp:* read erp" in rows[0]["detail"]
    for one in (secret, heir, hash_of(secret), hash_of(heir)):
        assert one not in str(rows)
