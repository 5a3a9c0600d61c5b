"""Reading a source on and on: pages and their watermark in one transaction, one reader at a time.

Polling is the guarantee and the webhook only the latency: whatever a webhook lost is found here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import structlog

from crossdock.contract.connector import Page, Source, Watermark
from crossdock.contract.flow import Flow
from crossdock.contract.message import Message
from crossdock.delivery.intake import arrival_of
from crossdock.delivery.store import Checkpoint, Store
from crossdock.errors import CrossdockError
from crossdock.model.base import Record

log = structlog.get_logger("crossdock.poll")
STREAM = "changes"
# The subjects created since a moment, but none from before the stream whose watermark this is began.
Created = Callable[[datetime, Watermark], Sequence[str]]


class PollOptions(Record, frozen=True, kw_only=True):
    """In seconds. `claim`, renewed with each page, must exceed the reading of one page."""

    interval: float = 60.0
    claim: float = 60.0
    sweep_after: float = 21_600.0  # an open subject that was not looked at for so long
    sweep_every: float = 3_600.0
    sweep_limit: int = 500
    gap_window: float = 93_600.0  # how far back each sweep holds what exists against what was heard


class Poller:
    """One source, one flow."""

    def __init__(
        self,
        name: str,
        store: Store,
        connection: str,
        flow: Flow[Any],
        source: Source[Any],
        options: PollOptions,
        clock: Callable[[], datetime],
        woken: Callable[[], None] = lambda: None,
        failpoint: Callable[[str], None] = lambda _name: None,
        created: Created | None = None,
        stream: str = STREAM,
    ) -> None:
        self._name = name
        self._store = store
        self._connection = connection
        self.flow = flow
        self._source = source
        self._options = options
        self._clock = clock
        self._woken = woken
        self._failpoint = failpoint
        self._created = created
        self._stream = stream
        self._stopping = threading.Event()
        self.interval = options.interval
        self._swept_at: datetime | None = None
        self._thread = threading.Thread(target=self._run, name=f"{name}-poll", daemon=True)

    def start(self) -> None:
        """Begin to poll."""
        self._thread.start()

    def stop(self) -> None:
        """The page under way is stored, then no more."""
        self._stopping.set()
        self._thread.join()

    def alive(self) -> bool:
        """Whether its thread is."""
        return self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.scan()
                self._sweep_when_due()
            except CrossdockError as error:
                log.error("scan failed", connection=self._connection, code=error.code, error=str(error))
            except Exception:  # the one place that keeps the guarantee alive over a bug
                log.exception("scan failed", connection=self._connection)
            self._stopping.wait(self._options.interval)

    def scan(self) -> int:
        """Everything that changed since the watermark; returns how many messages were new. 0 while another reads."""
        now = self._clock()
        claimed = self._store.claim_stream(
            self._connection, self._stream, self._name, now, now + timedelta(seconds=self._options.claim)
        )
        if claimed is None:
            return 0
        try:
            return self._read_on(claimed)
        finally:
            self._store.release_stream(claimed, self._clock())

    def _read_on(self, claimed: Checkpoint) -> int:
        fresh = 0
        for page in self._source.changes(claimed.watermark):
            self._failpoint("page-read")
            fresh += self._keep(claimed, page)
            self._failpoint("page-stored")
            if self._stopping.is_set():
                break
        return fresh

    def _keep(self, claimed: Checkpoint, page: Page) -> int:
        now = self._clock()
        messages = (*page.messages, *(self._poisoned(subject, page) for subject in page.poison))
        recorded = self._store.record_page(
            msgspec.structs.replace(
                claimed, watermark=page.watermark, held_until=now + timedelta(seconds=self._options.claim)
            ),
            [arrival_of(self.flow, message, "poll") for message in messages],
            now,
            complete=page.complete,
        )
        fresh = sum(one.outcome == "new" for one in recorded)
        if fresh:
            self._woken()
        return fresh

    def _poisoned(self, subject: str, page: Page) -> Message:
        """One that breaks the list is read singly; its look parks it where that fails too (flaw 10)."""
        at = page.source_time or self._clock()
        return Message(
            id=f"poison:{subject}:{at.isoformat()}",
            source=self._connection,
            flow=self.flow.name,
            subject=subject,
            occurred_at=at,
        )

    def _sweep_when_due(self) -> None:
        now = self._clock()
        if self._swept_at and (now - self._swept_at).total_seconds() < self._options.sweep_every:
            return
        self.sweep()
        self.sweep_gaps()
        self._swept_at = now

    def sweep(self) -> int:
        """Look again at subjects that may still change but of which nothing was heard for long (flaw 3)."""
        now = self._clock()
        before = now - timedelta(seconds=self._options.sweep_after)
        subjects = self._store.open_subjects(self._connection, self.flow.name, before, self._options.sweep_limit)
        return self._look_at(subjects, now, "sweep")

    def sweep_gaps(self) -> list[str]:
        """What was created of late and told by no scan is looked at: a transaction that ended after the overlap."""
        checkpoint = self._store.checkpoint(self._connection, self._stream)
        if self._created is None or checkpoint is None or checkpoint.watermark is None:
            return []
        since = self._clock() - timedelta(seconds=self._options.gap_window)
        return self.fill_gaps(self._created(since, checkpoint.watermark))

    def fill_gaps(self, existing: Sequence[str]) -> list[str]:
        """Of these ids that exist at the source, look at those never heard of; returns them."""
        seen = self._store.seen(self._connection, existing)
        missing = [subject for subject in existing if subject not in seen]
        self._look_at(missing, self._clock(), "gap")
        return missing

    def _look_at(self, subjects: Sequence[str], now: datetime, channel: str) -> int:
        arrivals = [
            arrival_of(
                self.flow,
                Message(
                    id=f"{channel}:{subject}:{now.isoformat()}",
                    source=self._connection,
                    flow=self.flow.name,
                    subject=subject,
                    occurred_at=now,
                ),
                channel,
            )
            for subject in subjects
        ]
        if arrivals:
            self._store.record(arrivals, now)
            self._woken()
        return len(arrivals)
