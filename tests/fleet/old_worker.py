"""A worker of the first version of the tables, its statements frozen: python -m tests.fleet.old_worker SETTINGS.

It knows neither the columns that came later nor a broker, and does not migrate. What it shares with today's code is what
stands outside the database: the ends, the deliverer, the loop. Do not bring it up to date: it is old on purpose.
"""

from __future__ import annotations

import random
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import text
from sqlalchemy.engine import Connection

from crossdock import log
from crossdock.clock import utc_now
from crossdock.connections import Connections
from crossdock.contract.message import Message
from crossdock.delivery.deliver import Deliverer, Limits
from crossdock.delivery.records import Delivery, Settlement, State
from crossdock.delivery.verdict import Policy
from crossdock.delivery.worker import Worker, WorkerOptions
from crossdock.errors import LeaseLost
from crossdock.exchanges import Exchanges
from crossdock.gates import Gates
from crossdock.model.base import settle_types
from crossdock.security.envelope import Envelope, master_key_from
from crossdock.security.secrets import resolve_url
from crossdock.settings import load
from crossdock.storage import trail
from crossdock.storage.engine import open_engine
from crossdock.storage.sql import SqlStore
from crossdock.storage.tables import EPOCH, MICROSECOND

DUE = text("""
    SELECT d.id FROM deliveries d
    WHERE d.target = :target AND d.is_open = 1
      AND (d.state = 'pending' AND d.due_at <= :now OR d.state = 'leased' AND d.leased_until < :now)
      AND NOT EXISTS (SELECT * FROM deliveries e
                      WHERE e.lane = d.lane AND e.target = d.target AND e.id < d.id AND e.is_open = 1)
    ORDER BY d.priority, d.due_at, d.id LIMIT :most FOR UPDATE SKIP LOCKED""")
CLAIM = text("""
    UPDATE deliveries SET
        maybe_sent = maybe_sent OR state = 'leased',
        sent_at = CASE WHEN state = 'leased' THEN leased_until ELSE sent_at END,
        state = 'leased', fence = fence + 1, leased_until = :until, leased_by = :worker
    WHERE id = ANY(:ids)""")
LOADED = text("""
    SELECT d.id, d.flow, d.source, d.target, d.subject, d.reference, d.key, d.lane, d.priority, d.state, d.attempts,
           d.unexpected, d.opened_at, d.due_at, d.fence, d.generation, d.leased_until, d.maybe_sent, d.sent_at, d.memo,
           d.reason, m.id AS m_id, m.source AS m_source, m.flow AS m_flow, m.subject AS m_subject,
           m.reference AS m_reference, m.version AS m_version, m.content AS m_content, m.occurred_at, m.read_at,
           m.payload_id
    FROM deliveries d JOIN messages m ON m.seq = d.message_seq WHERE d.id = ANY(:ids) ORDER BY d.id""")
FENCED = text("""
    SELECT generation, one_row, reference FROM deliveries
    WHERE id = :id AND fence = :fence AND state = 'leased' FOR UPDATE""")
SETTLED = text("""
    UPDATE deliveries SET state = :state, is_open = :is_open, due_at = :due_at, attempts = :attempts,
        unexpected = :unexpected, maybe_sent = :maybe_sent, sent_at = :sent_at, code = :code, reason = :reason,
        owner = :owner, leased_until = NULL, leased_by = NULL, settled_at = :settled_at, reference = :reference,
        content = :content
    WHERE id = :id""")
MESSAGE = text("""
    INSERT INTO messages (id, source, flow, subject, reference, occurred_at, read_at, received_at, payload_id, channel)
    VALUES (:id, :source, :flow, :subject, :reference, :occurred_at, :read_at, :now, :payload_id, 'duty')
    ON CONFLICT DO NOTHING RETURNING seq""")
PROMISE = text("""
    INSERT INTO deliveries (message_seq, flow, source, target, subject, reference, key, lane, priority, state, is_open,
        created_at, opened_at, due_at, memo)
    VALUES (:seq, :flow, :source, :target, :subject, :reference, :key, :lane, :priority, 'pending', 1, :now, :now, :now,
        :memo)
    ON CONFLICT DO NOTHING""")
BACK = text("""
    UPDATE deliveries SET state = 'pending', due_at = :now, leased_until = NULL, leased_by = NULL
    WHERE id = :id AND fence = :fence AND state = 'leased'""")


def micro(moment: datetime | None) -> int | None:
    return None if moment is None else (moment - EPOCH) // MICROSECOND


def moment(micros: int | None) -> datetime | None:
    return None if micros is None else EPOCH + micros * MICROSECOND


