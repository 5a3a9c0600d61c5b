"""Looking on: what would have been sent, held against what the target has. Nothing here can write."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, TypeVar, runtime_checkable

from crossdock.model.base import Record

R_contra = TypeVar("R_contra", contravariant=True)
SHADOW = "shadow"  # in a promise's memo: it is compared, and never sent
PARKED = "parked"  # in a shadow's memo: why a person would have had to look first


class Fate(StrEnum):
    """What a comparison came to.

    MISSING: the target has it not. REFUSED: nothing would have been sent, `reason` says why. UNSEEN: it is there, or
    cannot be asked for, and no field of it could be held against ours.
    """

    EQUAL = "equal"
    DIFFERENT = "different"
    MISSING = "missing"
    REFUSED = "refused"
    UNSEEN = "unseen"


class Shown(Record, frozen=True, kw_only=True):
    """One thing in the target's own words: what a put would write (`ours`), and what the target gives back of it.

    `number` is what people call it there, `times` how often the target has it. A field that only `ours` has cannot be
    compared; one that only `theirs` has is the target's own. Where the target cannot be asked, `theirs` is empty.
    """

    ours: dict[str, Any]
    theirs: dict[str, Any]
    number: str = ""
    times: int = 1


@runtime_checkable
class ShowingSink(Protocol[R_contra]):
    """A sink that can tell what its target has, field by field: whoever has put it there."""

    def show(self, record: R_contra, key: str) -> Shown | None:
        """By what the record is called in the target; None where there is none. Reads only. Raises DeliveryError."""


class Unlike(Record, frozen=True, kw_only=True):
    """One field: what would have been sent, and what is there, both as text."""

    field: str
    ours: str
    theirs: str


class Compared(Record, frozen=True, kw_only=True):
    """What was found. `compared`: how many fields; `uncompared`: those that the target does not give back."""

    fate: Fate
    reason: str = ""
    number: str = ""
    compared: int = 0
    unlike: tuple[Unlike, ...] = ()
    uncompared: tuple[str, ...] = ()
    again_at: datetime | None = None  # it may still come there by another's hand: look again

    def told(self) -> str:
        """In a line, without a value."""
        where = f" as {self.number}" if self.number else ""
        if self.fate is Fate.EQUAL:
            return f"shadow: equal to what is there{where} ({self.compared} fields)"
        if self.fate is Fate.DIFFERENT:
            names = ", ".join(dict.fromkeys(one.field for one in self.unlike[:5]))
            return f"shadow: differs from what is there{where}: {names or self.reason}"
        return f"shadow: {self.fate}{where}: {self.reason}" if self.reason else f"shadow: {self.fate}{where}"


class Onlooker(Protocol):
    """What a shadow delivery gets in the place of a sink. It has no way to write."""

    def compare(self, record: Any, key: str, memo: Mapping[str, str], since: datetime, now: datetime) -> Compared:
        """`since`: when it was promised. Raises DeliveryError where the target cannot be asked now."""


__all__ = ["PARKED", "SHADOW", "Compared", "Fate", "Onlooker", "ShowingSink", "Shown", "Unlike"]
