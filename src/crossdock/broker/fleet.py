"""The fleet's dispatch: a relay in every process, and in those that work a worker that hears it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from crossdock.broker.listening import Listening
from crossdock.broker.rabbit import Rabbit
from crossdock.delivery.dispatch import Announced, Relay
from crossdock.delivery.store import Store
from crossdock.delivery.worker import Worker


class Fleet:
    """See delivery.dispatch.Dispatch. Without a worker it only tells."""

    def __init__(
        self,
        name: str,
        url: str,
        store: Store,
        targets: Sequence[str],
        clock: Callable[[], datetime],
        announced: Announced,
        worker: Worker | None,
        counted: Callable[[str, int], None] = lambda _target, _count: None,
    ) -> None:
        self._announced = announced
        self._worker = worker
        self._rabbit = Rabbit(url)
        self._listening = Listening(url, targets, announced.offer) if worker else None
        if worker:
            announced.woken = worker.wake
        self._relay = Relay(name, store, self._rabbit, targets, clock, unheard=announced.look, announced=counted)

    @property
    def up(self) -> bool:
        """Whether the broker answers."""
        return self._rabbit.up

    def start(self) -> None:
        """Carry, hear, tell."""
        if self._worker and self._listening:
            self._worker.start()
            self._listening.start()
        self._relay.start()

    def wake(self) -> None:
        """Tell what is due."""
        self._relay.wake()

    def stop(self) -> None:
        """Hear no more, end the work, and tell until the end: what it promises is for others."""
        self._announced.close()
        if self._worker and self._listening:
            self._worker.close()
            self._listening.stop()
            self._relay.hand_on(self._announced.rest())
            self._worker.stop()
        self._relay.stop()

    def alive(self) -> bool:
        """Whether all threads are."""
        working = not (self._worker and self._listening) or (self._worker.alive() and self._listening.alive())
        return working and self._relay.alive()
