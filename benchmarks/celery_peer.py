"""Crossdock's fleet against a pipeline of FastAPI, Celery and RabbitMQ, in turns, with two worker processes each.

`python -m benchmarks.celery_peer --database URL --broker URL [--orders 1000] [--turns 3]`. The pipeline's libraries go
into an environment of their own under `.bench/`. Prints medians with their ratio, and writes results/celery.json.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.capacity import HOOK, Role, config_of, database_on
from benchmarks.fixtures import SECRET, Started, Targets, load, until
from benchmarks.measures import Row, line, row

HERE = Path(__file__).parent
PEER = HERE / "peers" / "celery_pipeline"
PLACE = HERE.parent / ".bench" / "celery"
WORKERS = 2
INTAKE_GOAL = 4500  # as of one process on PostgreSQL
CPU_GOAL_MS = 2.0  # two cores spent on the goal of 1,000 orders a second


class NotMeasured(Exception):
    """Why there are no rows."""


def installed() -> Path:
    """The pipeline's Python. Raises CalledProcessError where its libraries cannot be had."""
    python = PLACE / "bin" / "python"
    if not python.exists():
        venv.create(PLACE, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "-r", PEER / "requirements.txt"], check=True)
    return python


class Pipeline:
    """The pipeline's processes: one that takes webhooks, a Celery worker with two that carry."""

    def __init__(self, python: Path, folder: Path, targets: Targets, broker: str) -> None:
        environ = os.environ | {"PEER_TARGETS": targets.url, "PEER_BROKER": broker, "BENCH_SECRET": SECRET}
        environ |= {"PEER_DATABASE": str(folder / "sent.sqlite")}
        os.environ |= {name: environ[name] for name in ("PEER_TARGETS", "PEER_BROKER", "PEER_DATABASE")}
        words = [str(python), "-m", "celery", "-A", "tasks", "worker", f"--concurrency={WORKERS}", "--loglevel=ERROR"]
        quiet = subprocess.DEVNULL
        self._worker = subprocess.Popen([*words, "--without-gossip"], cwd=PEER, env=environ, stdout=quiet, stderr=quiet)
        self.api = Started(str(python), "intake.py", cwd=PEER)
        self.pids = [self.api.pid]

    def workers(self) -> list[int]:
        """Its processes that carry, and the one above them."""
        found = subprocess.run(["pgrep", "-P", str(self._worker.pid)], capture_output=True, text=True, check=False)
        return [self._worker.pid, *map(int, found.stdout.split())]

    def stop(self) -> None:
        self.api.stop()
        self._worker.terminate()
        self._worker.wait(60)


def cpu(pids: list[int]) -> float:
    """Seconds that they have spent."""
    spent = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        spent += int(fields[11]) + int(fields[12])
    return spent / os.sysconf("SC_CLK_TCK")


def measured(url: str, pids: list[int], targets: Targets, orders: int) -> dict[str, float]:
    """All webhooks as fast as they are taken, until every order is in the ERP and written back."""
    load(url + HOOK, 50, first=10_000_001)
    until(lambda: targets.stats()["acknowledged"] >= 50)
    time.sleep(1)  # the last comments
    before, spent = targets.stats(), cpu(pids)
    found = load(url + HOOK, orders, first=20_000_001)
    until(lambda: targets.stats()["acknowledged"] - before["acknowledged"] >= orders)
    stats = targets.stats()
    arrived = [at for name, at in stats["arrived"].items() if name.lstrip("0") in found["sent"]]
    return {
        "intake": orders / found["seconds"],
        "orders": orders / (max(arrived) - min(found["sent"].values())),
        "cpu": (cpu(pids) - spent) / orders * 1000,
        "doubled": float(stats["doubled"]),
    }


def crossdock(folder: Path, database: str, broker: str, orders: int) -> dict[str, float]:
    """One api process and two workers."""
    with Targets() as targets, database_on(database) as url, ExitStack() as stack:
        config = config_of(folder, url, broker, targets)
        api = stack.enter_context(Role("api", config))
        workers = [stack.enter_context(Role("worker", config)) for _ in range(WORKERS)]
        return measured(api.url, [api.pid, *(one.pid for one in workers)], targets, orders)


def pipeline(python: Path, folder: Path, broker: str, orders: int) -> dict[str, float]:
    """The other one."""
    with Targets() as targets:
        peer = Pipeline(python, folder, targets, broker)
        try:
            time.sleep(3)  # Celery forks its processes after its first line
            return measured(peer.api.url, [*peer.pids, *peer.workers()], targets, orders)
        finally:
            peer.stop()


def rows(ours: list[dict[str, float]], theirs: list[dict[str, float]]) -> list[Row]:
    """Medians."""

    def middle(found: list[dict[str, float]], name: str) -> float:
        return statistics.median(one[name] for one in found)

    peer = "FastAPI + Celery + RabbitMQ, by hand"
    told: list[tuple[str, str, str, dict[str, Any]]] = [
        ("fleet: signed intake, durable", "intake", "webhooks/s", {"goal": INTAKE_GOAL}),
        ("fleet, 2 workers: orders, webhook to ERP, sustained", "orders", "orders/s", {"goal": 1000}),
        ("fleet: CPU per order, intake to write-back", "cpu", "ms", {"goal": CPU_GOAL_MS, "least": False}),
    ]
    return [
        row(name, middle(ours, key), unit, peer=peer, peer_value=middle(theirs, key), **more)
        for name, key, unit, more in told
    ]


def compared(database: str, broker: str, orders: int, turns: int) -> tuple[list[Row], dict[str, Any]]:
    """Rows, and each turn. Raises NotMeasured where the pipeline's libraries cannot be had."""
    try:
        python = installed()
    except (subprocess.CalledProcessError, OSError) as error:
        raise NotMeasured(f"its libraries cannot be installed ({error})") from error
    ours, theirs = [], []
    for _ in range(turns):
        with tempfile.TemporaryDirectory() as name:
            theirs.append(pipeline(python, Path(name), broker, orders))
        with tempfile.TemporaryDirectory() as name:
            ours.append(crossdock(Path(name), database, broker, orders))
    return rows(ours, theirs), {"crossdock": ours, "pipeline": theirs}


def main() -> None:
    """In turns."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", required=True, help="a PostgreSQL server; each turn makes a database there")
    parser.add_argument("--broker", required=True, help="a RabbitMQ virtual host that nobody else uses")
    parser.add_argument("--orders", type=int, default=1000)
    parser.add_argument("--turns", type=int, default=3)
    arguments = parser.parse_args()
    try:
        told, turns = compared(arguments.database, arguments.broker, arguments.orders, arguments.turns)
    except NotMeasured as error:
        sys.exit(f"not measured: {error}")
    found = {
        "machine": f"{os.cpu_count()} cores, Python {sys.version.split()[0]}",
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "rows": told,
        "turns": turns,
    }
    (HERE / "results" / "celery.json").write_text(json.dumps(found, indent=1) + "\n")
    for one in told:
        print(line(one))


if __name__ == "__main__":
    main()
