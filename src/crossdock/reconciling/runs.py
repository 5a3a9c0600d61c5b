"""One comparison after another: claimed, read, compared by buckets, judged, kept.

Of one flow between one store and one ERP one comparison runs at a time, on any number of machines. A process that dies
in it leaves a run that the next one marks as interrupted; nothing that it found was acted upon by itself.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any, Protocol, TypeVar

import msgspec
import structlog

from crossdock.delivery.store import Checkpoint
from crossdock.errors import CrossdockError
from crossdock.feeds.polling import Tally
from crossdock.feeds.roads import Road
from crossdock.reconciliation.buckets import NUMBER, Entry, drilled, filled
from crossdock.reconciliation.drift import Drift, Run, RunState, numbered
from crossdock.reconciliation.totals import Total, totals_of
from crossdock.reconciling.ports import Comparable, Pass
from crossdock.reconciling.shelves import FileShelf

CHUNK = 500
RENEW_EVERY = 200  # entries between two looks at the clock
log = structlog.get_logger("crossdock.reconciling")
T = TypeVar("T")


class Stopped(Exception):
    """This process is to end: what was read is dropped, and the comparison begins anew elsewhere or later."""


class RunBook(Protocol):
    """Where runs are kept. Every method is one transaction, and raises LeaseLost under an older claim."""

    def begin(self, claimed: Checkpoint, run: Run, now: datetime) -> Run:
        """With its number."""

    def keep(self, claimed: Checkpoint, run: Run, found: Sequence[Drift]) -> None:
        """Drifts."""

    def end(self, claimed: Checkpoint, run: Run) -> Run:
        """Its counts."""

    def renew(self, claimed: Checkpoint, now: datetime) -> None:
        """The claim."""

    def keep_totals(self, totals: Sequence[Total], now: datetime) -> None:
        """Of a day."""


class Streams(Protocol):
    """See feeds.polling.StreamStore."""

    def claim_stream(self, source: str, stream: str, holder: str, now: datetime, until: datetime) -> Checkpoint | None:
        """None while another's claim holds."""

    def release_stream(self, checkpoint: Checkpoint, now: datetime) -> None:
        """Another may."""


