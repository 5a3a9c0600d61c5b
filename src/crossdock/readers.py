"""What reads rows out of sources: one reader for each flow that a route brings and its source can tell."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from crossdock.connections import Connections, utc_now
from crossdock.contract.connector import ReadsRows
from crossdock.contract.flow import Kind
from crossdock.feeds.documents import DocumentPages, Incoming
from crossdock.feeds.feeds import Feeds
from crossdock.feeds.polling import Pages, Road, RowPoller, RowReader, StatePages
from crossdock.flows import FLOWS, documents
from crossdock.storage.sql import SqlStore


class Readers:
    """By road. Nothing reads before `start`."""

    def __init__(
        self,
        name: str,
        store: SqlStore,
        feeds: Feeds,
        incoming: Incoming,
        connections: Connections,
        *,
        claim: float,
        woken: Callable[[], None] = lambda: None,
        failpoint: Callable[[str], None] = lambda _name: None,
    ) -> None:
        self._name = name
        self._store = store
        self._states = StatePages(store.levels, feeds, utc_now, failpoint)
        self._documents = DocumentPages(incoming, store, utc_now, woken, failpoint)
        self._connections = connections
        self._claim = claim
        self._failpoint = failpoint
        self.by_road = {road: self._reader(road) for road in roads(connections)}
        self._pollers: list[RowPoller] = []

    def start(self) -> None:
        """Read every so many seconds."""
        self._pollers = [*self._every_so_often()]
        for poller in self._pollers:
            poller.start()

    def stop(self) -> None:
        """What is under way is stored."""
        for poller in self._pollers:
            poller.reader.stopping.set()
        for poller in self._pollers:
            poller.stop()

    def alive(self) -> bool:
        """Whether every thread is."""
        return all(poller.alive() for poller in self._pollers)

    def _every_so_often(self) -> Iterator[RowPoller]:
        for road, reader in self.by_road.items():
            if (seconds := _reads(self._connections, road.source).rows_every(road.flow)) > 0:
                yield RowPoller(reader, seconds)

    def _reader(self, road: Road) -> RowReader:
        return RowReader(
            self._name,
            road,
            _reads(self._connections, road.source).rows(road.flow),
            self._store,
            self._pages(road),
            utc_now,
            claim=self._claim,
            begin=lambda: self._connections.begin(None),
            failpoint=self._failpoint,
        )

    def _pages(self, road: Road) -> Pages:
        return self._states if FLOWS[road.flow].kind is Kind.STATE else self._documents


def roads(connections: Connections) -> Iterator[Road]:
    """All that is read: by routes, where the source can tell the flow."""
    for name, connector in connections.by_name.items():
        if not isinstance(connector, ReadsRows):
            continue
        for route in connections.routes(name):
            for flow in sorted(route.flows & connections.capabilities(name).reads):
                if FLOWS[flow].kind is Kind.STATE or flow in documents.FLOWS:
                    yield Road(source=name, target=route.target, flow=flow)


def _reads(connections: Connections, name: str) -> ReadsRows:
    connector: Any = connections.by_name[name]
    assert isinstance(connector, ReadsRows)  # noqa: S101  it is the source of a road
    return connector
