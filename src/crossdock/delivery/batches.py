"""States to their targets: leased by the lane, sent in one call, one outcome a row.

Sending a state again does no harm while no newer one was sent between: its lane has one call at a time, and what may
still be under way is waited out before anything else goes (a lost request that took effect late would bring back an
older state). So there is nothing to find.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, Protocol

import msgspec
import structlog

from crossdock.contract.message import Receipt
from crossdock.delivery.ends import Ends
from crossdock.delivery.records import Attempt, Delivery, Verdict
from crossdock.delivery.verdict import Policy, delivered, judge, postponed
from crossdock.delivery.worker import Throttle, WorkerOptions
from crossdock.errors import CrossdockError, InvalidPayload, StorageError

log = structlog.get_logger("crossdock.batches")
Settled = tuple[Delivery, Verdict]
Pausing = Callable[[str, str, str, datetime], bool]


class BatchStore(Protocol):
    """What a storage knows of batches. Every method is one transaction."""

    def lease_batch(
        self, worker: str, now: datetime, until: datetime, target: str, sizes: Mapping[str, int]
    ) -> list[Delivery]:
        """Due rows of one lane that has no call under way, at most `sizes[flow]`; sorted by subject."""

    def settle_batch(
        self, settled: Sequence[tuple[Delivery, Verdict]], attempts: Sequence[Attempt], now: datetime
    ) -> int:
        """Each row whose fence still holds; returns how many. What became newer meanwhile is due again."""


class CarriesBatches(Protocol):
    """One call: a Carrier, or whoever looks on."""

    def carry(self, batch: Sequence[Delivery]) -> list[Settled]:
        """Every row of it, with its verdict as settled."""


class Carrier:
    """One batch: decoded, sent, judged row by row, settled in one transaction. Safe for many threads."""

    def __init__(
        self,
        store: BatchStore,
        ends: Ends,
        policy: Policy,
        clock: Callable[[], datetime],
        luck: Callable[[], float],
        pause: Pausing,
        failpoint: Callable[[str], None] = lambda _name: None,
    ) -> None:
        self._store = store
        self._ends = ends
        self._policy = policy
        self._clock = clock
        self._luck = luck
        self._pause = pause
        self._failpoint = failpoint

    def carry(self, batch: Sequence[Delivery]) -> list[Settled]:
        """Every row of it, with its verdict as settled."""
        self._ends.begin(batch[0].leased_until)
        now = self._clock()
        waiting = [self._waits(delivery, now) for delivery in batch]
        due = [delivery for delivery, verdict in zip(batch, waiting, strict=True) if verdict is None]
        settled = [(one, verdict) for one, verdict in zip(batch, waiting, strict=True) if verdict is not None]
        settled += self._sent(due)
        self._failpoint("before-settle-batch")
        calls = [_call(one, batch[0], len(due)) for one in self._ends.exchanges()]
        kept = self._store.settle_batch(settled, calls, self._clock())
        if kept < len(settled):
            log.warning("leases lost", flow=batch[0].flow, target=batch[0].target, count=len(settled) - kept)
        self._failpoint("after-settle-batch")
        self._pause_for(settled)
        return settled

    def _waits(self, delivery: Delivery, now: datetime) -> Verdict | None:
        """What may still take effect is waited out: then nothing older can come behind what we send."""
        if not delivery.maybe_sent:
            return None
        settling = timedelta(seconds=self._ends.capabilities(delivery.target).settling)
        settled = (delivery.sent_at or delivery.opened_at) + settling
        if now >= settled:
            return None
        return postponed(delivery, settled, "waiting until a lost request can no longer take effect")

    def _sent(self, due: Sequence[Delivery]) -> list[Settled]:
        if not due:
            return []
        flow = self._ends.flow(due[0].flow)
        records, unread = self._decoded(due, flow.record)
        settled = [(delivery, self._judged(delivery, error)) for delivery, error in unread]
        if not records:
            return settled
        try:
            told = [(record, delivery.message.occurred_at) for delivery, record in records]
            asked = self._ends.adjusted(flow, due[0].source, due[0].target, told)
            self._failpoint("before-send-batch")
            sink = self._ends.batch_sink(due[0].target, flow)
            rows = [(one, delivery.key) for one, (delivery, _) in zip(asked, records, strict=True)]
            outcomes: Sequence[Receipt | Exception] = sink.put_many(rows)
            self._failpoint("after-send-batch")
        except Exception as failure:  # noqa: BLE001  the worker is the one place that catches wide
            self._log(due, failure)
            outcomes = [failure] * len(records)
        for (delivery, _), outcome in zip(records, outcomes, strict=True):
            settled.append((delivery, self._verdict(delivery, outcome)))
        return settled

    def _decoded(
        self, due: Sequence[Delivery], record: type[Any]
    ) -> tuple[list[tuple[Delivery, Any]], list[tuple[Delivery, Exception]]]:
        read: list[tuple[Delivery, Any]] = []
        unread: list[tuple[Delivery, Exception]] = []
        for delivery in due:
            try:
                read.append((delivery, msgspec.json.decode(delivery.message.payload, type=record)))
            except msgspec.DecodeError:
                unread.append((delivery, InvalidPayload(f"the {delivery.flow} record cannot be read")))
        return read, unread

    def _verdict(self, delivery: Delivery, outcome: Receipt | Exception) -> Verdict:
        if isinstance(outcome, Receipt):
            return delivered(delivery, self._clock(), outcome.detail)
        return self._judged(delivery, outcome)

    def _judged(self, delivery: Delivery, failure: Exception) -> Verdict:
        settling = self._ends.capabilities(delivery.target).settling
        policy = msgspec.structs.replace(self._policy, settling=settling)
        return judge(delivery, failure, policy, self._clock(), self._luck())

    def _log(self, due: Sequence[Delivery], failure: Exception) -> None:
        ours = isinstance(failure, CrossdockError)
        log.log(
            30 if ours else 40,
            "a batch failed",
            flow=due[0].flow,
            target=due[0].target,
            lane=due[0].lane,
            rows=len(due),
            code=failure.code if isinstance(failure, CrossdockError) else type(failure).__name__,
            exc_info=None if ours else failure,
        )

    def _pause_for(self, settled: Sequence[Settled]) -> None:
        reasons = {verdict.pause for _, verdict in settled if verdict.pause}
        for reason in sorted(reasons)[:1]:
            if self._pause(settled[0][0].target, reason, "crossdock", self._clock()):
                log.error("connection paused", connection=settled[0][0].target, reason=reason)


def _call(attempt: Attempt, first: Delivery, rows: int) -> Attempt:
    """A request of the batch, under its lane: the rows' own lines say what became of each."""
    return msgspec.structs.replace(
        attempt, entity=first.flow, entity_id=first.lane[-255:], key="", detail=f"{rows} rows"
    )


