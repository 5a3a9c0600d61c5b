"""What reads rows out of sources: one timetable for each flow that a route brings and its source can tell."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from crossdock.clock import utc_now
from crossdock.connections import Connections
from crossdock.contract.connector import ReadsRows
from crossdock.contract.flow import Kind
from crossdock.errors import ConfigurationError
from crossdock.feeds.customers import IncomingCustomers
from crossdock.feeds.documents import DocumentPages, Incoming
from crossdock.feeds.feeds import Feeds
from crossdock.feeds.polling import Pages, Road, RowReader, StatePages
from crossdock.feeds.schedules import Entry
from crossdock.feeds.timetable import Clerk, Timetable
from crossdock.flows import CUSTOMERS, FLOWS, documents
from crossdock.settings import RouteSettings
from crossdock.storage.sql import SqlStore


class Readers:
    """By road. Nothing reads before `start`."""

    def __init__(
        self,
        name: str,
        store: SqlStore,
        feeds: Feeds,
        incoming: Incoming,
        customers: IncomingCustomers,
        connections: Connections,
        routes: Sequence[RouteSettings],
        *,
        claim: float,
        woken: Callable[[], None] = lambda: None,
        failpoint: Callable[[str], None] = lambda _name: None,
    ) -> None:
        self._name = name
        self._store = store
        self._states = StatePages(store.levels, feeds, utc_now, failpoint)
        self._documents = DocumentPages(incoming, store, utc_now, woken, failpoint)
        self._customers = DocumentPages(customers, store, utc_now, woken, failpoint)
        self._connections = connections
        self._claim = claim
        self._failpoint = failpoint
        schedules = scheduled(routes)
        self.by_road = {road: self._reader(road) for road in roads(connections)}
        _all_are_read(schedules, self.by_road)
        self.timetables = {
            road: Timetable(reader, schedules.get(road) or self._interval(road), store.schedules, utc_now)
            for road, reader in self.by_road.items()
        }
        self._clerks: list[Clerk] = []

    def start(self) -> None:
        """Read when the schedules say so."""
        self._clerks = [Clerk(one) for one in self.timetables.values() if one.entries]
        for clerk in self._clerks:
            clerk.start()

    def stop(self) -> None:
        """What is under way is stored, what a person has begun too."""
        for timetable in self.timetables.values():
            timetable.reader.stopping.set()
        for clerk in self._clerks:
            clerk.stop()
        for timetable in self.timetables.values():
            timetable.end()

    def alive(self) -> bool:
        """Whether every thread is."""
        return all(clerk.alive() for clerk in self._clerks)

    def watch(self) -> None:
        """Tell of runs that did not happen, also where nobody in this process reads."""
        for timetable in self.timetables.values():
            timetable.watch()

    def _interval(self, road: Road) -> tuple[Entry, ...]:
        seconds = _reads(self._connections, road.source).rows_every(road.flow)
        return (Entry(every=seconds),) if seconds > 0 else ()

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
        if FLOWS[road.flow].kind is Kind.STATE:
            return self._states
        return self._customers if road.flow == CUSTOMERS.name else self._documents


def scheduled(routes: Sequence[RouteSettings]) -> dict[Road, tuple[Entry, ...]]:
    """As the settings have it."""
    return {
        Road(source=route.source, target=route.target, flow=flow): tuple(
            Entry(cron=one.cron, time_zone=one.time_zone, full=one.full, grace=one.grace_s) for one in several
        )
        for route in routes
        for flow, several in route.schedules.items()
    }


def roads(connections: Connections) -> Iterator[Road]:
    """All that is read: by routes, where the source can tell the flow."""
    for name, connector in connections.by_name.items():
        if not isinstance(connector, ReadsRows):
            continue
        for route in connections.routes(name):
            for flow in sorted(route.flows & connections.capabilities(name).reads):
                if FLOWS[flow].kind is Kind.STATE or flow in {*documents.FLOWS, CUSTOMERS.name}:
                    yield Road(source=name, target=route.target, flow=flow)


def _all_are_read(schedules: Mapping[Road, Any], read: Mapping[Road, Any]) -> None:
    """A schedule that nothing answers to would be waited for in vain."""
    if idle := [road for road in schedules if road not in read]:
        raise ConfigurationError(
            [f"routes: {one.name()} has a schedule, but {one.source} cannot be read for {one.flow}" for one in idle]
        )


def _reads(connections: Connections, name: str) -> ReadsRows:
    connector: Any = connections.by_name[name]
    assert isinstance(connector, ReadsRows)  # noqa: S101  it is the source of a road
    return connector
