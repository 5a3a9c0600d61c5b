"""Who hears of what, and when."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossdock.incidents.audiences import Audience, Quiet, digest_due, hears, quiet_until, when
from crossdock.incidents.records import Severity, Sum
from tests.unit.incidents.made import NOW, sight

ROME = ZoneInfo("Europe/Rome")
NIGHT = Quiet(begin=time(22), end=time(7))
WEEKEND = Quiet(begin=time(0), end=time(0), days=frozenset({"sat", "sun"}))
MONEY = (Sum(currency="EUR", amount=Decimal(900)), Sum(currency="USD", amount=Decimal(50)))


@pytest.mark.parametrize(
    ("wanted", "heard"),
    [
        ({}, True),
        ({"owners": frozenset({"business"})}, True),
        ({"owners": frozenset({"devops"})}, False),
        ({"flows": frozenset({"orders", "refunds"})}, True),
        ({"flows": frozenset({"prices"})}, False),
        ({"connections": frozenset({"erp"})}, True),
        ({"connections": frozenset({"store"})}, False),
        ({"kinds": frozenset({"dead"})}, True),
        ({"kinds": frozenset({"lag"})}, False),
        ({"min_severity": Severity.ERROR}, True),
        ({"min_severity": Severity.CRITICAL}, False),
        ({"money_over": {"EUR": Decimal(900)}}, True),
        ({"money_over": {"EUR": Decimal("900.01")}}, False),
        ({"money_over": {"EUR": Decimal(1000), "USD": Decimal(50)}}, True),
        ({"money_over": {"GBP": Decimal(0)}}, False),
    ],
)
def test_each_part_must_fit(wanted: dict[str, Any], heard: bool) -> None:
    assert hears(Audience(name="x", **wanted), sight(money=MONEY)) is heard


def at(text: str, zone: ZoneInfo = ROME) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-11-26 21:59:59", None),
        ("2026-11-26 22:00:00", "2026-11-27 07:00:00"),
        ("2026-11-27 06:59:59", "2026-11-27 07:00:00"),
        ("2026-11-27 07:00:00", None),
        # the clock goes forward at 2:00 on 2027-03-28, back at 3:00 on 2026-10-25
        ("2027-03-27 23:00:00", "2027-03-28 07:00:00"),
        ("2026-10-24 23:00:00", "2026-10-25 07:00:00"),
    ],
)
def test_a_night_ends_by_the_clock_on_the_wall(now: str, until: str | None) -> None:
    audience = Audience(name="x", time_zone="Europe/Rome", quiet=(NIGHT,))
    assert quiet_until(audience, at(now)) == (at(until) if until else None)


def test_hours_that_join_are_one() -> None:
    audience = Audience(name="x", time_zone="Europe/Rome", quiet=(NIGHT, WEEKEND))
    assert quiet_until(audience, at("2026-11-27 23:00:00")) == at("2026-11-30 07:00:00")  # Friday night to Monday


def test_without_a_break_it_is_told_all_the_same() -> None:
    always = Quiet(begin=time(0), end=time(0))
    found = quiet_until(Audience(name="x", quiet=(always,)), NOW)
    assert found is not None
    assert found - NOW < timedelta(days=15)


def test_a_day_on_which_quiet_does_not_begin_is_loud() -> None:
    audience = Audience(name="x", quiet=(Quiet(begin=time(22), end=time(7), days=frozenset({"fri"})),))
    assert quiet_until(audience, datetime(2026, 11, 26, 23, tzinfo=UTC)) is None  # a Thursday
    assert quiet_until(audience, datetime(2026, 11, 28, 3, tzinfo=UTC)) is not None  # the night that began on Friday


ZONES = ["Europe/Rome", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Havana", "UTC"]
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))
TIMES = st.builds(time, st.integers(0, 23), st.integers(0, 59))


@settings(max_examples=400, deadline=None)
@given(MOMENTS, st.sampled_from(ZONES), TIMES, TIMES)
def test_whenever_it_is_quiet_it_ends_within_a_day_and_no_minute_of_it_is_loud(
    now: datetime, zone: str, begin: time, end: time
) -> None:
    audience = Audience(name="x", time_zone=zone, quiet=(Quiet(begin=begin, end=end, days=frozenset({"mon"})),))
    until = quiet_until(audience, now)
    if until is None:
        return
    assert now < until <= now + timedelta(hours=25)
    assert quiet_until(audience, until) is None
    for part in range(20):
        assert quiet_until(audience, now + (until - now) * part / 20) == until
    local = until.astimezone(ZoneInfo(zone))
    skipped = local.replace(tzinfo=None) - datetime.combine(local.date(), end)
    assert abs(skipped) in {timedelta(0), timedelta(hours=1), timedelta(minutes=30)}


def test_what_can_wait_waits_for_the_end_of_quiet_hours_and_goes_together() -> None:
    audience = Audience(name="x", quiet=(NIGHT,))
    first = when(audience, Severity.ERROR, datetime(2026, 11, 26, 23, tzinfo=UTC))
    second = when(audience, Severity.ERROR, datetime(2026, 11, 27, 5, tzinfo=UTC))
    assert first == second
    assert first.due_at == datetime(2026, 11, 27, 7, tzinfo=UTC)
    assert first.bundle


def test_what_is_urgent_passes_where_it_may() -> None:
    night = datetime(2026, 11, 26, 23, tzinfo=UTC)
    assert when(Audience(name="x", quiet=(NIGHT,)), Severity.CRITICAL, night).due_at == night
    kept_out = Audience(name="x", quiet=(NIGHT,), urgent_passes=False)
    assert when(kept_out, Severity.CRITICAL, night).due_at > night


def test_with_a_digest_only_nothing_else_is_told_but_what_is_urgent() -> None:
    audience = Audience(name="x", digest="0 8 * * *", only_digest=True)
    assert when(audience, Severity.ERROR, NOW).in_digest
    assert not when(audience, Severity.CRITICAL, NOW).in_digest


def test_a_digest_is_due_once_also_on_the_days_of_a_clock_change() -> None:
    audience = Audience(name="x", time_zone="Europe/Rome", digest="30 2 * * *")
    found, last, now = [], at("2026-10-20 12:00"), at("2026-10-20 12:00")
    while now < at("2027-04-02 12:00"):
        now += timedelta(minutes=7)
        if (due := digest_due(audience, last, now)) is not None:
            assert last < due <= now
            last = due
            found.append(due.astimezone(ROME).date())
    assert found == sorted(set(found))
    assert len(found) == (at("2027-04-02 12:00") - at("2026-10-20 12:00")).days


def test_of_several_that_were_missed_one_is_told() -> None:
    audience = Audience(name="x", digest="0 * * * *")
    due = digest_due(audience, NOW - timedelta(days=40), NOW)
    assert due == NOW.replace(minute=0)
    assert digest_due(audience, due, NOW) is None
    assert digest_due(Audience(name="x"), NOW - timedelta(days=40), NOW) is None
