"""What a Tryton on PostgreSQL commits late is seen: its stamps are the moment at which a transaction began.

On SQLite nothing is late: one transaction writes at a time, and takes its stamp when it has the right to.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from crossdock.conformance.rows import Told
from crossdock.erp.tryton.connector import build
from crossdock.flows import FLOWS
from tests.databases import postgres_url
from tests.erp.tryton import test_row_conformance as conformance
from tests.erp.tryton.samples import customer, key_of
from tests.erp.tryton.test_row_conformance import READS, sku
from tests.tryton_server import Tryton, start_tryton
from tests.walk.world import until

pytestmark = [
    pytest.mark.skipif(
        os.environ.get("CROSSDOCK_LONG") != "1", reason="filling a PostgreSQL takes minutes: only in long runs"
    ),
    pytest.mark.timeout(900),
]
GRAIN = 1.2  # seconds: Tryton's clock is told without fractions
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with postgres_url() as url:
        with psycopg.connect(url, autocommit=True) as admin:
            name = url.rpartition("/")[2]
            admin.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off')  # filling it is quicker so
        yield url


@pytest.fixture(scope="module")
def tryton(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tryton]:
    with start_tryton(Path(tmp_path_factory.mktemp("tryton-postgres")), postgres=database) as running:
        yield running


class Late:
    """A stock-taking whose transaction has begun, written, and waits for a row that we hold."""

    def __init__(self, tryton: Tryton, database: str, number: int, quantity: int) -> None:
        self._holder = psycopg.connect(database)
        (place,) = tryton.rows("stock.location", [("type", "=", "warehouse")], "storage_location")
        line = {"product": tryton.product(sku(number))["id"], "quantity": quantity}
        taken = {"location": place["storage_location"], "lines": [["create", [line]]]}
        ident = tryton.client.create("stock.inventory", taken)
        self._holder.execute("SELECT id FROM stock_inventory WHERE id = %s FOR UPDATE", [ident])
        self._thread = threading.Thread(target=tryton.client.press, args=("stock.inventory", ident, "confirm"))
        self._thread.start()
        with psycopg.connect(database, autocommit=True) as looking:
            until(lambda: looking.execute(WAITING).fetchone() == (1,), 30)

    def commit(self) -> None:
        """Let it go on, and wait until it is there."""
        self._holder.rollback()
        self._holder.close()
        self._thread.join(60)
        assert not self._thread.is_alive()


def test_what_began_before_and_is_committed_after_is_told(tryton: Tryton, database: str) -> None:
    source = build("erp", tryton.settings(reads=READS)).rows("inventory")
    tryton.count_stock(sku(1), 11)
    pages = list(source.changes(None))
    late = Late(tryton, database, 2, 22)
    tryton.count_stock(sku(3), 33)
    passed = list(source.changes(pages[-1].watermark))
    told = {row["sku"]: row["qty"] for page in passed for row in page.rows}
    assert told[sku(3)] == 33
    assert told.get(sku(2)) != 22
    late.commit()
    then = [row for page in source.changes(passed[-1].watermark) for row in page.rows]
    assert [(row["sku"], row["qty"]) for row in then] == [(sku(2), 22)]
    (move,) = tryton.rows("stock.move", [("product.code", "=", sku(2))], "create_date")
    (newer,) = tryton.rows("stock.move", [("product.code", "=", sku(3))], "create_date")
    assert move["create_date"] < newer["create_date"], "its stamp is that of its beginning"


def test_an_overlap_that_is_too_short_would_lose_it(tryton: Tryton, database: str) -> None:
    """Why there is one: seen, not assumed."""
    source = build("erp", tryton.settings(reads={"inventory": {"overlap_s": 0}})).rows("inventory")
    tryton.count_stock(sku(4), 44)
    pages = list(source.changes(None))
    late = Late(tryton, database, 5, 55)
    time.sleep(GRAIN)
    tryton.count_stock(sku(6), 66)
    passed = list(source.changes(pages[-1].watermark))
    late.commit()
    then = [row for page in source.changes(passed[-1].watermark) for row in page.rows]
    assert (sku(5), 55) not in [(row["sku"], row["qty"]) for row in then]
    assert [row["qty"] for page in source.changes(None) for row in page.rows if row["sku"] == sku(5)] == [55]


def test_a_party_whose_change_is_committed_late_is_told(tryton: Tryton, database: str) -> None:
    """And our own writes work there as they do on SQLite."""
    connector = build("erp", tryton.settings(flows=["customers"], reads=READS))
    sink, source = connector.sink(FLOWS["customers"]), connector.rows("customers")
    for number in (1, 2):
        sink.put(customer(number), key_of(number))
        assert sink.find(customer(number), key_of(number)) is not None
    pages = list(source.changes(None))
    first, second = (tryton.rows("party.party", [("code", "=", f"M{number}")], "name")[0]["id"] for number in (1, 2))
    with psycopg.connect(database) as holder:
        holder.execute("SELECT id FROM party_party WHERE id = %s FOR UPDATE", [first])
        writer = threading.Thread(target=tryton.write, args=("party.party", first), kwargs={"name": "Wilhelmina Late"})
        writer.start()
        with psycopg.connect(database, autocommit=True) as looking:
            until(lambda: looking.execute(WAITING).fetchone() == (1,), 30)
        tryton.write("party.party", second, name="Wilhelmina Early")
        passed = list(source.changes(pages[-1].watermark))
        assert {row["number"]: row["last_name"] for page in passed for row in page.rows} == {"M2": "Early"}
    writer.join(60)
    then = [row for page in source.changes(passed[-1].watermark) for row in page.rows]
    assert [(row["number"], row["last_name"]) for row in then] == [("M1", "Late")]


class TestStockOnPostgres(conformance.TestStock):
    """The whole suite there too, with a commit that is late."""

    @pytest.fixture
    def begin_late(self, tryton: Tryton, database: str) -> Any:
        def begin(number: int, _turn: int) -> tuple[Told, Callable[[], None]]:
            late = Late(tryton, database, number, quantity := next(conformance.different))
            return (f"default/{sku(number).casefold()}", quantity), late.commit

        return begin
