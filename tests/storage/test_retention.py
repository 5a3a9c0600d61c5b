"""What is let go by age, what never is, and that the chain is proven past it. On both databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, delete, select, text, update

from crossdock.conformance.storages import LEASE, NOW, arrival, hint, lease, verdict
from crossdock.delivery.records import Attempt, Settlement, State
from crossdock.security.envelope import Envelope
from crossdock.storage import migrate as migrations
from crossdock.storage.engine import open_engine
from crossdock.storage.migrate import current, migrate
from crossdock.storage.sql import SqlStore
from crossdock.storage.tables import audit, audit_anchors, metadata
from tests.databases import postgres_url, sqlite_url

OLD = NOW - timedelta(days=400)
LIMIT = NOW - timedelta(days=365)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.services)])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    if request.param == "sqlite":
        made = open_engine(sqlite_url(tmp_path))
        yield made
        made.dispose()
        return
    with postgres_url() as url:
        made = open_engine(url)
        yield made
        made.dispose()


@pytest.fixture
def store(engine: Engine) -> Iterator[SqlStore]:
    migrate(engine)
    made = SqlStore(engine, Envelope(b"k" * 32))
    try:
        yield made
    finally:
        made.close()


def note(store: SqlStore, name: str, days: int = 400) -> None:
    moment = NOW - timedelta(days=days)
    store.note(Attempt(operation="test", entity="orders", entity_id=name, started_at=moment, actor="t"), moment)
    store.seal_audit()


def tried(store: SqlStore) -> None:
    """An attempt long ago, at something that is still owed."""
    (owed,) = store.lease("w", OLD, OLD + LEASE, {"store": 9}, limit=9)
    attempt = Attempt(operation="GET", entity_id=owed.subject, started_at=OLD)
    store.settle(owed, Settlement(verdict=verdict(State.PENDING, OLD), attempts=(attempt,)), OLD)
    store.seal_audit()


def names(store: SqlStore) -> list[str]:
    """What is left, without the rows that tell what was let go."""
    rows = [row for row in store.audit_export(bodies=False) if "anchor" not in row]
    return [row["entity_id"] for row in rows if row["operation_type"] not in {"expire", "pause"}]


def spans(store: SqlStore) -> list[tuple[int, int]]:
    found = [row["anchor"] for row in store.audit_export(bodies=False) if "anchor" in row]
    return [(one["first"], one["last"]) for one in found]


def let_go(store: SqlStore, limit: int = 5000) -> int:
    return store.forget_rows(LIMIT, NOW, limit)


def test_old_rows_go_and_the_chain_is_proven_from_the_anchor_on(store: SqlStore) -> None:
    for number in range(5):
        note(store, f"old{number}")
    note(store, "young", 10)
    before = store.audit_proof()
    assert (before.rows, before.since, before.gone, before.broken_at) == (6, 1, 0, None)
    assert let_go(store) == 5
    assert names(store) == ["young"]
    assert spans(store) == [(1, 5)]
    after = store.audit_proof()
    assert (after.rows, after.since, after.gone, after.anchors, after.broken_at) == (2, 6, 5, 1, None)
    assert after.removed_at == NOW
    assert let_go(store) == 0


def test_the_trail_says_what_was_let_go(store: SqlStore) -> None:
    note(store, "old")
    note(store, "young", 10)
    let_go(store)
    (row,) = [one for one in store.audit_export(bodies=False) if one.get("operation_type") == "expire"]
    (anchor,) = [one["anchor"] for one in store.audit_export(bodies=False) if "anchor" in one]
    assert (row["entity_id"], row["actor"]) == ("1-1", "crossdock")
    assert anchor["hash"] in row["detail"]


def test_in_small_steps_one_anchor_grows(store: SqlStore) -> None:
    for number in range(5):
        note(store, f"old{number}")
    note(store, "young", 10)
    assert [let_go(store, 2) for _ in range(4)] == [2, 2, 1, 0]
    assert spans(store) == [(1, 5)]
    assert store.audit_broken_at() is None


def test_what_is_unresolved_keeps_its_rows_and_both_sides_are_let_go_around_it(store: SqlStore) -> None:
    store.record([arrival(hint(7))], OLD)
    for name in ("old1", "7", "old2", "old3", "7", "old4"):
        if name == "7":
            tried(store)
        else:
            note(store, name)
    note(store, "young", 10)
    assert let_go(store) == 4
    assert names(store) == ["7", "7", "young"]
    assert spans(store) == [(1, 1), (3, 4), (6, 6)]
    assert store.audit_broken_at() is None
    (owed,) = lease(store)
    store.settle(owed, Settlement(verdict=verdict(State.DEAD, code="rejected")), NOW)
    assert let_go(store) == 0  # dead, and nobody has resolved it
    store.resolve([owed.id], "t", "done by hand", NOW)
    assert names(store) == ["7", "7", "young", "7"]
    assert let_go(store) == 2
    assert names(store) == ["young", "7"]  # what was done about it lately
    assert spans(store) == [(1, 6)]
    proof = store.audit_proof()
    assert (proof.broken_at, proof.gone, proof.since) == (None, 6, 7)


def test_the_row_of_a_pause_stays_as_long_as_the_pause(store: SqlStore) -> None:
    store.pause("erp", "stocktaking", "t", OLD)
    note(store, "old")
    note(store, "young", 10)
    assert let_go(store) == 1
    assert [row["detail"] for row in store.audit_export(bodies=False) if row.get("operation_type") == "pause"]
    store.resume("erp", "t", NOW)
    assert let_go(store) == 1
    assert store.audit_broken_at() is None


def test_the_newest_row_stays_and_the_next_one_is_linked_to_it(store: SqlStore) -> None:
    note(store, "old1")
    note(store, "old2")
    assert let_go(store) == 1
    assert names(store) == ["old2"]
    note(store, "young", 10)
    proof = store.audit_proof()
    assert (proof.broken_at, proof.since) == (None, 2)


def test_what_is_not_sealed_yet_is_not_let_go(store: SqlStore) -> None:
    store.note(Attempt(operation="test", started_at=OLD), OLD)
    assert let_go(store) == 0
    assert len(names(store)) == 1


@pytest.mark.parametrize("theft", ["row", "hash", "span", "anchor", "none", "before"])
def test_what_was_not_let_go_by_us_is_found(store: SqlStore, engine: Engine, theft: str) -> None:
    for number in range(3):
        note(store, f"old{number}")
    for number in range(3):
        note(store, f"young{number}", 10)
    let_go(store)
    assert store.audit_broken_at() is None
    wrong = {
        "row": delete(audit).where(audit.c.position == 5),
        "hash": update(audit_anchors).values(hash=b"\x01" * 32),
        "span": update(audit_anchors).values(last=4),
        "anchor": delete(audit_anchors),
        "none": audit_anchors.insert().values(first=90, last=91, before=b"x", hash=b"x", removed_at=NOW),
        "before": update(audit_anchors).values(before=b"\x01" * 32),
    }
    with engine.execution_options(writes=True).begin() as connection:
        connection.execute(wrong[theft])
    assert store.audit_broken_at() == {"row": 5, "hash": 4, "span": 5, "anchor": 1, "none": 90, "before": 1}[theft]


def test_rows_may_go_before_their_bodies_do(store: SqlStore) -> None:
    attempt = Attempt(operation="POST", entity="orders", entity_id="1", started_at=OLD, request=b"{}", response=b"[]")
    store.note(attempt, OLD)
    store.seal_audit()
    note(store, "young", 10)
    assert let_go(store) == 1
    assert store.forget_bodies(NOW) == 2


def test_a_database_of_the_first_version_is_brought_up_with_its_rows(engine: Engine) -> None:
    migrate(engine)
    made = SqlStore(engine, Envelope(b"k" * 32))
    made.record([arrival(hint(1, payload=b"{1}"))], NOW)
    (first,) = lease(made)
    once = Attempt(operation="GET", entity_id="1", started_at=NOW, request=b"{}")
    made.settle(first, Settlement(verdict=verdict(State.DELIVERED), attempts=(once,)), NOW)
    made.seal_audit()
    config = migrations._config()
    with engine.execution_options(writes=True).begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
    assert current(engine)[0] == "0001"
    migrate(engine)
    have, newest = current(engine)
    assert have == newest
    proof = made.audit_proof()
    assert (proof.rows, proof.broken_at, proof.gone) == (1, None, 0)
    note(made, "young", 10)
    assert made.forget_rows(NOW + LEASE, NOW) == 1
    assert made.audit_broken_at() is None
    with engine.connect() as connection:
        assert connection.execute(select(text("count(*)")).select_from(text("messages"))).scalar() == 1
    made.close()


def test_the_migrations_make_the_tables_that_the_code_has(engine: Engine) -> None:
    migrate(engine)
    # the fleet's index is PostgreSQL's only
    absent = set() if engine.dialect.name == "postgresql" else {"ix_deliveries_unannounced"}

    def compared(_object: object, name: str, *_more: object) -> bool:
        return name not in absent

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": compared})
        assert compare_metadata(context, metadata) == []
    engine.dispose()
