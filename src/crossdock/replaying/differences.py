"""Bytes of then and of now: where they differ, field by field. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from itertools import zip_longest
from typing import Any

from msgspec.structs import replace

from crossdock.delivery.records import State
from crossdock.delivery.store import DeliveryView
from crossdock.model.base import Record
from crossdock.replaying.bodies import tree_of
from crossdock.replaying.tape import Said
from crossdock.replaying.then import Tried
from crossdock.shadowing.fields import flat


class Outcome(StrEnum):
    """What a delivery of then would come to now.

    SAME: byte for byte, with the same outcome. STOPS: it would not be sent any more; STARTS: it was not then. UNKNOWN:
    it cannot be told, since what it needs was not recorded, or forgotten.
    """

    SAME = "same"
    CHANGED = "changed"
    STOPS = "stops"
    STARTS = "starts"
    UNKNOWN = "unknown"


SEVERITY = (Outcome.SAME, Outcome.UNKNOWN, Outcome.CHANGED, Outcome.STARTS, Outcome.STOPS)


class Change(Record, frozen=True, kw_only=True):
    """One field of one request, as text; "" where it is not there."""

    field: str
    then: str
    now: str


class Replayed(Record, frozen=True, kw_only=True):
    """One delivery. `bytes_compared`: of the requests then. `mapped_by`: version and settings of then, if known."""

    delivery: int | None
    reference: str
    flow: str
    target: str
    outcome: Outcome
    why: str = ""
    changes: tuple[Change, ...] = ()
    bytes_compared: int = 0
    mapped_by: str = ""


class Now(Record, frozen=True, kw_only=True):
    """What would be sent today. `refused`: the error that it ends with; `unanswered`: that its end cannot be told."""

    sent: tuple[Said, ...] = ()
    refused: str = ""
    unanswered: str = ""


def judged(told: Replayed, view: DeliveryView, tried: Tried, now: Now) -> Replayed:
    """`told` with its outcome."""
    said = tried.sent
    if not now.sent and (now.unanswered or now.refused):
        stops = Outcome.STOPS if said else Outcome.SAME
        outcome = Outcome.UNKNOWN if now.unanswered else stops
        return replace(told, outcome=outcome, why=now.unanswered or now.refused)
    if not said:
        starts = view.state == State.DEAD or (now.sent and view.state == State.DELIVERED)
        why = f"{view.state} then: {view.code or view.reason}"
        return replace(told, outcome=Outcome.STARTS if starts else Outcome.SAME, why=why)
    # as far as it goes: what would have followed an answer that nobody knows is not told to be missing
    found = changes(said[: len(now.sent)] if now.unanswered else said, now.sent)
    if now.unanswered and not found:
        return replace(told, outcome=Outcome.UNKNOWN, why=now.unanswered)
    return replace(told, outcome=Outcome.CHANGED if found else Outcome.SAME, changes=found)


def together(attempts: Sequence[Replayed]) -> Replayed:
    """What several attempts of one delivery come to: the worst of them, with all that differs."""
    worst = max(attempts, key=lambda one: SEVERITY.index(one.outcome))
    found = tuple(change for one in attempts for change in one.changes)
    return replace(worst, changes=found, bytes_compared=sum(one.bytes_compared for one in attempts))


def changes(then: Sequence[Said], now: Sequence[Said]) -> tuple[Change, ...]:
    """Empty for the same bytes; the first field that differs is never left out."""
    found: list[Change] = []
    for before, after in zip_longest(then, now, fillvalue=Said("")):
        if not before.is_as(after):
            found += _fields(before, after)
    return tuple(found)


def _fields(before: Said, after: Said) -> Iterator[Change]:
    if before.operation != after.operation:
        yield Change(field="(request)", then=before.operation, now=after.operation)
        return
    if not before.is_there(after):
        yield Change(field="(address)", then=before.operation, now="another, or asked for in another way")
    if before.body == after.body:
        return
    told = [*_told(before.body, after.body)]
    yield from told or [Change(field="(bytes)", then=f"{len(before.body)} bytes", now=f"{len(after.body)} bytes")]


def _told(before: bytes, after: bytes) -> Iterator[Change]:
    trees = tree_of(before), tree_of(after)
    if None in trees:
        return
    old, new = (dict(flat(tree)) for tree in trees)
    for path in {**old, **new}:
        one, other = _text(old.get(path)), _text(new.get(path))
        if one != other:
            yield Change(field=path, then=one, now=other)


def _text(value: Any) -> str:
    return "" if value is None else str(value)


__all__ = ["Change", "Now", "Outcome", "Replayed", "changes", "judged", "together"]
