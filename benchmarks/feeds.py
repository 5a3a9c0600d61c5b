"""A feed of a million stock levels: what it costs to take it, to find that nothing changed, and to find 1 % changed.

`python -m benchmarks.feeds [--rows N] [--database URL]`. Beside it in the same run: a naive full write of the same rows
(executemany of an upsert, nothing compared, nothing recorded), and DuckDB's bare comparison of two files where it is
installed. Each case runs in a process of its own, whose peak memory is told. Nothing is sent anywhere.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import json
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import measures
from crossdock.contract.flow import Route
from crossdock.contract.message import Message
from crossdock.feeds.feeds import Feeds
from crossdock.feeds.levels import NewFeed
from crossdock.flows import FLOWS
from crossdock.security.envelope import Envelope
from crossdock.storage.engine import open_engine
from crossdock.storage.migrate import migrate
from crossdock.storage.sql import SqlStore

CASES = ("first", "unchanged", "one_percent", "naive", "duckdb")


class Ends:
    """What a comparison asks of the composition."""

    def flow(self, name: str) -> Any:
        return FLOWS[name]

    def routes(self, source: str) -> list[Route]:
        flows = frozenset({"inventory"})
        rules: dict[str, Any] = {"warehouses": {"MI": "wh_milan"}, "guard": {"least_rows": 10**9}}
        return [Route(source=source, target="store", flows=flows, states={"inventory": rules})]

    def unsettled(self, flow: Any, source: str, target: str) -> frozenset[str]:  # noqa: ARG002  nothing was sold
        return frozenset()


def write(path: Path, rows: int, *, every: int = 0) -> None:
    """The feed as a file; of every so many rows one has another quantity than before."""
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["sku", "qty", "warehouse"])
        for number in range(rows):
            changed = 1 if every and number % every == 0 else 0
            out.writerow([f"SKU-{number:08}", number % 977 + changed, "MI"])


def read(path: Path) -> Iterator[Mapping[str, str]]:
    with path.open(newline="") as file:
        rows = csv.reader(file)
        names = next(rows)
        for row in rows:
            yield dict(zip(names, row, strict=True))


def feed(database: str, path: Path) -> dict[str, Any]:
    """Take and compare it."""
    engine = open_engine(database)
    migrate(engine)
    store = SqlStore(engine, Envelope(b"k" * 32))
    feeds = Feeds(store.levels, Ends(), lambda: datetime.now(UTC), lambda: None)  # type: ignore[arg-type]  # enough
    message = Message(id=path.name, source="erp", flow="inventory", subject="feed", occurred_at=datetime.now(UTC))
    started, cpu = time.monotonic(), time.process_time()
    taken = feeds.take(NewFeed(message=message, flow="inventory", target="store", channel="file"))
    closed = feeds.compare(taken, read(path))
    told = {"seconds": time.monotonic() - started, "cpu": time.process_time() - cpu, "changed": closed.changed}
    store.close()
    return told


def naive(path: Path) -> dict[str, Any]:
    """All rows written, whatever they hold."""
    started, cpu = time.monotonic(), time.process_time()
    connection = sqlite3.connect(path.parent / "naive.sqlite")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE IF NOT EXISTS stock (sku TEXT, place TEXT, qty TEXT, PRIMARY KEY (sku, place))")
    upsert = "INSERT INTO stock VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET qty = excluded.qty"
    connection.executemany(upsert, ((row["sku"], row["warehouse"], row["qty"]) for row in read(path)))
    connection.commit()
    return {"seconds": time.monotonic() - started, "cpu": time.process_time() - cpu}


def duckdb(before: Path, after: Path) -> dict[str, Any]:
    """The bare difference of the two files."""
    try:
        engine: Any = importlib.import_module("duckdb")
    except ModuleNotFoundError:
        return {"missing": "duckdb is not installed"}
    started, cpu = time.monotonic(), time.process_time()
    query = (
        f"SELECT count(*) FROM read_csv('{after}') a LEFT JOIN read_csv('{before}') b USING (sku, warehouse) "
        "WHERE b.qty IS DISTINCT FROM a.qty"
    )
    (changed,) = engine.sql(query).fetchall()[0]
    return {"seconds": time.monotonic() - started, "cpu": time.process_time() - cpu, "changed": changed}


def one(case: str, folder: Path, database: str) -> dict[str, Any]:
    """A case, in its own process."""
    before, after = folder / "before.csv", folder / "after.csv"
    if case == "naive":
        told = naive(after)
    elif case == "duckdb":
        told = duckdb(before, after)
    else:
        again = folder / f"{case}.csv"
        again.symlink_to(after if case == "one_percent" else before)
        told = feed(database or f"sqlite:///{folder}/crossdock.sqlite", again)
    return told | {"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def all_cases(rows: int, database: str = "") -> dict[str, dict[str, Any]]:
    """Each in a process of its own, one after the other."""
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder / "before.csv", rows)
        write(folder / "after.csv", rows, every=100)
        for case in CASES:
            command = [sys.executable, "-m", "benchmarks.feeds", f"--case={case}", f"--folder={folder}"]
            if database:
                command.append(f"--database={database}")
            told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            found[case] = json.loads(told)
    return found


def compared(rows: int, database: str = "") -> list[measures.Row]:
    """What it costs, beside a naive write of all rows and DuckDB's bare comparison."""
    told = all_cases(rows, database)
    naive_s = told["naive"]["seconds"]
    bare: dict[str, Any] = {}
    if "seconds" in told["duckdb"]:
        bare = {"peer": "DuckDB's bare comparison of two files", "peer_value": told["duckdb"]["seconds"]}
    beside: dict[str, Any] = {"peer": "a naive write of all rows, nothing compared", "peer_value": naive_s}
    name, changed = f"a feed of {rows:,} levels", told["one_percent"]
    return [
        measures.row(f"{name}, 1 % changed: planned", changed["seconds"], "s", goal=10, least=False, **beside),
        measures.row(f"{name}, 1 % changed: peak memory", changed["peak_mb"], "MB", goal=300, least=False),
        measures.row(f"{name}, nothing changed", told["unchanged"]["seconds"], "s", goal=5, least=False, **bare),
        measures.row(f"{name}, nothing changed: CPU", told["unchanged"]["cpu"], "s"),
    ]


def main() -> None:
    """All cases, one after the other."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--database", default="", help="an empty PostgreSQL database; without one SQLite")
    parser.add_argument("--case", default="", choices=["", *CASES], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.case:
        print(json.dumps(one(arguments.case, arguments.folder, arguments.database)))
        return
    for case, told in all_cases(arguments.rows, arguments.database).items():
        print(case, " ".join(f"{k}={round(v, 2) if isinstance(v, float) else v}" for k, v in told.items()))


if __name__ == "__main__":
    main()
