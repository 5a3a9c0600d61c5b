"""Roles as processes of their own, on PostgreSQL and RabbitMQ; some of them are stopped, killed, or hang."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import postgres_url, sqlite_url
from tests.fleet.town import Town, health, hook, metric, town_in
from tests.material import needs_shared
from tests.rabbit import forget_queues
from tests.recorded_server import Asked, Reply
from tests.walk.world import until

pytestmark = [needs_shared, pytest.mark.services]


@pytest.fixture
def town(tmp_path: Path, rabbit: str) -> Iterator[Town]:
    with postgres_url() as database, town_in(tmp_path, database) as found:
        found.configure(rabbit)
        yield found
    forget_queues(rabbit, "store", "erp")


def test_roles_apart_started_all_at_once_on_an_empty_database(town: Town) -> None:
    api = town.start("api", "--port", "0")
    workers = [town.start("worker", "--port", "0") for _ in range(2)]
    pollers = [town.start("poller", "--port", "0") for _ in range(2)]
    url, places = api.url(), [one.url() for one in (*workers, *pollers)]

    def heard(count: int) -> bool:
        """Of so many more orders; whether both workers have carried something by now."""
        for number in town.place(count):
            assert hook(url, number)[0] == 202
        town.arrived(len(town.shop.orders))
        return all(metric(one, "crossdock_attempts_total") for one in places[:2])

    heard(30)
    until(lambda: heard(10), 60)  # one of them may have come later
    assert [health(one) for one in (url, *places)] == [(200, {"status": "ok", "broker": "ok"})] * 5
    assert [metric(one, "crossdock_attempts_total") for one in places[2:]] == [0, 0], "pollers carry nothing"
    # not all of it: a worker that came too late for one row looks into the tables, and finds others before they are told
    announced = [metric(one, "crossdock_announced_total") for one in (url, *places)]
    assert announced[0] > 0, "what webhooks brought"
    assert sum(announced[1:3]) > 0, "what was owed after a look"
    assert hook(places[0], 1)[0] == 404, "a worker takes no webhooks"
    assert [one.ended() for one in (api, *workers, *pollers)] == [0] * 5


def test_webhooks_alone_are_carried_within_moments(town: Town) -> None:
    """Nobody polls and workers look into the tables every ten minutes: what gets through was announced."""
    worker = town.start("worker", "--port", "0")
    worker.url()
    url = town.start("api", "--port", "0").url()
    for number in town.place(5):
        hook(url, number)
    town.arrived(5, 20)


def test_killed_workers_leave_nothing_behind(town: Town, rabbit: str) -> None:
    town.configure(rabbit, look_s=1)
    town.start("poller", "--port", "0").url()
    doomed = [town.start("worker", "--port", "0") for _ in range(2)]
    for one in doomed:
        one.url()
    town.place(60)
    until(lambda: len(town.erp.kept) >= 5)
    assert doomed[0].ended(signal.SIGKILL) == -9
    until(lambda: len(town.erp.kept) >= 15)
    assert doomed[1].ended(signal.SIGKILL) == -9
    town.start("worker")
    town.arrived(60)


def test_a_worker_that_hangs_loses_its_lease_and_writes_nothing_when_it_wakes_up(town: Town, rabbit: str) -> None:
    """SIGSTOP while the ERP has the order but has not answered: another worker finds it there."""
    town.configure(rabbit, look_s=1)
    held, let_go = threading.Event(), threading.Event()
    answer = town.erp.answer

    def slow_once(asked: Asked) -> Reply:
        reply = answer(asked)
        if asked.method == "POST" and asked.path == "/orders" and not held.is_set():
            held.set()
            let_go.wait(240)
        return reply

    town.erp.answer = slow_once  # type: ignore[method-assign]
    town.start("poller", "--port", "0").url()
    first = town.start("worker", "--port", "0")
    first.url()
    town.place(1)
    assert held.wait(60)
    first.send(signal.SIGSTOP)
    town.start("worker", "--port", "0").url()
    town.arrived(1)
    settled = town.asked("SELECT count(*) FROM audit WHERE entity_type = 'orders'")
    let_go.set()
    first.send(signal.SIGCONT)
    until(lambda: first.said("lease lost") == 1)
    assert first.ended() == 0
    assert town.asked("SELECT count(*) FROM audit WHERE entity_type = 'orders'") == settled
    assert len(town.erp.kept) == 1


def test_sigterm_settles_what_is_under_way_and_gives_back_the_rest(town: Town) -> None:
    answer = town.erp.answer
    gate = threading.Semaphore(0)

    def slow(asked: Asked) -> Reply:
        if asked.method == "POST":
            gate.acquire(timeout=60)
        return answer(asked)

    town.erp.answer = slow  # type: ignore[method-assign]
    poller = town.start("poller", "--port", "0")
    poller.url()
    worker = town.start("worker", "--port", "0")
    worker.url()
    town.place(30)
    until(lambda: bool(town.asked("SELECT 1 FROM deliveries WHERE target = 'erp' AND state = 'leased'")))
    worker.send(signal.SIGTERM)
    for _ in range(200):
        gate.release()
    assert worker.ended() == 0
    assert town.asked("SELECT count(*) FROM deliveries WHERE state = 'leased' OR maybe_sent") == [(0,)]
    town.start("worker", "--port", "0").url()
    town.arrived(30, 20)  # it handed on what it had heard of: nobody waits for a second announcement
    assert town.asked("SELECT count(*) FROM deliveries WHERE maybe_sent") == [(0,)]


def test_many_signals_at_once_stop_it_once(tmp_path: Path) -> None:
    """`timeout` sends two, an impatient person more: in the middle of one handler another may begin."""
    with town_in(tmp_path, sqlite_url(tmp_path)) as town:
        town.configure("")
        for _ in range(3):
            worker = town.start("worker", "--port", "0")
            worker.url()
            for _ in range(300):
                worker.send(signal.SIGTERM)
            assert worker.ended() == 0


def test_roles_apart_without_a_broker(tmp_path: Path) -> None:
    """On one machine SQLite does: workers look into the tables every second."""
    with town_in(tmp_path, sqlite_url(tmp_path)) as town:
        town.configure("")
        town.start("worker", "--port", "0").url()
        town.start("poller", "--port", "0").url()
        api = town.start("api", "--port", "0")
        url = api.url()
        for number in town.place(5):
            assert hook(url, number)[0] == 202
        town.arrived(5)
        assert health(url) == (200, {"status": "ok"})
        assert api.ended() == 0
