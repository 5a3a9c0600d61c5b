"""Was every order that exists in a store seen? The store is asked, then our own tables; hour by hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from crossdock.app import Crossdock
from crossdock.delivery.poll import STREAM
from crossdock.errors import ConfigurationError, MappingError
from crossdock.magento.census import ASKED_SINGLY, Counted, runs
from crossdock.magento.connector import MagentoConnector
from crossdock.model.base import Record
from crossdock.operations.desk import Desk, View, line
from crossdock.operations.gaps import Examined, Gap, Hour, account, floor_hour, missed

Period = tuple[datetime | None, datetime | None, int]
LONGEST = 24 * 31  # hours that are asked for at once


class Coverage(Record, frozen=True, kw_only=True):
    """One store's account. All times are UTC, by the store's clock; `polled_at`, of the last whole scan, by ours."""

    store: str
    since: datetime
    until: datetime
    hours: list[Hour]
    read_up_to: datetime | None
    polled_at: datetime | None


class Account(View, frozen=True, kw_only=True):
    """One store's account in short. `missed`: orders that polling has read past and that were never seen."""

    store: str
    since: datetime
    until: datetime
    existing: int
    seen: int
    missed: list[Gap]
    gaps: dict[str, int]
    read_up_to: datetime | None
    polled_at: datetime | None
    cli: str


def summary(desk: Desk, hours: int = 24) -> list[Account]:
    """Of each store that is polled, over the last whole hours. Raises DeliveryError, ConfigurationError."""
    if not 1 <= hours <= LONGEST:
        raise MappingError("hours", f"are from 1 to {LONGEST}")
    found = [examine(desk.crossdock, shop, (None, None, hours)) for shop in polled(desk.crossdock)]
    return [_short(one, hours) for one in found]


def _short(found: Coverage, hours: int) -> Account:
    kinds = [gap.kind for hour in found.hours for gap in hour.gaps]
    return Account(
        store=found.store,
        since=found.since,
        until=found.until,
        existing=sum(hour.existing for hour in found.hours),
        seen=sum(hour.seen for hour in found.hours),
        missed=missed(found.hours),
        gaps={kind: kinds.count(kind) for kind in sorted(set(kinds))},
        read_up_to=found.read_up_to,
        polled_at=found.polled_at,
        cli=line("coverage", "--hours", hours),
    )


def polled(crossdock: Crossdock) -> list[MagentoConnector]:
    """Only what is polled can be counted: elsewhere nothing says how far the store was read."""
    ends = [crossdock.connections.by_name[name] for name in crossdock.pollers]
    shops = [end for end in ends if isinstance(end, MagentoConnector)]
    if not shops:
        raise ConfigurationError(["connections: no Magento store is polled for a route: there is nothing to count"])
    return shops


def examine(crossdock: Crossdock, shop: MagentoConnector, period: Period) -> Coverage:
    """Ask the store, then our own tables. Raises DeliveryError.

    How far polling has read is asked first and what was seen last: else an order that comes meanwhile looks missed.
    """
    name, census = shop.name, shop.census
    checkpoint = crossdock.store.checkpoint(name, STREAM)
    reach = census.reach(checkpoint.watermark if checkpoint else None)
    since, until = closed(period, census.now())
    orders = census.created(since, until)
    missing = runs([order.id for order in orders], census.before(orders[0].id) if orders else None)
    unlisted = [one for run in missing for one in census.unlisted(*run)]
    flow = crossdock.pollers[name].flow.name
    found = Examined(
        since=since,
        orders=orders,
        looks=crossdock.store.looks_at(name, flow, _subjects(orders, missing)),
        reach=reach,
        runs=missing,
        unlisted=unlisted,
    )
    return Coverage(
        store=name,
        since=since,
        until=until,
        hours=account(found),
        read_up_to=reach.read_up_to if reach else None,
        polled_at=checkpoint.complete_at if checkpoint else None,
    )


def closed(period: Period, now: datetime) -> tuple[datetime, datetime]:
    """Whole hours, none that is not over yet by `now`, the store's clock."""
    since, until, hours = period
    end = min(floor_hour(until.replace(tzinfo=UTC)), floor_hour(now)) if until else floor_hour(now)
    return (floor_hour(since.replace(tzinfo=UTC)) if since else end - timedelta(hours=hours)), end


def _subjects(orders: list[Counted], missing: list[tuple[int, int]]) -> list[str]:
    gone = [number for low, high in missing if high - low < ASKED_SINGLY for number in range(low, high + 1)]
    return [str(number) for number in (*(order.id for order in orders), *gone)]


__all__ = ["Account", "Coverage", "closed", "examine", "polled", "summary"]
