"""What `crossdock doctor` looks for: checks, what each found, and how a connector brings checks of its own.

A check gathers facts by asking, and decides on them by a pure function. It changes nothing: a right to write is tried
with a request that nothing can come of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from crossdock.contract.flow import Route
from crossdock.errors import ConfigurationError, CrossdockError, Misconfigured, Rejected, Unauthorized
from crossdock.model.base import Record

PAGE = "docs/doctor.md"


class Level(StrEnum):
    """`unseen`: it could not be looked at, and nothing is said of it."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"
    UNSEEN = "unseen"


class Finding(Record, frozen=True, kw_only=True):
    """One thing that was found. `mend`: a command or the place in the other system's pages.

    `by_hand`: no interface tells this, of any system of its kind: `mend` says how a person looks.
    """

    check: str
    level: Level
    what: str
    subject: str = ""
    why: str = ""
    mend: str = ""
    by_hand: bool = False

    @property
    def page(self) -> str:
        """Where it is explained."""
        return f"{PAGE}#{self.check}"


class Check(Record, frozen=True, kw_only=True):
    """One kind of look. `name` is stable: scripts and the page of the docs are keyed by it.

    `told_as`: what is wrong, in a few words, where it comes with time and looking is cheap: then it is looked at by a
    schedule too, and people are told. Empty: only when somebody asks. `instead_of`: the name of the check of any
    connection in whose place a kind of connection has this one, since it knows better.
    """

    name: str
    title: str
    why: str
    told_as: str = ""
    instead_of: str = ""

    def ok(self, what: str) -> Finding:
        """Nothing to do."""
        return Finding(check=self.name, level=Level.OK, what=what, why=self.why)

    def warning(self, what: str, mend: str) -> Finding:
        """It works, and will not for ever."""
        return Finding(check=self.name, level=Level.WARNING, what=what, why=self.why, mend=mend)

    def error(self, what: str, mend: str) -> Finding:
        """Documents do not get across, or not rightly."""
        return Finding(check=self.name, level=Level.ERROR, what=what, why=self.why, mend=mend)

    def unseen(self, what: str, mend: str) -> Finding:
        """Something stood in the way of looking."""
        return Finding(check=self.name, level=Level.UNSEEN, what=what, why=self.why, mend=mend)

    def look_by_hand(self, what: str, mend: str) -> Finding:
        """Nothing tells it to a program."""
        return Finding(check=self.name, level=Level.UNSEEN, what=what, why=self.why, mend=mend, by_hand=True)


class Examination(Record, frozen=True, kw_only=True):
    """A check of one thing. `look` may raise CrossdockError: then nothing could be seen, and it says why."""

    check: Check
    subject: str
    look: Callable[[], Sequence[Finding]]


class Duties(Record, frozen=True, kw_only=True):
    """What the routes ask of one connection: those that begin there, and those that end there."""

    out: tuple[Route, ...] = ()
    into: tuple[Route, ...] = ()

    @property
    def gives(self) -> frozenset[str]:
        """The flows that are taken from it."""
        return frozenset(flow for route in self.out for flow in route.flows)

    @property
    def takes(self) -> frozenset[str]:
        """The flows that are written into it."""
        return frozenset(flow for route in self.into for flow in route.flows)

    def options(self, flow: str) -> list[Mapping[str, Any]]:
        """Of a flow that is written into it, each route's own rules."""
        return [route.states.get(flow, {}) for route in self.into if flow in route.flows]


@runtime_checkable
class Examined(Protocol):
    """A connector with checks of its own, beside those that every connection has."""

    def examinations(self, duties: Duties) -> Sequence[Examination]:
        """Those that matter under these duties."""


def counted(count: int, one: str, many: str = "") -> str:
    """`1 order`, `2 orders`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


SKEWED_S, WRONG_S = 30.0, 240.0  # a signed webhook may be 300 s off


def clocks(check: Check, whose: str, theirs: datetime, before: datetime, after: datetime) -> list[Finding]:
    """Pure: `before` and `after` are our own clock around the question; an answer's Date tells whole seconds."""
    ahead, behind = (theirs - after).total_seconds(), (before - theirs).total_seconds() - 1
    seconds = max(ahead, behind, 0.0)
    told = f"the {whose}'s clock is {ahead if ahead > 0 else -seconds:+.0f} s from ours"
    mend = "run a time service (chrony, systemd-timesyncd) on both machines: `timedatectl status`"
    if seconds > WRONG_S:
        return [check.error(told, mend)]
    return [check.warning(told, mend)] if seconds > SKEWED_S else [check.ok(f"the {whose}'s clock and ours agree")]


class Asked(Record, frozen=True, kw_only=True):
    """A question that needs a right. `right`: as the vendor's pages call it. `for_what`: a flow, or some words."""

    right: str
    for_what: str
    ask: Callable[[], object]


def refusals(asked: Iterable[Asked]) -> list[tuple[Asked, CrossdockError]]:
    """Asks each; those that were refused, in order. Raises DeliveryError where there is no telling."""
    found: list[tuple[Asked, CrossdockError]] = []
    for one in asked:
        try:
            one.ask()
        except (Unauthorized, Misconfigured, Rejected, ConfigurationError) as error:
            found.append((one, error))
    return found


ERP_RIGHTS = Check(
    name="erp-rights",
    title="The ERP lets us do what the routes ask of it",
    why="A missing right shows only when the first document of its kind comes, and then pauses the connection.",
)


def rights(subject: str, asked: Sequence[Asked], where: str) -> Examination:
    """An ERP's rights, asked one by one; `where` they are given there."""
    return Examination(
        check=ERP_RIGHTS, subject=subject, look=lambda: rights_found(ERP_RIGHTS, asked, refusals(asked), where)
    )


def rights_found(
    check: Check, asked: Sequence[Asked], refused: Sequence[tuple[Asked, CrossdockError]], where: str
) -> list[Finding]:
    """Pure: one finding for each right that is missing, else that all are there. `where` rights are given."""
    if not asked:
        return []
    together: dict[tuple[str, str], list[str]] = {}
    for one, error in refused:
        together.setdefault((one.right, f"{error.code}: {error}"), []).append(one.for_what)
    found = [
        check.error(f"{', '.join(dict.fromkeys(flows))}: {said}", f"give the right {right} ({where})")
        for (right, said), flows in together.items()
    ]
    flows = ", ".join(dict.fromkeys(one.for_what for one in asked))
    return found or [check.ok(f"lets us see what these need: {flows} (that we may write shows with the first of them)")]


__all__ = [
    "ERP_RIGHTS",
    "Asked",
    "Check",
    "Duties",
    "Examination",
    "Examined",
    "Finding",
    "Level",
    "clocks",
    "counted",
    "refusals",
    "rights",
    "rights_found",
]
