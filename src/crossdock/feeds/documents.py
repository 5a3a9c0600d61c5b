"""Documents read out of a source: each page kept, and how far it reaches, in one transaction.

Nobody waits to be told what is wrong with one: a row that cannot be read, and a number that comes again with another
content, are kept as dead letters in lanes of their own. The rest goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec

from crossdock.contract.connector import RowPage
from crossdock.contract.flow import Flow, Route
from crossdock.delivery.intake import arrival_of
from crossdock.delivery.records import Arrival, Recorded
from crossdock.delivery.store import Checkpoint
from crossdock.feeds.feeds import Raw, route_of
from crossdock.feeds.polling import CHANNEL, Road, Tally
from crossdock.flows.documents import Heard, heard, options_of, order_of


class KnownStore(Protocol):
    """What the store's own id of an order is asked of."""

    def find_subjects(self, reference: str) -> list[tuple[str, str]]:
        """Source and subject of what has this number."""


class PageStore(Protocol):
    """The part of delivery.store.Store that keeps pages of messages."""

    def record_page(
        self, checkpoint: Checkpoint, arrivals: Sequence[Arrival], now: datetime, *, complete: bool
    ) -> list[Recorded]:
        """The page and its watermark, or neither. Raises LeaseLost."""


class Incoming:
    """What every road does with a document of an ERP."""

    def __init__(
        self,
        store: KnownStore,
        look: Flow[Any],
        routes: Callable[[str], Sequence[Route]],
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._look = look
        self._routes = routes
        self._clock = clock

    def heard(self, source: str, target: str, flow: str, raw: Raw) -> Heard:
        """As it came, with its identity. Raises ConfigurationError where no route takes it."""
        options = options_of(route_of(self._routes(source), target, flow))
        return heard(source, target, flow, raw, options, self._known(target, raw), self._clock())

    def arrival(self, one: Heard, target: str, channel: str) -> Arrival:
        """For a road on which nobody waits for an answer."""
        arrival = arrival_of(self._look, one.message, channel, one.fingerprint, target, one.wrong)
        return msgspec.structs.replace(arrival, keeps_conflicts=True)

    def _known(self, store: str, raw: Raw) -> str:
        """The order's id at the store, where we have carried it; "" where we have not."""
        if not (number := order_of(raw)):
            return ""
        found = [subject for source, subject in self._store.find_subjects(number) if source == store]
        return found[0] if len(found) == 1 else ""


class Hearing(Protocol):
    """What is done with each row of a page: Incoming's part, or that of feeds.customers.IncomingCustomers."""

    def heard(self, source: str, target: str, flow: str, raw: Raw) -> Heard:
        """As it came, with its identity."""

    def arrival(self, one: Heard, target: str, channel: str) -> Arrival:
        """On its way into the inbox."""


class DocumentPages:
    """See feeds.polling.Pages."""

    def __init__(
        self,
        incoming: Hearing,
        store: PageStore,
        clock: Callable[[], datetime],
        woken: Callable[[], None],
        failpoint: Callable[[str], None] = lambda _name: None,
    ) -> None:
        self._incoming = incoming
        self._store = store
        self._clock = clock
        self._woken = woken
        self._failpoint = failpoint

    def finish(self, road: Road) -> None:
        """A page is kept as a whole: nothing is left behind."""

    def keep(self, road: Road, reached: Checkpoint, page: RowPage, number: int) -> Tally:  # noqa: ARG002  the port's signature
        """Every row of it, the wrong ones as dead letters."""
        come = [self._incoming.heard(road.source, road.target, road.flow, row) for row in page.rows]
        arrivals = [self._incoming.arrival(one, road.target, CHANNEL) for one in come]
        recorded = self._store.record_page(reached, arrivals, self._clock(), complete=page.complete)
        self._failpoint("rows-stored")
        outcomes = [one.outcome for one in recorded]
        if "new" in outcomes or "conflict" in outcomes:
            self._woken()
        wrong = sum(bool(one.wrong) for one in come)
        return Tally(
            pages=1,
            rows=len(come),
            changed=sum(outcome == "new" and not one.wrong for one, outcome in zip(come, outcomes, strict=True)),
            rejected=wrong,
            conflicts=outcomes.count("conflict"),
            complete=page.complete,
        )
