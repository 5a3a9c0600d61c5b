"""Looking after the incidents, in one process of all: whoever has the claim. It is renewed with each look.

A look's outcome and the notices that it makes due are one transaction; they are sent after it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

import msgspec
import structlog

from crossdock.delivery.store import Checkpoint
from crossdock.errors import CrossdockError, LeaseLost, StorageError
from crossdock.incidents.decide import Decision, Rules, decide
from crossdock.incidents.notices import Voice, digests, owed
from crossdock.incidents.records import Incident, Notice, State
from crossdock.notifying.acts import acts_of
from crossdock.notifying.posts import Posts
from crossdock.notifying.seen import Looker
from crossdock.operations.desk import Desk

log = structlog.get_logger("crossdock.incidents")
SOURCE, STREAM = "crossdock", "incidents"  # no connection's stream: its name has no source
LEAST_CLAIM = 30.0
FORGET_EVERY = timedelta(hours=1)


class Watch:
    """One thread. `round` may be called without it."""

    def __init__(
        self,
        name: str,
        desk: Desk,
        looker: Looker,
        voice: Voice,
        rules: Rules,
        posts: Posts,
        *,
        every: float,
        keep: timedelta,
        failpoint: Callable[[str], None] = lambda _name: None,
    ) -> None:
        self._name = name
        self._desk = desk
        self._store = desk.store.incidents
        self._looker = looker
        self._voice, self._rules, self._posts = voice, rules, posts
        self._every = every
        self._claim_for = timedelta(seconds=max(LEAST_CLAIM, 4 * every))
        self._keep = keep
        self._failpoint = failpoint
        self._claimed: Checkpoint | None = None
        self._forget_at: datetime | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="incidents", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """What is being sent is sent; another process may go on at once."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        self._looker.close()
        self._posts.close()
        if self._claimed is not None:
            with suppress(StorageError):  # without a database the claim runs out by itself
                self._desk.store.release_stream(self._claimed, self._desk.clock())

    def alive(self) -> bool:
        """Whether its thread is."""
        return self._thread.is_alive()

    def round(self) -> bool:
        """One look; False where another process has the claim. Raises StorageError."""
        claimed = self._claim()
        if claimed is None:
            return False
        now = self._desk.clock()
        known = self._store.unresolved()
        decision = self._with_acts(decide(known, self._looker.look(now), self._voice.audiences, self._rules, now), now)
        due = [*owed(decision.tellings, self._voice, now), *self._digests(known, decision, now)]
        try:
            self._store.keep(claimed, now, decision.incidents, due)
        except LeaseLost:
            self._claimed = None
            return False
        for one in decision.tellings:
            sight = one.incident.sight
            log.info("incident", incident=one.incident.id, told=one.transition, audience=one.audience, kind=sight.kind)
        self._failpoint("notices-owed")
        self._posts.offer(claimed)
        self._forget(now)
        return True

    def _claim(self) -> Checkpoint | None:
        now = self._desk.clock()
        until = now + self._claim_for
        if self._claimed is None:
            self._claimed = self._desk.store.claim_stream(SOURCE, STREAM, self._name, now, until)
        else:
            self._claimed = msgspec.structs.replace(self._claimed, held_until=until)
        return self._claimed

    def _with_acts(self, decision: Decision, now: datetime) -> Decision:
        """With what people did about those that are over."""
        over = {one.id: one for one in decision.incidents if one.state is State.RESOLVED and one.told}
        if not over:
            return decision
        done = {
            number: msgspec.structs.replace(one, done=acts_of(self._desk, one, now)) for number, one in over.items()
        }
        return Decision(
            incidents=tuple(done.get(one.id, one) if one.id else one for one in decision.incidents),
            tellings=tuple(
                msgspec.structs.replace(one, incident=done.get(one.incident.id, one.incident))
                for one in decision.tellings
            ),
        )

    def _digests(self, known: Sequence[Incident], decision: Decision, now: datetime) -> list[Notice]:
        if not any(one.digest for one in self._voice.audiences.values()):
            return []
        last = self._store.digests()
        after = {one.id: one for one in known} | {one.id: one for one in decision.incidents if one.id}
        over = [one for one in after.values() if one.state is State.RESOLVED]
        if last:
            over += self._store.resolved_since(min(last.values()))
        return [*digests(last, [*after.values()], over, self._voice, now)]

    def _forget(self, now: datetime) -> None:
        if self._forget_at is None or now >= self._forget_at:
            self._forget_at = now + FORGET_EVERY
            self._store.forget(now - self._keep)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.round()
            except CrossdockError as error:
                log.error("cannot look after the incidents", code=error.code)
            except Exception:  # a bug in one look must not end all that follow
                log.exception("cannot look after the incidents")
            self._stopping.wait(self._every)


__all__ = ["Watch"]
