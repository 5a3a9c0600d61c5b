"""Threads that lease what is due and carry it. Stops gracefully: what is under way is settled, nothing new is begun.

The loop looks into the tables; where there is a broker it leases what it heard of, and looks only now and then.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

import structlog

from crossdock.delivery.dispatch import Announced
from crossdock.delivery.records import Delivery, Verdict
from crossdock.delivery.store import Store
from crossdock.errors import StorageError
from crossdock.model.base import Record

log = structlog.get_logger("crossdock.worker")


class Throttle(Protocol):
    """How much each target bears now."""

    def permits(self, target: str) -> int:
        """How many more deliveries may be begun; 0 while its breaker is open."""

    def begin(self, target: str) -> None:
        """One is begun."""

    def end(self, target: str, verdict: Verdict | None, seconds: float) -> None:
        """What it came to; None where the lease was lost."""


class Carries(Protocol):
    """One attempt at a delivery: a Deliverer, or whoever looks on."""

    def carry(self, delivery: Delivery) -> Verdict | None:
        """The verdict as settled; None when another worker has taken over."""


class WorkerOptions(Record, frozen=True, kw_only=True):
    """`lease_seconds` must exceed the total deadline of one attempt: a lease that ran out means "maybe sent"."""

    threads: int = 8
    batch: int = 20  # leased beyond what the threads carry just now, so that leasing is not done one by one
    lease_seconds: float = 180.0
    idle_seconds: float = 1.0


class Worker:
    """One dispatcher thread that leases, a pool that carries."""

    def __init__(
        self,
        name: str,
        store: Store,
        deliverer: Carries,
        targets: Callable[[], tuple[str, ...]],
        throttle: Throttle,
        options: WorkerOptions,
        clock: Callable[[], datetime],
        settled: Callable[[Delivery, Verdict], None] = lambda _delivery, _verdict: None,
        announced: Announced | None = None,
    ) -> None:
        self._name = name
        self._store = store
        self._deliverer = deliverer
        self._targets = targets
        self._throttle = throttle
        self._options = options
        self._clock = clock
        self._settled = settled
        self._announced = announced
        self._failing = False
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._under_way = self._turn = 0
        self._unbegun: list[Delivery] = []
        self._pool = ThreadPoolExecutor(options.threads, thread_name_prefix=f"{name}-carry")
        self._thread = threading.Thread(target=self._run, name=f"{name}-lease", daemon=True)

    def start(self) -> None:
        """Begin to lease."""
        self._thread.start()

    def wake(self) -> None:
        """Something may be due."""
        self._wake.set()

    def close(self) -> None:
        """Begin nothing new from now on."""
        self._stopping.set()
        self._wake.set()

    def stop(self) -> None:
        """No new leases; what is under way is settled, what was leased but not begun is given back."""
        self.close()
        self._thread.join()
        self._pool.shutdown(wait=True)
        if self._unbegun:
            self._give_back()

    def _give_back(self) -> None:
        try:
            self._store.give_back(self._unbegun, self._clock())
        except StorageError as error:
            log.error("cannot give back: the leases will run out", error=str(error), count=len(self._unbegun))

    def alive(self) -> bool:
        """Whether its thread is."""
        return self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            limits = self._limits()
            if not limits:  # all hands are full, or every breaker is open: nothing in the tables would change that
                self._wake.wait(self._options.idle_seconds)
            elif not self._begin(limits):
                self._wake.wait(self._pause())

    def _begin(self, limits: Mapping[str, int]) -> bool:
        try:
            more = self._begin_due(limits)
        except StorageError as error:
            if not self._failing:  # once an outage
                log.error("cannot lease", error=str(error))
            self._failing = True
            return False
        except Exception:  # a loop that ends would leave a process that only seems to work
            log.exception("cannot lease")
            return False
        self._failing = False
        return more

    def _begin_due(self, limits: Mapping[str, int]) -> bool:
        """Whether it makes sense to come again at once."""
        room = self._options.threads + self._options.batch - self._under_way
        heard = self._announced.taken(limits, room) if self._announced else []
        leased = self._lease(heard, limits, room)
        for delivery in leased:
            self._count(1)
            self._throttle.begin(delivery.target)
            self._pool.submit(self._carry, delivery).add_done_callback(partial(_tell, delivery.id))
        return bool(heard or leased)

    def _lease(self, heard: Sequence[int], limits: Mapping[str, int], room: int) -> list[Delivery]:
        now = self._clock()
        until = now + timedelta(seconds=self._options.lease_seconds)
        if self._announced is None:
            return self._store.lease(self._name, now, until, limits, limit=room)
        if heard:
            leased = self._store.lease_announced(self._name, now, until, heard)
            if len(leased) < len(heard):
                self._announced.missed()
            return leased
        if not self._announced.must_look():
            return []
        leased = self._store.lease(self._name, now, until, limits, limit=room)
        self._announced.looked(len(leased))
        return leased

    def _limits(self) -> Mapping[str, int]:
        # a refill once the threads are about to run dry, not one lease for each that ends
        if self._under_way > self._options.threads:
            return {}
        free = self._options.threads + self._options.batch - self._under_way
        limits: dict[str, int] = {}
        targets = self._targets()
        self._turn = (self._turn + 1) % max(1, len(targets))
        for target in targets[self._turn :] + targets[: self._turn]:  # a busy one takes no other's every turn
            room = min(free, self._throttle.permits(target))
            if room > 0:
                limits[target] = room
        return limits

    def _carry(self, delivery: Delivery) -> None:
        if self._stopping.is_set():
            self._unbegun.append(delivery)
            return
        started = self._clock()
        verdict: Verdict | None = None
        try:
            verdict = self._deliverer.carry(delivery)
        finally:
            self._count(-1)
            self._throttle.end(delivery.target, verdict, (self._clock() - started).total_seconds())
            self._wake.set()
        if verdict is not None:
            self._settled(delivery, verdict)

    def _count(self, change: int) -> None:
        with self._lock:
            self._under_way += change

    def _pause(self) -> float:
        """Until something comes due, at most `idle_seconds`. What is announced wakes us, whenever it comes due."""
        if self._announced is not None:
            return min(self._options.idle_seconds, self._announced.look_in())
        try:
            due = self._store.next_due(self._clock())
        except StorageError:
            return self._options.idle_seconds
        if due is None:
            return self._options.idle_seconds
        # what is due now but was not leased waits for its lane: its turn comes with a wake-up
        ahead = (due - self._clock()).total_seconds()
        return min(self._options.idle_seconds, ahead) if ahead > 0 else self._options.idle_seconds


def _tell(delivery: int, future: Future[None]) -> None:
    if (error := future.exception()) is not None:
        text, kind = "a delivery could not be settled: its lease will run out", type(error).__name__
        log.error(text, delivery=delivery, error=kind)
