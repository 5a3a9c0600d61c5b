"""A push of 10,000 stock levels: how long until it is answered, stored and promised to be compared.

`python -m benchmarks.pushes [--rows N] [--database URL]`. Beside it in the same run: the same levels in pushes of 100,
one after the other, each answered row by row once the store has it. The store is the sandbox, in this process;
Crossdock is a process of its own. Three turns, each with other quantities; medians.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from benchmarks import measures
from benchmarks.fixtures import Subject, until
from benchmarks.measures import Row
from crossdock.sandbox.run import StoreServer

TURNS = 3
SMALL = 100
GOAL = 1.0  # seconds
SETTINGS = """\
[database]
url = "{database}"
[security]
master_key = "file:{folder}/master.key"
[log]
level = "error"
[api]
port = 0
rows_at_once = 100
clients = {{bench = {{token = "env:BENCH_TOKEN", connection = "erp"}}}}
[connections.store]
kind = "magento"
base_url = "{targets}"
auth = {{scheme = "bearer", token = "env:BENCH_TOKEN"}}
polling = {{enabled = false}}
[connections.erp]
kind = "rest"
base_url = "{targets}"
auth = {{scheme = "bearer", token = "env:BENCH_TOKEN"}}
[[routes]]
source = "erp"
target = "store"
flows = ["inventory"]
options = {{inventory = {{warehouses = {{MI = "wh_milan"}}, guard = {{least_rows = 1000000}}}}}}
"""


def push(url: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Its answer, with the status."""
    headers = {"Authorization": "Bearer bench", "Content-Type": "application/json"}
    body = json.dumps({"items": rows}).encode()
    request = urllib.request.Request(f"{url}/rest/V2/erp/inventory/update", body, headers)
    with urllib.request.urlopen(request, timeout=120) as answer:
        told: dict[str, Any] = json.load(answer)
        return told | {"status": answer.status}


def job(url: str, name: str) -> bool:
    """Whether it is done with."""
    request = urllib.request.Request(
        f"{url}/rest/V2/erp/inventory/jobs/{name}?limit=1", headers={"Authorization": "Bearer bench"}
    )
    with urllib.request.urlopen(request, timeout=120) as answer:
        return bool(json.load(answer)["done"])


def turn(url: str, skus: list[str], number: int) -> tuple[float, float]:
    """Seconds until one large push is answered, and until many small ones are."""

    def told(more: int) -> list[dict[str, Any]]:
        return [{"sku": sku, "qty": number * 1000 + n % 977 + more, "warehouse": "MI"} for n, sku in enumerate(skus)]

    started = time.monotonic()
    answer = push(url, told(0))
    large = time.monotonic() - started
    if answer["status"] != 202:
        raise SystemExit(f"answered {answer['status']}, not 202")
    until(lambda: job(url, answer["job"]))
    rows = told(1)
    started = time.monotonic()
    for first in range(0, len(rows), SMALL):
        push(url, rows[first : first + SMALL])
    return large, time.monotonic() - started


def compared(rows: int, database: str = "") -> list[Row]:
    """One row."""
    shop = StoreServer(token="bench")
    shop.start()
    skus = [f"B-{number:06}" for number in range(rows)]
    shop.do(lambda store: store.catalog.add(skus))
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            Subject(Path(folder) / "crossdock", shop, database, SETTINGS) as subject,
        ):
            turns = [turn(subject.url, skus, number) for number in range(1, TURNS + 1)]
    finally:
        shop.stop()
    large, small = (statistics.median(column) for column in zip(*turns, strict=True))
    peer = f"in pushes of {SMALL}, each answered row by row"
    name = f"{rows:,} levels pushed, until 202"
    return [measures.row(name, large, "s", goal=GOAL, least=False, peer=peer, peer_value=small)]


def main() -> None:
    """The row."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--database", default="", help="an empty PostgreSQL database; without one SQLite")
    arguments = parser.parse_args()
    for found in compared(arguments.rows, arguments.database):
        print(measures.line(found))


if __name__ == "__main__":
    main()
