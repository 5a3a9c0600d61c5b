"""What the spine asks of the composition: flows, routes, and the ends by connection name."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from crossdock.contract.capabilities import Capabilities
from crossdock.contract.connector import BatchSink, Sink, Source
from crossdock.contract.flow import Flow, Route
from crossdock.contract.message import Message, Receipt
from crossdock.contract.shadow import Onlooker
from crossdock.delivery.records import Agreed, Attempt, Moved, Reserved

Told = tuple[Any, datetime]  # a record, and when it was told


class Ends(Protocol):
    """By name, made once, safe for many threads."""

    def flow(self, name: str) -> Flow[Any]:
        """The flow of that name."""

    def routes(self, source: str) -> Sequence[Route]:
        """Where the documents of a source go."""

    def source(self, connection: str, flow: Flow[Any]) -> Source[Any]:
        """Reads the flow's records out of a connection."""

    def sink(self, connection: str, flow: Flow[Any]) -> Sink[Any]:
        """Writes the flow's records into a connection."""

    def onlooker(self, connection: str, flow: Flow[Any]) -> Onlooker:
        """Compares what would be written into a connection with what is there."""

    def mapping(self, source: str, target: str) -> str:
        """By which version and settings something from there to the target is mapped now."""

    def batch_sink(self, connection: str, flow: Flow[Any]) -> BatchSink[Any]:
        """Writes many of the flow's records into a connection in one call."""

    def adjusted(self, flow: Flow[Any], source: str, target: str, told: Sequence[Told]) -> Sequence[Any]:
        """The records as they are to be written now, given what else we know: of stock, what is still reserved."""

    def unsettled(self, flow: Flow[Any], source: str, target: str) -> frozenset[str]:
        """References, in small letters, of states that are reckoned with something that has changed of late."""

    def reserved(self, flow: Flow[Any], source: str, record: Any) -> Reserved | None:
        """What a source keeps aside for the subject of a look; None where nobody reckons with it."""

    def moved(self, flow: Flow[Any], message: Message, target: str, record: Any, receipt: Receipt) -> Moved | None:
        """What the target took off its own stock by this, for states of how much is there; None for nothing."""

    def completed(self, flow: Flow[Any], message: Message, record: Any) -> Any:
        """A record that was looked at, with what else we know of its subject."""

    def agreed(
        self, flow: Flow[Any], message: Message, target: str, record: Any, receipt: Receipt | None
    ) -> tuple[Agreed, ...]:
        """What two ends are now known to have, by a look (no receipt) or by what was put."""

    def looks(self, flow: Flow[Any]) -> Flow[Any] | None:
        """The LOOK flow that decides whether a document of this flow is still owed, or None."""

    def capabilities(self, connection: str) -> Capabilities:
        """What a connection can do."""

    def targets(self) -> Sequence[str]:
        """Every connection that something may be delivered to."""

    def people(self, flow: Flow[Any], record: Any) -> tuple[str, ...]:
        """Keyed fingerprints of the people that a record is about."""

    def begin(self, until: datetime | None) -> None:
        """A new attempt in this thread: nothing of it may be under way to the outside after that moment."""

    def exchanges(self) -> Sequence[Attempt]:
        """What this thread has said to the outside since it was last asked; oldest first."""
