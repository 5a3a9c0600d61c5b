from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from crossdock.contract.message import Message
from crossdock.delivery.records import Delivery, Owner, State
from crossdock.delivery.verdict import Policy, judge, pause_before
from crossdock.errors import (
    Conflict,
    InvalidPayload,
    MappingError,
    Misconfigured,
    NotReady,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Temporary,
    Unauthorized,
    UnderWay,
    Unreachable,
)

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
POLICY = Policy(settling=20.0)
DELIVERY = Delivery(
    id=1,
    message=Message(id="m", source="store", flow="orders", subject="1", occurred_at=NOW),
    flow="orders",
    source="store",
    target="erp",
    subject="1",
    key="k",
    lane="l",
    state=State.LEASED,
    attempts=2,
    opened_at=NOW,
    due_at=NOW,
)


@pytest.mark.parametrize(
    ("failure", "state", "attempts", "maybe_sent", "owner", "pauses"),
    [
        (Unreachable("no route"), State.PENDING, 3, False, None, False),
        (Temporary("503"), State.PENDING, 3, False, None, False),
        (RateLimited("slow down", retry_after=7), State.PENDING, 3, False, None, False),
        (NotReady("not there"), State.PENDING, 3, False, None, False),
        (OutcomeUnknown("cut off"), State.PENDING, 3, True, None, False),
        (Rejected("no such SKU"), State.DEAD, 3, False, Owner.BUSINESS, False),
        (Conflict("other"), State.DEAD, 3, False, Owner.BUSINESS, False),
        (InvalidPayload("cut"), State.DEAD, 3, False, Owner.BUSINESS, False),
        (MappingError("items[0].sku", "empty"), State.DEAD, 3, False, Owner.BUSINESS, False),
        (Unauthorized("401"), State.PENDING, 2, False, Owner.DEVOPS, True),
        (Misconfigured("302"), State.PENDING, 2, False, Owner.DEVOPS, True),
        (ValueError("a bug"), State.PENDING, 3, True, None, False),
    ],
)
def test_every_class_of_error_has_its_fate(
    failure: Exception, state: State, attempts: int, maybe_sent: bool, owner: Owner | None, pauses: bool
) -> None:
    verdict = judge(DELIVERY, failure, POLICY, NOW, 0.5)
    found = (verdict.state, verdict.attempts, verdict.maybe_sent, verdict.owner, bool(verdict.pause))
    assert found == (state, attempts, maybe_sent, owner, pauses)


def test_pauses_grow_with_full_jitter_and_are_capped() -> None:
    assert [pause_before(n, POLICY, 0.999999) for n in (0, 1, 5)] == pytest.approx([2, 4, 64], rel=1e-3)
    assert pause_before(500, POLICY, 0.999999) == pytest.approx(POLICY.longest_pause, rel=1e-3)
    assert pause_before(5, POLICY, 0.0) == 0


def test_retry_after_is_waited_out_whatever_the_jitter() -> None:
    verdict = judge(DELIVERY, RateLimited("429", retry_after=90), POLICY, NOW, 0.0)
    assert verdict.due_at == NOW + timedelta(seconds=90)


def test_what_is_under_way_is_looked_at_again_and_costs_no_attempt() -> None:
    verdict = judge(DELIVERY, UnderWay("in its queue", look_in=7), POLICY, NOW, 0.5)
    assert (verdict.state, verdict.due_at) == (State.PENDING, NOW + timedelta(seconds=7))
    assert (verdict.attempts, verdict.maybe_sent, verdict.code) == (DELIVERY.attempts, DELIVERY.maybe_sent, "")


def test_an_unknown_outcome_waits_for_the_target_to_settle() -> None:
    verdict = judge(DELIVERY, OutcomeUnknown("reset"), POLICY, NOW, 0.0)
    assert verdict.due_at == NOW + timedelta(seconds=20)


def test_at_the_horizon_it_is_a_dead_letter_for_devops() -> None:
    late = msgspec.structs.replace(DELIVERY, opened_at=NOW - timedelta(days=3))
    verdict = judge(late, Unreachable("no route"), POLICY, NOW, 0.5)
    assert (verdict.state, verdict.owner, verdict.code) == (State.DEAD, Owner.DEVOPS, "unreachable")


def test_a_broken_login_never_becomes_a_dead_letter() -> None:
    late = msgspec.structs.replace(DELIVERY, opened_at=NOW - timedelta(days=30))
    assert judge(late, Unauthorized("401"), POLICY, NOW, 0.5).state == State.PENDING


def test_a_bug_gets_a_few_tries_and_its_text_is_not_kept() -> None:
    last = msgspec.structs.replace(DELIVERY, unexpected=2)
    verdict = judge(last, ValueError("mario.rossi@example.com"), POLICY, NOW, 0.5)
    assert (verdict.state, verdict.owner) == (State.DEAD, Owner.DEVOPS)
    assert "mario" not in verdict.reason


def test_doubt_is_never_forgotten() -> None:
    doubtful = msgspec.structs.replace(DELIVERY, maybe_sent=True)
    for failure in (Unreachable("x"), Rejected("x"), Unauthorized("x")):
        assert judge(doubtful, failure, POLICY, NOW, 0.5).maybe_sent
