"""How due deliveries reach workers: the port, and what of the fleet's adapter is the same for every broker.

In one process the worker's own loop finds what is due (delivery.worker). In a fleet a *relay* in each process marks due
heads of lanes, after the commit that made them due, and tells a broker their row numbers; workers hear of them, claim
the rows conditionally and carry them as ever. The broker knows nothing that the tables do not: an announcement that is
doubled, late or lost costs nothing but time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from crossdock.delivery.store import Store
from crossdock.errors import BrokerDown, StorageError
from crossdock.model.base import Record

log = structlog.get_logger("crossdock.relay")
SOON = 0.1


class Dispatch(Protocol):
    """Embedded: the worker itself. Fleet: a relay, and in workers what hears it."""

    def start(self) -> None:
        """Begin."""

    def wake(self) -> None:
        """Something was committed that may be due."""

    def stop(self) -> None:
        """Begin nothing new, settle what is under way, give back the rest."""

    def alive(self) -> bool:
        """False where a thread of it has died."""


class Broker(Protocol):
    """What the relay asks of a broker. Used by one thread."""

    def ready(self) -> bool:
        """Whether it answers; connects again by itself, not more often than makes sense."""

    def publish(self, target: str, ids: Sequence[int]) -> None:
        """Returns once the broker has it on its disk. Raises BrokerDown."""

    def close(self) -> None:
        """Done with it."""


class Announced:
    """What a worker has heard of, by target, until there is room for it; and when it looks into the tables itself.

    Nothing here is claimed yet. `room` bounds it, so that what one worker cannot carry stays at the broker for others.
    """

    def __init__(self, room: int, look_seconds: float, woken: Callable[[], None] = lambda: None) -> None:
        self.woken = woken
        self._room = room
        self._every = self._pause = look_seconds
        self._look_at = 0.0  # time.monotonic(): at once, whatever may have happened before we came
        self._ids: dict[str, dict[int, None]] = {}
        self._changed = threading.Condition()
        self._closed = False

    def offer(self, target: str, ids: Sequence[int], patience: float = 30.0) -> bool:
        """Waits for room. False when none came: by then they are announced again, here or elsewhere."""
        with self._changed:
            free = self._changed.wait_for(
                lambda: self._closed or len(self._ids.get(target, ())) < self._room, timeout=patience
            )
            if not free:
                return False
            self._ids.setdefault(target, {}).update(dict.fromkeys(ids))
        self.woken()
        return True

    def taken(self, limits: Mapping[str, int], room: int) -> list[int]:
        """The next ones for these targets, oldest announcement first; they are forgotten here."""
        found: list[int] = []
        with self._changed:
            for target, most in limits.items():
                waiting = self._ids.get(target, {})
                chosen = list(waiting)[: min(most, room - len(found))]
                for one in chosen:
                    del waiting[one]
                found += chosen
            self._changed.notify_all()
        return found

    def must_look(self) -> bool:
        """Whether it is time to look into the tables, announced or not."""
        return time.monotonic() >= self._look_at

    def look_in(self) -> float:
        """Seconds until then."""
        return max(0.0, self._look_at - time.monotonic())

    def looked(self, found: int) -> None:
        """Where something was found there may be more; where nothing was, the next look may come later."""
        self._look_at = time.monotonic() + (0.0 if found else self._pause)
        self._pause = min(self._every, self._pause * 2)

    def missed(self) -> None:
        """Some could not be claimed: others were quicker, or a page that tells of them again holds them just now.

        Look soon, and again, each time twice as long after.
        """
        self._pause = SOON
        self._look_at = min(self._look_at, time.monotonic() + SOON)

    def look(self) -> None:
        """Now: nobody announces anything."""
        self._look_at = 0.0
        self.woken()

    def close(self) -> None:
        """Nobody waits for room any more: what still comes is for `rest`."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def rest(self) -> dict[str, list[int]]:
        """What was heard and not taken, to be told to others."""
        with self._changed:
            found, self._ids = {target: list(ids) for target, ids in self._ids.items() if ids}, {}
        return found


class RelayOptions(Record, frozen=True, kw_only=True):
    """In seconds. What nobody claimed is announced again after `again_after`, when its first announcement is gone."""

    every: float = 1.0
    again_after: float = 30.0
    again_every: float = 5.0
    linger: float = 0.002  # what is committed right after goes along
    most: int = 500  # rows in one transaction
    together: int = 10  # row numbers in one announcement: few, so that several workers get some


class Relay:
    """Tells the broker what is due: soon after a commit of this process, and of anybody's within `every`.

    Any number may run: rows that one of them is marking are skipped by the others.
    """

    def __init__(
        self,
        name: str,
        store: Store,
        broker: Broker,
        targets: Sequence[str],
        clock: Callable[[], datetime],
        *,
        unheard: Callable[[], None] = lambda: None,
        announced: Callable[[str, int], None] = lambda _target, _count: None,
        options: RelayOptions | None = None,
    ) -> None:
        self._store = store
        self._broker = broker
        self._targets = targets
        self._clock = clock
        self._unheard = unheard
        self._announced = announced
        self._options = options or RelayOptions()
        self._again_at = 0.0
        self._heard: Mapping[str, Sequence[int]] = {}
        self._failing = False
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"{name}-relay", daemon=True)

    def start(self) -> None:
        """Begin to tell."""
        self._thread.start()

    def wake(self) -> None:
        """Something may be due."""
        self._wake.set()

    def stop(self, patience: float = 10.0) -> None:
        """What is not announced yet is announced by others, or found in the tables."""
        self._stopping.set()
        self._wake.set()
        self._thread.join(patience)

    def hand_on(self, heard: Mapping[str, Sequence[int]]) -> None:
        """What this process had heard of and will not carry is told once more, before it ends."""
        self._heard = heard
        self._wake.set()

    def alive(self) -> bool:
        """Whether its thread is."""
        return self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait(self._options.every)
            self._stopping.wait(self._options.linger)
            self._wake.clear()
            try:
                self.tell()
                self._failing = False
            except BrokerDown:
                self._unheard()
            except StorageError as error:
                if not self._failing:  # once an outage
                    log.error("cannot announce", error=str(error))
                self._failing = True
                self._stopping.wait(self._options.every)
            except Exception:  # without this thread everything is slower, for ever
                log.exception("cannot announce")
                self._stopping.wait(self._options.every)
        with suppress(BrokerDown):
            self._publish(self._heard)
        self._broker.close()

    def tell(self) -> None:
        """All that is due now. Raises BrokerDown, StorageError."""
        if not self._broker.ready():
            self._unheard()
            return
        heard, self._heard = self._heard, {}
        self._publish(heard)
        self._tell(None)
        if time.monotonic() >= self._again_at:
            self._again_at = time.monotonic() + self._options.again_every
            self._tell(self._clock() - timedelta(seconds=self._options.again_after))

    def _tell(self, before: datetime | None) -> None:
        more = True
        while more and not self._stopping.is_set():
            found = self._store.announce(self._targets, self._clock(), before=before, limit=self._options.most)
            self._publish(found)
            more = sum(map(len, found.values())) >= self._options.most

    def _publish(self, due: Mapping[str, Sequence[int]]) -> None:
        for target, ids in due.items():
            for start in range(0, len(ids), self._options.together):
                self._broker.publish(target, ids[start : start + self._options.together])
            self._announced(target, len(ids))
