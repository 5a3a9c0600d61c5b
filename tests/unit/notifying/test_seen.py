"""Each kind of cause is seen, once under one key, and not when it is over; nothing about a person is in it."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any, get_args

import msgspec
import pytest

from crossdock import settings
from crossdock.app import utc_now
from crossdock.broken import Broken
from crossdock.contract.message import Message
from crossdock.delivery.records import Arrival, Settlement, State, Verdict
from crossdock.errors import Unreachable
from crossdock.feeds.levels import FeedState, NewFeed
from crossdock.flows import FLOWS, LOOKS
from crossdock.incidents.records import Kind, Seen, Severity, Sight
from crossdock.incidents.texts import ADVICE, SUMMARIES
from crossdock.magento.connector import MagentoConnector
from crossdock.notifying.aside import Aside, Asides
from crossdock.notifying.seen import NUMBERED, Looker
from crossdock.operations.desk import Desk
from crossdock.reconciliation.drift import Cause, Drift, Repair, Run, RunState
from crossdock.security.tokens import NewToken, hash_of, new_token
from tests.unit.notifying.desks import Tower
from tests.unit.operations.desks import NOW
from tests.walk.world import until

CANARY = "Zyxwvut"
EMAIL = f"{CANARY.lower()}@example.org"


def look(at: Tower, *kinds: Kind) -> list[Sight]:
    seen = Looker(at.desk).look(at.clock.now)
    return [one for one in seen.sights if one.kind in kinds or not kinds]


def test_the_settings_name_every_kind_and_severity_and_each_has_its_words() -> None:
    assert (
        set(get_args(settings.IncidentKind)) == set(map(str, Kind)) == set(map(str, ADVICE)) == set(map(str, SUMMARIES))
    )
    assert get_args(settings.Severity) == tuple(Severity)


def test_nothing_is_wrong_with_a_new_one(at: Tower) -> None:
    assert look(at) == []


def test_dead_letters_by_flow_target_code_and_cause(at: Tower) -> None:
    for number in (1, 2):
        at.dead(number)
    at.dead(3, reason="HTTP 422: closed")
    at.dead(4, flow="refunds", code="mapping", reason="no such tax")
    found = look(at, Kind.DEAD)
    assert sorted((one.flow, one.code, one.count) for one in found) == [
        ("orders", "rejected", 1),
        ("orders", "rejected", 2),
        ("refunds", "mapping", 1),
    ]
    assert len({one.key for one in found}) == 3
    assert {one.key for one in found} == {one.key for one in look(at, Kind.DEAD)}
    at.dead(5)
    assert {one.key for one in found} == {one.key for one in look(at, Kind.DEAD)}


def test_a_login_that_broke_is_another_thing_than_a_person_who_paused(at: Tower) -> None:
    at.store.pause("erp", "unauthorized: HTTP 401: who are you", "crossdock", at.clock.now)
    at.store.pause("store", f"{CANARY} asked for it", "user:ada", at.clock.now)
    login, paused = look(at)
    assert (login.kind, login.severity, login.code) == (Kind.LOGIN, Severity.CRITICAL, "unauthorized")
    assert (paused.kind, paused.severity, paused.code) == (Kind.PAUSED, Severity.INFO, "")


def test_what_is_owed_too_long_and_not_what_waits_behind_a_dead_letter_or_a_pause(either: Tower) -> None:
    at = either
    at.dead(2)
    at.order(1)
    at.order(2, flow="refunds", lane="order:2")
    at.clock.forward(minutes=59)
    assert look(at, Kind.LAG) == []
    at.clock.forward(minutes=2)
    (late,) = look(at, Kind.LAG)
    assert (late.flow, late.connection, late.count, late.since) == (
        "orders",
        "erp",
        1,
        at.clock.now - timedelta(minutes=61),
    )
    at.store.pause("erp", "upgrade", "user:ada", at.clock.now)
    assert look(at, Kind.LAG) == []


def test_a_look_that_waits_for_a_later_day_is_not_late_and_one_that_nobody_does_is(either: Tower) -> None:
    at = either
    message = Message(id="w1", source="store", flow=LOOKS.name, subject="1", occurred_at=at.clock.now, payload=b"")
    at.store.record(
        [Arrival(message=message, flow=LOOKS.name, target="store", key="look:1", lane="look:1", one_row=True)],
        at.clock.now,
    )
    at.clock.forward(minutes=61)
    (late,) = look(at, Kind.LAG)
    assert late.flow == LOOKS.name
    leased = at.store.lease("w", at.clock.now, at.clock.now + timedelta(minutes=1), {"store": 10}, limit=10)
    assert len(leased) == 1
    later = msgspec.structs.replace(leased[0], state=State.PENDING)
    verdict = Verdict(state=State.PENDING, due_at=at.clock.now + timedelta(days=1), attempts=1)
    at.store.settle(later, Settlement(verdict=verdict, attempts=()), at.clock.now)
    at.clock.forward(hours=3)
    assert look(at, Kind.LAG) == []


def broken(at: Tower, worker: str) -> tuple[Broken, dict[str, int]]:
    """A worker that tells what its breakers have seen, and the failures in a row that it has seen."""
    failures: dict[str, int] = {}
    return Broken(worker, lambda: dict(failures), at.store.incidents, at.clock), failures


def test_a_connection_that_gives_some_worker_no_answer_until_one_gets_through(either: Tower) -> None:
    at = either
    (first, failures), (second, others) = broken(at, "host-1"), broken(at, "host-2")
    for worker in (first, second):
        worker.tell()
    assert look(at, Kind.BREAKER) == []
    began = at.clock.now
    failures["erp"] = 5
    first.tell()
    at.clock.forward(minutes=1)
    others["erp"] = 5
    for worker in (first, second):
        worker.tell()
    (one,) = look(at, Kind.BREAKER)
    assert (one.connection, one.since, one.severity) == ("erp", began, Severity.ERROR)
    others.clear()
    second.tell()
    assert look(at, Kind.BREAKER) == []
    at.clock.forward(minutes=1)
    first.tell()
    assert look(at, Kind.BREAKER) == [], "its breaker is half open, and nothing has come for it since"
    failures["erp"] = 6
    first.tell()
    assert [one.connection for one in look(at, Kind.BREAKER)] == ["erp"]
    first.leave()
    assert look(at, Kind.BREAKER) == []


def test_a_word_lasts_while_its_worker_does(either: Tower) -> None:
    at = either
    worker, failures = broken(at, "host-1")
    failures["erp"] = 5
    for _ in range(10):
        worker.tell()
        at.clock.forward(seconds=30)
    assert len(look(at, Kind.BREAKER)) == 1
    at.clock.forward(seconds=100)
    assert look(at, Kind.BREAKER) == [], "it was killed"
    again, others = broken(at, "host-1")
    others["store"] = 5
    again.tell()
    assert [one.connection for one in look(at, Kind.BREAKER)] == ["store"], "in its place one of the same name"
    at.clock.forward(seconds=30)
    again.tell()
    assert [one.connection for one in look(at, Kind.BREAKER)] == ["store"]


def test_what_a_worker_cannot_write_it_writes_later(at: Tower) -> None:
    worker, failures = broken(at, "host-1")
    failures["erp"] = 5
    rename(at, "breakers", "away")
    worker.tell()
    rename(at, "away", "breakers")
    assert look(at, Kind.BREAKER) == []
    worker.tell()
    assert len(look(at, Kind.BREAKER)) == 1


def rename(at: Tower, table: str, name: str) -> None:
    with at.store._engine.execution_options(writes=True).begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO {name}")


def test_a_feed_that_waits_for_a_person(at: Tower) -> None:
    message = Message(id="f1", source="erp", flow="inventory", subject="feed", occurred_at=at.clock.now, payload=b"[]")
    new = NewFeed(message=message, flow="inventory", target="store", channel="push")
    feed = at.store.levels.close_feed(at.store.levels.take_feed(new, at.clock.now), FeedState.HELD, 5, CANARY)
    (one,) = look(at, Kind.HELD)
    assert (one.owner, one.count, one.flow) == ("business", 1, "inventory")
    assert at.store.levels.decide_feed(feed, FeedState.REFUSED, "user:ada", "no", at.clock.now)
    assert look(at, Kind.HELD) == []


def run_of(at: Tower, state: RunState, *drifts: Drift) -> None:
    store, now = at.store, at.clock.now
    claimed = store.claim_stream("store", "erp/reconcile-orders", "t", now, now + timedelta(minutes=1))
    assert claimed is not None
    run = Run(id=0, flow="orders", store="store", erp="erp", by="schedule", began_at=now)
    run = store.reconciliations.begin(claimed, run, now)
    store.reconciliations.keep(claimed, run, drifts)
    store.reconciliations.end(claimed, msgspec.structs.replace(run, state=state, ended_at=now))
    store.release_stream(claimed, now)


def drift(number: int, cause: Cause) -> Drift:
    return Drift(
        number=number,
        key=f"K{number}",
        field="total",
        store_value=CANARY,
        erp_value="2",
        cause=cause,
        repair=Repair.NONE,
    )


def test_the_last_comparison_counts_and_only_what_does_not_end_by_itself(at: Tower) -> None:
    run_of(at, RunState.DONE, drift(1, Cause.OVERWRITTEN), drift(2, Cause.STILL_WAITING), drift(3, Cause.ROUNDING))
    (one,) = look(at, Kind.DRIFT)
    assert (one.count, one.connection, one.flow) == (1, "erp", "orders")
    run_of(at, RunState.FAILED)
    assert [found.kind for found in look(at)] == [Kind.COMPARE]
    run_of(at, RunState.DONE)
    assert look(at) == []


def test_polling_that_finds_what_webhooks_should_have_told(either: Tower) -> None:
    at = either
    store = at.crossdock.connections.by_name["store"]
    assert isinstance(store, MagentoConnector)
    hooks = store.settings.webhooks.model_copy(update={"enabled": True})
    object.__setattr__(store, "settings", store.settings.model_copy(update={"webhooks": hooks}))
    heard(at, "poll", 19)
    assert look(at, Kind.WEBHOOKS) == []
    heard(at, "poll", 1)
    (one,) = look(at, Kind.WEBHOOKS)
    assert one.connection == "store"
    heard(at, "webhook", 1)
    assert look(at, Kind.WEBHOOKS) == []


def heard(at: Tower, channel: str, count: int) -> None:
    for number in range(count):
        name = f"{channel}{number}{at.clock.now.isoformat()}"
        message = Message(id=name, source="store", flow=LOOKS.name, subject=name, occurred_at=at.clock.now, payload=b"")
        arrival = Arrival(message=message, flow=LOOKS.name, target="store", key=name, lane=name, channel=channel)
        at.store.record([arrival], at.clock.now)
    at.clock.forward(seconds=1)


def test_what_cannot_be_asked_is_blind(at: Tower, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> Any:
        raise Unreachable("down")

    at.dead(1)
    monkeypatch.setattr(at.store.operations, "dead", away)
    seen = Looker(at.desk).look(at.clock.now)
    assert Kind.DEAD in seen.blind
    assert seen.sights == ()


def test_what_takes_long_is_blind_until_it_is_known_and_again_when_it_fails(at: Tower) -> None:
    first = Seen(sights=(sentinel(),))
    answers: list[Any] = [first, Unreachable("down"), Seen()]

    go = threading.Event()

    def ask(_now: object) -> Any:
        assert go.wait(30)
        found = answers.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    now = at.clock.now
    aside = Aside(ask, lambda when: when + timedelta(hours=1), now)
    assert aside.seen(now) is None
    go.set()
    until(lambda: aside.seen(now) == first)
    aside.seen(now + timedelta(hours=1))
    until(lambda: aside.seen(now + timedelta(hours=1)) is None)
    aside.seen(now + timedelta(hours=2))
    until(lambda: aside.seen(now + timedelta(hours=2)) == Seen())
    assert answers == []


def test_a_process_that_ends_waits_for_what_it_has_asked(at: Tower) -> None:
    go, asked = threading.Event(), threading.Event()

    def ask(_now: object) -> Seen:
        asked.set()
        assert go.wait(30)
        return Seen(sights=(sentinel(),))

    now = at.clock.now
    aside = Aside(ask, lambda when: when + timedelta(hours=1), now)
    assert aside.seen(now) is None
    assert asked.wait(30)
    threading.Timer(0.2, go.set).start()
    aside.close()
    assert aside.seen(now) == Seen(sights=(sentinel(),))


def test_a_watch_that_stops_leaves_no_question_behind(at: Tower) -> None:
    asked, done = threading.Event(), threading.Event()

    def ask(_now: object) -> Seen:
        asked.set()
        threading.Event().wait(0.3)  # as long as a store may take to answer
        done.set()
        return Seen()

    watch = at.watch(audiences={})
    asides = Asides(at.desk)
    asides._asides = {Kind.COVERAGE: Aside(ask, lambda when: when + timedelta(hours=1), at.clock.now)}
    watch._looker = Looker(at.desk, asides)
    at.round(watch)
    assert asked.wait(30)
    watch.stop()
    assert done.is_set()


def sentinel() -> Sight:
    return Sight(key="a", kind=Kind.AUDIT, owner="devops", severity=Severity.CRITICAL, since=NOW)


def test_a_trail_that_was_changed_is_found_at_its_hour(at: Tower) -> None:
    at.dead(1)
    at.store.seal_audit()
    at.watch(audit_schedule="0 4 * * *", coverage_hours=0)
    asides = Asides(Desk(at.crossdock, at.clock))
    assert asides.seen(Kind.AUDIT, at.clock.now) is None
    with at.store._engine.execution_options(writes=True).begin() as connection:
        connection.exec_driver_sql("UPDATE audit SET detail = 'forged' WHERE position = 1")
    at.clock.forward(days=1)
    (one,) = seen_aside(asides, Kind.AUDIT, at).sights
    assert (one.severity, one.count) == (Severity.CRITICAL, 1)


def seen_aside(asides: Asides, kind: Kind, at: Tower) -> Seen:
    until(lambda: asides.seen(kind, at.clock.now) is not None)
    return asides.seen(kind, at.clock.now) or Seen()


def test_the_trail_is_checked_only_where_somebody_is_told_and_all_else_everywhere(at: Tower) -> None:
    asked = []
    for audiences in ({}, {"ops": {"targets": ["json://127.0.0.1:9/ops"]}}):
        at.watch(audiences=audiences, audit_schedule="0 4 * * *", doctor_schedule="0 4 * * *", coverage_hours=24)
        asides = Asides(Desk(at.crossdock, at.clock))
        looker = Looker(at.desk, asides)
        looker.look(at.clock.now)
        asked.append({*asides.asked()})
        looker.close()
    assert asked == [{Kind.DOCTOR, Kind.COVERAGE}, {Kind.DOCTOR, Kind.COVERAGE, Kind.AUDIT}]


def token(at: Tower, days: float) -> None:
    at.store.access.add_token(
        NewToken(name="ci", hash=hash_of(new_token()), scopes=("read",)), "ada", utc_now() - timedelta(days=days)
    )


def test_what_the_doctor_finds_is_an_incident_until_it_finds_it_no_more(at: Tower) -> None:
    watch = at.watch(doctor_schedule="0 * * * *", audiences={})
    token(at, 91)

    def found() -> list[tuple[str, str, str]]:
        known = [one for one in at.store.incidents.unresolved() if one.sight.kind is Kind.DOCTOR]
        return [(one.sight.code, str(one.state), str(one.sight.severity)) for one in known]

    def looked() -> None:
        at.round(watch, 3600)
        until(lambda: not [one for one in threading.enumerate() if one.name == "incidents-aside"])
        at.round(watch)

    at.round(watch)
    assert found() == [], "its hour has not come"
    looked()
    assert ("api-tokens", "gathering", "warning") in found()
    at.round(watch, 60)
    assert ("api-tokens", "open", "warning") in found()
    assert at.store.access.revoke_token("ci", "ada", "made anew", utc_now()) == 1
    at.round(watch, 60)
    assert ("api-tokens", "open", "warning") in found(), "nobody has looked again"
    looked()
    at.round(watch, 400)
    assert "api-tokens" not in {code for code, _, _ in found()}
    (over,) = [one for one in at.store.incidents.page(resolved=True, limit=10) if one.sight.code == "api-tokens"]
    assert over.sight.cause == "API tokens that are old, or end soon"
    assert over.sight.cli == "crossdock doctor --only api-tokens"


def test_nothing_about_a_person_is_told(at: Tower) -> None:
    """Where a person could be: the record, the target's own words, a customer's address as a reference, an operator's."""
    watch = at.watch(audiences={"ops": {"targets": ["json://127.0.0.1:9/ops"], "min_severity": "info"}})
    at.dead(1, email=EMAIL, reason=f"HTTP 422: customer {CANARY} <{EMAIL}> is blocked")
    for subject, flow in ((2, "customers"), (4, "new_customers")):
        assert flow in FLOWS
        number = at.order(subject, flow=flow)
        called = EMAIL if flow == "customers" else CANARY  # of which nothing tells that it is a name
        with at.store._engine.execution_options(writes=True).begin() as connection:
            connection.exec_driver_sql(f"UPDATE deliveries SET reference = '{called}' WHERE id = {number}")
        assert at.settle(State.DEAD, code="rejected", reason=f"{EMAIL} is no address") == 1
    number = at.order(3)
    with at.store._engine.execution_options(writes=True).begin() as connection:
        connection.exec_driver_sql(f"UPDATE deliveries SET reference = 'Order of {CANARY}' WHERE id = {number}")
    at.settle(State.DEAD, code="mapping", reason=CANARY)
    at.store.pause("erp", f"{CANARY.lower()}: broke it", f"user:{CANARY}", at.clock.now)
    run_of(at, RunState.DONE, drift(1, Cause.OVERWRITTEN))
    for _ in range(3):
        at.round(watch, 30)
    at.store.resume("erp", f"user:{CANARY}", at.clock.now, f"{CANARY} has mended it")
    at.round(watch)
    at.round(watch, 400)
    told = "\n".join(f"{title}\n{body}" for _, title, body in at.ears.heard)
    assert len(at.ears.heard) == 7
    assert "For example: 000000001" in told
    for word in (CANARY, CANARY.lower(), EMAIL):
        assert word not in told
    kept = [msgspec.json.encode(one).decode() for one in at.store.incidents.unresolved()]
    assert not [one for one in kept if CANARY.lower() in one.lower()]


def test_flows_whose_reference_may_be_an_address_give_no_examples() -> None:
    assert {"orders", "inventory", "shipments"} <= NUMBERED
    assert not [name for name in NUMBERED if "customer" in name or "erasure" in name]
