"""How far both sides agree, as metrics: the same from every process, hence told by those with the role `api` alone."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from crossdock.errors import StorageError
from crossdock.operations.agreement import agreements
from crossdock.operations.desk import Desk
from crossdock.reconciliation.drift import Cause
from crossdock.telemetry import catalogue

GOOD_FOR = 60.0  # seconds: what a comparison found changes by repairs alone


class ComparisonMetrics(Collector):
    """Collected when it is asked for, from what is at most a minute old."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def describe(self) -> list[GaugeMetricFamily]:
        """Nothing is asked of the database before somebody scrapes."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Of what was never compared nothing is told; without a database nothing at all."""
        try:
            found = self._desk.remembered.get("agreements", GOOD_FOR, lambda: agreements(self._desk))
        except StorageError:
            return
        drifts, at = catalogue.DRIFTS.told(), catalogue.COMPARED_AT.told()
        keys, apart = catalogue.COMPARED_KEYS.told(), catalogue.CONTROL_DIFFERENCE.told()
        for one in found:
            place = (one.run.flow, one.run.store, one.run.erp)
            for cause in Cause:  # a drift that is gone is told as 0: one that is not told is not known
                drifts.add_metric((*place, cause), one.open.get(cause, 0))
            at.add_metric(place, (one.run.ended_at or one.run.began_at).timestamp())
            keys.add_metric(place, one.run.compared)
            for unit, difference in one.differences.items():
                apart.add_metric((*place, unit), float(difference))  # to be drawn: Prometheus knows no other number
        yield from (drifts, at, keys, apart)


__all__ = ["ComparisonMetrics"]
