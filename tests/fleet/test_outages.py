"""The way to RabbitMQ or to PostgreSQL goes down and comes back; the servers themselves are everybody's and stay up."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.databases import postgres_url
from tests.fleet.proxy import Proxy
from tests.fleet.town import Process, Town, health, hook, metric, town_in
from tests.material import needs_shared
from tests.rabbit import forget_queues
from tests.walk.world import until

pytestmark = [needs_shared, pytest.mark.services]
DOWN = "broker down: work is found in the tables, more slowly"


def by(proxy: Proxy, url: str) -> str:
    """The same URL by way of the proxy."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    return url.replace(f"{parts.hostname}:{parts.port}", f"127.0.0.1:{proxy.port}")


def before(url: str) -> Proxy:
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    return Proxy(parts.hostname, parts.port)


@pytest.fixture
def broker(rabbit: str) -> Iterator[Proxy]:
    with before(rabbit) as proxy:
        yield proxy
    forget_queues(rabbit, "store", "erp")


@pytest.fixture
def town(tmp_path: Path, broker: Proxy, rabbit: str) -> Iterator[Town]:
    with postgres_url() as database, town_in(tmp_path, database) as found:
        found.configure(by(broker, rabbit))
        yield found


def roles(town: Town) -> tuple[list[Process], list[str]]:
    started = [town.start(role, "--port", "0") for role in ("api", "worker", "poller")]
    return started, [one.url() for one in started]


def says(urls: list[str], broker: str) -> bool:
    return all(health(url)[1]["broker"] == broker for url in urls)


def test_without_rabbitmq_work_goes_on_and_with_it_again_faster(town: Town, broker: Proxy) -> None:
    processes, urls = roles(town)
    town.place(10)
    town.arrived(10)
    broker.down()
    until(lambda: says(urls, "down"))
    assert [health(url)[0] for url in urls] == [200] * 3, "slower, not unable"
    assert {metric(url, "crossdock_broker_up") for url in urls} == {0}
    town.place(10)
    town.arrived(20)
    broker.up()
    until(lambda: says(urls, "ok"))
    told = sum(metric(url, "crossdock_announced_total") for url in urls)
    town.place(10)
    town.arrived(30)
    # not all 30 of it: a worker that comes too late for one row looks into the tables, and finds others there
    until(lambda: sum(metric(url, "crossdock_announced_total") for url in urls) > told)
    assert [(one.said(DOWN), one.said("broker is back")) for one in processes] == [(1, 1)] * 3
    assert [one.ended() for one in processes] == [0] * 3


def test_cut_connections_in_the_middle_of_the_stream_cost_nothing(town: Town, broker: Proxy) -> None:
    roles(town)
    for count in (20, 40, 60):
        town.place(20)
        until(lambda wanted=count: len(town.erp.kept) >= wanted - 15)  # type: ignore[misc]
        broker.down()
        broker.up()
    town.arrived(60)


def test_rabbitmq_may_be_down_when_everything_starts(town: Town, broker: Proxy) -> None:
    broker.down()
    processes, urls = roles(town)
    until(lambda: says(urls, "down"))
    town.place(5)
    town.arrived(5)
    broker.up()
    until(lambda: says(urls, "ok"))
    town.place(5)
    town.arrived(10)
    assert [one.said(DOWN) for one in processes] == [1] * 3


def test_it_stops_in_good_order_while_rabbitmq_is_down(town: Town, broker: Proxy) -> None:
    processes, urls = roles(town)
    broker.down()
    until(lambda: says(urls, "down"))
    assert [one.ended() for one in processes] == [0] * 3


@pytest.mark.parametrize("announced", [True, False])
def test_without_postgresql_intake_says_so_and_nothing_acknowledged_is_lost(
    tmp_path: Path, rabbit: str, announced: bool
) -> None:
    with postgres_url() as real, before(real) as database, town_in(tmp_path, by(database, real)) as town:
        town.configure(rabbit if announced else "", look_s=1)
        api, worker = town.start("api", "--port", "0"), town.start("worker", "--port", "0")
        url, place = api.url(), worker.url()
        taken: list[int] = []
        refused: list[dict[str, str]] = []
        broken, ended = threading.Event(), threading.Event()

        def tell() -> None:
            while not (broken.is_set() and len(taken) >= 60) and not ended.is_set():
                (number,) = town.place(1)
                while (answer := hook(url, number))[0] == 503:  # as any sender: it is told when to come again
                    refused.append(answer[1])
                    broken.set()
                    if ended.wait(0.05):
                        return
                taken.append(answer[0])

        sender = threading.Thread(target=tell)
        sender.start()
        try:
            until(lambda: len(taken) >= 20)
            database.down()
            assert broken.wait(60)
            assert [health(one)[0] for one in (url, place)] == [503, 503]
            database.up()
            sender.join(60)
        finally:
            ended.set()
            sender.join()
        assert set(taken) == {202}
        assert len(taken) >= 60
        assert all(one["retry-after"].isdigit() for one in refused)
        town.arrived(len(taken))
        assert [health(one)[0] for one in (url, place)] == [200, 200]
        assert [one.ended() for one in (api, worker)] == [0, 0]
    if announced:
        forget_queues(rabbit, "store", "erp")


TOLD = """
[notifications]
every_s = 0.2
gather_s = 0
clear_s = 0.5
"""


def test_an_open_breaker_of_a_worker_is_an_incident_of_the_process_that_watches(town: Town, rabbit: str) -> None:
    with before(town.urls[1]) as erp:
        town.urls = (town.urls[0], by(erp, town.urls[1]))
        town.configure(rabbit, look_s=1)
        town.config.write_text(TOLD + town.config.read_text())
        erp.down()
        for role in ("poller", "worker"):
            town.start(role, "--port", "0").url()
        town.place(8)

        def states() -> list[str]:
            found = town.asked("SELECT state FROM incidents WHERE kind = 'breaker' AND sight LIKE '%\"erp\"%'")
            return [state for (state,) in found]

        until(lambda: states() == ["open"], 60)
        erp.up()
        until(lambda: states() == ["resolved"], 60)
        town.arrived(8)
