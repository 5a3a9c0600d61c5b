"""What the doctor found, the last time that anybody asked; and asking again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from crossdock.contract.findings import ERP_RIGHTS, Check, Level
from crossdock.contract.findings import Finding as Seen
from crossdock.doctor import examined
from crossdock.doctor.report import Report, chosen, run
from crossdock.magento.doctor import examined as magento
from crossdock.operations.desk import Desk, View, line
from crossdock.operations.schedules import lines_of

CHECKS: Mapping[str, Check] = MappingProxyType(
    {check.name: check for check in (*examined.CHECKS, *magento.CHECKS, ERP_RIGHTS)}
)
LONGEST_S = 60.0
LONGEST_BY_SCHEDULE_S = 20.0  # a process that is to end waits for it


class Finding(View, frozen=True, kw_only=True):
    """One thing that was found.

    `level`: ok, warning, error, or unseen where it could not be looked at. `subject`: a connection, or crossdock.
    `by_hand`: nothing tells it to a program; `mend` says how a person looks. `page`: where it is explained.
    """

    check: str
    title: str
    subject: str
    level: str
    what: str
    why: str
    mend: str
    by_hand: bool
    page: str


class Findings(View, frozen=True, kw_only=True):
    """What was found. `at`: when it was asked for, null where nobody has asked since this process began.

    `unseen`: what could not be looked at; `by_hand` counts what only a person can look at, which is in no other count.
    """

    at: datetime | None
    seconds: float
    errors: int
    warnings: int
    unseen: int
    by_hand: int
    findings: list[Finding]
    cli: str = line("doctor")


NEVER = Findings(at=None, seconds=0.0, errors=0, warnings=0, unseen=0, by_hand=0, findings=[])


def last(desk: Desk) -> Findings:
    """Of this process."""
    found: Findings = desk.examined or NEVER
    return found


def ask(desk: Desk) -> Findings:
    """Everything is looked at now, within a minute. Who asks while it is being done gets what comes of that."""
    before = desk.examined
    with desk.examining:
        if desk.examined is before:
            desk.examined = shown(look(desk))
        return last(desk)


def look(desk: Desk, only: tuple[str, ...] = ()) -> Report:
    """All checks, or those that are named by themselves or by their subject."""
    found = examined.examinations(desk.crossdock, lambda: lines_of(desk.crossdock))
    return run(chosen(found, only), desk.clock(), LONGEST_S)


def look_by_schedule(desk: Desk) -> Report:
    """Only at what comes with time, and costs little to look at."""
    found = examined.examinations(desk.crossdock, lambda: lines_of(desk.crossdock))
    return run([one for one in found if one.check.told_as], desk.clock(), LONGEST_BY_SCHEDULE_S)


def shown(report: Report) -> Findings:
    """As it is told."""
    return Findings(
        at=report.at,
        seconds=report.seconds,
        errors=report.count(Level.ERROR),
        warnings=report.count(Level.WARNING),
        unseen=report.count(Level.UNSEEN),
        by_hand=sum(one.by_hand for one in report.findings),
        findings=[_finding(one) for one in report.findings],
    )


def names(desk: Desk) -> list[str]:
    """What can be asked for by itself: checks, and subjects."""
    return sorted({*CHECKS, examined.OURS, *desk.names})


def _finding(one: Seen) -> Finding:
    check = CHECKS.get(one.check)
    return Finding(
        check=one.check,
        title=check.title if check else one.check,
        subject=one.subject,
        level=str(one.level),
        what=one.what,
        why=one.why,
        mend=one.mend,
        by_hand=one.by_hand,
        page=one.page,
    )


__all__ = ["CHECKS", "Finding", "Findings", "ask", "last", "look", "look_by_schedule", "names", "shown"]
