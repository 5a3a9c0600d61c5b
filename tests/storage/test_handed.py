"""The ledger of what was handed over, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from crossdock.conformance.storages import NOW
from crossdock.contract.ledger import Batch, Handed
from crossdock.security.envelope import Envelope
from crossdock.storage.engine import open_engine
from crossdock.storage.migrate import migrate
from crossdock.storage.sql import SqlStore
from tests.databases import postgres_url, sqlite_url


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


def rows(batch: str, *keys: str, after: int = 0) -> list[Handed]:
    at = NOW + timedelta(seconds=after)
    return [Handed(key=key, batch=batch, place=place, at=at, content="c") for place, key in enumerate(keys)]


def test_rows_are_there_from_before_they_are_sent_until_they_are_closed(store: SqlStore) -> None:
    ledger = store.ledger("shop")
    assert (ledger.of(["a"]), ledger.of([]), ledger.batches()) == ({}, {}, [])
    ledger.hand_over(rows("one", "a", "b"))
    ledger.hand_over(rows("two", "c", after=1))
    assert ledger.of(["b", "z"]) == {"b": rows("one", "a", "b")[1]}
    ledger.accept("one", "uuid-1")
    ledger.accept("two", "uuid-2", found=True)
    assert {key: (row.ticket, row.found) for key, row in ledger.of(["a", "b", "c"]).items()} == {
        "a": ("uuid-1", False),
        "b": ("uuid-1", False),
        "c": ("uuid-2", True),
    }
    ledger.close(["a"])
    assert ledger.batches() == [
        Batch(batch="one", ticket="uuid-1", rows=1, at=NOW),
        Batch(batch="two", ticket="uuid-2", rows=1, at=NOW + timedelta(seconds=1)),
    ]
    ledger.close([])
    ledger.close(["b", "c", "never"])
    assert ledger.batches() == []


def test_what_is_handed_over_again_takes_the_place_of_what_stood(store: SqlStore) -> None:
    ledger = store.ledger("shop")
    ledger.hand_over(rows("one", "a", "b"))
    ledger.accept("one", "uuid-1")
    ledger.hand_over(rows("two", "b", after=1))
    assert {key: (row.batch, row.ticket) for key, row in ledger.of(["a", "b"]).items()} == {
        "a": ("one", "uuid-1"),
        "b": ("two", ""),
    }


def test_targets_know_nothing_of_each_other(store: SqlStore) -> None:
    one, other = store.ledger("shop"), store.ledger("other")
    one.hand_over(rows("one", "a"))
    other.hand_over(rows("one", "a"))
    one.accept("one", "uuid-1")
    one.close(["a"])
    assert (one.batches(), [batch.ticket for batch in other.batches()]) == ([], [""])
