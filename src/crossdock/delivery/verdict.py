"""The one place that decides between retry, done and dead. Pure: time and luck are arguments."""

from __future__ import annotations

from datetime import datetime, timedelta

from crossdock.delivery.records import Delivery, Owner, State, Verdict
from crossdock.errors import (
    CrossdockError,
    DeliveryError,
    MessageError,
    Misconfigured,
    OutcomeUnknown,
    RateLimited,
    Temporary,
    Unauthorized,
    UnderWay,
)
from crossdock.model.base import Record


class Policy(Record, frozen=True, kw_only=True):
    """How long and how often. All in seconds, but for `unexpected_tries`."""

    horizon: float = 3 * 86_400.0
    first_pause: float = 2.0
    longest_pause: float = 3_600.0
    unexpected_tries: int = 3
    settling: float = 30.0  # the target's own: how long a lost request may still take effect


def pause_before(attempts: int, policy: Policy, luck: float) -> float:
    """Seconds until try number `attempts + 1`: exponential, full jitter (`luck` in [0, 1))."""
    ceiling = min(policy.longest_pause, policy.first_pause * 2.0 ** min(attempts, 30))
    return ceiling * luck


def delivered(delivery: Delivery, now: datetime, reason: str = "") -> Verdict:
    """The target said that it has it."""
    return Verdict(
        state=State.DELIVERED,
        due_at=now,
        attempts=delivery.attempts + 1,
        reason=reason,
        maybe_sent=delivery.maybe_sent,
    )


def shadowed(delivery: Delivery, now: datetime, reason: str) -> Verdict:
    """It was compared, and nothing was sent."""
    return Verdict(state=State.SHADOWED, due_at=now, attempts=delivery.attempts + 1, reason=reason)


def superseded(delivery: Delivery, now: datetime, reason: str) -> Verdict:
    """A newer state of the subject ended it."""
    return Verdict(state=State.SUPERSEDED, due_at=now, attempts=delivery.attempts, reason=reason)


def postponed(delivery: Delivery, until: datetime, reason: str) -> Verdict:
    """Not tried: its time has not come. Counts no attempt."""
    return Verdict(
        state=State.PENDING,
        due_at=until,
        attempts=delivery.attempts,
        unexpected=delivery.unexpected,
        maybe_sent=delivery.maybe_sent,
        reason=reason,
    )


def judge(delivery: Delivery, failure: Exception, policy: Policy, now: datetime, luck: float) -> Verdict:
    """What a failed attempt means (flaws 11-14, 25, 28-31).

    Temporary and unknown outcomes are tried again until the horizon; a refused login or wrong settings pause the
    connection and cost no attempt; wrong data is a dead letter for the business at once; a bug gets a few tries.
    """
    if isinstance(failure, UnderWay):
        return postponed(delivery, now + timedelta(seconds=failure.look_in), str(failure))
    if isinstance(failure, Unauthorized | Misconfigured):
        return _paused(delivery, failure, now)
    if isinstance(failure, Temporary | OutcomeUnknown):
        return _again(delivery, failure, policy, now, luck)
    if isinstance(failure, DeliveryError | MessageError):
        return _dead(delivery, failure, now, Owner.BUSINESS)
    return _unexpected(delivery, failure, policy, now, luck)


def _paused(delivery: Delivery, failure: DeliveryError, now: datetime) -> Verdict:
    return Verdict(
        state=State.PENDING,
        due_at=now,
        attempts=delivery.attempts,
        unexpected=delivery.unexpected,
        maybe_sent=delivery.maybe_sent,
        code=failure.code,
        reason=str(failure),
        owner=Owner.DEVOPS,
        pause=f"{failure.code}: {failure}",
    )


def _again(delivery: Delivery, failure: DeliveryError, policy: Policy, now: datetime, luck: float) -> Verdict:
    if now - delivery.opened_at >= timedelta(seconds=policy.horizon):
        return _dead(delivery, failure, now, Owner.DEVOPS)
    unknown = isinstance(failure, OutcomeUnknown)
    pause = pause_before(delivery.attempts, policy, luck)
    if isinstance(failure, RateLimited) and failure.retry_after is not None:
        pause += failure.retry_after
    if unknown:
        pause = max(pause, policy.settling)
    return Verdict(
        state=State.PENDING,
        due_at=now + timedelta(seconds=pause),
        attempts=delivery.attempts + 1,
        unexpected=delivery.unexpected,
        maybe_sent=delivery.maybe_sent or unknown,
        code=failure.code,
        reason=str(failure),
    )


def _dead(delivery: Delivery, failure: CrossdockError, now: datetime, owner: Owner) -> Verdict:
    return Verdict(
        state=State.DEAD,
        due_at=now,
        attempts=delivery.attempts + 1,
        maybe_sent=delivery.maybe_sent or isinstance(failure, OutcomeUnknown),
        code=failure.code,
        reason=str(failure),
        owner=owner,
    )


def _unexpected(delivery: Delivery, failure: Exception, policy: Policy, now: datetime, luck: float) -> Verdict:
    tries = delivery.unexpected + 1
    final = tries >= policy.unexpected_tries
    return Verdict(
        state=State.DEAD if final else State.PENDING,
        due_at=now + timedelta(seconds=max(pause_before(delivery.attempts, policy, luck), policy.settling)),
        attempts=delivery.attempts + 1,
        unexpected=tries,
        maybe_sent=True,  # a bug may strike after the target did it
        code="unexpected",
        reason=f"{type(failure).__name__} (a bug: see the log for the trace)",
        owner=Owner.DEVOPS if final else None,
    )
