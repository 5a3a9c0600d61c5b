"""Which orders a store has, asked of the sandbox store over real HTTP."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from crossdock.contract.connector import Watermark
from crossdock.errors import DeliveryError, InvalidPayload
from crossdock.magento.census import Census, runs
from crossdock.magento.client import MagentoClient
from crossdock.magento.settings import PollingSettings
from crossdock.sandbox.run import StoreServer
from crossdock.sandbox.store import Store
from crossdock.transport.auth import Bearer
from crossdock.transport.http import Http, HttpOptions
from tests.unit.magento.fake_store import FakeStore, running

HOUR = datetime(2026, 11, 23, 5, tzinfo=UTC)


def dated(store: Store, hours: dict[int, int]) -> None:
    """As many orders as named, created so many hours after HOUR; the others are deleted."""
    for _ in range(max(hours)):
        store.place("simple")
    for number in list(store.orders):
        if number in hours:
            moment = (HOUR + timedelta(hours=hours[number])).strftime("%Y-%m-%d %H:%M:%S")
            store.orders[number] |= {"created_at": moment, "updated_at": moment}
        else:
            del store.orders[number]


@pytest.fixture
def shop() -> Iterator[tuple[StoreServer, Census]]:
    server = StoreServer(seed=1)
    server.start()
    http = Http(HttpOptions())
    client = MagentoClient(http, Bearer("sandbox"), base_url=server.url)
    try:
        yield server, Census(client, PollingSettings(page_size=2))
    finally:
        http.close()
        server.stop()


def test_orders_of_a_period_are_listed_by_id_beyond_one_page(shop: tuple[StoreServer, Census]) -> None:
    server, census = shop
    server.do(lambda store: dated(store, {1: -1, 2: 0, 4: 0, 5: 0, 7: 1}))
    found = census.created(HOUR, HOUR + timedelta(hours=1))
    assert [(one.id, one.number, one.store_view, one.created_at) for one in found] == [
        (number, f"{number:09}", "1", HOUR) for number in (2, 4, 5)
    ]
    asked = server.do(lambda store: store.requests)
    assert not [path for path in asked if "currentPage]=2" in path]
    assert census.before(2) == 1
    assert census.before(1) is None


def test_a_missing_id_is_asked_for_and_one_of_another_hour_is_told_as_listed(
    shop: tuple[StoreServer, Census],
) -> None:
    server, census = shop
    server.do(lambda store: dated(store, {1: 0, 3: 9, 5: 0}))
    assert [(one.id, one.listed) for one in census.unlisted(2, 4)] == [(3, True)]
    asked = server.do(lambda store: store.requests)
    assert len([path for path in asked if re.search(r"/orders/[24]\?", path)]) == 2


def test_of_a_long_run_the_list_and_both_ends_are_asked(shop: tuple[StoreServer, Census]) -> None:
    server, census = shop
    server.do(lambda store: dated(store, {1: 0, 300: 9}))
    server.do(lambda store: store.requests.clear())
    assert [one.id for one in census.unlisted(2, 5000)] == [300]
    assert len(server.do(lambda store: store.requests)) <= 4


def test_the_store_tells_its_time(shop: tuple[StoreServer, Census]) -> None:
    assert abs((shop[1].now() - datetime.now(UTC)).total_seconds()) < 30


def test_an_order_that_breaks_the_list_is_counted_without_its_time() -> None:
    store = FakeStore()
    for number in (1, 2, 4, 5, 9):
        store.place(number, ago=number * 60)
    store.poison = {4}
    with running(store) as (client, _):
        census = Census(client, PollingSettings(page_size=2))
        found = census.created(store.now - timedelta(hours=1), store.now)
    assert [(one.id, one.created_at is None) for one in found] == [
        (1, False),
        (2, False),
        (4, True),
        (5, False),
        (9, False),
    ]


def test_a_first_order_that_breaks_the_list_stops_neither_the_clock_nor_the_count() -> None:
    store = FakeStore()
    for number in (1, 2):
        store.place(number)
    store.poison = {1}
    with running(store) as (client, _):
        census = Census(client, PollingSettings())
        assert census.now() == store.now
        assert [one.id for one in census.created(store.now - timedelta(days=1), store.now)] == [1, 2]
        assert census.before(2) is None


def test_a_store_that_is_down_is_no_gap() -> None:
    store = FakeStore()
    store.place(1)
    store.down = True
    with running(store) as (client, _), pytest.raises(DeliveryError):
        Census(client, PollingSettings()).created(store.now - timedelta(days=1), store.now)


def test_an_order_that_only_its_id_shows_is_of_another_scope() -> None:
    class Limited(FakeStore):
        def _list(self, asked, rows):  # type: ignore[no-untyped-def]
            return super()._list(asked, [row for row in rows if row.get("store_id") != 3])

    store = Limited()
    for number in (1, 2):
        store.place(number, store_id=number * 3)
    store.orders[1]["store_id"] = 3
    with running(store) as (client, _):
        (found,) = Census(client, PollingSettings()).unlisted(1, 1)
    assert (found.id, found.store_view, found.listed) == (1, "3", False)


def test_runs_between_ids_and_below_the_first() -> None:
    assert runs([], None) == []
    assert runs([5], None) == []
    assert runs([5, 6, 9], 2) == [(3, 4), (7, 8)]


def test_how_far_polling_has_read(shop: tuple[StoreServer, Census]) -> None:
    census = shop[1]
    assert census.reach(None) is None
    place = {"updated_at": "2026-11-23 05:30:00", "entity_id": 7}
    quiet = census.reach(Watermark(value=place))
    assert quiet is not None
    assert (quiet.read_up_to, quiet.again_from) == (HOUR.replace(minute=30), HOUR.replace(minute=10))
    cut = census.reach(Watermark(value=place | {"floor": "2026-11-23 05:05:00", "began": "2026-11-01 00:00:00"}))
    assert cut is not None
    assert (cut.again_from, cut.began) == (HOUR.replace(minute=5), datetime(2026, 11, 1, tzinfo=UTC))
    with pytest.raises(InvalidPayload):
        census.reach(Watermark(value={"page": 3}))
