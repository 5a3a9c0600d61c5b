"""The store: delivery.store.Store over one SQL database, SQLite or PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from crossdock.contract.flow import Known
from crossdock.contract.message import Message
from crossdock.delivery.records import Arrival, Attempt, Delivery, Link, Promise, Recorded, Settlement
from crossdock.delivery.store import Checkpoint, DeadFilter, DeliveryView, Event, Pause
from crossdock.errors import LeaseLost, StorageError
from crossdock.model.agreement import Side
from crossdock.storage import (
    agreements,
    announcing,
    archive,
    entries,
    inbox,
    letters,
    outbox,
    reading,
    retention,
    rotation,
    stories,
    streams,
    trail,
)
from crossdock.storage.committer import Committer
from crossdock.storage.facts import DatabaseFacts, facts
from crossdock.storage.handed import SqlLedger
from crossdock.storage.payloads import Payloads, Sealer
from crossdock.storage.sql_access import SqlAccess
from crossdock.storage.sql_incidents import SqlIncidents
from crossdock.storage.sql_levels import SqlLevels
from crossdock.storage.sql_operations import SqlOperations
from crossdock.storage.sql_reconciliations import SqlReconciliations
from crossdock.storage.sql_recovery import SqlRecovery
from crossdock.storage.sql_replays import SqlReplays
from crossdock.storage.sql_schedules import SqlSchedules
from crossdock.storage.sql_shadows import SqlShadows
from crossdock.storage.sql_users import SqlUsers
from crossdock.storage.watched import Watched, traced, with_traces

T = TypeVar("T")


class SqlStore:
    """See delivery.store.Store for what each method promises. Safe for many threads.

    `rereads`, put in place before anything is leased: connections that tell by a subject alone what it is now. A look
    at one of them whose body does not open is no dead letter.
    """

    def __init__(self, engine: Engine, sealer: Sealer) -> None:
        self._engine = engine
        self.sealer = sealer
        self._payloads = Payloads(sealer)
        self.watched = Watched()
        self.rereads: frozenset[str] = frozenset()
        self._committer = Committer(engine, self.watched.committed)
        alone = {"isolation_level": "AUTOCOMMIT"} if engine.dialect.name == "postgresql" else {}
        self._reading = engine.execution_options(**alone)
        steady = {"isolation_level": "REPEATABLE READ"} if engine.dialect.name == "postgresql" else {}
        self.levels = SqlLevels(self._committer, self._payloads, self._read, self.watched)
        self.reconciliations = SqlReconciliations(self._committer, self._payloads, self._read)
        self.shadows = SqlShadows(self._committer, self._payloads, self._read)
        self.replays = SqlReplays(self._payloads, self._read)
        self.schedules = SqlSchedules(self._committer, self._payloads, self._read)
        self.incidents = SqlIncidents(self._committer, self._payloads, self._read)
        self.operations = SqlOperations(self._payloads, self._read)
        self.access = SqlAccess(self._committer, self._payloads, self._read)
        self.users = SqlUsers(self._committer, self._payloads, self._read)
        self.recovery = SqlRecovery(engine, self._committer, self._payloads, self._read)
        self._snapshot = engine.execution_options(**steady)  # SQLite reads a snapshot anyhow

    def ledger(self, target: str) -> SqlLedger:
        """What was handed over to this target's own queue."""
        return SqlLedger(self._committer, self._read, target)

    def close(self) -> None:
        """Commit what waits, then close."""
        self._committer.close()
        self._engine.dispose()

    def facts(self) -> DatabaseFacts:
        """What the database tells of itself."""
        found: DatabaseFacts = self._read(facts)
        return found

    def keep_fingerprints(self, now: datetime) -> None:
        """By the database's own key from now on. Raises ConfigurationError where another master key wrapped it."""
        kept: bytes | None = self._read(rotation.kept_fingerprint_key)
        made = kept or self._committer.run(lambda c: rotation.fingerprint_key(c, self.sealer, now))
        self.sealer.keep_fingerprints(made)

    def fingerprint_of(self, person: str) -> str:
        """Under which keyed fingerprint a person is remembered, by e-mail address."""
        return self.sealer.fingerprint(person.strip().lower())

    def keys_by_head(self) -> dict[bytes, int]:
        """How many keys are wrapped, by how they begin."""
        found: dict[bytes, int] = self._read(rotation.counts, len(self.sealer.head))
        return found

    def rotate_keys(
        self, by: str, now: datetime, *, batch: int = 200, failpoint: Callable[[str], None] = lambda _name: None
    ) -> int:
        """Wrap every key under the newest master key, a small transaction after another; returns how many.

        Safe beside anything, and to be run again after it was broken off. Raises ConfigurationError for a key that
        none of the master keys opens.
        """
        sealer, total = self.sealer, 0
        self.note(_action("rotate keys", sealer.head.hex(), by, "begun", now), now)
        after: str | None = ""
        while after is not None:
            after, done = self._rotate(after, batch)
            total += done
            failpoint("rotated")
        total += self._committer.run(lambda c: rotation.rewrap_kept(c, sealer.rewrap, sealer.head, now))
        self.note(_action("rotate keys", sealer.head.hex(), by, f"{total} keys", now), now)
        return total

    def _rotate(self, after: str, batch: int) -> tuple[str | None, int]:
        rewrap, head = self.sealer.rewrap, self.sealer.head
        return self._committer.run(lambda c: rotation.rewrap_subjects(c, rewrap, head, after, batch))

    def _read(self, reader: Any, *arguments: Any) -> Any:
        try:
            with self._reading.connect() as connection:
                return reader(connection, *arguments)
        except SQLAlchemyError as error:
            raise StorageError(f"the database failed: {type(error).__name__}") from error

    def offer(self, arrival: Arrival, now: datetime) -> Future[Recorded]:
        """Record one arrival; the future holds its outcome once it is committed, with others, in one transaction."""
        ours = traced(arrival)  # here: the committer's thread does not know what is being done
        future = self._committer.submit(lambda c: inbox.record(c, self._payloads, ours, now))
        future.add_done_callback(lambda done: self.watched.offered(ours, done))
        return future

    def record(self, arrivals: Sequence[Arrival], now: datetime) -> list[Recorded]:
        """All of them in one transaction."""
        ours = [traced(arrival) for arrival in arrivals]
        recorded = self._committer.run(lambda c: [inbox.record(c, self._payloads, a, now) for a in ours])
        self.watched.recorded(ours, recorded)
        return recorded

    def record_page(
        self, checkpoint: Checkpoint, arrivals: Sequence[Arrival], now: datetime, *, complete: bool
    ) -> list[Recorded]:
        """The page and the watermark, or neither."""
        ours = [traced(arrival) for arrival in arrivals]
        recorded = self._committer.run(
            lambda c: (
                [inbox.record(c, self._payloads, a, now) for a in ours]
                if streams.advance(c, checkpoint, now, complete=complete)
                else None
            )
        )
        if recorded is None:
            raise LeaseLost(f"another reader has {checkpoint.source}/{checkpoint.stream}")
        self.watched.recorded(ours, recorded)
        return recorded

    def claim_stream(self, source: str, stream: str, holder: str, now: datetime, until: datetime) -> Checkpoint | None:
        """One reader at a time."""
        return self._committer.run(lambda c: streams.claim(c, source, stream, holder, now, until))

    def release_stream(self, checkpoint: Checkpoint, now: datetime) -> None:  # noqa: ARG002  the port's signature
        """Another may read on."""
        self._committer.run(lambda c: streams.release(c, checkpoint))

    def checkpoint(self, source: str, stream: str) -> Checkpoint | None:
        """Where a stream stands."""
        found: Checkpoint | None = self._read(streams.read, source, stream)
        return found

    def checkpoints(self) -> list[Checkpoint]:
        """Where every stream stands."""
        found: list[Checkpoint] = self._read(streams.all_of_them)
        return found

    def lease(
        self, worker: str, now: datetime, until: datetime, limits: Mapping[str, int], *, limit: int
    ) -> list[Delivery]:
        """Heads of lanes that are due."""
        wanted = dict(limits)
        return self._committer.run(
            lambda c: outbox.lease(c, self._payloads, worker, now, until, wanted, limit, self.rereads)
        )

    def announce(
        self, targets: Sequence[str], now: datetime, *, before: datetime | None, limit: int
    ) -> dict[str, list[int]]:
        """What a broker is to be told of."""
        return self._committer.run(lambda c: announcing.announce(c, targets, now, before, limit))

    def lease_announced(self, worker: str, now: datetime, until: datetime, ids: Sequence[int]) -> list[Delivery]:
        """Those of them that are still due."""
        return self._committer.run(
            lambda c: announcing.lease_announced(c, self._payloads, worker, now, until, ids, self.rereads)
        )

    def settle(self, delivery: Delivery, settlement: Settlement, now: datetime) -> None:
        """Everything an attempt changes, under its fence."""
        ours = with_traces(settlement)
        if not self._committer.run(lambda c: outbox.settle(c, self._payloads, delivery, ours, now)):
            raise LeaseLost(f"delivery {delivery.id}: the lease went to another worker")

    def give_back(self, deliveries: Sequence[Delivery], now: datetime) -> None:
        """Never begun: due again."""
        self._committer.run(lambda c: outbox.give_back(c, deliveries, now))

    def known(self, source: str, subject: str) -> list[Known]:
        """What was promised of a subject."""
        found: list[Known] = self._read(reading.known, source, subject)
        return found

    def next_due(self, now: datetime) -> datetime | None:
        """When something comes due."""
        found: datetime | None = self._read(lambda c: reading.next_due(c, now))
        return found

    def pause(self, connection: str, reason: str, by: str, now: datetime) -> bool:
        """Send nothing to it."""

        def write(c: Any) -> bool:
            done = letters.pause(c, connection, reason, by, now)
            if done:
                trail.append(c, self._payloads, _action("pause", connection, by, reason, now), None, now)
            return done

        return self._committer.run(write)

    def resume(self, connection: str, by: str, now: datetime, why: str = "") -> bool:
        """Go on."""

        def write(c: Any) -> bool:
            done = letters.resume(c, connection, by)
            if done:
                trail.append(c, self._payloads, _action("resume", connection, by, why, now), None, now)
            return done

        return self._committer.run(write)

    def paused(self) -> list[Pause]:
        """What is paused."""
        found: list[Pause] = self._read(reading.paused)
        return found

    def dead(self, which: DeadFilter) -> list[DeliveryView]:
        """Unresolved dead letters."""
        found: list[DeliveryView] = self._read(reading.dead, which)
        return found

    def delivered(
        self, flow: str, target: str, begin: datetime, end: datetime, after: int, limit: int
    ) -> list[DeliveryView]:
        """Of a period, by id."""
        found: list[DeliveryView] = self._read(reading.delivered, flow, target, begin, end, after, limit)
        return found

    def delivery(self, delivery_id: int) -> tuple[DeliveryView, Message] | None:
        """One delivery with its message."""
        found: tuple[DeliveryView, Message] | None = self._read(reading.delivery, self._payloads, delivery_id)
        return found

    def promised(self, source: str, flow: str, reference: str, key: str) -> list[DeliveryView]:
        """What was promised under a key, or one that begins with it and a colon."""
        found: list[DeliveryView] = self._read(reading.promised, source, flow, reference, key)
        return found

    def replay(
        self, ids: Sequence[int], by: str, now: datetime, why: str = "", *, before: datetime | None = None
    ) -> int:
        """Dead letters once more; `before`: only those that died before then."""
        return self._committer.run(lambda c: letters.replay(c, self._payloads, ids, by, now, why, before))

    def replay_moved_on(self, by: str, now: datetime) -> int:
        """What its subject did not take as it stood, once more, where that was heard of or changed since."""
        ids: list[int] = self._read(letters.moved_on)
        return self.replay(ids, by, now, "what it is done to has changed") if ids else 0

    def edit(self, delivery_id: int, payload: bytes, by: str, why: str, now: datetime, *, over: str = "") -> bool:
        """A corrected payload. `over`: the version whose place it takes; raises Stale for another."""
        return self._committer.run(lambda c: letters.edit(c, self._payloads, delivery_id, payload, by, why, now, over))

    def record_version(self, delivery_id: int) -> str:
        """Another one whenever a delivery's record was corrected, or tried again; "" where there is no such letter."""
        found: str = self._read(letters.record_version, delivery_id)
        return found

    def resolve(self, ids: Sequence[int], by: str, why: str, now: datetime, *, before: datetime | None = None) -> int:
        """Ended by a person; `before`: only those that died before then."""
        return self._committer.run(lambda c: letters.resolve(c, self._payloads, ids, by, why, now, before))

    def links(self, source: str, subject: str) -> list[Link]:
        """What the targets call it."""
        found: list[Link] = self._read(reading.links_of, source, subject)
        return found

    def find_subjects(self, reference: str) -> list[tuple[str, str]]:
        """By number."""
        found: list[tuple[str, str]] = self._read(reading.find_subjects, reference)
        return found

    def timeline(self, source: str, subject: str) -> list[Event]:
        """All that happened."""
        found: list[Event] = self._read(reading.timeline, source, subject)
        return found

    def traces(self, source: str, subject: str) -> dict[str, list[str]]:
        """By trace id, the flows of a subject's deliveries that belong to it."""
        found: dict[str, list[str]] = self._read(reading.traces, source, subject)
        return found

    def counts(self) -> dict[tuple[str, str, str], int]:
        """Deliveries by (flow, target, state)."""
        found: dict[tuple[str, str, str], int] = self._read(reading.counts)
        return found

    def open_subjects(self, source: str, flow: str, older_than: datetime, limit: int) -> list[str]:
        """Looked at too long ago."""
        found: list[str] = self._read(reading.open_subjects, source, flow, older_than, limit)
        return found

    def seen(self, source: str, subjects: Sequence[str]) -> set[str]:
        """Ever recorded."""
        found: set[str] = self._read(reading.seen, source, subjects)
        return found

    def looks_at(self, source: str, flow: str, subjects: Sequence[str]) -> dict[str, DeliveryView]:
        """Where the looks stand."""
        found: dict[str, DeliveryView] = self._read(reading.looks_at, source, flow, subjects)
        return found

    def looks_below(self, source: str, flow: str, prefix: str) -> list[str]:
        """Subjects that begin so."""
        found: list[str] = self._read(reading.looks_below, source, flow, prefix)
        return found

    def note(self, attempt: Attempt, now: datetime) -> None:
        """An operator's action."""
        self._committer.run(lambda c: trail.append(c, self._payloads, attempt, None, now))

    def seal_audit(self, limit: int = 5000) -> int:
        """Chain what is not chained yet; returns how many rows."""
        return self._committer.run(lambda c: trail.seal(c, limit))

    def forget_bodies(self, before: datetime, limit: int = 500) -> int:
        """Bodies older than this that nothing is owed of; returns how many went."""
        return self._committer.run(lambda c: retention.forget_bodies(c, before, limit))

    def forget_rows(self, before: datetime, now: datetime, limit: int = 5000) -> int:
        """Audit rows older than this of which nothing is unresolved; returns how many went."""
        return self._committer.run(lambda c: retention.forget_rows(c, self._payloads, before, now, limit))

    def put_away(self, before: datetime, limit: int = 500) -> int:
        """Archive subjects settled for good before then; returns how many went."""
        return self._committer.run(lambda c: archive.put_away(c, before, limit))

    def archived(self) -> int:
        """How many subjects are in the archive."""
        found: int = self._read(archive.size)
        return found

    def audit_proof(self, noted: bytes = b"") -> trail.Proof:
        """Seal all, then check all, and look for a hash that was noted."""
        while self.seal_audit():
            pass
        with self._snapshot.connect() as connection:
            return trail.prove(connection, noted)

    def audit_broken_at(self) -> int | None:
        """The first position that does not fit the chain, or None."""
        return self.audit_proof().broken_at

    def audit_export(self, *, bodies: bool) -> Iterator[dict[str, Any]]:
        """Every row of the trail, oldest first."""
        with self._snapshot.connect() as connection:
            yield from trail.export(connection, self._payloads, bodies=bodies)

    def erase(self, fingerprint: str, by: str, now: datetime) -> list[str]:
        """Destroy the keys of everything that is about this person; returns the subjects."""

        def write(c: Any) -> list[str]:
            subjects = self._payloads.subjects_of(c, fingerprint)
            erased = [subject for subject in subjects if self._payloads.erase(c, subject, now)]
            trail.append(c, self._payloads, _action("erase", ",".join(erased)[:255], by, "", now), None, now)
            return erased

        return self._committer.run(write)

    def standings(self, source: str, subject: str) -> list[agreements.Standing]:
        """What the targets are known to have of a subject."""
        found: list[agreements.Standing] = self._read(agreements.standings, self._payloads, source, subject)
        return found

    def subject_of(self, source: str, target: str, external_id: str) -> str:
        """Whom a target's id is of; "" where that is not known."""
        found: str = self._read(agreements.subject_of, source, target, external_id)
        return found

    def is_erased(self, source: str, subject: str) -> bool:
        """Whether that subject's bodies can never be read nor kept again."""
        found: bool = self._read(agreements.is_erased, source, subject)
        return found

    def is_making(self, source: str, target: str, flow: str, fingerprint: str) -> bool:
        """Whether something of this flow about this person is under way from there to the target."""
        found: bool = self._read(agreements.is_making, source, target, flow, fingerprint)
        return found

    def side_with(self, source: str, subject: str, target: str, side: Side, by: str, now: datetime) -> bool:
        """A person's word on what both sides have changed; False where the two are not known to be one."""

        def write(c: Any) -> bool:
            done = agreements.side_with(c, self._payloads, source, subject, target, side, now)
            if done:
                why = f"what {source if side is Side.SOURCE else target} has stands"
                action = msgspec.structs.replace(_action("decide", subject, by, why, now), entity="customers")
                trail.append(c, self._payloads, action, None, now, source=source)
            return done

        return self._committer.run(write)

    def people_of(self, subject: str) -> list[str]:
        """Fingerprints of those that a subject's bodies are about; `subject` as `erase` names them."""
        found: list[str] = self._read(self._payloads.people_of, subject)
        return found

    def subjects_about(self, fingerprint: str) -> list[str]:
        """Every subject whose bodies are about this person, as `erase` names them."""
        found: list[str] = self._read(self._payloads.subjects_of, fingerprint)
        return found

    def owe(
        self, promises: Sequence[Promise], ends: Sequence[tuple[str, str, str]], attempt: Attempt, now: datetime
    ) -> None:
        """What a person, not a look, has promised, with who wanted it, in one transaction; each once.

        Writes about those subjects that were not begun end by it.
        """
        ours = [traced(promise) for promise in promises]

        def write(c: Any) -> None:
            outbox.end(c, ends, now)
            for promise in ours:
                outbox.owe(c, self._payloads, promise, now)
            trail.append(c, self._payloads, attempt, None, now)

        self._committer.run(write)

    def feed_words(self, flow: str, source: str, subject: str) -> list[stories.FeedWord]:
        """What feeds said of a state, newest first."""
        found: list[stories.FeedWord] = self._read(stories.words, flow, source, subject)
        return found

    def last_heard(self, source: str, flow: str, reference: str) -> str:
        """The id of the newest message of this flow about the reference, or ""."""
        found: str = self._read(reading.last_heard, source, flow, reference)
        return found

    def newest(self, flow: str, limit: int) -> list[Message]:
        """The newest message of each subject that has its body still, newest first."""
        found: list[Message] = self._read(reading.newest, self._payloads, flow, limit)
        return found

    def lookup_stamp(self) -> tuple[int, str]:
        """Another one whenever an entry was added, changed or removed."""
        found: tuple[int, str] = self._read(entries.stamp)
        return found

    def lookup_entries(self) -> dict[str, dict[str, str]]:
        """What people added, by table and value."""
        found: dict[str, dict[str, str]] = self._read(entries.read)
        return found

    def put_entry(
        self,
        name: str,
        value: str,
        entry: str,
        by: str,
        why: str,
        now: datetime,
        only_if: Callable[[str | None], bool] = lambda _stands: True,
    ) -> None:
        """Added, or in the place of what stood there. Raises Stale where `only_if` says no to what stands there."""
        self._committer.run(lambda c: entries.put(c, self._payloads, name, value, entry, by, why, now, only_if))

    def drop_entry(
        self,
        name: str,
        value: str,
        by: str,
        why: str,
        now: datetime,
        only_if: Callable[[str | None], bool] = lambda _stands: True,
    ) -> bool:
        """Whether it was there. Raises Stale where `only_if` says no to what stands there."""
        return self._committer.run(lambda c: entries.drop(c, self._payloads, name, value, by, why, now, only_if))


def _action(operation: str, entity_id: str, by: str, why: str, now: datetime) -> Attempt:
    return Attempt(operation=operation, entity="connection", entity_id=entity_id, started_at=now, actor=by, detail=why)
