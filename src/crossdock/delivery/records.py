"""What the spine keeps: deliveries, attempts, settlements. Pure."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from crossdock.contract.flow import Duty, Known
from crossdock.contract.message import Message
from crossdock.contract.shadow import Compared
from crossdock.model.agreement import News
from crossdock.model.base import Record


class State(StrEnum):
    """Where a delivery stands. DELIVERED, SUPERSEDED and SHADOWED are final; DEAD waits for a person."""

    PENDING = "pending"
    LEASED = "leased"
    DELIVERED = "delivered"
    SUPERSEDED = "superseded"
    DEAD = "dead"
    SHADOWED = "shadowed"


OPEN_STATES = (State.PENDING, State.LEASED, State.DEAD)


class Owner(StrEnum):
    """Who must act on a dead letter."""

    BUSINESS = "business"
    DEVOPS = "devops"


class Arrival(Record, frozen=True, kw_only=True):
    """A message on its way into the inbox. `target` is where its first delivery goes.

    `fingerprint` is a hash of what came: the same id with another one is a conflict. One that is not `owed` is kept
    as it came and makes no delivery. `park`: why its delivery is a dead letter from birth. `keeps_conflicts`: one that
    is a conflict is kept as a dead letter beside the first, since nobody waits to be told. `about`: whose data it is,
    as keyed fingerprints.
    """

    message: Message
    flow: str
    target: str
    key: str
    lane: str
    one_row: bool = False  # STATE and LOOK: one delivery row a subject
    priority: int = 5
    fingerprint: str = ""
    channel: str = "webhook"
    owed: bool = True
    park: str = ""
    keeps_conflicts: bool = False
    about: tuple[str, ...] = ()


class Recorded(Record, frozen=True, kw_only=True):
    """What became of an arrival. `id` is the first one's id where it is a duplicate."""

    id: str
    outcome: str  # new | unchanged | duplicate | conflict


class Delivery(Record, frozen=True, kw_only=True):
    """The duty to bring one message to one target, as leased by a worker."""

    id: int
    message: Message
    flow: str
    source: str
    target: str
    subject: str
    reference: str = ""
    key: str
    lane: str
    priority: int = 5
    state: State
    attempts: int = 0
    unexpected: int = 0
    opened_at: datetime  # when it was promised, or replayed: the horizon counts from here
    due_at: datetime
    fence: int = 0
    generation: int = 0
    leased_until: datetime | None = None
    maybe_sent: bool = False
    sent_at: datetime | None = None  # the latest moment at which it may have been sent
    memo: dict[str, str] = {}
    reason: str = ""  # what the last attempt came to
    edited: bool = False  # a person has corrected its record: it is sent as it is, and not read again


class Verdict(Record, frozen=True, kw_only=True):
    """What is to become of a delivery after an attempt. Made by `judge` alone."""

    state: State
    due_at: datetime
    attempts: int
    unexpected: int = 0
    maybe_sent: bool = False
    code: str = ""
    reason: str = ""
    owner: Owner | None = None
    pause: str = ""  # why the target's connection is to be paused


class Attempt(Record, frozen=True, kw_only=True):
    """One try, as the audit trail keeps it (the spec's columns)."""

    operation: str
    entity: str = ""
    entity_id: str = ""
    key: str = ""
    started_at: datetime
    duration_ms: int = 0
    status: int | None = None
    error: str = ""
    request: bytes = b""
    response: bytes = b""
    actor: str = "crossdock"
    detail: str = ""
    mapping: str = ""  # by which version and settings it was mapped


class Promise(Record, frozen=True, kw_only=True):
    """A delivery that a settlement promises, with its message."""

    message: Message
    flow: str
    target: str
    key: str
    lane: str
    priority: int = 5
    park: bool = False
    reason: str = ""
    memo: dict[str, str] = {}
    one_row: bool = False  # LOOK: the subject's one row is due again


class Link(Record, frozen=True, kw_only=True):
    """Our subject <-> the target's id. `part` is a line's id, "" for the whole."""

    source: str
    subject: str
    target: str
    external_id: str
    part: str = ""
    number: str = ""


class Reserved(Record, frozen=True, kw_only=True):
    """What a source keeps aside for one of its subjects, by name; `stirs`: keys of states reckoned with that name."""

    amounts: dict[str, Decimal] = {}
    stirs: dict[str, tuple[str, ...]] = {}


class Moved(Record, frozen=True, kw_only=True):
    """What a target took off its own stock at one place, by name, and when the source had done so.

    `stirs`: keys of states at that target that say how much is there.
    """

    place: str
    at: datetime
    amounts: dict[str, Decimal]
    stirs: tuple[str, ...] = ()


class Agreed(Record, frozen=True, kw_only=True):
    """What two ends are now known to have of a subject; `external_id` is kept where none is known yet."""

    source: str
    subject: str
    target: str
    external_id: str = ""
    news: tuple[News, ...] = ()
    places: dict[str, str] = {}


class Settlement(Record, frozen=True, kw_only=True):
    """All that one attempt changes, written in one transaction under the delivery's fence."""

    verdict: Verdict
    attempts: tuple[Attempt, ...] = ()
    promises: tuple[Promise, ...] = ()
    ends: tuple[tuple[str, str, str], ...] = ()  # (target, key, reason) of promises that need not be kept
    instead_of: tuple[tuple[str, str, str], ...] = ()  # dead ones that end; are they no more, nothing is promised
    links: tuple[Link, ...] = ()
    content: str = ""  # of what was looked at
    aside: bool = False  # a dead letter that does not hold up its lane
    final: bool = False  # the sweep need not look at it again
    reference: str = ""
    reserved: Reserved | None = None  # of the subject that was looked at
    moved: Moved | None = None  # by what was put
    subjects: tuple[str, ...] = ()  # fingerprints of the people that the payloads are about
    agreed: tuple[Agreed, ...] = ()
    compared: Compared | None = None  # what was found in the place of sending


__all__ = [
    "OPEN_STATES",
    "Agreed",
    "Arrival",
    "Attempt",
    "Delivery",
    "Duty",
    "Known",
    "Link",
    "Moved",
    "Owner",
    "Promise",
    "Recorded",
    "Reserved",
    "Settlement",
    "State",
    "Verdict",
]
