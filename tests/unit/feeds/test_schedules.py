"""When a road is due, what was missed, and the two nights a year on which the clock is changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import hypothesis
import msgspec
import pytest
from hypothesis import strategies as st

from crossdock.feeds.schedules import (
    DONE,
    FAILED,
    RUNNING,
    Entry,
    Halt,
    Standing,
    View,
    covered,
    due,
    due_at,
    first_seen,
    missed,
    next_after,
    retry_at,
    state_of,
)
from crossdock.settings import RouteSettings

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
DELTA = Entry(cron="* * * * *")
NIGHTLY = Entry(cron="30 2 * * *", time_zone="Europe/Rome", full=True)


def at(day: int, hour: int, minute: int = 0, month: int = 6) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def times(entry: Entry, since: datetime, until: datetime) -> Iterator[str]:
    """As the schedule goes, run after run."""
    moment = next_after(entry, since)
    while moment < until:
        yield f"{moment:%m-%d %H:%M}"
        moment = next_after(entry, moment)


def view(*standings: Standing, halt: Halt | None = None, held_until: datetime | None = None) -> View:
    return View(standings={one.entry: one for one in standings}, halt=halt, held_until=held_until)


def kept(entry: Entry, settled_to: datetime, **more: object) -> Standing:
    return Standing(entry=entry.name(), settled_to=settled_to, **more)  # type: ignore[arg-type]


def test_a_time_that_does_not_exist_runs_once_at_the_change() -> None:
    # Rome, 29 March 2026: 02:00 becomes 03:00 at 01:00 UTC
    assert [*times(NIGHTLY, at(28, 12, month=3), at(31, 0, month=3))] == ["03-29 01:00", "03-30 00:30"]


def test_a_time_that_exists_twice_runs_once() -> None:
    # Rome, 25 October 2026: 03:00 becomes 02:00 at 01:00 UTC
    assert [*times(NIGHTLY, at(24, 12, month=10), at(27, 0, month=10))] == ["10-25 00:30", "10-26 01:30"]


@pytest.mark.parametrize("minute", range(0, 60, 7))
def test_a_run_in_the_repeated_hour_is_not_due_again_at_once(minute: int) -> None:
    # whoever ran it late, in the second of the two hours, goes on with the next day
    moment = at(25, 1, minute, month=10)
    assert next_after(NIGHTLY, moment) == at(26, 1, 30, month=10)


def test_every_few_minutes_goes_by_the_time_that_passes() -> None:
    quarter = Entry(cron="*/15 * * * *", time_zone="Europe/Rome")
    for month, day in ((3, 29), (10, 25)):
        assert len([*times(quarter, at(day, 0, month=month), at(day, 4, month=month))]) == 15


@hypothesis.given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),
    st.sampled_from(["*/5 * * * *", "30 2 * * *", "15 0,2,3 * * *", "0 3 * * 0", "59 1-3 * 3,10 *"]),
    st.sampled_from(["UTC", "Europe/Rome", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]),
)
def test_the_next_time_is_always_later_and_none_lies_between(moment: datetime, cron: str, zone: str) -> None:
    entry = Entry(cron=cron, time_zone=zone)
    since = moment.replace(tzinfo=UTC)
    found = [since]
    for _ in range(5):
        found.append(next_after(entry, found[-1]))
    assert all(earlier < later for earlier, later in pairwise(found))
    halfway = since + (found[1] - since) / 2
    assert next_after(entry, halfway) == found[1]


def test_what_was_missed_many_times_is_due_once() -> None:
    standing = kept(DELTA, NOON)
    later = NOON + timedelta(hours=5)
    assert due([DELTA], view(standing), later) == [DELTA]
    assert due_at(DELTA, standing) == NOON + timedelta(minutes=1)
    ran = kept(DELTA, later, began_at=later, outcome=DONE)
    assert due([DELTA], view(ran), later + timedelta(seconds=30)) == []


def test_a_sources_word_makes_what_reads_changes_due_until_a_run_began_since() -> None:
    standing = kept(DELTA, NOON, began_at=NOON, outcome=DONE)
    hinted = msgspec.structs.replace(view(standing), hinted_at=NOON)
    assert due([DELTA, NIGHTLY], hinted, NOON) == [DELTA]
    running = msgspec.structs.replace(
        hinted, standings={DELTA.name(): kept(DELTA, NOON, began_at=NOON, outcome=RUNNING)}
    )
    assert due([DELTA], running, NOON) == []
    began = kept(DELTA, NOON, began_at=NOON + timedelta(seconds=1), outcome=FAILED, retry_at=NOON + timedelta(hours=1))
    assert due([DELTA], msgspec.structs.replace(hinted, standings={DELTA.name(): began}), NOON) == []


def test_a_new_schedule_waits_for_its_time_and_an_interval_begins_at_once() -> None:
    assert first_seen(NIGHTLY, NOON) == NOON
    often = Entry(every=60)
    assert due([often], view(kept(often, first_seen(often, NOON))), NOON) == [often]


def test_a_run_that_did_not_happen_is_missed_after_its_grace() -> None:
    standing = view(kept(NIGHTLY, at(1, 12)))
    when = at(2, 0, 30)
    assert missed([NIGHTLY], standing, when + timedelta(seconds=300)) == []
    assert missed([NIGHTLY], standing, when + timedelta(seconds=301)) == [(NIGHTLY, when)]
    assert state_of(NIGHTLY, standing, when + timedelta(seconds=301)) == "missed"


def test_a_paused_road_misses_nothing_and_has_its_grace_when_it_goes_on() -> None:
    late = NOON + timedelta(hours=3)
    paused = view(kept(DELTA, NOON), halt=Halt(by="me", reason="", paused_at=NOON))
    assert (missed([DELTA], paused, late), due([DELTA], paused, late)) == ([], [])
    resumed = view(kept(DELTA, NOON), halt=Halt(by="me", reason="", resumed_at=late))
    assert missed([DELTA], resumed, late + timedelta(seconds=299)) == []
    assert due([DELTA], resumed, late) == [DELTA]
    assert missed([DELTA], resumed, late + timedelta(seconds=301)) != []


def test_what_comes_due_while_another_reads_is_not_missed() -> None:
    late = NOON + timedelta(hours=1)
    reading = view(kept(DELTA, NOON), held_until=late + timedelta(seconds=60))
    assert missed([DELTA], reading, late) == []
    over = view(kept(DELTA, NOON, ended_at=late))
    assert missed([DELTA], over, late + timedelta(seconds=299)) == []


def test_a_run_that_died_is_due_again_and_missed_if_nobody_comes() -> None:
    dead = view(kept(NIGHTLY, at(1, 12), began_at=at(2, 0, 30), outcome=RUNNING), held_until=at(2, 0, 40))
    assert due([NIGHTLY], dead, at(2, 0, 41)) == [NIGHTLY]
    assert state_of(NIGHTLY, dead, at(2, 0, 39)) == "running"
    assert state_of(NIGHTLY, dead, at(2, 0, 41)) == "interrupted"
    assert state_of(NIGHTLY, dead, at(2, 0, 46)) == "missed"


def test_a_failed_run_is_tried_again_with_growing_pauses_but_not_later_than_its_time() -> None:
    pauses = [(retry_at(NIGHTLY, n, NOON) - NOON).total_seconds() for n in range(1, 9)]
    assert pauses == [60, 120, 240, 480, 960, 1920, 3600, 3600]
    failed = kept(DELTA, NOON, began_at=NOON, outcome=FAILED, failures=7, retry_at=NOON + timedelta(hours=1))
    assert due_at(DELTA, failed) == NOON + timedelta(minutes=1)


def test_a_full_run_does_the_work_of_the_others() -> None:
    assert covered([DELTA, NIGHTLY], full=True) == [DELTA, NIGHTLY]
    assert covered([DELTA, NIGHTLY], full=False) == [DELTA]


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        ({"cron": "* * * * * *"}, "five fields"),
        ({"cron": "61 * * * *"}, "Bad minute"),
        ({"cron": "@daily"}, "five fields"),
        ({"cron": "0 0 31 2 *"}, "cron"),
        ({"cron": "* * * * *", "time_zone": "Europe/Atlantis"}, "time_zone"),
        ({"cron": "* * * * *", "time_zone": "../../etc/passwd"}, "time_zone"),
        ([], "is empty"),
        ([{"cron": "* * * * *"}, {"cron": "* * * * *"}], "twice"),
    ],
)
def test_what_is_no_schedule_is_refused(schedule: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        RouteSettings.model_validate({"source": "a", "target": "b", "schedules": {"inventory": schedule}})


def test_one_schedule_or_several() -> None:
    one = {"cron": "*/5 * * * *"}
    for told in (one, [one]):
        route = RouteSettings.model_validate({"source": "a", "target": "b", "schedules": {"inventory": told}})
        assert [schedule.cron for schedule in route.schedules["inventory"]] == ["*/5 * * * *"]
