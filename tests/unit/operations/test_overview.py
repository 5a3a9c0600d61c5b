"""How things stand, in numbers; and what of the last hour is asked for once."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from crossdock.delivery.records import State
from crossdock.operations.overview import counts, overview
from tests.unit.operations.desks import NOW, Bench


def test_what_waits_went_and_died_by_flow_and_target(at: Bench) -> None:
    at.order(1)
    at.clock.forward(seconds=2)
    at.settle(State.DELIVERED)
    at.dead(2, total="19.90")
    at.order(3)
    at.clock.forward(seconds=10)
    at.store.pause("erp", "upgrade", "cli:ada", at.clock.now)
    found = overview(at.desk)
    (line,) = found.lines
    assert (line.flow, line.kind, line.target) == ("orders", "document", "erp")
    assert (line.waiting, line.dead, line.delivered, line.capped) == (1, 1, 1, False)
    assert (line.oldest_s, line.mean_s, line.longest_s) == (10.0, 2.0, 2.0)
    assert [(one.at, one.count) for one in line.minutes] == [(NOW, 1)]
    assert [(one.currency, one.amount) for one in found.at_risk.money] == [("EUR", Decimal("19.90"))]
    assert (found.at_risk.orders, found.at_risk.counted) == (1, 1)
    assert [(one.connection, one.why) for one in found.paused] == [("erp", "upgrade")]


def test_an_hour_later_it_is_no_more_in_the_rates(at: Bench) -> None:
    at.order(1)
    at.settle(State.DELIVERED)
    assert [line.delivered for line in overview(at.desk).lines] == [1]
    at.desk.remembered.forget()
    at.clock.forward(minutes=30)
    at.order(2)
    at.settle(State.DELIVERED)
    assert [line.delivered for line in overview(at.desk).lines] == [2]
    at.desk.remembered.forget()
    at.clock.forward(minutes=45)
    assert [line.delivered for line in overview(at.desk).lines] == [1]


def test_a_minute_that_is_over_is_asked_for_once_and_what_is_committed_late_is_counted(at: Bench) -> None:
    at.order(1)
    at.order(2)
    at.clock.forward(minutes=5)
    overview(at.desk)
    at.clock.now -= timedelta(seconds=30)  # a process whose commit takes half a minute
    at.settle(State.DELIVERED)
    at.clock.now += timedelta(seconds=31)
    at.desk.remembered.forget()
    assert [line.delivered for line in overview(at.desk).lines] == [2]


def test_a_record_that_was_erased_has_no_money(at: Bench) -> None:
    at.dead(1, email="ada@example.com")
    at.store.erase(at.crossdock.connections.keyed("ada@example.com"), "cli:ada", at.clock.now)
    found = overview(at.desk).at_risk
    assert (found.money, found.orders, found.counted) == ([], 1, 0)


def test_counts_are_those_of_the_overview(at: Bench) -> None:
    at.dead(1)
    at.order(2)
    assert [(one.flow, one.target, one.waiting, one.dead) for one in counts(at.desk)] == [("orders", "erp", 1, 1)]
