"""Rolling upgrade: workers of the old and of the new version side by side on one database."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from crossdock.storage.engine import open_engine
from tests.databases import postgres_url
from tests.fleet.town import Town, hook, town_in
from tests.material import needs_shared
from tests.migrations.test_additive import brought_to, revisions
from tests.rabbit import forget_queues
from tests.walk.world import until

pytestmark = [needs_shared, pytest.mark.services]


@pytest.fixture
def town(tmp_path: Path, rabbit: str) -> Iterator[Town]:
    with postgres_url() as database, town_in(tmp_path, database) as found:
        engine = open_engine(database)
        brought_to(engine, revisions()[0])
        engine.dispose()
        found.configure(rabbit, look_s=1)
        yield found
    forget_queues(rabbit, "store", "erp")


def old(town: Town) -> tuple[str, ...]:
    return sys.executable, "-m", "tests.fleet.old_worker", str(town.config)


def carried_by(town: Town) -> set[str]:
    return {str(row[0]) for row in town.asked("SELECT DISTINCT leased_by FROM seen_leases")}


def see_who_carries(town: Town) -> None:
    town.asked_to(
        """CREATE TABLE seen_leases (leased_by TEXT);
           CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS
           $$ BEGIN INSERT INTO seen_leases VALUES (NEW.leased_by); RETURN NEW; END $$;
           CREATE TRIGGER see AFTER UPDATE ON deliveries FOR EACH ROW WHEN (NEW.leased_by IS NOT NULL)
           EXECUTE FUNCTION see();"""
    )


def test_the_old_version_goes_on_while_the_new_one_comes(town: Town, rabbit: str) -> None:
    town.configure(rabbit, look_s=1, lease_s=60)  # nobody dies: on a slow machine, too, no lease may run out
    see_who_carries(town)
    before = town.run(*old(town))
    before.url()
    url = town.start("api", "--port", "0").url()  # it brings the tables up to date under the old worker's feet
    for number in town.place(15):
        assert hook(url, number)[0] == 202
    town.arrived(15)
    assert carried_by(town) == {"old"}
    new = town.start("worker", "--port", "0")
    new.url()

    def heard(count: int) -> set[str]:
        for number in town.place(count):
            assert hook(url, number)[0] == 202
        town.arrived(len(town.shop.orders))
        return carried_by(town)

    heard(60)
    until(lambda: len(heard(10)) == 2, 60)  # both have their share, though the new one may have begun late
    assert before.ended() == 0
    heard(10)
    assert new.said("lease lost") == before.said("lease lost") == 0


@pytest.mark.parametrize("victim", ["old", "new"])
def test_each_takes_over_what_the_other_left(town: Town, victim: str) -> None:
    running = {"old": town.run(*old(town))}
    running["old"].url()
    url = town.start("api", "--port", "0").url()
    running["new"] = town.start("worker", "--port", "0")
    running["new"].url()
    for number in town.place(40):
        hook(url, number)
    until(lambda: len(town.erp.kept) >= 5)
    running[victim].ended(signal.SIGKILL)
    town.arrived(40)


def test_a_whole_fleet_is_rolled_over_under_load(town: Town) -> None:
    """As a supervisor does it: a new process is ready, then an old one is told to stop. Nobody polls: what a webhook
    does not bring is lost."""
    see_who_carries(town)
    before, worker = town.start("api", "--port", "0"), town.run(*old(town))
    urls = [before.url()]
    worker.url()
    rolled = threading.Event()
    answers: list[int] = []

    def stream() -> None:
        while not rolled.wait(0.3):  # three orders a second
            (number,) = town.place(1)
            answers.append(heard(urls, number))

    streaming = threading.Thread(target=stream)
    streaming.start()
    try:
        until(lambda: carried_by(town) == {"old"}, 60)
        town.start("worker", "--port", "0").url()
        assert worker.ended() == 0
        after = town.start("api", "--port", "0").url()
        urls[:] = [after]  # the old one is out of the load balancer before it stops
        assert before.ended() == 0
        enough = len(answers) + 5
        until(lambda: len(answers) >= enough, 60)
    finally:
        rolled.set()
        streaming.join()
    assert set(answers) == {202}
    town.arrived(len(answers), 120)
    assert len(carried_by(town)) == 2, "the old one and the new one had their share"


def heard(urls: list[str], number: int) -> int:
    """As through a load balancer: where one has just gone, the next is asked."""
    for _ in range(5):
        try:
            return hook(urls[-1], number)[0]
        except OSError:
            continue
    return 0
