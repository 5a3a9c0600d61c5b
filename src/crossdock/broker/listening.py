"""Hearing announcements: Dramatiq's worker inside our own process.

Its actor claims nothing and carries nothing: it hands the row numbers on and waits for room, so that what this process
cannot carry stays in RabbitMQ for another. Taking an announcement off its queue says nothing about the delivery.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dramatiq import Actor, Worker

from crossdock.broker.rabbit import ACTOR, opened, queue_of

PREFETCH = 2  # announcements held by this process, a queue: one handed on, one on its way


class Listening:
    """One thread a queue listens; as many as may hold an announcement hand them on, so none keeps another waiting."""

    def __init__(self, url: str, targets: Sequence[str], offer: Callable[[str, Sequence[int]], object]) -> None:
        self._broker = opened(url)
        self._offer = offer
        Actor(
            self._heard, broker=self._broker, actor_name=ACTOR, queue_name=queue_of(targets[0]), priority=0, options={}
        )
        for target in targets:
            self._broker.declare_queue(queue_of(target))
        self._worker = Worker(self._broker, worker_timeout=500, worker_threads=PREFETCH * len(targets))
        self._worker.queue_prefetch = PREFETCH

    def start(self) -> None:
        """Connects by itself, again and again where it must."""
        self._worker.start()

    def stop(self, patience: float = 20.0) -> None:
        """What was not handed on goes back to its queue."""
        self._worker.stop(timeout=int(patience * 1000))
        self._broker.close()

    def alive(self) -> bool:
        """Whether its threads are."""
        return all(thread.is_alive() for thread in (*self._worker.workers, *self._worker.consumers.values()))

    def _heard(self, target: str, ids: list[int]) -> None:
        self._offer(target, ids)
