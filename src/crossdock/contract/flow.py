"""Flows: one kind of record going one way, as a value made of pure functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, Generic, TypeVar

from crossdock.contract.message import Message, Problem, Receipt
from crossdock.contract.state import StateRules
from crossdock.model.base import Record

R = TypeVar("R")


class Kind(StrEnum):
    """DOCUMENT: each message counts. STATE: the newest, one row a subject. LOOK: read the source, then decide.

    KEPT: stored as it came and shown; nothing is owed.
    """

    DOCUMENT = "document"
    STATE = "state"
    LOOK = "look"
    KEPT = "kept"


class Known(Record, frozen=True, kw_only=True):
    """What the spine already knows of a subject: one delivery that was promised before."""

    flow: str
    target: str
    key: str
    state: str  # pending leased delivered superseded dead
    maybe_sent: bool = False
    attempts: int = 0
    memo: dict[str, str] = {}  # what its duty wanted remembered


class Duty(Record, frozen=True, kw_only=True):
    """What a look at a subject says must be done.

    `payload` is the flow's record as JSON (msgspec). None with `supersedes` ends older promises; with neither it is a
    recorded skip. The key alone names the effect: a second duty under a known key makes no second promise. A duty of
    a LOOK flow needs no key: the one look at that subject is due again.
    """

    flow: str
    target: str
    key: str = ""
    source: str = ""  # "" = the connection that was looked at
    subject: str = ""  # "" = the subject that was looked at
    reference: str = ""
    reason: str = ""
    payload: bytes | None = None
    supersedes: tuple[str, ...] = ()  # keys of promises that need not be kept any more
    instead_of: tuple[str, ...] = ()  # keys of dead ones whose place this takes: it is promised if they still are dead
    again_in: float | None = None  # a skip: look again after so many seconds, whatever happens
    park: bool = False  # a dead letter from birth: a person must look at it
    memo: dict[str, str] = {}  # remembered with the promise, shown to later looks
    lane: str = ""  # "" = as its flow says; else it goes one at a time with whatever else is in this one


class Route(Record, frozen=True, kw_only=True):
    """Configuration made live: what of one source goes to one target, and by which rules."""

    source: str
    target: str
    flows: frozenset[str] = frozenset()
    options: dict[str, Any] = {}
    states: dict[str, dict[str, Any]] = {}  # the options of flows that have their own, by flow


class Flow(Record, Generic[R], frozen=True, kw_only=True):
    """One flow. All its functions are pure.

    `key` names the effect wanted from business identity only: the same effect has the same key on every road.
    `look` is there for LOOK flows only: the record as read, what is known of it, the routes' options -> duties.
    """

    name: str
    kind: Kind
    record: type[R]
    key: Callable[[Message], str]
    ordering_key: Callable[[Message], str]
    check: Callable[[R], Sequence[Problem]] | None = None
    acknowledge: Callable[[Message, str, Receipt], Duty | None] | None = None
    look: Callable[[Message, R, Sequence[Known], Sequence[Route]], Sequence[Duty]] | None = None
    is_final: Callable[[R], bool] | None = None  # LOOK: nothing more is expected to happen to it by itself
    state: StateRules[R] | None = None  # STATE: how its rows are read, told apart and guarded
    steps_aside: bool = False  # DOCUMENT: a dead letter of it does not hold up what follows in its lane
    priority: int = 5  # smaller goes first
