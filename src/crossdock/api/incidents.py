"""Incidents and notices as metrics, read from the database."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from crossdock.errors import StorageError
from crossdock.incidents.records import Fate
from crossdock.storage.sql_incidents import SqlIncidents
from crossdock.telemetry import catalogue

OWED = (Fate.PENDING, Fate.FAILED)


class IncidentMetrics(Collector):
    """Collected when it is asked for."""

    def __init__(self, store: SqlIncidents) -> None:
        self._store = store

    def describe(self) -> list[GaugeMetricFamily]:
        """Nothing is asked of the database before somebody scrapes."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Without a database there is nothing to tell; health says so."""
        there, owed = catalogue.INCIDENTS.told(), catalogue.NOTICES.told()
        try:
            for (kind, severity), count in self._store.counts().items():
                there.add_metric([kind, severity], count)
            for (audience, state), count in self._store.fates().items():
                if state in OWED:
                    owed.add_metric([audience, state], count)
        except StorageError:
            return
        yield from (there, owed)
