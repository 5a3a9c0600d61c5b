"""Schedules as metrics, read from the database: any process tells them, also where nobody reads any more."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from crossdock.app import Crossdock, utc_now
from crossdock.errors import StorageError
from crossdock.feeds.schedules import Entry, Standing, missed, state_of
from crossdock.telemetry import catalogue


class ScheduleMetrics(Collector):
    """Collected when it is asked for."""

    def __init__(self, crossdock: Crossdock) -> None:
        self._crossdock = crossdock

    def describe(self) -> list[GaugeMetricFamily]:
        """Nothing is asked of the database before somebody scrapes."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        """Without a database there is nothing to tell; health says so."""
        late, bad = catalogue.SCHEDULE_MISSED.told(), catalogue.SCHEDULE_FAILED.told()
        told, done = catalogue.SCHEDULE_MISSED_RUNS.told_count(), catalogue.SCHEDULE_DONE.told()
        try:
            for labels, overdue, failed, kept in self._found():
                late.add_metric(labels, float(overdue))
                bad.add_metric(labels, float(failed))
                told.add_metric(labels, kept.missed)
                done.add_metric(labels, kept.done_at.timestamp() if kept.done_at else 0.0)
        except StorageError:
            return
        yield from (late, bad, told, done)

    def _found(self) -> Iterator[tuple[list[str], bool, bool, Standing]]:
        now = utc_now()
        for timetable in self._crossdock.timetables():
            view = timetable.view()
            overdue = {entry.name() for entry, _ in missed(timetable.entries, view, now)}
            for entry in timetable.entries:
                if (kept := view.standings.get(entry.name())) is not None:
                    failed = state_of(entry, view, now) == "failed"
                    yield self._labels(timetable.road.name(), entry), entry.name() in overdue, failed, kept

    @staticmethod
    def _labels(route: str, entry: Entry) -> list[str]:
        return [route, entry.name()]
