"""Messages in: what every road (webhook, poll, push) does with a message it has heard."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime
from typing import Any, Protocol

from crossdock.contract.flow import Flow, Kind
from crossdock.contract.message import Message
from crossdock.delivery.records import Arrival, Recorded


class OfferingStore(Protocol):
    """A store that commits many callers' arrivals together."""

    def offer(self, arrival: Arrival, now: datetime) -> Future[Recorded]:
        """The outcome, once it is committed."""


def arrival_of(
    flow: Flow[Any], message: Message, channel: str, fingerprint: str = "", target: str = "", park: str = ""
) -> Arrival:
    """A message on its way in: its first delivery is a look, at its own source where no other target is named.

    What is parked goes into a lane of its own: nothing else waits for it.
    """
    return Arrival(
        message=message,
        flow=flow.name,
        target=target or message.source,
        key=flow.key(message),
        lane=f"{flow.ordering_key(message)}!{fingerprint[:16]}" if park else flow.ordering_key(message),
        one_row=flow.kind is not Kind.DOCUMENT,
        priority=flow.priority,
        fingerprint=fingerprint,
        channel=channel,
        owed=flow.kind is not Kind.KEPT,
        park=park,
    )


class Intake:
    """Group-committed: whoever waits for the future may say "accepted" to the sender, not before."""

    def __init__(
        self,
        store: OfferingStore,
        flow_of: Callable[[str], Flow[Any]],
        clock: Callable[[], datetime],
        woken: Callable[[], None],
    ) -> None:
        self._store = store
        self._flow_of = flow_of
        self._clock = clock
        self._woken = woken

    def offer(
        self, message: Message, fingerprint: str = "", channel: str = "webhook", target: str = ""
    ) -> Future[Recorded]:
        """Raises nothing itself; the future holds Recorded, or StorageError."""
        return self.take(arrival_of(self._flow_of(message.flow), message, channel, fingerprint, target))

    def take(self, arrival: Arrival) -> Future[Recorded]:
        """As `offer`, of what is an arrival already."""
        future = self._store.offer(arrival, self._clock())
        future.add_done_callback(lambda _done: self._woken())
        return future


__all__ = ["Intake", "OfferingStore", "Recorded", "arrival_of"]
