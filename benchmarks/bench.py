"""Figures of this machine, each against an alternative in the same run. Prints a table, writes results/latest.json.

Crossdock, the load generator and the stand-ins for store and ERP are processes of their own, started as a user would
start them. Rows on PostgreSQL, of a fleet, and beside n8n are made where those can be had; what was left out is told,
and kept in `not_measured`. `python -m benchmarks.bench [--orders N] [--database URL] [--broker URL] [--only PART]`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import celery_peer, feeds, measures, n8n_peer, products, pushes
from benchmarks.capacity import database_on
from benchmarks.celery_peer import NotMeasured
from benchmarks.fixtures import Subject, Targets
from benchmarks.measures import Row
from benchmarks.servers import POSTGRES, RABBIT, broker_on, database_at

HERE = Path(__file__).parent
PARTS = ("audit", "intake", "orders", "latency", "feeds", "pushes", "products", "postgres", "fleet", "n8n")
TURNS = 3


def _embedded(folder: Path, orders: int, wanted: set[str]) -> list[Row]:
    """One process on SQLite."""
    rows: list[Row] = []
    if not wanted & {"intake", "orders", "latency"}:
        return rows
    with Targets() as targets:
        if "intake" in wanted:
            rows += measures.intake(folder / "intake", targets, orders * 3, "")
        with Subject(folder / "orders", targets) as subject:
            rows.append(measures.memory("memory idle", subject))
            if "orders" in wanted:
                rows += measures.orders(subject, targets, orders)
                rows.append(measures.memory("memory after the load", subject))
            if "latency" in wanted:
                rows += measures.latency(subject, targets)
    return rows


def _on_postgres(arguments: argparse.Namespace) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder, database_on(_server(arguments)) as url, Targets() as targets:
        return measures.intake(Path(folder) / "intake", targets, arguments.orders * 3, url)


def _fleet(arguments: argparse.Namespace) -> list[Row]:
    server = _server(arguments)
    with broker_on(arguments.broker) as broker:
        if not broker:
            raise NotMeasured("no RabbitMQ answers, or none that a virtual host can be made in")
        return celery_peer.compared(server, broker, min(arguments.orders, 500), TURNS)[0]


def _beside_n8n(arguments: argparse.Namespace) -> list[Row]:
    if not n8n_peer.is_installed():
        raise NotMeasured("n8n is not installed here: python -m benchmarks.n8n_peer does that")
    return n8n_peer.compared(min(arguments.orders, 300), TURNS)


def _server(arguments: argparse.Namespace) -> str:
    if found := database_at(arguments.database):
        return found
    raise NotMeasured("no PostgreSQL answers")


def main() -> None:
    """All figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--orders", type=int, default=3000)
    parser.add_argument("--levels", type=int, default=1_000_000, help="of the feed that is compared")
    parser.add_argument("--database", default=POSTGRES, help="a PostgreSQL server; databases are made there")
    parser.add_argument("--broker", default=RABBIT, help="a RabbitMQ server; a virtual host is made there unless named")
    parser.add_argument("--only", default="", help=" | ".join(PARTS))
    arguments = parser.parse_args()
    wanted = {arguments.only} if arguments.only else set(PARTS)
    rows: list[Row] = []
    left_out: dict[str, str] = {}
    if "audit" in wanted:
        rows.append(measures.audit())
    with tempfile.TemporaryDirectory() as folder:
        rows += _embedded(Path(folder), arguments.orders, wanted)
    if "feeds" in wanted:
        rows += feeds.compared(arguments.levels)
    if "pushes" in wanted:
        rows += pushes.compared(10_000)
    if "products" in wanted:
        rows += products.compared(3000, 120.0)
    for name, part in (("postgres", _on_postgres), ("fleet", _fleet), ("n8n", _beside_n8n)):
        if name not in wanted:
            continue
        try:
            rows += part(arguments)
        except (NotMeasured, SystemExit) as reason:
            left_out[name] = str(reason)
            print(f"NOT MEASURED: {name}: {reason}")
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    found = {
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "commit": commit.stdout.strip(),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "rows": rows,
        "not_measured": left_out,
    }
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    if not arguments.only:
        (results / "latest.json").write_text(json.dumps(found, indent=1) + "\n")
    for one in rows:
        print(measures.line(one))


if __name__ == "__main__":
    main()
