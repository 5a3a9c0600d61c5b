"""What is done about drifts: each on the road that everything else goes too, so that twice is as good as once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Protocol

from crossdock.contract.message import Message
from crossdock.delivery.intake import arrival_of
from crossdock.delivery.records import Arrival, Recorded
from crossdock.flows import CUSTOMER_LOOKS, CUSTOMERS, LOOKS
from crossdock.model.base import Record
from crossdock.reconciliation.drift import Drift, DriftState, Repair, Run, chosen

CHANNEL = "reconcile"
PAGE = 500


class RepairBook(Protocol):
    """Where drifts are kept. Every method is one transaction."""

    def drifts(self, run_id: int, after: int = 0, limit: int = 1000, cause: str = "", state: str = "") -> list[Drift]:
        """Of a run, by number, behind `after`."""

    def owe(self, run: Run, wanted: Sequence[Drift], by: str, why: str, now: datetime) -> int:
        """Levels that still stand as judged."""

    def settle(self, run: Run, repaired: Sequence[Drift], state: DriftState, by: str, why: str, now: datetime) -> int:
        """What became of them."""


class Spine(Protocol):
    """The part of delivery.store.Store that repairs walk through."""

    def record(self, arrivals: Sequence[Arrival], now: datetime) -> list[Recorded]:
        """Inbox and outbox."""

    def replay(self, ids: Sequence[int], by: str, now: datetime) -> int:
        """Dead letters, under their keys."""


class Applied(Record, frozen=True, kw_only=True):
    """What a plan came to. `ended`: nothing was left to be done; `failed`: why a repair could not be done now."""

    repaired: int = 0
    ended: int = 0
    failed: tuple[str, ...] = ()


class Repairs:
    """Safe for many threads and processes, and while the same things are being delivered."""

    def __init__(
        self,
        book: RepairBook,
        spine: Spine,
        read_again: Callable[[str, str, str], str],
        clock: Callable[[], datetime],
        woken: Callable[[], None],
        failpoint: Callable[[str], None] = lambda _name: None,
    ) -> None:
        self._book = book
        self._spine = spine
        self._read_again = read_again  # source, target, flow -> "" or why it could not be read
        self._clock = clock
        self._woken = woken
        self._failpoint = failpoint

    def apply(
        self,
        run: Run,
        by: str,
        why: str,
        causes: Iterable[str] = (),
        keys: Iterable[str] = (),
    ) -> Applied:
        """Repair what a run found, all of it or what is named. Raises DeliveryError, StorageError."""
        done = Applied()
        reading: list[Drift] = []
        after = 0
        while page := self._book.drifts(run.id, after, PAGE, state=DriftState.FOUND):
            after = page[-1].number
            wanted = chosen(page, frozenset(causes), frozenset(keys))
            for repair, act in ((Repair.OWE, self._owe), (Repair.LOOK, self._look), (Repair.REPLAY, self._replay)):
                of_it = [one for one in wanted if one.repair is repair]
                done = _plus(done, *(act(run, of_it, by, why) if of_it else (0, 0)))
                self._failpoint("repaired")
            reading += [one for one in wanted if one.repair is Repair.READ]
        self._woken()
        return self._read(run, reading, by, why, done) if reading else done

    def _owe(self, run: Run, wanted: list[Drift], by: str, why: str) -> tuple[int, int]:
        keys = {one.key for one in wanted}
        owed = self._book.owe(run, wanted, by, why, self._clock())
        return owed, len(keys) - owed

    def _look(self, run: Run, wanted: list[Drift], by: str, why: str) -> tuple[int, int]:
        """As if polled: a look at an order, or at a customer, promises nothing twice, its keys see to that."""
        now = self._clock()
        subjects = sorted({one.subject for one in wanted})
        flow = CUSTOMER_LOOKS if run.flow == CUSTOMERS.name else LOOKS
        arrivals = [
            arrival_of(
                flow,
                Message(
                    id=f"{CHANNEL}:{run.id}:{subject}",
                    source=run.store,
                    flow=flow.name,
                    subject=subject,
                    occurred_at=now,
                ),
                CHANNEL,
            )
            for subject in subjects
        ]
        recorded = self._spine.record(arrivals, now)
        self._failpoint("looks-recorded")
        self._book.settle(run, wanted, DriftState.REPAIRED, by, why, now)
        fresh = sum(one.outcome == "new" for one in recorded)
        return fresh, len(subjects) - fresh

    def _replay(self, run: Run, wanted: list[Drift], by: str, why: str) -> tuple[int, int]:
        now = self._clock()
        ids = sorted({one.delivery for one in wanted if one.delivery is not None})
        again = 0
        for number in ids:  # one that is dead no more is left alone
            done = self._spine.replay([number], by, now)
            self._failpoint("replayed")
            of_it = [one for one in wanted if one.delivery == number]
            self._book.settle(run, of_it, DriftState.REPAIRED if done else DriftState.ENDED, by, why, now)
            again += done
        return again, len(ids) - again

    def _read(self, run: Run, wanted: list[Drift], by: str, why: str, done: Applied) -> Applied:
        if failed := self._read_again(run.erp, run.store, run.flow):
            return _plus(done, 0, 0, failed)
        self._book.settle(run, wanted, DriftState.REPAIRED, by, why, self._clock())
        return _plus(done, len({one.key for one in wanted}), 0)


def _plus(done: Applied, repaired: int, ended: int, failed: str = "") -> Applied:
    more = (failed,) if failed else ()
    return Applied(repaired=done.repaired + repaired, ended=done.ended + ended, failed=done.failed + more)
