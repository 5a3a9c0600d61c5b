"""How things stand, on one page: by flow and target what waits, what goes, what is dead, and the money in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from crossdock.feeds.levels import FeedState
from crossdock.flows import FLOWS, ORDERS
from crossdock.operations import money
from crossdock.operations.desk import PAST, Desk, View, line
from crossdock.operations.money import AtRisk
from crossdock.storage.listing import Filter
from crossdock.storage.overview import DeadRow, Rate, Standing

GOOD_FOR = 2.0  # seconds
MONEY_GOOD_FOR = 15.0
DEAD_GOOD_FOR = 10.0
COUNT_MOST = 20_000  # of one flow, target, state and code; "and more" beyond
DEAD_MOST = 50_000
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
Route = tuple[str, str]


class Minute(View, frozen=True, kw_only=True):
    """What was delivered in the minute that begins then."""

    at: datetime
    count: int


class Line(View, frozen=True, kw_only=True):
    """One flow to one target. `kind`: document, state or look (a look reads the source and decides what is owed).

    `capped`: there are more than the counts say. `oldest_at`: since when the oldest of what waits is owed. `delivered`,
    `mean_s` and `longest_s` are of the last hour, from the promise to the delivery; `minutes` holds those in which
    there were any.
    """

    flow: str
    kind: str
    target: str
    waiting: int = 0
    under_way: int = 0
    dead: int = 0
    capped: bool = False
    oldest_at: datetime | None = None
    oldest_s: float = 0.0
    delivered: int = 0
    mean_s: float = 0.0
    longest_s: float = 0.0
    minutes: tuple[Minute, ...] = ()


class Paused(View, frozen=True, kw_only=True):
    """A connection to which nothing is sent."""

    connection: str
    since: datetime
    by: str
    why: str


class Overview(View, frozen=True, kw_only=True):
    """`at`: for when it holds. `since`: where the hour of the rates begins."""

    at: datetime
    since: datetime
    lines: list[Line]
    paused: list[Paused]
    at_risk: AtRisk
    held_feeds: int
    cli: str = line("status")


class Count(View, frozen=True, kw_only=True):
    """What a listener is told of one flow and target."""

    flow: str
    target: str
    waiting: int
    dead: int
    capped: bool = False


class Rates:
    """The last hour. Minutes that are over are asked for once: what is being settled in them was committed long ago."""

    def __init__(self) -> None:
        self._kept: list[Rate] = []
        self._until: datetime | None = None

    def last_hour(self, desk: Desk, now: datetime) -> list[Rate]:
        """Called by one thread at a time."""
        since = whole_minute(now - HOUR)
        begin = max(self._until, since) if self._until else since
        fresh = desk.store.operations.rates(begin, now + MINUTE)
        over = whole_minute(now) - MINUTE  # a minute for those that commit late
        kept = [one for one in self._kept if since <= one.minute < begin]
        self._kept = kept + [one for one in fresh if one.minute < over]
        self._until = max(over, begin)
        return kept + fresh


def whole_minute(moment: datetime) -> datetime:
    """Its beginning."""
    return moment.replace(second=0, microsecond=0)


def overview(desk: Desk) -> Overview:
    """At most two seconds old; the money at risk fifteen."""
    return desk.remembered.get("overview", GOOD_FOR, lambda: _looked(desk))


def counts(desk: Desk) -> list[Count]:
    """What is waiting and dead, for those who listen to changes."""
    now = desk.clock()
    return [
        Count(flow=one.flow, target=one.target, waiting=one.waiting + one.under_way, dead=one.dead, capped=one.capped)
        for one in lines(standings(desk), [], now)
    ]


def standings(desk: Desk) -> list[Standing]:
    """Of all that is open; at most a second old, whoever asks."""
    return desk.remembered.get("standings", 0.9, lambda: desk.store.operations.standings(COUNT_MOST))


def dead_count(desk: Desk) -> int:
    """Dead letters that nobody has resolved; of one flow, target and code at most `COUNT_MOST` are counted."""
    return sum(one.count for one in standings(desk) if one.group.state == "dead")


def dead_rows(desk: Desk, *, flow: str = "", code: str = "") -> list[DeadRow]:
    """Dead letters that nobody has resolved, at most `DEAD_MOST`; at most ten seconds old."""
    which = Filter(flow=flow, code=code)
    return desk.remembered.get(
        f"dead {flow}/{code}", DEAD_GOOD_FOR, lambda: desk.store.operations.dead(which, DEAD_MOST)
    )


def _looked(desk: Desk) -> Overview:
    now = desk.clock()
    kept: Rates = desk.remembered.get(PAST, 1e9, Rates)
    return Overview(
        at=now,
        since=whole_minute(now - HOUR),
        lines=lines(standings(desk), kept.last_hour(desk, now), now),
        paused=[
            Paused(connection=one.connection, since=one.since, by=one.by, why=one.reason) for one in desk.store.paused()
        ],
        at_risk=desk.remembered.get("at risk", MONEY_GOOD_FOR, lambda: _at_risk(desk)),
        held_feeds=len(desk.store.levels.feeds_in((FeedState.HELD,), now + HOUR, 1000)),
    )


def _at_risk(desk: Desk) -> AtRisk:
    rows = dead_rows(desk, flow=ORDERS.name)
    money.forget_others(desk, rows)
    return money.at_risk(desk, rows)


def lines(found: Sequence[Standing], rates: Sequence[Rate], now: datetime) -> list[Line]:
    """Pure: one for each flow and target of which there is anything to say."""
    by_route: defaultdict[Route, list[Standing]] = defaultdict(list)
    gone: defaultdict[Route, list[Rate]] = defaultdict(list)
    for one in found:
        by_route[one.group.flow, one.group.target].append(one)
    for rate in rates:
        gone[rate.flow, rate.target].append(rate)
    return [_line(route, by_route[route], gone[route], now) for route in sorted({*by_route, *gone})]


def _line(route: Route, found: Sequence[Standing], rates: Sequence[Rate], now: datetime) -> Line:
    waiting = [one for one in found if one.group.state != "dead"]
    oldest = min((one.oldest for one in waiting if one.oldest), default=None)
    delivered = sum(rate.count for rate in rates)
    return Line(
        flow=route[0],
        kind=kind_of(route[0]),
        target=route[1],
        waiting=_sum(one for one in waiting if one.group.state == "pending"),
        under_way=_sum(one for one in waiting if one.group.state == "leased"),
        dead=_sum(one for one in found if one.group.state == "dead"),
        capped=any(one.count >= COUNT_MOST for one in found),
        oldest_at=oldest,
        oldest_s=max(0.0, (now - oldest).total_seconds()) if oldest else 0.0,
        delivered=delivered,
        mean_s=round(sum(rate.seconds for rate in rates) / delivered, 3) if delivered else 0.0,
        longest_s=max((rate.longest for rate in rates), default=0.0),
        minutes=_minutes(rates),
    )


def _minutes(rates: Iterable[Rate]) -> tuple[Minute, ...]:
    counted: defaultdict[datetime, int] = defaultdict(int)
    for rate in rates:
        counted[rate.minute] += rate.count
    return tuple(Minute(at=at, count=counted[at]) for at in sorted(counted))


def _sum(found: Iterable[Standing]) -> int:
    return sum(one.count for one in found)


def kind_of(flow: str) -> str:
    """document, state or look; of a flow that this version does not know, document."""
    return str(FLOWS[flow].kind) if flow in FLOWS else "document"


__all__ = ["Count", "Line", "Minute", "Overview", "Paused", "counts", "dead_count", "overview"]
