"""What this worker's gates let through, as metrics of this process."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from crossdock.gates import Gates
from crossdock.telemetry import catalogue
from crossdock.transport.throttle import BreakerState


class GateMetrics(Collector):
    """Collected when it is asked for."""

    def __init__(self, gates: Gates) -> None:
        self._gates = gates

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One line for each state of each breaker: a query need not know the words' order."""
        breaker, limit = catalogue.BREAKER.told(), catalogue.CONCURRENCY.told()
        for target in self._gates.targets():
            state, most, _ = self._gates.standing(target)
            for one in BreakerState:
                breaker.add_metric([target, one], float(one == state))
            limit.add_metric([target], most)
        yield from (breaker, limit)
