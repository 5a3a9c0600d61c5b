"""What the author of a connector implements: sources, sinks, and the connector that makes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol, TypeVar, runtime_checkable

from crossdock.contract.capabilities import Capabilities
from crossdock.contract.flow import Flow
from crossdock.contract.message import Message, Receipt
from crossdock.errors import DeliveryError
from crossdock.model.base import Record

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
R_contra = TypeVar("R_contra", contravariant=True)


class Watermark(Record, frozen=True, kw_only=True):
    """How far a source was read: opaque to the spine, JSON to the source."""

    value: dict[str, Any] = {}


class Page(Record, frozen=True, kw_only=True):
    """Some messages and how far they reach. Both are stored in one transaction.

    `complete` marks the last page of a scan; `poison` are ids that the source could not list (read them singly);
    `source_time` is the source's own clock (HTTP Date).
    """

    messages: tuple[Message, ...]
    watermark: Watermark
    complete: bool = False
    poison: tuple[str, ...] = ()
    source_time: datetime | None = None


class Source(Protocol[R_co]):
    """Reads records of one flow out of a system."""

    def parse(self, message: Message) -> R_co:
        """The record in the message's payload. Pure. Raises MappingError, InvalidPayload."""

    def read(self, message: Message) -> Message | None:
        """The same message with its payload as the system has it now, or None where it has no such thing."""

    def changes(self, since: Watermark | None) -> Iterator[Page]:
        """Everything that changed since, oldest first, up to the source's own clock minus a lag."""


class RowPage(Record, frozen=True, kw_only=True):
    """Rows, and how far they reach. Both are stored together.

    A row is what a push has: of a flow of states one of its `items`, of a flow of documents its whole body.
    `complete` marks the last page of a scan. A page without rows only moves the watermark.
    """

    rows: tuple[Mapping[str, Any], ...]
    watermark: Watermark
    complete: bool = False


class RowSource(Protocol):
    """Reads a flow's rows out of a system."""

    def changes(self, since: Watermark | None) -> Iterator[RowPage]:
        """What changed since, page after page; None reads everything there is (a full run). Raises DeliveryError.

        The watermark of any page can be gone on from, that of the last one by the next scan, which sees whatever was
        committed late meanwhile. A scan has at least one page.
        """


@runtime_checkable
class ReadsRows(Protocol):
    """A connector that flows of states and of documents can be read from: those in its `capabilities.reads`."""

    def rows(self, flow: str) -> RowSource:
        """Raises ConfigurationError for a flow that it cannot be asked for."""

    def rows_every(self, flow: str) -> float:
        """Seconds between two scans where no schedule says when; 0 for never."""


@runtime_checkable
class ShowsNewest(Protocol):
    """A connector that orders are read from, and that can show the newest ones without any watermark."""

    def newest(self, most: int) -> Sequence[Message]:
        """As its source reads them. Reads only. Raises DeliveryError."""


class ListedOrder(Record, frozen=True, kw_only=True):
    """An order of ours as an ERP lists it. `number` is the store's own; what the ERP does not tell stays empty."""

    number: str
    id: str = ""
    total: Decimal | None = None
    currency: str = ""
    created_at: datetime | None = None


class OrderLister(Protocol):
    """Lists the orders that an ERP has."""

    tells: frozenset[str]  # of `total`, `currency`: what it knows of an order

    def since(self, moment: datetime) -> Iterator[ListedOrder]:
        """Those that the ERP made at that moment or later, and perhaps older ones. Reads only. Raises DeliveryError."""


@runtime_checkable
class ListsOrders(Protocol):
    """A connector whose ERP can list orders: what `crossdock reconcile orders` compares field by field."""

    def order_lister(self) -> OrderLister | None:
        """None where this ERP cannot be asked for a list."""


class Sink(Protocol[R_contra]):
    """Writes records of one flow into a system."""

    def put(self, record: R_contra, key: str) -> Receipt:
        """Do it. Raises DeliveryError; OutcomeUnknown wherever it may have been done."""

    def find(self, record: R_contra, key: str) -> Receipt | None:
        """The receipt of a put under this key, where the target has it; None where it has not."""


@runtime_checkable
class CountingSink(Protocol[R_contra]):
    """A sink that can tell how often an effect is there: what `crossdock effects verify` asks."""

    def count(self, record: R_contra, key: str) -> int:
        """How many effects the target has of this key: 0 is missing, 2 doubled. Reads only. Raises DeliveryError."""


@runtime_checkable
class CountingManySink(Protocol[R_contra]):
    """A sink whose target tells of many effects in one request."""

    count_at_once: int  # rows in one request; below 2 it can do no better than `count`

    def count_many(self, rows: Sequence[tuple[R_contra, str]]) -> Sequence[int]:
        """As `CountingSink.count`, one number a row. Reads only. Raises DeliveryError.

        Only a 1 is to be relied upon: an answer may have been cut short. Anything else is asked for alone.
        """


@runtime_checkable
class BatchSink(Protocol[R_contra]):
    """A sink that takes many at once."""

    def put_many(self, rows: Sequence[tuple[R_contra, str]]) -> Sequence[Receipt | DeliveryError]:
        """One outcome a row, in the rows' order."""


class Health(Record, frozen=True, kw_only=True):
    """What a probe of a connection came to."""

    ok: bool
    detail: str = ""


@runtime_checkable
class Connector(Protocol):
    """The code for one kind of system, made for one connection."""

    name: str
    capabilities: Capabilities

    def source(self, flow: Flow[R]) -> Source[R]:
        """Raises ConfigurationError where the flow is not in `capabilities.reads`."""

    def sink(self, flow: Flow[R]) -> Sink[R]:
        """Raises ConfigurationError where the flow is not in `capabilities.writes`."""

    def preview(self, flow: Flow[R], record: R) -> Mapping[str, Any]:
        """What `put` would send, without sending it. Raises MappingError."""

    def probe(self) -> Health:
        """Whether the system answers and knows us. Never raises DeliveryError."""
