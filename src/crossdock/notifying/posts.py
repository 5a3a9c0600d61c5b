"""Sending what is owed: each audience in a thread of its own, so that none waits for another's target.

A message is marked as sent after it was: a process that dies between the two sends it again, under the same key.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta

import msgspec
import structlog

from crossdock.delivery.store import Checkpoint
from crossdock.errors import CrossdockError
from crossdock.incidents.records import Fate, Notice, Severity, digest_of
from crossdock.incidents.templates import Texts
from crossdock.incidents.texts import Wording, bundled, kind_of
from crossdock.model.base import Record
from crossdock.notifying.targets import Target, Tells
from crossdock.storage.sql_incidents import SqlIncidents

log = structlog.get_logger("crossdock.incidents")
FIRST_PAUSE, LONGEST_PAUSE = 30.0, 3600.0  # seconds between two tries
AT_ONCE = 5000
LONGEST_ERROR = 500


class Envelope(Record, frozen=True, kw_only=True):
    """One message, and the notices that it tells."""

    title: str
    body: str
    kind: str
    notices: tuple[Notice, ...]


class Posts:
    """What sends. `offer` is called by one thread; it never waits."""

    def __init__(
        self,
        store: SqlIncidents,
        targets: Mapping[str, Sequence[Target]],
        tells: Tells,
        texts: Texts,
        wording: Wording,
        clock: Callable[[], datetime],
        *,
        give_up: timedelta,
        failpoint: Callable[[str], None] = lambda _name: None,
    ) -> None:
        self._store = store
        self._targets = targets
        self._tells = tells
        self._texts, self._wording = texts, wording
        self._clock = clock
        self._give_up = give_up
        self._failpoint = failpoint
        self._pool = ThreadPoolExecutor(max(1, len(targets)), thread_name_prefix="notify")
        self._running: dict[str, Future[None]] = {}

    def offer(self, claimed: Checkpoint) -> None:
        """Begin to send what is due, to each audience that is not being told just now."""
        now = self._clock()
        by_audience: defaultdict[str, list[Notice]] = defaultdict(list)
        for notice in self._store.pending(AT_ONCE):
            by_audience[notice.audience].append(notice)
        for name, owed in by_audience.items():
            before = self._running.get(name)
            if (before is None or before.done()) and any(one.due_at <= now for one in owed):
                self._running[name] = self._pool.submit(self._send, claimed, name, owed, now)

    def is_busy(self) -> bool:
        """Whether something is being sent."""
        return any(not one.done() for one in self._running.values())

    def close(self) -> None:
        """What is under way is sent."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _send(self, claimed: Checkpoint, audience: str, owed: Sequence[Notice], now: datetime) -> None:
        """In their order. `latest`: each notice as it stands by now."""
        latest = {one.id: one for one in owed}
        try:
            for envelope in self.enveloped(one for one in owed if one.due_at <= now):
                told = self._told(audience, envelope, self._behind(audience, envelope, latest))
                self._failpoint("notice-sent")
                if not self._store.settle(claimed, told):
                    return  # another process looks after them now
                latest |= {one.id: one for one in told}
        except CrossdockError as error:
            log.error("notices not sent", audience=audience, code=error.code)
        except Exception:  # a bug in one must not end all that follow
            log.exception("notices not sent", audience=audience)

    def _behind(self, audience: str, envelope: Envelope, latest: Mapping[int, Notice]) -> set[str]:
        """Targets that did not take an earlier message of its incident: that it is over is no news to them."""
        this = envelope.notices[0]
        if len(envelope.notices) > 1 or not this.incident_id:
            return set()
        earlier = [one for one in latest.values() if one.id < this.id and one.incident_id == this.incident_id]
        names = {one.name for one in self._targets.get(audience, ())}
        refused = (names - {*one.targets} for one in earlier if one.state is Fate.PENDING and one.attempts)
        return set[str]().union(*refused)

    def enveloped(self, owed: Iterable[Notice]) -> list[Envelope]:
        """What was held back for the same hour is one message."""
        bundles: defaultdict[str, list[Notice]] = defaultdict(list)
        for notice in owed:
            bundles[notice.bundle or f"alone {notice.id}"].append(notice)
        return [self._envelope(one) for one in bundles.values()]

    def _envelope(self, notices: Sequence[Notice]) -> Envelope:
        first = notices[0]
        title, body = first.title, first.body
        if len(notices) > 1:
            key = digest_of(first.audience, first.bundle)
            title, body = bundled(self._texts, notices, self._wording, key=key)
        worst = max((one.severity for one in notices), key=Severity.rank)
        return Envelope(title=title, body=body, kind=kind_of(worst, notices[-1].transition), notices=tuple(notices))

    def _told(self, audience: str, envelope: Envelope, behind: set[str]) -> list[Notice]:
        """The notices, with what became of them."""
        had = set.intersection(*(set(one.targets) for one in envelope.notices))
        errors = []
        for target in self._targets.get(audience, ()):
            if target.name in had:
                continue
            if target.name in behind:
                errors.append(f"{target.ref}: has not taken what came before")
            elif why := self._tells.tell(target, envelope.title, envelope.body, envelope.kind):
                errors.append(f"{target.ref}: {why}")
            else:
                had.add(target.name)
        return [self._settled(one, had, errors) for one in envelope.notices]

    def _settled(self, notice: Notice, had: set[str], errors: Sequence[str]) -> Notice:
        now, attempts = self._clock(), notice.attempts + 1
        tried = msgspec.structs.replace(
            notice, attempts=attempts, targets=tuple(sorted(had)), error="; ".join(errors)[:LONGEST_ERROR]
        )
        if not self._targets.get(notice.audience):
            return msgspec.structs.replace(tried, state=Fate.SKIPPED, error="there is no such audience any more")
        if not errors:
            return msgspec.structs.replace(tried, state=Fate.SENT, sent_at=now)
        log.error("a notice was not taken", audience=notice.audience, notice=notice.id, tries=attempts, why=tried.error)
        if now - owed_since(notice) >= self._give_up:
            return msgspec.structs.replace(tried, state=Fate.FAILED)
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(attempts - 1, 10))
        return msgspec.structs.replace(tried, due_at=now + timedelta(seconds=pause))


def owed_since(notice: Notice) -> datetime:
    """When it was due first."""
    return datetime.fromisoformat(notice.bundle.partition(" ")[2]) if notice.bundle else notice.at


__all__ = ["Envelope", "Posts", "owed_since"]
