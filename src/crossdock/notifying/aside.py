"""What takes long to find out: the store's own count of its orders, what the doctor finds, the audit trail's chain.

Each is asked in a thread of its own. Until it is known, its kind is blind: incidents of it stay as they are.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import structlog

from crossdock.doctor.examined import OURS
from crossdock.errors import ConfigurationError, CrossdockError
from crossdock.feeds.schedules import Entry, next_after
from crossdock.incidents.records import Kind, Seen, Severity, Sight, key_of
from crossdock.incidents.texts import cli
from crossdock.notifying import findings
from crossdock.operations import coverage, doctor
from crossdock.operations.desk import Desk

log = structlog.get_logger("crossdock.incidents")
HOUR = timedelta(hours=1)
PATIENCE_S = 5.0
AFTER_THE_HOUR = timedelta(minutes=5)  # what came in its last minutes is polled by then


class Aside:
    """One question that is asked anew when its time has come."""

    def __init__(
        self, ask: Callable[[datetime], Seen], following: Callable[[datetime], datetime], due: datetime
    ) -> None:
        self._ask = ask
        self._following = following
        self._due = due
        self._found: Seen | None = None
        self._thread: threading.Thread | None = None

    def seen(self, now: datetime) -> Seen | None:
        """The newest answer; None before there is one. Never waits."""
        if now >= self._due and (self._thread is None or not self._thread.is_alive()):
            self._due = self._following(now)
            self._thread = threading.Thread(target=self._asked, args=(now,), name="incidents-aside", daemon=True)
            self._thread.start()
        return self._found

    def close(self) -> None:
        """What is being asked is waited for, but not for long: it only reads, and may be asked anew."""
        if self._thread is not None:
            self._thread.join(PATIENCE_S)

    def _asked(self, now: datetime) -> None:
        try:
            self._found = self._ask(now)
        except CrossdockError as error:  # what was known is not known any more
            log.warning("cannot find out what is wrong", code=error.code)
            self._found = None
        except Exception:  # a bug here must not end with an incident that is told as resolved
            log.exception("cannot find out what is wrong")
            self._found = None


class Asides:
    """Those of this process. It asks only while it looks after the incidents."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._asides: dict[Kind, Aside] | None = None

    def seen(self, kind: Kind, now: datetime) -> Seen | None:
        """None: nothing is known."""
        if self._asides is None:
            self._asides = self._made(now)
        found = self._asides.get(kind)
        return found.seen(now) if found else None

    def asked(self) -> frozenset[Kind]:
        """The kinds that are asked for, now that it has been looked."""
        return frozenset(self._asides or ())

    def close(self) -> None:
        """Nothing is asked any more."""
        for one in (self._asides or {}).values():
            one.close()

    def _made(self, now: datetime) -> dict[Kind, Aside]:
        rules, made = self._desk.settings.notifications, dict[Kind, Aside]()
        if rules.coverage_hours and self._desk.crossdock.pollers:
            made[Kind.COVERAGE] = Aside(self._coverage, _next_hour, now)
        # a trail of a million rows takes a minute of a core: only where somebody is told what comes of it
        audit = rules.audit_schedule if rules.audiences else ""
        for kind, ask, cron in (
            (Kind.DOCTOR, self._doctor, rules.doctor_schedule),
            (Kind.AUDIT, self._audit, audit),
        ):
            if cron:
                following = partial(next_after, Entry(cron=cron))
                made[kind] = Aside(ask, following, following(now))
        return made

    def _coverage(self, now: datetime) -> Seen:
        try:
            accounts = coverage.summary(self._desk, self._desk.settings.notifications.coverage_hours)
        except ConfigurationError:
            return Seen()
        found = [
            Sight(
                key=key_of(Kind.COVERAGE, connection=one.store),
                kind=Kind.COVERAGE,
                owner="devops",
                severity=Severity.ERROR,
                since=now,
                flow="orders",
                connection=one.store,
                count=len(one.missed),
                examples=tuple(gap.ids for gap in one.missed[:3]),
                cli=one.cli,
            )
            for one in accounts
            if one.missed
        ]
        return Seen(sights=tuple(found))

    def _doctor(self, now: datetime) -> Seen:
        return findings.seen(doctor.look_by_schedule(self._desk).findings, doctor.CHECKS, OURS, now)

    def _audit(self, now: datetime) -> Seen:
        broken_at = self._desk.store.audit_broken_at()
        if broken_at is None:
            return Seen()
        found = Sight(
            key=key_of(Kind.AUDIT),
            kind=Kind.AUDIT,
            owner="devops",
            severity=Severity.CRITICAL,
            since=now,
            count=broken_at,
            cli=cli("audit", "verify"),
        )
        return Seen(sights=(found,))


def _next_hour(now: datetime) -> datetime:
    begun = now.replace(minute=0, second=0, microsecond=0)
    return begun + HOUR + AFTER_THE_HOUR


__all__ = ["Aside", "Asides"]
