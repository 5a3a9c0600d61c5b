"""Carrying out examinations: side by side, each with an end, whatever becomes of one of them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime

import msgspec
import structlog

from crossdock.contract.findings import Examination, Finding, Level
from crossdock.errors import CrossdockError
from crossdock.model.base import Record
from crossdock.transport import deadline

log = structlog.get_logger("crossdock.doctor")
AT_ONCE = 6
LONGEST_S = 60.0  # of all of them together
SPARE_S = 2.0  # for those that end by themselves at their end
ORDER = (Level.ERROR, Level.UNSEEN, Level.WARNING, Level.OK)


class Report(Record, frozen=True, kw_only=True):
    """What was found, as the examinations stand; when it was begun, and how long it took."""

    at: datetime
    seconds: float
    findings: tuple[Finding, ...]

    def count(self, level: Level) -> int:
        """How many of this level; what can only be looked at by hand is counted apart, as nothing."""
        return sum(one.level is level and not one.by_hand for one in self.findings)

    def exit_code(self, *, strict: bool) -> int:
        """1 for an error; 2 where something could not be looked at or, if `strict`, for a warning; else 0."""
        if self.count(Level.ERROR):
            return 1
        return 2 if self.count(Level.UNSEEN) or (strict and self.count(Level.WARNING)) else 0


def run(examinations: Sequence[Examination], now: datetime, longest: float = LONGEST_S) -> Report:
    """All of them. One that does not end in time could not look."""
    began = time.monotonic()
    pool = ThreadPoolExecutor(AT_ONCE, "doctor")
    try:
        futures = [pool.submit(_looked, one, began + longest) for one in examinations]
        wait(futures, longest + SPARE_S)
        found = [_told(one, future) for one, future in zip(examinations, futures, strict=True)]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    told = tuple(finding for findings in found for finding in findings)
    return Report(at=now, seconds=round(time.monotonic() - began, 2), findings=told)


def chosen(examinations: Iterable[Examination], only: Iterable[str]) -> list[Examination]:
    """Those whose check or subject is named; all where none is."""
    wanted = frozenset(only)
    return [one for one in examinations if not wanted or {one.check.name, one.subject} & wanted]


def _looked(one: Examination, until: float) -> list[Finding]:
    deadline.end_in(max(0.1, until - time.monotonic()))
    try:
        return _named(one, one.look())
    except (CrossdockError, OSError) as error:
        told = f"{error.code}: {error}" if isinstance(error, CrossdockError) else str(error.strerror or error)
        return _named(one, [one.check.unseen(f"could not look: {told}", "see to that first, then ask again")])
    except Exception as error:  # one broken check must not hide what the others see
        log.exception("a check failed", check=one.check.name, subject=one.subject)
        told = f"could not look: the check itself failed ({type(error).__name__})"
        return _named(one, [one.check.unseen(told, "a fault of Crossdock's: the log has the trace, please report it")])


def _told(one: Examination, future: Future[list[Finding]]) -> list[Finding]:
    if future.done() and not future.cancelled():
        return future.result()
    return _named(one, [one.check.unseen("could not look: it took too long", f"crossdock doctor --only {one.subject}")])


def _named(one: Examination, findings: Iterable[Finding]) -> list[Finding]:
    return [msgspec.structs.replace(finding, subject=one.subject) for finding in findings]


def sorted_by_need(findings: Iterable[Finding]) -> list[Finding]:
    """The worst first; else as they stand."""
    return sorted(findings, key=lambda one: ORDER.index(one.level))
