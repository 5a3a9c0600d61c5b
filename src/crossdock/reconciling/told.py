"""Flows whose ERP tells documents or customers: its rows, and the road under which they are compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Protocol

from crossdock.connections import Connections
from crossdock.contract.connector import ReadsRows
from crossdock.contract.flow import Known
from crossdock.contract.message import Message
from crossdock.delivery.store import DeliveryView
from crossdock.errors import ConfigurationError
from crossdock.feeds.roads import Road
from crossdock.magento.connector import MagentoConnector
from crossdock.pairs import Standing as Pairing
from crossdock.reconciliation.causes import Judged, Standing
from crossdock.reconciliation.drift import Drift
from crossdock.reconciling.ports import Judging, Pass

Raw = Mapping[str, Any]


class Spine(Protocol):
    """The part of the store that knows of documents and of customers."""

    def delivery(self, delivery_id: int) -> tuple[DeliveryView, Message] | None:
        """With its record."""

    def promised(self, source: str, flow: str, reference: str, key: str) -> list[DeliveryView]:
        """Under a key, or one that begins with it and a colon."""

    def known(self, source: str, subject: str) -> list[Known]:
        """All promises of a subject."""

    def subject_of(self, source: str, target: str, external_id: str) -> str:
        """Whom a target's id is of, or ""."""

    def standings(self, source: str, subject: str) -> Sequence[Pairing]:
        """What two ends are known to have."""

    def is_erased(self, source: str, subject: str) -> bool:
        """Whether nothing of it may be looked at any more."""


class Book(Protocol):
    """What is known of deliveries."""

    def documents(self, source: str, flow: str, subjects: Sequence[str]) -> dict[tuple[str, str], Standing]:
        """By (subject, target)."""


class Told:
    """A flow whose ERP tells rows that are no states. See ports.Comparable; `begin` makes a pass of it."""

    def __init__(
        self,
        flow: str,
        begin: Callable[[Told, Pass], Judging],
        connections: Connections,
        erp: str,
        store: MagentoConnector,
        rules: Raw,
        spine: Spine,
        book: Book,
    ) -> None:
        self.flow = flow
        self.connections = connections
        self.erp, self.store = erp, store.name
        self.shop = store
        self.rules = rules
        self.spine = spine
        self.book = book
        self._begin = begin

    @property
    def road(self) -> Road:
        """As a schedule knows it."""
        return Road(source=self.erp, target=self.store, flow=f"reconcile-{self.flow}")

    @contextmanager
    def open(self, one: Pass) -> Iterator[Judging]:
        """A pass keeps nothing open."""
        yield self._begin(self, one)

    def rows(self) -> Iterator[Raw]:
        """Everything that the ERP has of the flow. Raises DeliveryError, ConfigurationError where it cannot be read."""
        connector = self.connections.by_name[self.erp]
        if not isinstance(connector, ReadsRows) or self.flow not in self.connections.capabilities(self.erp).reads:
            raise ConfigurationError([f"connections.{self.erp}: cannot be read for {self.flow}"])
        for page in connector.rows(self.flow).changes(None):
            yield from page.rows


def standing_of(view: DeliveryView) -> Standing:
    """A delivery as causes know it."""
    moved = [one for one in (view.created_at, view.settled_at) if one is not None]
    return Standing(
        id=view.id,
        state=view.state,
        resolved=bool(view.resolved),
        moved_at=max(moved),
        code=view.code,
        reason=view.reason,
    )


def drift_of(
    key: str, field: str, values: tuple[str, str], judged: Judged, subject: str = "", known: Standing | None = None
) -> Drift:
    """`values`: in the store, in the ERP."""
    return Drift(
        key=key,
        subject=subject,
        field=field,
        store_value=values[0],
        erp_value=values[1],
        cause=judged.cause,
        repair=judged.repair,
        why=judged.why,
        delivery=known.id if known else None,
        seen=known.fence if known else 0,
    )


def is_before(moment: datetime | None, since: datetime | None) -> bool:
    """Whether a row is older than the period."""
    return moment is not None and since is not None and moment < since
