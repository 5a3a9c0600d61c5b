"""What is seen to be wrong, what is known of it, and what is told of it, as it is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from crossdock.model.base import Record


class Kind(StrEnum):
    """Kinds of cause. settings.IncidentKind says the same words; a test holds the two together."""

    DEAD = "dead"  # dead letters of one cause
    LOGIN = "login"  # a connection is paused: its system does not know us
    PAUSED = "paused"  # a connection is paused for another reason, or by a person
    BREAKER = "breaker"  # a connection does not answer, and is asked only now and then
    LAG = "lag"  # deliveries are owed for too long
    SCHEDULE = "schedule"  # a run did not happen, or failed
    HELD = "held"  # a feed waits for a person
    DRIFT = "drift"  # the sides of the last comparison differ
    COMPARE = "compare"  # the last comparison failed
    COVERAGE = "coverage"  # orders of a store were never seen
    WEBHOOKS = "webhooks"  # polling finds what webhooks should have told
    DOCTOR = "doctor"  # a check of the doctor found what comes with time
    AUDIT = "audit"  # the audit trail's chain does not hold


class Severity(StrEnum):
    """How bad it is, from below."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"

    def rank(self) -> int:
        """To be compared by."""
        return list(Severity).index(self)


class State(StrEnum):
    """Where an incident stands. Of these only RESOLVED is the end: what comes after it is another incident."""

    GATHERING = "gathering"  # new: nobody is told before it has lasted
    OPEN = "open"
    CLEARING = "clearing"  # nothing of it is left: told as resolved if it stays so
    RESOLVED = "resolved"


class Transition(StrEnum):
    """What a message tells."""

    OPENED = "opened"
    GROWING = "growing"
    ESCALATED = "escalated"
    RESOLVED = "resolved"
    DIGEST = "digest"


class Fate(StrEnum):
    """What became of a notice."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"  # not taken for `retry_hours`
    SKIPPED = "skipped"  # the digest tells it, or there was nothing to tell


class Sum(Record, frozen=True, kw_only=True):
    """Money in one currency."""

    currency: str
    amount: Decimal


class Sight(Record, frozen=True, kw_only=True):
    """One cause as it is seen now. `key` is the same for the same cause in every process and for ever.

    Nothing in it is about a person: no text of another system, no reason that somebody typed. `examples` are numbers of
    orders or SKUs. `money_partly`: the money of some orders is not known, or not yet. `capped`: there are more than
    `count`. `since`: of the oldest of them.
    """

    key: str
    kind: Kind
    owner: str
    severity: Severity
    since: datetime
    flow: str = ""
    connection: str = ""
    code: str = ""
    cause: str = ""
    count: int = 1
    capped: bool = False
    money: tuple[Sum, ...] = ()
    money_partly: bool = False
    examples: tuple[str, ...] = ()
    cli: str = ""


class Seen(Record, frozen=True, kw_only=True):
    """One look. What is of a `blind` kind could not be looked at: nothing is known of whether it is over.

    `unseen`: keys of single causes of which the same is true.
    """

    sights: tuple[Sight, ...] = ()
    blind: frozenset[Kind] = frozenset()
    unseen: frozenset[str] = frozenset()


class Incident(Record, frozen=True, kw_only=True):
    """One cause over its time. `sight` is the last one of it; `peak` the most that there was at once.

    `told` names the audiences that know of it. `told_count`, `told_severity`, `told_at`: of the last message. `done`:
    what people did, by operation.
    """

    id: int = 0
    sight: Sight
    state: State = State.GATHERING
    first_at: datetime
    last_at: datetime
    peak: int = 1
    opened_at: datetime | None = None
    cleared_at: datetime | None = None
    resolved_at: datetime | None = None
    told: tuple[str, ...] = ()
    told_at: datetime | None = None
    told_count: int = 0
    told_severity: Severity = Severity.INFO
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    acknowledged_why: str = ""
    done: Mapping[str, int] = {}


class Notice(Record, frozen=True, kw_only=True):
    """One message for one audience: once for (audience, incident, transition, step). A digest's incident is 0.

    Notices of one `bundle` go as one message. `targets`: those that have taken it.
    """

    id: int = 0
    audience: str
    incident_id: int
    transition: Transition
    step: str = ""
    at: datetime
    due_at: datetime
    bundle: str = ""
    severity: Severity = Severity.INFO
    title: str = ""
    body: str = ""
    state: Fate = Fate.PENDING
    attempts: int = 0
    targets: tuple[str, ...] = ()
    error: str = ""
    sent_at: datetime | None = None

    def key(self) -> str:
        """The same whenever it is sent again: by it a receiver knows what it has had."""
        return digest_of(self.audience, str(self.incident_id), self.transition, self.step)


def digest_of(*parts: str) -> str:
    """A short name made of several."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]


def key_of(kind: Kind, **parts: str) -> str:
    """Of a cause."""
    return digest_of(kind, *(f"{name}={parts[name]}" for name in sorted(parts)))


def money_of(found: Sequence[Any]) -> tuple[Sum, ...]:
    """Of things that have a currency and an amount."""
    return tuple(Sum(currency=one.currency, amount=one.amount) for one in found)


__all__ = [
    "Fate",
    "Incident",
    "Kind",
    "Notice",
    "Seen",
    "Severity",
    "Sight",
    "State",
    "Sum",
    "Transition",
    "digest_of",
    "key_of",
    "money_of",
]
