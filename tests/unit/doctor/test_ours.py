"""Our own side: each check seen to fail, and seen to be content."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from crossdock.contract.findings import Finding, Level
from crossdock.delivery.records import State
from crossdock.doctor import broker, database, keys, outbox
from crossdock.doctor.database import Room
from crossdock.doctor.examined import examinations
from crossdock.doctor.keys import Aged, Wrapped
from crossdock.doctor.report import chosen, run
from crossdock.errors import MissingEntry
from crossdock.operations.schedules import Line
from crossdock.security.envelope import Envelope
from crossdock.security.tokens import KeptToken
from crossdock.storage.engine import open_engine
from crossdock.storage.facts import DatabaseFacts, facts
from tests.databases import postgres_url
from tests.rabbit import virtual_host
from tests.unit.operations.desks import Bench, bench

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
GOOD = DatabaseFacts(kind="postgresql", version="16.4", settings={"fsync": "on", "synchronous_commit": "on"}, now=NOW)


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path) as made:
        yield made


def the(findings: list[Finding]) -> Finding:
    (found,) = findings
    return found


def looked(at: Bench, name: str, subject: str = "crossdock") -> list[Finding]:
    """As the doctor looks, with the real clock of this machine."""
    found = [one for one in examinations(at.crossdock, list) if (one.check.name, one.subject) == (name, subject)]
    return list(run(chosen(found, [name]), NOW).findings)


# --- database -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "setting", "value"),
    [
        ("postgresql", "fsync", "off"),
        ("postgresql", "synchronous_commit", "off"),
        ("postgresql", "full_page_writes", "off"),
        ("sqlite", "synchronous", "1"),
        ("sqlite", "journal_mode", "memory"),
    ],
)
def test_database_fails_where_a_commit_can_be_lost(kind: str, setting: str, value: str) -> None:
    found = the(database.is_kept(DatabaseFacts(kind=kind, version="16.1", settings={setting: value}), NOW.date()))
    assert found.level is Level.ERROR
    assert f"{setting} = {value}" in found.what
    assert found.mend


@pytest.mark.parametrize(
    ("version", "today", "level"),
    [
        ("14.9", date(2026, 11, 12), Level.OK),
        ("14.9", date(2026, 11, 13), Level.WARNING),
        ("9.6", date(2026, 1, 1), Level.WARNING),
        ("42.1", date(2026, 1, 1), Level.OK),
    ],
)
def test_database_fails_where_a_version_gets_no_more_fixes(version: str, today: date, level: Level) -> None:
    told = DatabaseFacts(kind="postgresql", version=version, settings={})
    assert the(database.is_kept(told, today)).level is level


def test_database_fails_with_an_old_sqlite() -> None:
    told = DatabaseFacts(kind="sqlite", version="3.31.1", settings={})
    assert the(database.is_kept(told, NOW.date())).level is Level.ERROR


def test_database_is_satisfied_with_ours(at: Bench) -> None:
    found = the(looked(at, "database"))
    assert found.level is Level.OK
    assert found.what.startswith("SQLite 3.")


@pytest.mark.services
def test_database_fails_where_a_real_server_does_not_sync() -> None:
    with postgres_url() as url:
        name = url.rpartition("/")[2]
        with psycopg.connect(url, autocommit=True) as session:
            session.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
        engine = open_engine(url)
        with engine.connect() as connection:
            told = facts(connection)
        engine.dispose()
    assert told.now is not None
    assert abs(datetime.now(UTC) - told.now) < timedelta(seconds=60)
    assert told.size_bytes > 1_000_000
    assert "synchronous_commit = off" in the(database.is_kept(told, date(2026, 1, 1))).what


@pytest.mark.parametrize(
    ("seconds", "level"),
    [(2, Level.OK), (-2, Level.OK), (9, Level.WARNING), (-9, Level.WARNING), (90, Level.ERROR), (-90, Level.ERROR)],
)
def test_database_clock_fails_where_the_two_are_apart(seconds: int, level: Level) -> None:
    before, after = NOW - timedelta(seconds=1), NOW
    told = DatabaseFacts(kind="postgresql", version="16", settings={}, now=NOW + timedelta(seconds=seconds))
    assert the(database.clocks(told, before, after)).level is level


def test_database_clock_is_satisfied_with_a_file(at: Bench) -> None:
    assert the(looked(at, "database-clock")).level is Level.OK


@pytest.mark.parametrize(
    ("free", "total", "level"),
    [
        (100_000_000, 10**12, Level.ERROR),
        (1_000_000_000, 10**10, Level.WARNING),
        (40 * 10**9, 10**12, Level.WARNING),
        (400 * 10**9, 10**12, Level.OK),
    ],
)
def test_disk_fails_where_there_is_little_room(free: int, total: int, level: Level) -> None:
    told = DatabaseFacts(kind="sqlite", version="3.40", settings={}, folder="/srv")
    assert the(database.room(told, Room(free=free, total=total))).level is level


def test_disk_is_satisfied_or_looked_at_by_hand(tmp_path: Path) -> None:
    told = DatabaseFacts(kind="sqlite", version="3.40", settings={}, folder=str(tmp_path))
    assert "MB are free" in the(database.room(told, database.room_in(str(tmp_path)))).what
    assert the(database.room(GOOD, None)).by_hand


# --- broker ---------------------------------------------------------------------------------------------------------


def test_broker_fails_where_nobody_answers() -> None:
    found = the(broker.found("amqp://guest:s3same@127.0.0.1:1/"))
    assert found.level is Level.ERROR
    assert "s3same" not in found.what + found.mend


def test_broker_fails_where_it_is_older_than_what_was_tried() -> None:
    assert the(broker.answered("3.8.9")).level is Level.WARNING
    assert the(broker.answered("")).level is Level.WARNING


@pytest.mark.services
def test_broker_is_satisfied_with_the_one_of_this_machine() -> None:
    with virtual_host() as url:
        found = the(broker.found(url))
    assert found.level is Level.OK, found
    assert found.what.startswith("RabbitMQ ")


# --- keys -----------------------------------------------------------------------------------------------------------


def test_master_key_fails_where_a_key_is_not_known_left_or_idle() -> None:
    mine, old, lost = b"\1mine", b"\1old.", b"\1lost"
    told = keys.master_key(Wrapped(current=mine, former=frozenset({old}), counts={mine: 1, lost: 2}))
    assert (the(told).level, the(told).mend.split()[0]) == (Level.ERROR, "add")
    told = keys.master_key(Wrapped(current=mine, former=frozenset({old}), counts={mine: 1, old: 2}))
    assert (the(told).level, the(told).mend) == (Level.WARNING, "crossdock keys rotate")
    told = keys.master_key(Wrapped(current=mine, former=frozenset({old}), counts={mine: 1}))
    assert "old_master_keys" in the(told).mend


def test_master_key_fails_over_a_real_store_that_was_rotated_half(at: Bench) -> None:
    at.order(1)
    sealer = at.store.sealer
    assert isinstance(sealer, Envelope)
    at.store.sealer = Envelope(b"n" * 32)
    assert the(looked(at, "master-key")).level is Level.ERROR


def test_master_key_is_satisfied(at: Bench) -> None:
    at.order(1)
    assert the(looked(at, "master-key")).level is Level.OK


def token(days: int, *, ends: int | None = None, generation: int = 1, name: str = "erp") -> KeptToken:
    return KeptToken(
        id=generation,
        name=name,
        generation=generation,
        scopes=("read",),
        connection="",
        created_at=NOW - timedelta(days=days),
        created_by="test",
        expires_at=None if ends is None else NOW + timedelta(days=ends),
    )


def test_api_tokens_fails_where_one_is_old_or_ends_soon() -> None:
    old = the(keys.tokens([token(91)], NOW))
    assert (old.level, old.mend) == (Level.WARNING, "crossdock tokens rotate erp")
    assert "91 days" in old.what
    assert the(keys.tokens([token(1, ends=13)], NOW)).level is Level.WARNING


def test_api_tokens_is_satisfied_with_a_new_generation() -> None:
    assert the(keys.tokens([token(300), token(2, generation=2), token(1, ends=-1, name="gone")], NOW)).level is Level.OK
    assert the(keys.tokens([token(90, ends=15)], NOW)).level is Level.OK


def test_secrets_fails_where_a_file_is_old(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("x")
    written = the(keys.secrets(keys.aged([("connections.erp.auth.token", f"file:{tmp_path}/key")]), NOW))
    assert written.level is Level.OK
    later = datetime.now(UTC) + timedelta(days=91)
    found = the(keys.secrets(keys.aged([("connections.erp.auth.token", f"file:{tmp_path}/key")]), later))
    assert found.level is Level.WARNING
    assert "connections.erp.auth.token" in found.what


def test_secrets_is_satisfied_with_a_credential_of_systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "erp_token").write_text("x")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (one,) = keys.aged([("connections.erp.auth.token", "file:$CREDENTIALS_DIRECTORY/erp_token")])
    assert one.written_at is not None


def test_secrets_is_satisfied_or_says_whose_age_nobody_tells() -> None:
    young = Aged(setting="a", scheme="file", written_at=NOW - timedelta(days=1))
    ok, untold = keys.secrets([young, Aged(setting="b", scheme="env"), Aged(setting="c", scheme="vault")], NOW)
    assert ok.level is Level.OK
    assert untold.by_hand
    assert "the environment and the vault: b, c" in untold.what


# --- outbox ---------------------------------------------------------------------------------------------------------


def test_workers_fails_where_nobody_takes_what_is_due(at: Bench) -> None:
    at.clock.now = datetime.now(UTC) - timedelta(minutes=6)
    at.order(1)
    found = the(looked(at, "workers"))
    assert found.level is Level.ERROR
    assert "crossdock run" in found.mend
    at.store.pause("erp", "stocktaking", "test", at.clock.now)
    assert "erp, which is paused" in the(looked(at, "workers")).what


def test_workers_is_satisfied_while_something_moves(at: Bench) -> None:
    assert the(looked(at, "workers")).level is Level.OK
    late = NOW - timedelta(hours=1)
    assert the(outbox.workers(late, NOW, [], moving=True)).level is Level.OK
    assert the(outbox.workers(NOW - timedelta(minutes=4), NOW, [], moving=False)).level is Level.OK


@pytest.mark.parametrize(("minutes", "level"), [(59, Level.OK), (61, Level.WARNING), (24 * 60 + 1, Level.ERROR)])
def test_backlog_fails_where_documents_wait_for_long(at: Bench, minutes: int, level: Level) -> None:
    at.clock.now = datetime.now(UTC) - timedelta(minutes=minutes)
    at.order(1)
    at.order(2)
    found = the(looked(at, "backlog"))
    assert found.level is level
    assert "2" in found.what


def test_backlog_is_satisfied_with_looks_that_wait_for_their_orders(at: Bench) -> None:
    at.clock.now = datetime.now(UTC) - timedelta(days=3)
    at.order(1, flow="looks")
    assert the(looked(at, "backlog")).level is Level.OK


def test_dead_letters_fails_where_there_are_any(at: Bench) -> None:
    at.dead(1)
    at.dead(2)
    found = the(looked(at, "dead-letters"))
    assert (found.level, found.mend) == (Level.WARNING, "crossdock dead list --flow orders")
    assert "2 orders for erp are dead: rejected" in found.what


def test_dead_letters_is_satisfied_when_they_are_resolved(at: Bench) -> None:
    number = at.dead(1)
    at.store.resolve([number], "test", "by hand", at.clock.now)
    assert the(looked(at, "dead-letters")).level is Level.OK


def test_lookups_fails_where_a_document_waits_for_an_entry(at: Bench) -> None:
    at.dead(1, "lookups.tax_codes: has no entry for '22'", code=MissingEntry.code)
    found = the(looked(at, "lookups"))
    assert found.level is Level.ERROR
    assert "lookups.tax_codes" in found.what
    assert "crossdock lookups add" in found.mend


def test_lookups_fails_with_the_most_wanted_first_and_the_rest_counted() -> None:
    told = outbox.lookups(["a"] + ["b"] * 2 + [f"c{n}" for n in range(12)])
    assert told[0].what == "2 documents held up: b"
    assert told[-1].what == "and 4 entries more are missing"


def test_lookups_is_satisfied(at: Bench) -> None:
    at.dead(1)
    assert the(looked(at, "lookups")).level is Level.OK


def line(state: str, schedule: str = "every 60 s") -> Line:
    return Line(route="erp/store/inventory", schedule=schedule, state=state, next_at=NOW, detail="unreachable: refused")


@pytest.mark.parametrize("state", ["missed", "failed", "interrupted", "new"])
def test_schedules_fails_where_a_run_did_not_come_off(state: str) -> None:
    found = the(outbox.schedules([line(state)]))
    assert found.level is Level.ERROR
    assert "erp/store/inventory" in found.what
    assert "crossdock" in found.mend


def test_schedules_is_satisfied() -> None:
    assert the(outbox.schedules([line("done"), line("waiting")])).what == "2 schedules, run when due"
    assert outbox.schedules([line("missed", "never")]) == []


def test_workers_is_satisfied_when_something_was_delivered_of_late(at: Bench) -> None:
    at.clock.now = datetime.now(UTC) - timedelta(seconds=5)
    at.order(9)
    at.settle(State.DELIVERED)
    at.clock.now = datetime.now(UTC) - timedelta(minutes=10)
    at.order(1)
    assert the(looked(at, "workers")).what.startswith("busy")
