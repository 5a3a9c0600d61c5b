"""What the tables say, as metrics: the same from every process, hence told by those with the role `api` alone."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import msgspec
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from crossdock.delivery.store import Checkpoint
from crossdock.errors import StorageError
from crossdock.feeds.levels import FeedState
from crossdock.flows import PRIORITIES
from crossdock.model.base import Record
from crossdock.operations.desk import Desk
from crossdock.operations.overview import COUNT_MOST, standings
from crossdock.storage.lateness import Aged
from crossdock.storage.overview import Standing
from crossdock.telemetry import catalogue

GOOD_FOR = 10.0  # seconds: whoever scrapes, however often, the tables are asked no more often
HELD_MOST = 1000
WORDS = {"pending": "waiting", "leased": "under_way", "dead": "dead"}
EDGES = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}


class Tables(Record, frozen=True, kw_only=True):
    """What one look at the tables found; `seconds` is what it cost."""

    standings: list[Standing]
    dead: list[Aged]
    late: dict[str, datetime]
    paused: list[str]
    streams: list[Checkpoint]
    held: int
    at: datetime
    seconds: float = 0.0


class TableMetrics(Collector):
    """Collected when it is asked for, from what is at most ten seconds old."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def describe(self) -> list[GaugeMetricFamily]:
        """Nothing is asked of the database before somebody scrapes."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Without a database only that it is down."""
        up = catalogue.DATABASE_UP.told()
        try:
            found = self._desk.remembered.get("metrics", GOOD_FOR, self._looked)
        except StorageError:
            up.add_metric([], 0)
            yield up
            return
        up.add_metric([], 1)
        cost, held = catalogue.QUESTIONS_SECONDS.told(), catalogue.FEEDS_HELD.told()
        cost.add_metric([], found.seconds)
        held.add_metric([], found.held)
        yield from (up, cost, held, *_counted(found.standings), _dead(found.dead))
        names = self._desk.names
        yield from (_lag(names, found), _paused(names, found.paused), _read(names, found.streams))

    def _looked(self) -> Tables:
        began, now, store = time.monotonic(), self._desk.clock(), self._desk.store
        edges = [now - age for age in EDGES.values()]
        found = Tables(
            standings=standings(self._desk),
            dead=store.operations.aged(edges, COUNT_MOST),
            late=store.operations.due_since(self._desk.names, PRIORITIES, now),
            paused=[one.connection for one in store.paused()],
            streams=store.checkpoints(),
            held=len(store.levels.feeds_in((FeedState.HELD,), now + timedelta(hours=1), HELD_MOST)),
            at=now,
        )
        return msgspec.structs.replace(found, seconds=time.monotonic() - began)


def _counted(found: Sequence[Standing]) -> tuple[GaugeMetricFamily, GaugeMetricFamily]:
    """Groups of one flow, target and state are told together."""
    counts: dict[tuple[str, str, str], int] = {}
    oldest: dict[tuple[str, str, str], datetime] = {}
    for one in found:
        key = (one.group.flow, one.group.target, WORDS[one.group.state])
        counts[key] = counts.get(key, 0) + one.count
        if one.oldest is not None:
            oldest[key] = min(one.oldest, oldest.get(key, one.oldest))
    count, since = catalogue.DELIVERIES.told(), catalogue.OLDEST.told()
    for key, number in counts.items():
        count.add_metric(key, number)
    for key, moment in oldest.items():
        since.add_metric(key, moment.timestamp())
    return count, since


def _dead(found: Sequence[Aged]) -> GaugeMetricFamily:
    counts: dict[tuple[str, str, str, str], int] = {}
    for one in found:
        for age, number in zip((*EDGES, "older"), one.bands(), strict=True):
            key = (one.group.flow, one.group.target, one.group.code, age)
            counts[key] = counts.get(key, 0) + number
    told = catalogue.DEAD_LETTERS.told()
    for key, number in counts.items():
        told.add_metric(key, number)
    return told


def _lag(names: Sequence[str], found: Tables) -> GaugeMetricFamily:
    told = catalogue.LAG.told()
    for name in names:
        since = found.late.get(name)
        told.add_metric([name], (found.at - since).total_seconds() if since else 0.0)
    return told


def _paused(names: Sequence[str], paused: Sequence[str]) -> GaugeMetricFamily:
    told = catalogue.PAUSED.told()
    for name in names:
        told.add_metric([name], float(name in paused))
    return told


def _read(names: Sequence[str], streams: Sequence[Checkpoint]) -> GaugeMetricFamily:
    """Of connections that there are: one that is gone would be late for ever."""
    told = catalogue.STREAM_COMPLETE.told()
    for one in streams:
        if one.complete_at is not None and one.source in names:
            told.add_metric([one.source, one.stream], one.complete_at.timestamp())
    return told
