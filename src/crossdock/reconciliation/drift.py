"""One difference, and one comparison, as they are kept and shown. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

import msgspec

from crossdock.model.base import Record

ABSENT = "absent"  # the value of what one side has not


class Cause(StrEnum):
    """Why the sides differ, as far as Crossdock knows."""

    NEVER_CAPTURED = "never-captured"  # it was never heard of
    STILL_WAITING = "still-waiting"  # promised, and not delivered yet
    DEAD_LETTER = "dead-letter"  # refused; a person must look at it
    OVERWRITTEN = "overwritten-in-store"  # delivered and confirmed, and the store has something else now
    CHANGED_IN_ERP = "changed-in-erp"  # the ERP has something else than it last told
    ROUNDING = "rounding"  # a difference of a cent, or of what a side cuts off
    RESERVATION = "reservation"  # the difference is what the store reserves
    UNKNOWN = "unknown"


class Repair(StrEnum):
    """What would be done about it, each on the road that everything else goes too."""

    NONE = "none"  # nothing by itself: a person decides
    WAIT = "wait"  # it is on its way
    LOOK = "look"  # the order is looked at, as if polled
    OWE = "owe"  # its level is owed again
    REPLAY = "replay"  # the dead letter is tried again, under its key
    READ = "read"  # the ERP is read again, as a whole


class DriftState(StrEnum):
    """What became of it. ENDED: by the time of its repair nothing was left to be done."""

    FOUND = "found"
    REPAIRED = "repaired"
    ENDED = "ended"


class RunState(StrEnum):
    """Where a comparison stands. A run that its process did not live to end is INTERRUPTED; the next begins anew."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


REPAIRABLE = frozenset({Repair.LOOK, Repair.OWE, Repair.REPLAY, Repair.READ})


class Drift(Record, frozen=True, kw_only=True):
    """A field at which the sides differ. `number` is its place in its run, from 1.

    `delivery` and `seen` say which delivery of ours it is judged by, and under which fence: a repair that finds another
    one leaves it alone. Values of customers are keyed hashes.
    """

    number: int = 0
    key: str  # what it is about: `PLACE/SKU`, an order's number
    subject: str = ""  # the source's own id of an order
    field: str
    store_value: str
    erp_value: str
    cause: Cause
    repair: Repair
    why: str = ""
    state: DriftState = DriftState.FOUND
    delivery: int | None = None
    seen: int = 0
    repaired_at: datetime | None = None
    repaired_by: str = ""


class Run(Record, frozen=True, kw_only=True):
    """One comparison. Counts are of keys: `compared` those that either side has, `moving` those left out as in motion.

    `drifts` are fields that differ; `drilled` are entries that had to be looked at singly.
    """

    id: int
    flow: str
    store: str
    erp: str
    by: str
    began_at: datetime
    since: datetime | None = None
    ended_at: datetime | None = None
    state: RunState = RunState.RUNNING
    compared: int = 0
    drilled: int = 0
    drifts: int = 0
    moving: int = 0
    detail: str = ""


def numbered(drifts: Iterable[Drift], first: int) -> list[Drift]:
    """With their places."""
    return [msgspec.structs.replace(one, number=first + at) for at, one in enumerate(drifts)]


def by_cause(drifts: Iterable[Drift]) -> dict[str, int]:
    """How many fields of each cause."""
    return dict(Counter(str(one.cause) for one in drifts).most_common())


def chosen(drifts: Iterable[Drift], causes: frozenset[str], keys: frozenset[str]) -> list[Drift]:
    """Those that can be repaired and were asked for; nothing named is all of them."""
    return [
        one
        for one in drifts
        if one.state is DriftState.FOUND
        and one.repair in REPAIRABLE
        and (not causes or one.cause in causes)
        and (not keys or one.key in keys)
    ]
