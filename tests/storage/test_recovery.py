"""A database restored from a backup, on both: what was owed is doubted, what was confirmed is confirmed no more."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from crossdock.conformance.storages import NOW, arrival, hint, lease, promise, verdict
from crossdock.delivery.records import Delivery, Settlement, State
from crossdock.errors import ConfigurationError, LeaseLost, StorageError
from crossdock.feeds.levels import Fate
from crossdock.security.access import Role
from crossdock.security.users import KeptUser
from tests.storage.test_states import Kept, kept, level

__all__ = ["kept"]
WEEK = timedelta(days=7)
RESTORED = NOW + timedelta(hours=1)
LATER = RESTORED + timedelta(hours=1)


def looked_at(kept: Kept, number: int, at: datetime) -> Delivery:
    """An order is looked at and promised; its delivery, leased."""
    kept.whole.record([arrival(hint(number))], at)
    (look,) = lease(kept.whole, at, limits={"store": 1})
    kept.whole.settle(look, Settlement(verdict=verdict(State.DELIVERED), promises=(promise(number),)), at)
    return next(one for one in lease(kept.whole, at, limits={"erp": 9}) if one.subject == str(number))


def test_what_was_owed_is_doubted_and_whoever_holds_it_is_fenced(kept: Kept) -> None:
    owed = looked_at(kept, 1, NOW)
    assert not owed.maybe_sent
    found = kept.whole.recovery.recover("me", "the disk is gone", RESTORED, WEEK)
    assert (found.doubted, found.until) == (1, RESTORED + WEEK)
    assert found.newest == NOW
    with pytest.raises(LeaseLost):
        kept.whole.settle(owed, Settlement(verdict=verdict(State.DELIVERED)), RESTORED)
    (again,) = lease(kept.whole, RESTORED, limits={"erp": 1})
    assert (again.id, again.maybe_sent, again.sent_at) == (owed.id, True, RESTORED)
    for claims in range(5):  # a worker of the lost life that hangs, and has claimed it that often since the backup
        theirs = msgspec.structs.replace(owed, fence=owed.fence + claims)
        with pytest.raises(LeaseLost):
            kept.whole.settle(theirs, Settlement(verdict=verdict(State.DELIVERED)), RESTORED)
    kept.whole.settle(again, Settlement(verdict=verdict(State.DELIVERED)), RESTORED)


def test_a_look_of_the_lost_life_is_fenced_off_too(kept: Kept) -> None:
    looked_at(kept, 1, NOW)
    kept.whole.recovery.recover("me", "", RESTORED, WEEK)
    kept.whole.record([arrival(hint(1, event="again"))], LATER)
    (look,) = lease(kept.whole, LATER, limits={"store": 1})
    for claims in range(5):
        theirs = msgspec.structs.replace(look, fence=1 + claims)
        with pytest.raises(LeaseLost):
            kept.whole.settle(theirs, Settlement(verdict=verdict(State.DELIVERED)), LATER)


def test_what_is_promised_from_then_on_is_doubted_until_the_caution_ends(kept: Kept) -> None:
    kept.whole.recovery.recover("me", "", RESTORED, WEEK)
    soon = looked_at(kept, 1, LATER)
    assert (soon.maybe_sent, soon.sent_at) == (True, RESTORED), "as sent at the last moment that is not remembered"
    late = looked_at(kept, 2, RESTORED + WEEK)
    assert (late.maybe_sent, late.sent_at) == (False, None)


def test_a_look_is_not_doubted(kept: Kept) -> None:
    kept.whole.recovery.recover("me", "", RESTORED, WEEK)
    kept.whole.record([arrival(hint(1))], LATER)
    (look,) = lease(kept.whole, LATER, limits={"store": 1})
    assert not look.maybe_sent


def test_a_dead_letter_is_doubted_too(kept: Kept) -> None:
    owed = looked_at(kept, 1, NOW)
    kept.whole.settle(owed, Settlement(verdict=verdict(State.DEAD, code="rejected")), NOW)
    kept.whole.recovery.recover("me", "", RESTORED, WEEK)
    assert kept.whole.replay([owed.id], "me", LATER) == 1
    (again,) = lease(kept.whole, LATER, limits={"erp": 1})
    assert again.maybe_sent


def test_a_level_that_was_confirmed_is_written_again_once_it_is_told(kept: Kept) -> None:
    """1 was confirmed, then came 2 and 1 again: the database remembers neither, and the store may have 2."""
    kept.told(level("A", "1", version="1"), level("B", "1", version="1"))
    kept.settle(kept.lease(), State.DELIVERED)
    assert kept.told(level("A", "1", version="2")) == [Fate.UNCHANGED]
    assert kept.whole.recovery.recover("me", "", RESTORED, WEEK).states == 2
    assert kept.told(level("A", "1", version="3")) == [Fate.CHANGED]
    assert kept.told(level("B", "1", version="0")) == [Fate.STALE]


def test_an_old_level_that_was_owed_waits_for_a_newer_one(kept: Kept) -> None:
    kept.told(level("A", "1", version="1"), level("B", "1", version="1"))
    kept.whole.recovery.recover("me", "", NOW, WEEK)
    assert kept.lease(after=300) == []
    kept.told(level("A", "2", version="2"))
    newer = kept.lease(after=301)
    assert [one.message.content for one in newer] == ["2"]
    kept.settle(newer, State.DELIVERED, after=301)
    (old,) = kept.lease(after=601)
    assert (old.subject, old.maybe_sent) == ("B", False)


def test_nobody_is_logged_in_any_more_and_the_streams_are_free(kept: Kept) -> None:
    claimed = kept.claim()
    assert claimed is not None
    kept.whole.users.add(KeptUser(id=0, name="ada", role=Role.ADMIN, password="x", created_at=NOW), "me", NOW)
    ada = kept.whole.users.user("ada")
    assert ada is not None
    kept.whole.users.open_session(ada, "digest", "", "password", NOW, NOW + WEEK)
    assert kept.whole.users.session("digest") is not None
    assert kept.whole.recovery.recover("me", "", NOW, WEEK).sessions == 1
    assert kept.whole.users.session("digest") is None
    assert kept.claim(after=1) is not None
    for claims in range(5):
        with pytest.raises(LeaseLost):
            kept.page(msgspec.structs.replace(claimed, fence=claimed.fence + claims), "late", "store")


def test_it_may_be_said_again_and_is_in_the_trail(kept: Kept) -> None:
    for after in (0, 10):
        kept.whole.recovery.recover("me", "why", RESTORED + timedelta(seconds=after), WEEK)
    rows = [row for row in kept.whole.audit_export(bodies=False) if row.get("operation_type") == "restored"]
    assert [(row["actor"], row["entity_type"]) for row in rows] == [("me", "database")] * 2
    assert looked_at(kept, 1, LATER).sent_at == RESTORED + timedelta(seconds=10)


def test_a_copy_is_marked_and_what_it_is_a_copy_of_is_not(kept: Kept, tmp_path: Path) -> None:
    path = tmp_path / "copy.sqlite"
    if kept.whole.recovery._engine.dialect.name != "sqlite":
        with pytest.raises(ConfigurationError, match="pg_dump"):
            kept.whole.recovery.copy_to(path, NOW)
        assert not path.exists()
        return
    looked_at(kept, 1, NOW)
    assert kept.whole.recovery.copy_to(path, NOW) == path.stat().st_size
    assert not kept.whole.recovery.is_copy()
    assert sorted(one.name for one in tmp_path.glob("*copy*")) == ["copy.sqlite"]
    copy = Kept(f"sqlite:///{path}")
    assert copy.whole.recovery.is_copy()
    assert copy.whole.recovery.recover("me", "", LATER, WEEK).doubted == 1
    assert not copy.whole.recovery.is_copy()
    copy.whole.close()


def test_a_copy_never_takes_the_place_of_a_file(kept: Kept, tmp_path: Path) -> None:
    path = tmp_path / "copy.sqlite"
    path.write_text("mine")
    with pytest.raises(ConfigurationError):
        kept.whole.recovery.copy_to(path, NOW)
    assert path.read_text() == "mine"


def test_a_copy_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    kept = Kept(f"sqlite:///{tmp_path}/crossdock.sqlite")
    with closing(sqlite3.connect(tmp_path / "crossdock.sqlite")) as other:
        other.execute("DROP TABLE checkpoints")  # what the mark is put into
        other.commit()
    with pytest.raises(StorageError, match="no copy was made"):
        kept.whole.recovery.copy_to(tmp_path / "copy.sqlite", NOW)
    assert sorted(one.name for one in tmp_path.glob("*copy*")) == []
    kept.whole.close()
