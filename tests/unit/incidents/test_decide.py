"""What is told of a cause over its time: once, by steps, and that it is over."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossdock.incidents.audiences import Audience
from crossdock.incidents.decide import MOST_CAUSES, OTHERS, Rules, gathered
from crossdock.incidents.records import Incident, Kind, Severity, State, Transition
from tests.unit.incidents.made import NOW, OPS, RULES, World, sight


def test_a_cause_is_told_once_however_many_rows_it_gets_while_it_is_watched() -> None:
    world = World()
    assert world.look(sight(count=1)) == []
    assert world.look(sight(count=120)) == []
    assert world.look(sight(count=500)) == ["opened ops"]
    assert world.told[0].incident.sight.count == 500
    assert world.look(sight(count=501)) == []


def test_what_is_gone_before_it_was_told_is_never_told() -> None:
    world = World()
    world.look(sight())
    assert world.look() == []
    assert world.look(after=3600) == []
    assert [one.state for one in world.over] == [State.RESOLVED]
    assert world.told == []


def test_it_is_resolved_only_once_nothing_of_it_was_left_for_a_while() -> None:
    world = opened()
    assert world.look() == []
    assert world.look(sight(), after=200) == []  # a replay that failed again
    assert world.look(after=10) == []
    assert world.look(after=299) == []
    assert world.look(after=1) == ["resolved ops"]
    assert world.over[0].cleared_at == world.now - timedelta(seconds=300)
    assert world.look(after=9000) == []


def test_after_it_was_resolved_the_same_cause_is_another_incident() -> None:
    world = opened()
    world.look()
    assert world.look(after=400) == ["resolved ops"]
    world.look(sight())
    assert world.look(sight(), after=40) == ["opened ops"]


@pytest.mark.parametrize(
    ("count", "after", "acknowledged", "told"),
    [
        (19, 9000, False, False),  # not twice as much
        (20, 899, False, False),  # twice as much, too soon
        (20, 900, False, True),
        (100, 15, False, True),  # ten times as much, at once
        (99, 15, False, False),
        (20, 900, True, False),  # somebody is at it
        (100, 15, True, True),
    ],
)
def test_it_grows_by_steps(count: int, after: float, acknowledged: bool, told: bool) -> None:
    world = opened(count=10)
    if acknowledged:
        world.acknowledge()
    assert world.look(sight(count=count), after=after) == (["growing ops"] if told else [])
    assert world.look(sight(count=count), after=0) == []


def test_that_it_got_worse_is_told_at_once() -> None:
    world = opened(severity=Severity.WARNING)
    assert world.look(sight(severity=Severity.ERROR)) == ["growing ops"]
    assert world.look(sight(severity=Severity.WARNING)) == []
    assert world.look(sight(severity=Severity.ERROR)) == []


def test_what_is_critical_is_not_watched_first() -> None:
    world = World()
    world.look(sight(severity=Severity.CRITICAL), after=0)
    assert world.look(sight(severity=Severity.CRITICAL), after=1) == ["opened ops"]


def test_what_cannot_be_looked_at_is_not_over() -> None:
    world = opened()
    for _ in range(50):
        assert world.look(blind=[Kind.DEAD], after=600) == []
    assert world.look() == []
    assert world.look(after=300) == ["resolved ops"]


def test_of_what_could_not_be_looked_at_alone_nothing_is_known_and_the_others_end() -> None:
    world = World()
    one, other = sight("a"), sight("b")
    world.look(one, other)
    world.look(one, other, after=30)
    told = [world.look(unseen=[one.key], after=600) for _ in range(3)]
    assert told == [[], ["resolved ops"], []]
    assert [done.sight.key for done in world.over] == [other.key]
    assert [left.state for left in world.open.values()] == [State.OPEN]


def test_an_audience_that_hears_it_later_is_told_then() -> None:
    rich = Audience(name="rich", kinds=frozenset({"dead"}), min_severity=Severity.CRITICAL)
    world = World({"ops": OPS, "rich": rich})
    world.look(sight())
    assert world.look(sight(), after=30) == ["opened ops"]
    assert world.look(sight(severity=Severity.CRITICAL)) == ["opened rich", "growing ops"]
    world.look()
    assert world.look(after=300) == ["resolved ops", "resolved rich"]


def test_it_is_passed_on_once_and_not_where_somebody_is_at_it() -> None:
    ops = Audience(name="ops", escalate_after=timedelta(hours=1), escalate_to="boss")
    boss = Audience(name="boss", min_severity=Severity.CRITICAL)
    world = World({"ops": ops, "boss": boss})
    world.look(sight())
    assert world.look(sight(), after=30) == ["opened ops"]
    assert world.look(sight(), after=3599) == []
    assert world.look(sight(), after=1) == ["escalated boss"]
    assert world.look(sight(), after=9000) == []
    world.look()
    assert world.look(after=300) == ["resolved ops", "resolved boss"]

    world = World({"ops": ops, "boss": boss})
    world.look(sight())
    world.look(sight(), after=30)
    world.acknowledge()
    assert world.look(sight(), after=9000) == []


def test_it_is_passed_on_while_it_cannot_be_looked_at() -> None:
    ops = Audience(name="ops", escalate_after=timedelta(hours=1), escalate_to="boss")
    world = World({"ops": ops, "boss": Audience(name="boss", min_severity=Severity.CRITICAL)})
    world.look(sight())
    world.look(sight(), after=30)
    assert world.look(blind=[Kind.DEAD], after=3600) == ["escalated boss"]


def test_reasons_that_all_differ_are_a_few_incidents() -> None:
    found = [*gathered([], [sight(f"cause {n}", count=n) for n in range(1, 401)])]
    assert len(found) == MOST_CAUSES + 1
    (rest,) = [one for one in found if one.cause == OTHERS]
    assert sum(one.count for one in found) == sum(range(1, 401))
    assert rest.count == sum(range(1, 396))


def test_which_causes_stand_by_themselves_stays_so() -> None:
    world = World()
    many = [sight(f"cause {n}", count=n) for n in range(1, 21)]
    world.look(*many)
    assert len(world.look(*many, after=30)) == MOST_CAUSES + 1
    # a new cause that is larger than all, and one of the named that is gone: none of it moves another
    changed = [sight("new", count=999), *many[:-1]]
    told = [world.look(*changed) for _ in range(10)]
    assert {one for some in told for one in some} <= {"growing ops"}
    assert world.look(*changed, after=300) == ["resolved ops"]
    assert len(world.open) == MOST_CAUSES


def test_other_kinds_are_never_put_together() -> None:
    held = [sight(f"{n}", kind=Kind.HELD, key=f"held {n}") for n in range(20)]
    assert [*gathered([], held)] == held


SIGHTS = st.builds(
    sight,
    cause=st.sampled_from("abcdefghij"),
    count=st.integers(1, 5000),
    severity=st.sampled_from(list(Severity)),
)
LOOKS = st.lists(
    st.tuples(
        st.lists(SIGHTS, max_size=8, unique_by=lambda one: one.key),
        st.floats(1, 2000),
        st.booleans(),
    ),
    max_size=25,
)
TWO = {
    "ops": Audience(name="ops", escalate_after=timedelta(minutes=20), escalate_to="boss"),
    "boss": Audience(name="boss", min_severity=Severity.CRITICAL),
}


@settings(max_examples=150, deadline=None)
@given(LOOKS)
def test_whatever_comes_and_goes(looks: list[tuple[list[object], float, bool]]) -> None:
    """Nobody hears of a thing twice, nor of its end without its beginning; and whoever heard of it hears of its end."""
    world = World(TWO)
    for sights, after, blind in looks:
        world.look(*sights, after=after, blind=[Kind.DEAD] if blind else ())  # type: ignore[arg-type]
    for _ in range(3):
        world.look(after=RULES.clear.total_seconds())
    assert world.open == {}
    counted = Counter((one.audience, one.incident.id, one.transition, one.step) for one in world.told)
    assert max(counted.values(), default=1) == 1
    first, last = {Transition.OPENED, Transition.ESCALATED}, Transition.RESOLVED
    begun = Counter((one.audience, one.incident.id) for one in world.told if one.transition in first)
    ended = Counter((one.audience, one.incident.id) for one in world.told if one.transition is last)
    assert max(begun.values(), default=1) == 1
    assert begun == ended
    for place in begun:
        words = [one.transition for one in world.told if (one.audience, one.incident.id) == place]
        assert words[0] in first
        assert words[-1] is last


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 10), min_size=5, max_size=60))
def test_what_flickers_faster_than_it_clears_is_one_incident(counts: list[int]) -> None:
    world = World(rules=Rules(gather=timedelta(0), clear=timedelta(seconds=300)))
    for count in counts:
        world.look(*([sight(count=count)] if count else []), after=20)
        world.look(sight(count=1), after=20)
    assert [one.transition for one in world.told].count(Transition.OPENED) == 1
    assert Transition.RESOLVED not in {one.transition for one in world.told}


@given(st.integers(1, 10**6))
def test_growing_is_told_a_few_times_at_most(last: int) -> None:
    """However it grows within the pause: by powers of ten."""
    world = opened(count=1)
    count, told = 1, 0
    while count < last:
        count = min(last, count * 3)
        told += len(world.look(sight(count=count), after=1))
    assert told <= len(str(last)) - 1


def opened(**more: Any) -> World:
    world = World()
    world.look(sight(**more))
    assert world.look(sight(**more), after=30) == ["opened ops"]
    one: Incident = next(iter(world.open.values()))
    assert one.opened_at is not None
    assert one.opened_at > NOW
    return world