class Reconciler:
    """Comparisons of one flow between one store and one ERP. Safe for many threads: of several, one runs."""

    def __init__(
        self,
        name: str,
        subject: Comparable,
        book: RunBook,
        streams: Streams,
        clock: Callable[[], datetime],
        *,
        claim: float,
        back: timedelta,
        settling: timedelta,
        buckets: int = NUMBER,
        begin: Callable[[], None] = lambda: None,
        failpoint: Callable[[str], None] = lambda _name: None,
    ) -> None:
        self._name = name
        self.subject = subject
        self._book = book
        self._streams = streams
        self._clock = clock
        self._claim = timedelta(seconds=claim)
        self._back = back
        self._settling = settling
        self._buckets = buckets
        self._begin = begin
        self._failpoint = failpoint
        self.stopping = threading.Event()

    @property
    def road(self) -> Road:
        """As a schedule knows it."""
        return self.subject.road

    def claim(self) -> Checkpoint | None:
        """The right to compare, until `release`; None while another has it."""
        now = self._clock()
        return self._streams.claim_stream(self.road.source, self.road.stream(), self._name, now, now + self._claim)

    def release(self, claimed: Checkpoint) -> None:
        """Another may."""
        self._streams.release_stream(claimed, self._clock())

    def read(
        self,
        claimed: Checkpoint,
        *,
        full: bool = False,  # noqa: ARG002  a comparison always is
        told: Callable[[Tally], None] = lambda _tally: None,  # noqa: ARG002  a timetable's signature
    ) -> Tally:
        """As a timetable has it done."""
        run = self.compare(claimed, "schedule", None)
        if run.drifts:
            log.warning("sides differ", **_named(run), run=run.id, drifts=run.drifts)
        return Tally(pages=1, rows=run.compared, changed=run.drifts, complete=run.state is RunState.DONE)

    def compare(self, claimed: Checkpoint, by: str, since: datetime | None) -> Run:
        """Under a claim. `since` counts for documents only. Raises DeliveryError, LeaseLost, ConfigurationError."""
        return self.carry_on(claimed, self.begin(claimed, by, since))

    def begin(self, claimed: Checkpoint, by: str, since: datetime | None) -> Run:
        """Written down, and nothing compared yet. Raises LeaseLost."""
        began = self._clock()
        since = since or floor_day(began - self._back)
        subject = self.subject
        fresh = Run(id=0, flow=subject.flow, store=subject.store, erp=subject.erp, by=by, began_at=began, since=since)
        return self._book.begin(claimed, fresh, began)

    def carry_on(self, claimed: Checkpoint, run: Run) -> Run:
        """Compare what has begun. Raises DeliveryError, LeaseLost, ConfigurationError."""
        one = Pass(began=run.began_at, young=run.began_at - self._settling, since=run.since)
        try:
            return self._compared(claimed, run, one)
        except Stopped:
            ended = msgspec.structs.replace(run, state=RunState.INTERRUPTED, ended_at=self._clock())
            return self._book.end(claimed, ended)
        except Exception as error:
            code = error.code if isinstance(error, CrossdockError) else "unexpected"
            detail = f"{code}: {error}" if code != "unexpected" else type(error).__name__
            ended = msgspec.structs.replace(run, state=RunState.FAILED, ended_at=self._clock(), detail=detail)
            self._book.end(claimed, ended)
            raise

    def _compared(self, claimed: Checkpoint, run: Run, one: Pass) -> Run:
        keeping = _Keeping(self._book, claimed, run)
        counts = {"drilled": 0}

        def looked(entries: int) -> None:
            counts["drilled"] += entries

        with ExitStack() as stack:
            left, right = stack.enter_context(FileShelf()), stack.enter_context(FileShelf())
            judging = stack.enter_context(self.subject.open(one))
            self._begin()
            mine = filled(self._renewed(claimed, judging.erp_side()), left, self._buckets)
            self._failpoint("erp-side-read")
            self._begin()
            theirs = filled(self._renewed(claimed, judging.store_side(left.all)), right, self._buckets)
            self._failpoint("store-side-read")
            self._begin()
            pairs = drilled((mine, left), (theirs, right), looked=looked)
            keeping.add(judging.asides().drifts, 0)
            for several in _chunks(pairs, CHUNK):
                self._go_on()
                self._renew(claimed)
                found = judging.judged(several)
                keeping.add(found.drifts, found.moving)
                self._failpoint("drifts-kept")
            sums = totals_of(judging.sums(), run.flow, run.store, run.erp)
        # of a day of which only a part was compared the sums would stand in the place of the whole ones
        whole = [total for total in sums if one.since is None or total.day >= first_whole_day(one.since)]
        self._book.keep_totals(whole, one.began)
        done = msgspec.structs.replace(
            run,
            state=RunState.DONE,
            ended_at=self._clock(),
            compared=max(mine.total(), theirs.total()),
            drilled=counts["drilled"],
            moving=keeping.moving,
        )
        return self._book.end(claimed, done)

    def _renewed(self, claimed: Checkpoint, side: Iterable[Entry]) -> Iterator[Entry]:
        """A claim lasts while the side is read, however long that is."""
        at = self._clock()
        for number, entry in enumerate(side):
            if number % RENEW_EVERY == 0:
                self._go_on()
                if self._clock() - at > self._claim / 4:
                    self._renew(claimed)
                    at = self._clock()
            yield entry

    def _go_on(self) -> None:
        if self.stopping.is_set():
            raise Stopped

    def _renew(self, claimed: Checkpoint) -> None:
        now = self._clock()
        self._book.renew(msgspec.structs.replace(claimed, held_until=now + self._claim), now)


class _Keeping:
    """Drifts, numbered and kept as they are found."""

    def __init__(self, book: RunBook, claimed: Checkpoint, run: Run) -> None:
        self._book = book
        self._claimed = claimed
        self._run = run
        self._next = 1
        self.moving = 0

    def add(self, found: Iterable[Drift], moving: int) -> None:
        """Some more."""
        self.moving += moving
        fresh = numbered(found, self._next)
        self._next += len(fresh)
        self._book.keep(self._claimed, self._run, fresh)


def floor_day(moment: datetime) -> datetime:
    """The beginning of its day, in UTC."""
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def first_whole_day(since: datetime) -> date:
    """The first day of which nothing lies before then."""
    begun = floor_day(since)
    return begun.date() if begun == since else begun.date() + timedelta(days=1)


def _named(run: Run) -> dict[str, Any]:
    return {"flow": run.flow, "store": run.store, "erp": run.erp}


def _chunks(found: Iterator[T], size: int) -> Iterator[list[T]]:
    while chunk := list(islice(found, size)):
        yield chunk