def _telling(settled: Sequence[Settled]) -> Verdict | None:
    """The verdict that says most of the target's health: a failed one, if any."""
    return next((verdict for _, verdict in settled if verdict.code), settled[0][1] if settled else None)


class Batches:
    """The thread that leases batches, and a small pool that carries them. Documents go before states."""

    def __init__(
        self,
        name: str,
        store: BatchStore,
        carrier: CarriesBatches,
        sizes: Mapping[str, Mapping[str, int]],
        throttle: Throttle,
        options: WorkerOptions,
        clock: Callable[[], datetime],
        resume: Callable[[], int],
        settled: Callable[[Delivery, Verdict], None] = lambda _delivery, _verdict: None,
    ) -> None:
        self._name = name
        self._store = store
        self._carrier = carrier
        self._sizes = sizes
        self._throttle = throttle
        self._options = options
        self._clock = clock
        self._resume = resume
        self._settled = settled
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._under_way: dict[str, int] = {}
        self._pool = ThreadPoolExecutor(options.threads, thread_name_prefix=f"{name}-batch")
        self._thread = threading.Thread(target=self._run, name=f"{name}-batches", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """Something may be due."""
        self._wake.set()

    def close(self) -> None:
        """Begin nothing new."""
        self._stopping.set()
        self._wake.set()

    def stop(self) -> None:
        """Calls under way are settled."""
        self.close()
        self._thread.join()
        self._pool.shutdown(wait=True)

    def alive(self) -> bool:
        """Whether its thread is."""
        return self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                more = bool(self._resume())
                begun = [self._begin(target) for target in self._sizes]
                more = any(begun) or more
            except StorageError as error:
                log.error("cannot lease a batch", error=str(error))
                more = False
            except Exception:  # a loop that ends would leave a process that only seems to work
                log.exception("cannot lease a batch")
                more = False
            if not more:
                self._wake.wait(self._options.idle_seconds)

    def _begin(self, target: str) -> bool:
        if not self._has_room(target):
            return False
        now = self._clock()
        until = now + timedelta(seconds=self._options.lease_seconds)
        batch = self._store.lease_batch(self._name, now, until, target, self._sizes[target])
        if not batch:
            return False
        self._count(target, 1)
        self._throttle.begin(target)
        self._pool.submit(self._carry, batch)
        return True

    def _has_room(self, target: str) -> bool:
        """One permit stays for documents wherever there is more than one."""
        permits = self._throttle.permits(target)
        with self._lock:
            under_way = self._under_way.get(target, 0)
        return permits > 1 or (permits == 1 and under_way == 0)

    def _carry(self, batch: Sequence[Delivery]) -> None:
        settled: list[Settled] = []
        try:
            settled = self._carrier.carry(batch)
        except Exception as error:  # noqa: BLE001  a pool would keep a bug to itself
            told = str(error) if isinstance(error, CrossdockError) else type(error).__name__
            log.error("a batch could not be settled: its lease will run out", error=told)
        finally:
            self._count(batch[0].target, -1)
            self._throttle.end(batch[0].target, _telling(settled), 0.0)  # a batch is slow by its size
            self._wake.set()
        for delivery, verdict in settled:
            self._settled(delivery, verdict)

    def _count(self, target: str, change: int) -> None:
        with self._lock:
            self._under_way[target] = self._under_way.get(target, 0) + change


__all__ = ["Batches", "Carrier"]