class OldStore(SqlStore):
    def lease(
        self, worker: str, now: datetime, until: datetime, limits: Mapping[str, int], *, limit: int
    ) -> list[Delivery]:
        def write(c: Connection) -> list[Delivery]:
            ids = [
                row.id
                for target, most in limits.items()
                for row in c.execute(DUE, {"target": target, "now": micro(now), "most": most})
            ][:limit]
            if not ids:
                return []
            c.execute(CLAIM, {"ids": ids, "until": micro(until), "worker": worker})
            return [self._delivery(c, row) for row in c.execute(LOADED, {"ids": ids}).all()]

        return self._committer.run(write)

    def _delivery(self, c: Connection, row: Any) -> Delivery:
        names = ("id", "source", "flow", "subject", "reference", "version", "content")
        told = {name: getattr(row, f"m_{name}") for name in names}
        body = self._payloads.read(c, row.payload_id)
        occurred = moment(row.occurred_at)
        assert occurred is not None
        message = Message(**told, occurred_at=occurred, read_at=moment(row.read_at), payload=body)
        plain = (
            *("id", "flow", "source", "target", "subject", "reference", "key", "lane", "priority", "attempts"),
            *("unexpected", "fence", "generation", "maybe_sent", "reason"),
        )
        times = {name: moment(getattr(row, name)) for name in ("opened_at", "due_at", "leased_until", "sent_at")}
        values: dict[str, Any] = {name: getattr(row, name) for name in plain} | times
        return Delivery(
            **values, message=message, state=State(row.state), memo=msgspec.json.decode(row.memo, type=dict[str, str])
        )

    def settle(self, delivery: Delivery, settlement: Settlement, now: datetime) -> None:
        if not self._committer.run(lambda c: self._settle(c, delivery, settlement, now)):
            raise LeaseLost(f"delivery {delivery.id}")

    def _settle(self, c: Connection, delivery: Delivery, settlement: Settlement, now: datetime) -> bool:
        row = c.execute(FENCED, {"id": delivery.id, "fence": delivery.fence}).one_or_none()
        if row is None:
            return False
        assert not settlement.ends, "not in these tests"
        for promise in settlement.promises:
            self._promise(c, promise, now)
        verdict = settlement.verdict
        again = row.one_row and row.generation != delivery.generation
        state = State.PENDING if again else verdict.state
        doubtful = verdict.maybe_sent and verdict.attempts != delivery.attempts
        values = {
            "id": delivery.id,
            "state": state,
            "is_open": int(state in {State.PENDING, State.DEAD}),
            "due_at": micro(min(verdict.due_at, now) if again else verdict.due_at),
            "attempts": verdict.attempts,
            "unexpected": verdict.unexpected,
            "maybe_sent": verdict.maybe_sent,
            "sent_at": micro(now if doubtful else delivery.sent_at),
            "code": verdict.code,
            "reason": verdict.reason,
            "owner": verdict.owner or "",
            "settled_at": None if state == State.PENDING else micro(now),
            "reference": settlement.reference or row.reference,
            "content": settlement.content,
        }
        c.execute(SETTLED, values)
        for attempt in settlement.attempts:
            trail.append(c, self._payloads, attempt, delivery, now)
        return True

    def _promise(self, c: Connection, promise: Any, now: datetime) -> None:
        message = promise.message
        body = self._payloads.keep(c, f"{message.source}:{message.subject}", message.payload, now)
        values = {name: getattr(message, name) for name in ("id", "source", "flow", "subject", "reference")} | {
            "occurred_at": micro(message.occurred_at),
            "read_at": micro(message.read_at),
            "now": micro(now),
        }
        seq = c.execute(MESSAGE, values | {"payload_id": body}).scalar_one()
        owed = {name: getattr(promise, name) for name in ("flow", "target", "key", "lane", "priority")}
        memo = msgspec.json.encode(promise.memo).decode()
        told = {name: values[name] for name in ("source", "subject", "reference", "now")}
        c.execute(PROMISE, owed | told | {"seq": seq, "memo": memo})

    def give_back(self, deliveries: Sequence[Delivery], now: datetime) -> None:
        def write(c: Connection) -> None:
            for one in deliveries:
                c.execute(BACK, {"id": one.id, "fence": one.fence, "now": micro(now)})

        self._committer.run(write)


def main() -> None:
    settings = load(Path(sys.argv[1]))
    log.configure("info")
    exchanges, envelope = Exchanges(), Envelope(master_key_from(settings.security.master_key))
    ends = Connections(settings, exchanges, envelope)
    store = OldStore(open_engine(resolve_url(settings.database.url)), envelope)
    policy = Policy(first_pause=0.05, longest_pause=0.5)
    options = WorkerOptions(threads=settings.workers.threads, lease_seconds=settings.workers.lease_seconds)
    deliverer = Deliverer(store, ends, policy, Limits(), utc_now, random.random)
    worker = Worker("old", store, deliverer, lambda: tuple(ends.targets()), Gates(ends), options, utc_now)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    settle_types()  # a fault of a library of today's, not of the tables: threads that start together crash on it
    worker.start()
    print("http://old", flush=True)
    stop.wait()
    worker.stop()
    store.close()


if __name__ == "__main__":
    main()
