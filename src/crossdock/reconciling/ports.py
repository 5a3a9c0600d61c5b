"""What a flow brings to be compared: two sides, and the judgement of what differs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from crossdock.feeds.roads import Road
from crossdock.model.base import Record
from crossdock.reconciliation.buckets import Entry, Pair
from crossdock.reconciliation.causes import When
from crossdock.reconciliation.drift import Drift
from crossdock.reconciliation.totals import Sums

Stored = Callable[[], Iterator[Entry]]


class Pass(Record, frozen=True, kw_only=True):
    """One comparison of a flow. Times are our clock's, as reconciliation.causes.When has them. `since`: documents."""

    began: datetime
    young: datetime
    since: datetime | None = None

    def when(self) -> When:
        """For whoever judges."""
        return When(began=self.began, young=self.young)


class Verdicts(Record, frozen=True, kw_only=True):
    """What became of some pairs: their drifts, and how many keys were in motion."""

    drifts: tuple[Drift, ...] = ()
    moving: int = 0


class Judging(Protocol):
    """One flow between one store and one ERP, for one pass. The ERP's side is read first, then the store's."""

    def erp_side(self) -> Iterator[Entry]:
        """Everything that the ERP has, in any order. Raises DeliveryError."""

    def store_side(self, told: Stored) -> Iterator[Entry]:
        """Everything that the store has; `told` gives the ERP's entries again, for one that is asked by name."""

    def judged(self, pairs: Sequence[Pair]) -> Verdicts:
        """What some differences are. Raises DeliveryError where an end must be asked again and cannot."""

    def asides(self) -> Verdicts:
        """Drifts that are no difference of two entries: what a side has and cannot be read."""

    def sums(self) -> dict[str, Sums]:
        """By connection, the day's control totals of what was read."""


class Comparable(Protocol):
    """A flow that can be compared. `road`: its `flow` is `reconcile-FLOW`, under which it is claimed and scheduled."""

    flow: str
    store: str
    erp: str

    @property
    def road(self) -> Road:
        """As a schedule knows it."""

    def open(self, one: Pass) -> AbstractContextManager[Judging]:
        """Begin a pass."""
