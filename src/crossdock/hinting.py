"""Keeps the subscriptions of systems that tell of changes: made, renewed before they end, by one process at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog

from crossdock.contract.hints import TakesHints
from crossdock.delivery.store import Checkpoint
from crossdock.errors import CrossdockError

log = structlog.get_logger("crossdock.hints")
STREAM = "hints"
SOON = 60.0  # seconds after a failure, and between two looks whether another process still keeps them
LONGEST = 3600.0


class Streams(Protocol):
    """Who reads what."""

    def claim_stream(self, source: str, stream: str, holder: str, now: datetime, until: datetime) -> Checkpoint | None:
        """One at a time."""

    def release_stream(self, checkpoint: Checkpoint, now: datetime) -> None:
        """Another may."""


class Hinting:
    """A thread for all connections. `claim`: seconds for which one round is ours."""

    def __init__(
        self, name: str, ends: Mapping[str, Any], streams: Streams, clock: Callable[[], datetime], *, claim: float
    ) -> None:
        self._name = name
        self._ends = {label: end for label, end in ends.items() if isinstance(end, TakesHints)}
        self._streams = streams
        self._clock = clock
        self._claim = claim
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="hints", daemon=True)

    def start(self) -> None:
        """Begin, where there is anything to keep."""
        if self._ends:
            self._thread.start()

    def stop(self) -> None:
        """No more."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def round(self, label: str) -> float | None:
        """One connection's; seconds until its next, None for never."""
        now = self._clock()
        claimed = self._streams.claim_stream(label, STREAM, self._name, now, now + timedelta(seconds=self._claim))
        if claimed is None:
            return SOON
        try:
            return self._ends[label].keep_hints()
        except CrossdockError as error:
            log.error("subscriptions are not kept", connection=label, code=error.code, error=str(error))
            return SOON
        finally:
            self._streams.release_stream(claimed, self._clock())

    def _keep(self) -> None:
        due = dict.fromkeys(self._ends, 0.0)
        while due and not self._stopping.is_set():
            for label in [one for one, when in due.items() if when <= time.monotonic()]:
                try:
                    wait = self.round(label)
                except Exception:  # a bug of one connection must not end the others'
                    log.exception("subscriptions are not kept", connection=label)
                    wait = SOON
                if wait is None:
                    del due[label]
                else:
                    due[label] = time.monotonic() + min(max(wait, 1.0), LONGEST)
            self._stopping.wait(1.0)
