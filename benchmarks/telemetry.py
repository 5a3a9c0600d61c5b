"""What it costs to be seen: a scrape of the tables with a million deliveries, and an order with spans and without.

    python -m benchmarks.telemetry [--deliveries 1000000] [--orders 1500] [--turns 3] [--storage sqlite|postgres|both]

The orders are sent in turns, recorded and not, in one run; the collector that takes the spans is a process beside it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from benchmarks import measures
from benchmarks.fixtures import SETTINGS, Subject, Targets
from benchmarks.operations import prepared
from crossdock.api.tables import TableMetrics
from crossdock.app import Crossdock
from crossdock.operations.desk import Desk
from tests.databases import postgres_url

ROUNDS = 15


def scrape(folder: Path, url: str, count: int) -> dict[str, float]:
    """Milliseconds of one look at the tables, nothing of it remembered."""
    crossdock = Crossdock(prepared(folder, url, count), roles=frozenset())
    desk = Desk(crossdock)
    metrics = TableMetrics(desk)
    found = []
    for _ in range(ROUNDS):
        desk.remembered.forget()
        began = time.perf_counter()
        series = sum(len(family.samples) for family in metrics.collect())
        found.append((time.perf_counter() - began) * 1000)
    crossdock.store.close()
    return {"p50_ms": statistics.median(found), "worst_ms": max(found), "series": series}


class Taken(BaseHTTPRequestHandler):
    """Takes spans and forgets them."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the library's name
        """Nothing."""


@contextmanager
def collector() -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.telemetry", "--collect"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/v1/traces"
    finally:
        process.terminate()
        process.wait(10)


def orders(folder: Path, total: int, endpoint: str) -> dict[str, float]:
    """Of one turn."""
    settings = SETTINGS + (f'\n[tracing]\nendpoint = "{endpoint}"\n' if endpoint else "")
    with Targets() as targets, Subject(folder, targets, settings=settings) as subject:
        rows = measures.orders(subject, targets, total)
    found = {row["name"]: row["value"] for row in rows}
    return {
        "orders_s": found["orders, webhook to ERP, sustained"],
        "cpu_ms": found["CPU per order, webhook to acknowledgement"],
    }


def compared(total: int, turns: int) -> dict[str, Any]:
    """In turns, so that both have the machine's same days."""
    found: dict[str, list[dict[str, float]]] = {"off": [], "on": []}
    with collector() as url:
        for turn in range(turns):
            for name, endpoint in (("off", ""), ("on", url)):
                with tempfile.TemporaryDirectory() as folder:
                    found[name].append(orders(Path(folder) / name, total, endpoint))
                print(f"  turn {turn + 1}, spans {name}: {found[name][-1]}", flush=True)
    middle = {name: statistics.median(one["cpu_ms"] for one in rows) for name, rows in found.items()}
    return {"turns": found, "cpu_ms": middle, "ratio": middle["on"] / middle["off"]}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--deliveries", type=int, default=1_000_000)
    parser.add_argument("--orders", type=int, default=1500)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--storage", default="both", choices=["sqlite", "postgres", "both"])
    parser.add_argument("--collect", action="store_true", help="be the collector")
    parser.add_argument("--json", default="")
    arguments = parser.parse_args()
    if arguments.collect:
        server = ThreadingHTTPServer(("127.0.0.1", 0), Taken)
        print(server.server_port, flush=True)
        server.serve_forever()
    found: dict[str, Any] = {}
    if arguments.deliveries:
        if arguments.storage != "postgres":
            with tempfile.TemporaryDirectory() as folder:
                found["scrape, sqlite"] = scrape(Path(folder), f"sqlite:///{folder}/b.sqlite", arguments.deliveries)
        if arguments.storage != "sqlite":
            with tempfile.TemporaryDirectory() as folder, postgres_url() as url:
                found["scrape, postgres"] = scrape(Path(folder), url, arguments.deliveries)
    if arguments.orders:
        found["spans"] = compared(arguments.orders, arguments.turns)
    for name, one in found.items():
        print(name, json.dumps(one))
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
