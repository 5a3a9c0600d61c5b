"""Dead letters by cause; what a replay would do, and that it does it once."""

from __future__ import annotations

from decimal import Decimal

import pytest

from crossdock.delivery.records import State
from crossdock.delivery.store import DeadFilter
from crossdock.errors import MappingError, NotNow, Stale
from crossdock.operations import audit, dead, delivery
from crossdock.operations.causes import blanked, cause_of
from crossdock.operations.dead import Choice
from tests.unit.operations.desks import Bench


def test_numbers_and_ids_are_left_out_of_a_reason_and_words_are_not() -> None:
    assert blanked("HTTP 422: unknown SKU A-17 in order 000000123") == "HTTP 422: unknown SKU # in order #"
    assert blanked("has no entry for 'paypal'") == "has no entry for 'paypal'"
    assert blanked("order 92f60753-3801-4ae9-9d1d-0ce1ac9db082 is closed") == "order # is closed"
    assert cause_of("rejected", "SKU A-1") == cause_of("rejected", "SKU B-22")
    assert cause_of("rejected", "SKU A-1") != cause_of("mapping", "SKU A-1")


def test_letters_of_one_cause_are_one_line_with_their_money(at: Bench) -> None:
    for number in (1, 2, 3):
        at.dead(number, total="19.90")
    at.dead(4, reason="HTTP 422: closed", total="5")
    found = dead.causes(at.desk)
    assert [(one.count, one.reason) for one in found.causes] == [
        (3, "HTTP 422: unknown SKU #"),
        (1, "HTTP 422: closed"),
    ]
    (sum_of_three,) = found.causes[0].at_risk.money
    assert (sum_of_three.currency, sum_of_three.amount, sum_of_three.orders) == ("EUR", Decimal("59.70"), 3)
    assert [one.id for one in dead.letters(at.desk, found.causes[1].id)] == [4]
    assert found.complete


def test_a_replay_of_a_cause_is_foreseen_done_and_noted_with_its_reason(at: Bench) -> None:
    for number in (1, 2, 3):
        at.dead(number)
    other = at.dead(4, reason="HTTP 422: closed")
    cause = cause_of("rejected", "HTTP 422: unknown SKU A-1")
    at.store.pause("erp", "upgrade", "cli:ada", at.clock.now)
    seen = dead.foresee(at.desk, Choice(cause=cause))
    assert (seen.letters, seen.waits, seen.paused, seen.asked_first) == (3, 3, ["erp"], 0)
    done = dead.replay(at.desk, Choice(cause=cause, limit=2), "user:ada", "the SKU is known")
    assert (done.done, done.left) == (2, 1)
    done = dead.replay(at.desk, Choice(cause=cause, limit=2), "user:ada", "the SKU is known")
    assert (done.done, done.left) == (1, 0)
    assert [one.id for one in at.store.dead(DeadFilter())] == [other]
    rows = [row for row in audit.page(at.desk, audit.Asked(people=True)).rows if row.operation == "replay"]
    assert [(row.actor, row.detail) for row in rows] == [("user:ada", "the SKU is known")] * 3


def test_asking_twice_does_it_once(at: Bench) -> None:
    letter = at.dead(1)
    before = at.clock.forward(seconds=1)
    assert dead.replay(at.desk, Choice(ids=(letter,), before=before), "user:ada", "again").done == 1
    at.clock.forward(seconds=1)
    assert at.settle(State.DEAD, code="rejected", reason="still") == 1
    assert dead.replay(at.desk, Choice(ids=(letter,), before=before), "user:ada", "again").done == 0
    assert dead.replay(at.desk, Choice(ids=(letter,)), "user:ada", "again").done == 1


def test_nothing_is_done_without_a_choice_or_a_reason(at: Bench) -> None:
    letter = at.dead(1)
    for choice in (Choice(), Choice(ids=(letter,), cause="x"), Choice(ids=(0,)), Choice(ids=(letter,), limit=0)):
        with pytest.raises(MappingError):
            dead.replay(at.desk, choice, "user:ada", "why not")
    with pytest.raises(MappingError, match="why"):
        dead.resolve(at.desk, Choice(ids=(letter,)), "user:ada", "  ")
    assert dead.foresee(at.desk, Choice(ids=(letter, 999))).gone == [999]


def test_of_two_corrections_the_second_is_told_that_it_is_late(at: Bench) -> None:
    letter = at.dead(1)
    version = delivery.record(at.desk, letter).version
    assert version
    assert dead.edit(at.desk, letter, b'{"id": "1", "note": "a"}', "user:ada", "fixed", version).done == 1
    with pytest.raises(NotNow):  # it is under way
        dead.edit(at.desk, letter, b'{"id": "1", "note": "b"}', "user:bob", "fixed", version)
    assert at.settle(State.DEAD, code="rejected", reason="still") == 1
    with pytest.raises(Stale):
        dead.edit(at.desk, letter, b'{"id": "1", "note": "b"}', "user:bob", "fixed", version)
    assert delivery.record(at.desk, letter).record == '{"id": "1", "note": "a"}'
    with pytest.raises(MappingError):
        dead.edit(at.desk, letter, b"[1]", "user:bob", "fixed", version)


def test_a_resolved_letter_is_done_with(at: Bench) -> None:
    letter = at.dead(1)
    assert dead.resolve(at.desk, Choice(ids=(letter,)), "user:ada", "entered by hand").done == 1
    assert dead.causes(at.desk).causes == []
    assert dead.resolve(at.desk, Choice(ids=(letter,)), "user:ada", "entered by hand").done == 0
