"""What a full archive saves: the same work before hot tables with N settled orders, and with those orders archived.

`python -m benchmarks.archive [--orders 300000] [--database URL]`. Prints, for both: orders carried a second through the
storage (record, lease, settle with its promise, lease, settle), size on disk, and the ratio.
"""

from __future__ import annotations

import argparse
import sqlite3
import tempfile
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Engine, insert, select, text

from crossdock.conformance.storages import NOW, arrival, hint, promise, verdict
from crossdock.delivery.records import Settlement, State
from crossdock.security.envelope import Envelope
from crossdock.storage import tables
from crossdock.storage.engine import open_engine
from crossdock.storage.migrate import migrate
from crossdock.storage.sql import SqlStore

CHUNK = 5000
OLD = NOW - timedelta(days=100)


def fill(engine: Engine, orders: int) -> None:
    """Settled ones: a look and an order each, as they are left behind."""
    for start in range(0, orders, CHUNK):
        numbers = range(1_000_000 + start, 1_000_000 + min(orders, start + CHUNK))
        told = [
            {"id": f"old-{n}", "source": "store", "flow": "looks", "subject": str(n), "reference": f"{n:09}"}
            | {"occurred_at": OLD, "received_at": OLD}
            for n in numbers
        ]
        with engine.execution_options(writes=True).begin() as connection:
            connection.execute(insert(tables.messages), told)
            first, last = str(numbers[0]), str(numbers[-1])
            place = tables.messages.c.subject.between(first, last)
            seqs = {row.subject: row.seq for row in connection.execute(select(tables.messages).where(place))}
            common = {"source": "store", "state": "delivered", "is_open": 0, "attempts": 1}
            common |= {"created_at": OLD, "opened_at": OLD, "due_at": OLD, "settled_at": OLD}
            looks = [
                common
                | {"message_seq": seqs[str(n)], "flow": "looks", "target": "store", "subject": str(n)}
                | {"reference": f"{n:09}", "key": f"look:{n}", "lane": f"look:{n}", "one_row": True, "code": "final"}
                for n in numbers
            ]
            documents = [
                common
                | {"message_seq": seqs[str(n)], "flow": "orders", "target": "erp", "subject": str(n)}
                | {"reference": f"{n:09}", "key": f"{n}:place", "lane": f"order:{n}", "one_row": False, "code": ""}
                for n in numbers
            ]
            connection.execute(insert(tables.deliveries), [*looks, *documents])


def carried(store: SqlStore, first: int, count: int) -> float:
    """Orders a second through the storage."""
    started = time.monotonic()
    for number in range(first, first + count):
        store.record([arrival(hint(number, payload=b'{"n": 1}'))], NOW)
        for _ in range(2):
            for one in store.lease("w", NOW, NOW + timedelta(seconds=60), {"erp": 1, "store": 1}, limit=1):
                promises = (promise(number),) if one.flow == "looks" else ()
                told = Settlement(verdict=verdict(State.DELIVERED), promises=promises, final=True)
                store.settle(one, told, NOW)
    return count / (time.monotonic() - started)


def size(engine: Engine, url: str) -> float:
    """Megabytes of the hot deliveries with their indexes (PostgreSQL), or of the whole file (SQLite)."""
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            return float(connection.execute(text("SELECT pg_total_relation_size('deliveries')")).scalar_one()) / 1e6
    return Path(url.removeprefix("sqlite:///")).stat().st_size / 1e6


def tidy(engine: Engine, url: str) -> None:
    """Give back the space of what went, so that the sizes tell."""
    if engine.dialect.name == "postgresql":
        with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.execute(text("VACUUM FULL ANALYZE"))
        return
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as connection:
        connection.execute("VACUUM")


def main() -> None:
    """Both, in turn."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--orders", type=int, default=300_000)
    parser.add_argument("--carried", type=int, default=1000)
    parser.add_argument("--database", default="", help="an empty PostgreSQL database; without one SQLite")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = arguments.database or f"sqlite:///{folder}/archive.sqlite"
        engine = open_engine(url)
        migrate(engine)
        store = SqlStore(engine, Envelope(b"k" * 32))
        carried(store, 1, 200)  # warm
        print(f"empty tables: {carried(store, 1000, arguments.carried):.0f} orders/s")
        fill(engine, arguments.orders)
        if engine.dialect.name == "postgresql":
            tidy(engine, url)
        full, large = carried(store, 10_000, arguments.carried), size(engine, url)
        print(f"{arguments.orders} settled orders in the hot tables: {full:.0f} orders/s, {large:.0f} MB")
        started = time.monotonic()
        gone = 0
        while count := store.put_away(NOW - timedelta(days=1), limit=2000):
            gone += count
        print(f"archived: {gone} orders at {gone / (time.monotonic() - started):.0f}/s")
        tidy(engine, url)
        slim, small = carried(store, 20_000, arguments.carried), size(engine, url)
        print(f"archived: {slim:.0f} orders/s, {small:.0f} MB; ratio {slim / full:.2f}")
        store.close()


if __name__ == "__main__":
    main()
