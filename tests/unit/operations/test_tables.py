"""What metrics say of the tables: lateness, ages, pauses."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from crossdock.api.tables import GOOD_FOR, TableMetrics
from crossdock.delivery.records import State
from crossdock.operations.overview import COUNT_MOST
from tests.unit.operations.desks import LEASE, Bench

Told = dict[tuple[str, ...], float]


def told(at: Bench, name: str, *labels: str) -> Told:
    at.desk.remembered.forget()
    found = {family.name: family for family in TableMetrics(at.desk).collect()}
    return {tuple(one.labels[label] for label in labels): one.value for one in found[name].samples}


def late(at: Bench) -> Told:
    return told(at, "crossdock_lag_seconds", "connection")


def ages(at: Bench) -> Told:
    found = told(at, "crossdock_dead_letters", "flow", "code", "age")
    return {key: value for key, value in found.items() if value}


def test_what_is_due_is_late_from_then_on(at: Bench) -> None:
    assert late(at) == {("store",): 0, ("erp",): 0}
    at.order(1)
    at.clock.forward(seconds=30)
    at.order(2)
    at.clock.forward(seconds=10)
    assert late(at) == {("store",): 0, ("erp",): 40}


def test_what_is_tried_again_later_is_not_late_until_then(at: Bench) -> None:
    at.order(1)
    at.settle(State.PENDING, code="temporary")  # again in five minutes
    at.clock.forward(minutes=4)
    assert late(at)["erp",] == 0
    at.clock.forward(minutes=2)
    assert late(at)["erp",] == 60


def test_what_waits_behind_a_dead_letter_is_not_late(at: Bench) -> None:
    at.dead(1)
    at.order(1, flow="payments")
    at.clock.forward(hours=1)
    assert late(at)["erp",] == 0


def test_what_a_worker_holds_is_late_once_its_lease_ran_out(at: Bench) -> None:
    at.order(1)
    assert len(at.store.lease("w", at.clock(), at.clock() + LEASE, {"erp": 5}, limit=5)) == 1
    at.clock.forward(seconds=30)
    assert late(at)["erp",] == 0
    at.clock.forward(seconds=LEASE.total_seconds())
    assert late(at)["erp",] == 90


def test_dead_letters_are_told_by_how_long_they_have_been_owed(at: Bench) -> None:
    for number, hours in enumerate((300, 48, 3, 3, 0)):
        at.clock.now = at.clock.now - timedelta(hours=hours)
        at.dead(number, code="rejected" if number else "mapping")
        at.clock.forward(hours=hours)
    assert ages(at) == {
        ("orders", "mapping", "older"): 1,
        ("orders", "rejected", "week"): 1,
        ("orders", "rejected", "day"): 2,
        ("orders", "rejected", "hour"): 1,
    }


def test_one_that_was_dealt_with_is_not_told(at: Bench) -> None:
    dead = at.dead(1)
    at.store.resolve([dead], "ada", "sent by hand", at.clock())
    assert ages(at) == {}


def test_ages_add_up_to_the_count(at: Bench) -> None:
    for number in range(7):
        at.dead(number)
        at.clock.forward(hours=20)
    assert sum(ages(at).values()) == 7
    (aged,) = at.store.operations.aged([at.clock()], 3)
    assert (sum(aged.bands()), COUNT_MOST) == (3, 20_000)


def test_a_paused_connection_is_told_and_the_others_too(at: Bench) -> None:
    at.store.pause("erp", "its login does not hold", "crossdock", at.clock())
    assert told(at, "crossdock_connection_paused", "connection") == {("store",): 0, ("erp",): 1}


def test_the_oldest_is_told_as_a_moment(at: Bench) -> None:
    began = at.clock()
    at.order(1)
    at.clock.forward(hours=1)
    at.order(2)
    found = told(at, "crossdock_oldest_delivery_timestamp_seconds", "flow", "target", "state")
    assert found == {("orders", "erp", "waiting"): began.timestamp()}


def test_a_stream_of_a_connection_that_is_gone_is_not_late_for_ever(at: Bench) -> None:
    for source in ("store", "former"):
        now = at.clock()
        claimed = at.store.claim_stream(source, "changes", "me", now, now + LEASE)
        assert claimed is not None
        at.store.record_page(claimed, [], now, complete=True)
    found = told(at, "crossdock_stream_complete_timestamp_seconds", "connection", "stream")
    assert found == {("store", "changes"): at.clock().timestamp()}


def test_many_scrapes_are_one_look_at_the_tables(at: Bench) -> None:
    ticks = [0.0]
    at.desk.remembered._clock = lambda: ticks[0]
    asked: list[Any] = []
    metrics = TableMetrics(at.desk)
    names = [family.name for family in metrics.collect()]
    at.order(1)
    at.clock.forward(minutes=1)
    for _ in range(5):
        asked += [one for one in metrics.collect() if one.name == "crossdock_lag_seconds"]
    assert {sample.value for family in asked for sample in family.samples} == {0}
    ticks[0] += GOOD_FOR
    fresh = {family.name: family for family in metrics.collect()}
    assert max(sample.value for sample in fresh["crossdock_lag_seconds"].samples) == 60
    assert names == list(fresh)
