"""Stock levels read from an ERP into the store's source items, over real HTTP, by one reader at a time."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from crossdock.app import Crossdock
from crossdock.feeds.levels import Feed, FeedState
from crossdock.feeds.polling import Road, RowReader
from crossdock.sandbox.faults import NONE, Bugs, Faults
from crossdock.sandbox.run import ErpServer, StoreServer
from crossdock.settings import Settings
from tests.databases import postgres_url, sqlite_url
from tests.long import only_at_length
from tests.walk.files import toml
from tests.walk.test_inventory import with_stock
from tests.walk.test_sandbox_bugs import TOKEN, configured
from tests.walk.world import until

ROOT = Path(__file__).parent.parent.parent
ROAD = Road(source="erp", target="store", flow="inventory")
READS = {
    "path": "/stock?after_seq={since}&limit={limit}",
    "change_field": "seq",
    "head_field": "head",
    "page_size": 5,
    "interval_s": 0.1,
}


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield sqlite_url(tmp_path)
        return
    with postgres_url() as url:
        yield url


class Town:
    """A store and an ERP, and Crossdocks between them on one database."""

    def __init__(self, folder: Path, database: str, stack: ExitStack, faults: Faults, **reads: Any) -> None:
        self.folder = folder
        self.stack = stack
        self.shop, self.erp = StoreServer(seed=5, token=TOKEN), ErpServer(seed=6, token=TOKEN, faults=faults)
        for server in (self.shop, self.erp):
            server.start()
            stack.callback(server.stop)
        plain = with_stock(configured(folder, self.shop, self.erp), database, {"least_rows": 3})
        told = plain.model_dump(exclude_unset=True)
        told["connections"]["store"]["settling_s"] = 1
        told["connections"]["erp"]["reads"] = {"inventory": READS | reads}
        self.settings = Settings.model_validate(told)

    def crossdock(self, *, start: bool = True) -> Crossdock:
        one = Crossdock(self.settings)
        self.stack.callback(one.stop if start else one.store.close)
        if start:
            one.start()
        return one

    def change(self, qty: int, *numbers: int) -> None:
        rows = [{"sku": f"SIM-{number:04}", "qty": qty, "warehouse": "MI"} for number in numbers]
        self.erp.do(lambda erp: erp.levels.change(rows))

    def level(self, number: int) -> float | None:
        row = self.shop.do(lambda store: store.source_items.get((f"SIM-{number:04}", "wh_milan")))
        return row["quantity"] if row else None

    def reads(self) -> int:
        return self.erp.do(lambda erp: sum("/stock" in one for one in erp.requests))

    def writes(self) -> int:
        return self.shop.do(lambda store: sum("source-items" in one for one in store.requests if one[:4] == "POST"))


@contextmanager
def town_of(folder: Path, database: str, faults: Faults = NONE, **reads: Any) -> Iterator[Town]:
    with ExitStack() as stack:
        yield Town(folder, database, stack, faults, **reads)


@pytest.fixture
def town(tmp_path: Path, database: str) -> Iterator[Town]:
    with town_of(tmp_path, database) as found:
        yield found


def reader_of(crossdock: Crossdock) -> RowReader:
    return crossdock.readers.by_road[ROAD]


def feeds_of(crossdock: Crossdock) -> list[Feed]:
    levels = crossdock.store.levels
    found = [levels.feed(number) for number in range(1, 200)]
    return [feed for feed in found if feed is not None]


def test_what_the_erp_has_comes_into_the_store_and_what_changes_there_too(town: Town) -> None:
    town.change(61, *range(1, 13))
    crossdock = town.crossdock()
    until(lambda: all(town.level(number) == 61 for number in range(1, 13)))
    town.change(7, 3)
    until(lambda: town.level(3) == 7)
    writes, reads = town.writes(), town.reads()
    until(lambda: town.reads() > reads + 4)
    assert town.writes() == writes, "nothing changed, and nothing is written"
    assert [feed.total for feed in feeds_of(crossdock)] == [5, 5, 2, 1], "nothing new makes no feed"


def test_what_is_committed_late_comes_too(tmp_path: Path, database: str) -> None:
    with town_of(tmp_path, database, Faults(bugs=Bugs(late_commits=0.5, late_commit_s=0.7))) as town:
        town.crossdock()
        for number in range(1, 60):
            town.change(number + 200, number)
        until(lambda: all(town.level(number) == number + 200 for number in range(1, 60)))


def test_a_page_that_empties_the_shelves_waits_and_the_reading_goes_on(town: Town) -> None:
    town.change(9, *range(1, 6))
    crossdock = town.crossdock()
    until(lambda: all(town.level(number) == 9 for number in range(1, 6)))
    town.change(0, *range(1, 6))
    town.change(44, 9)
    until(lambda: town.level(9) == 44)
    assert town.level(1) == 9
    assert [feed.state for feed in feeds_of(crossdock)].count(FeedState.HELD) == 1


def test_full_reads_everything_and_writes_only_what_differs(town: Town) -> None:
    town.change(61, *range(1, 8))
    crossdock = town.crossdock(start=False)
    first, again, full = (reader_of(crossdock).scan(full=full) for full in (False, False, True))
    assert first is not None
    assert again is not None
    assert full is not None
    assert (first.rows, first.changed) == (7, 7)
    assert (again.rows, again.changed) == (0, 0)
    assert (full.rows, full.changed) == (7, 0)


def test_of_many_only_one_reads(town: Town) -> None:
    town.change(61, *range(1, 31))
    crowd = [reader_of(town.crossdock(start=False)) for _ in range(4)]
    barrier = threading.Barrier(len(crowd))
    came: list[Any] = []

    def go(reader: RowReader) -> None:
        barrier.wait()
        came.append(reader.scan())

    threads = [threading.Thread(target=go, args=(reader,)) for reader in crowd]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(tally.rows for tally in came if tally is not None) == 30, "every row once"


def test_who_lost_the_claim_stores_nothing_more(town: Town) -> None:
    town.change(61, *range(1, 8))
    crossdock = town.crossdock(start=False)
    reader = reader_of(crossdock)
    slow = reader.claim()
    assert slow is not None
    assert reader.scan() is None, "while another reads"
    reader.release(slow)
    assert reader.scan() is not None
    before = crossdock.store.checkpoint("erp", ROAD.stream())
    with pytest.raises(Exception, match="another reader has"):
        reader.read(slow, full=True)
    assert crossdock.store.checkpoint("erp", ROAD.stream()) == before
    assert len(feeds_of(crossdock)) == 2


@pytest.mark.parametrize("nth", ["1", "2"])
@pytest.mark.parametrize("point", ["rows-read", "rows-stored"])
def test_killed_between_two_steps_no_row_is_lost_or_passed_over(
    tmp_path: Path, database: str, point: str, nth: str
) -> None:
    if nth == "2" and database.startswith("postgres"):
        only_at_length("as on SQLite")
    with town_of(tmp_path, database) as town:
        town.change(61, *range(1, 13))
        config = tmp_path / "crossdock.toml"
        plain = town.settings.model_dump(mode="json", exclude_unset=True)
        config.write_text(toml(plain))
        words = [sys.executable, "-m", "tests.chaos.level_child", str(config), point, nth]
        with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL) as doomed:
            assert doomed.wait(60) == -9, "it did not come to that step"
        crossdock = town.crossdock()
        until(lambda: all(town.level(number) == 61 for number in range(1, 13)), 60)
        assert [feed.total for feed in feeds_of(crossdock)] == [5, 5, 2], "no page twice"
        assert json.loads(crossdock.store.levels.feed_body(feeds_of(crossdock)[0]))["items"][0]["sku"] == "SIM-0001"
