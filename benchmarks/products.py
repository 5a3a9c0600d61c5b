"""Products through a stand-in store at its limit: as bulks, and beside it one POST a product, in the same run.

`python -m benchmarks.products [--rows N] [--per-second N] [--database URL]`. The store is the sandbox, in this process:
each of its requests takes 60 ms (a real 2.4.7 on two cores took 90 to 130 ms for a product's POST), and its consumer
carries out so many operations a second. Crossdock is a process of its own, fed by `crossdock import`. The time runs
from the first request to the last row's settlement, read back included. Told besides: how much of the time between its
first and its last operation the store's consumer was busy.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import func, select

from benchmarks import measures
from benchmarks.fixtures import SECRET, Started, until
from benchmarks.measures import Row
from crossdock.sandbox.faults import Faults
from crossdock.sandbox.run import StoreServer
from crossdock.security.envelope import create_master_key_file
from crossdock.storage.engine import open_engine
from crossdock.storage.tables import deliveries

REQUEST_S = 0.06
GOAL = 100.0  # products a second: the guide's own figure for bulks
BUSY_GOAL = 95.0  # percent
SINGLES = 300
SETTINGS = """\
[database]
url = "{database}"
[security]
master_key = "file:{folder}/master.key"
[log]
level = "error"
[api]
port = 0
[connections.store]
kind = "magento"
base_url = "{store}"
auth = {{scheme = "bearer", token = "env:BENCH_TOKEN"}}
polling = {{enabled = false}}
products = {{bulk_from = {bulk_from}, batch_size = {batch}}}
[connections.erp]
kind = "rest"
base_url = "{store}"
auth = {{scheme = "bearer", token = "env:BENCH_TOKEN"}}
[[routes]]
source = "erp"
target = "store"
flows = ["products"]
options = {{products = {{owned = ["name", "weight"], guard = {{gone_percent = 100}}}}}}
"""


class Run(NamedTuple):
    """One way of writing them."""

    per_second: float
    busy_percent: float


class Subject(Started):
    """A Crossdock that writes products."""

    def __init__(self, folder: Path, store: str, database: str, bulk_from: int, batch: int) -> None:
        folder.mkdir()
        create_master_key_file(folder / "master.key")
        self.config = folder / "crossdock.toml"
        self.database = database or f"sqlite:///{folder}/crossdock.sqlite"
        told = {"database": self.database, "folder": folder, "store": store, "bulk_from": bulk_from, "batch": batch}
        self.config.write_text(SETTINGS.format(**told))
        super().__init__(self.program(), "run", "-c", str(self.config), "--port", "0")

    @staticmethod
    def program() -> str:
        """The installed command."""
        return str(Path(sys.executable).with_name("crossdock"))

    def take(self, file: Path) -> None:
        """As a user would."""
        environ = os.environ | {"BENCH_TOKEN": "bench", "BENCH_SECRET": SECRET}
        command = [self.program(), "import", "products", str(file), "-c", str(self.config)]
        subprocess.run(command, check=True, env=environ, capture_output=True)


def write(path: Path, rows: int) -> None:
    """So many new products."""
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["sku", "name", "price", "weight"])
        out.writerows([f"B-{n:06}", f"Product {n}", "12.50", "1.5"] for n in range(rows))


def carried(folder: Path, rows: int, per_second: float, *, bulk_from: int, database: str = "") -> Run:
    """All of them, once."""
    faults = Faults(latency_s=REQUEST_S, bulk_per_s=per_second, bulk_s=0.1)
    shop = StoreServer(token="bench", faults=faults)
    shop.start()
    try:
        with Subject(folder, shop.url, database, bulk_from, 200) as subject:
            file = folder / "products.csv"
            write(file, rows)
            subject.take(file)
            until(lambda: bool(shop.do(lambda store: len(store.requests))))
            started = time.monotonic()
            until(lambda: delivered(subject.database) >= rows)
            seconds = time.monotonic() - started
        idle, working = shop.do(lambda store: (store.jobs.idle_s, store.jobs.carried_out / per_second))
    finally:
        shop.stop()
    return Run(rows / seconds, 100 * working / (working + idle) if working else 0.0)


def delivered(database: str) -> int:
    """How many are settled as delivered."""
    engine = open_engine(database)
    query = select(func.count()).where(deliveries.c.flow == "products", deliveries.c.state == "delivered")
    with engine.connect() as connection:
        found: int = connection.execute(query).scalar_one()
    engine.dispose()
    return found


def compared(rows: int, per_second: float, database: str = "") -> list[Row]:
    """Bulks, beside one POST a product."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bulk = carried(folder / "bulk", rows, per_second, bulk_from=50, database=database)
        single = carried(folder / "single", min(rows, SINGLES), per_second, bulk_from=0)
    told: dict[str, Any] = {"peer": "one POST a product", "peer_value": single.per_second}
    return [
        measures.row(f"products as bulks, store's limit {per_second:g}/s", bulk.per_second, "/s", goal=GOAL, **told),
        measures.row("the store's consumer kept busy", bulk.busy_percent, "%", goal=BUSY_GOAL),
    ]


def main() -> None:
    """Both rows."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=3000)
    parser.add_argument("--per-second", type=float, default=120.0, help="what the store's consumer carries out")
    parser.add_argument("--database", default="", help="an empty PostgreSQL database; without one SQLite")
    arguments = parser.parse_args()
    for one in compared(arguments.rows, arguments.per_second, arguments.database):
        print(measures.line(one))


if __name__ == "__main__":
    main()
