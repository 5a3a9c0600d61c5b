"""A fleet of 1, 2 and 4 workers, measured against the queueing model. Needs PostgreSQL and RabbitMQ.

`python -m benchmarks.capacity --database URL --broker URL [--delay 0.05] [--orders 600]`. The store and the ERP take
`--delay` seconds for each answer, as systems elsewhere do: an order is four requests, so threads wait for most of their
time. From ONE worker under a backlog the model takes the service time (threads / orders a second) and the CPU time;
what two and four workers carry, and how long orders wait at two thirds of that, it must then foretell.
Prints a table and writes results/capacity.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from benchmarks import queueing
from benchmarks.fixtures import SETTINGS, Started, Subject, Targets, load, until
from crossdock.security.envelope import create_master_key_file

HERE = Path(__file__).parent
THREADS = 8  # of one worker: the default
HOOK = "/webhooks/store/sales.order.created"
DELIVERIES = 3  # an order: the look, the ERP, the write-back
ORDERS_A_DAY, PEAK, LONGEST_WAIT = 1_000_000, 4.0, 1.0


class Role(Started):
    """One process of the fleet, with an address for its health."""

    def __init__(self, role: str, config: Path) -> None:
        super().__init__(Subject.program(), role, "-c", str(config), "--port", "0")

    def cpu_seconds(self) -> float:
        """Spent by the process so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """All of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", required=True, help="a PostgreSQL server; each run makes a database there")
    parser.add_argument("--broker", required=True, help="a RabbitMQ virtual host that nobody else uses")
    parser.add_argument("--delay", type=float, default=0.05, help="seconds that the store and the ERP take to answer")
    parser.add_argument("--orders", type=int, default=600, help="for each worker")
    arguments = parser.parse_args()
    runs = [_run(count, arguments) for count in (1, 2, 4)]
    found = {
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "delay_s": arguments.delay,
        "threads": THREADS,
        "runs": _foretold(runs),
        "a_million_orders_a_day": _sized(runs[0]),
    }
    (HERE / "results" / "capacity.json").write_text(json.dumps(found, indent=1) + "\n")
    for one in found["runs"]:
        print("  ".join(f"{name}={value}" for name, value in one.items()))
    print("  ".join(f"{name}={value}" for name, value in found["a_million_orders_a_day"].items()))


def _run(workers: int, arguments: Any) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder, database_on(arguments.database) as database, ExitStack() as stack:
        targets = stack.enter_context(Targets(arguments.delay))
        config = config_of(Path(folder), database, arguments.broker, targets)
        api = stack.enter_context(Role("api", config))
        fleet = [stack.enter_context(Role("worker", config)) for _ in range(workers)]
        _carry(api, targets, 50, first=10_000_001)  # warm
        cpu = sum(one.cpu_seconds() for one in fleet)
        total = arguments.orders * workers
        rate = _carry(api, targets, total, first=20_000_001)
        cpu = (sum(one.cpu_seconds() for one in fleet) - cpu) / total
        calm = _latencies(api, targets, rate * 0.1, 60, first=30_000_001)
        steady = int(rate * 0.67 * 20)
        loaded = _latencies(api, targets, rate * 0.67, steady, first=40_000_001)
    return {
        "workers": workers,
        "orders_s": rate,
        "cpu_s": cpu,
        "calm_s": statistics.mean(calm),
        "loaded_s": statistics.mean(loaded),
        "loaded_p99_s": sorted(loaded)[int(len(loaded) * 0.99)],
    }


def _foretold(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    first = runs[0]
    service = THREADS / first["orders_s"]  # of an order: thread time, by the utilisation law
    rows = []
    for one in runs:
        threads = THREADS * one["workers"]
        carried = queueing.carried(threads, service, cpu=first["cpu_s"], cores=os.cpu_count() or 1)
        # two of the three deliveries lie before the ERP has the order, and each waits for a thread
        wait = queueing.waiting(
            DELIVERIES * one["orders_s"] * 0.67, service / DELIVERIES, threads, arrivals_cv2=0.0, service_cv2=0.2
        )
        rows.append(
            {
                "workers": one["workers"],
                "orders_s": round(one["orders_s"], 1),
                "model_orders_s": round(carried, 1),
                "ratio": round(one["orders_s"] / carried, 2),
                "cpu_ms_per_order": round(one["cpu_s"] * 1000, 2),
                "calm_ms": round(one["calm_s"] * 1000),
                "loaded_ms": round(one["loaded_s"] * 1000),
                "model_loaded_ms": round((first["calm_s"] + 2 * wait) * 1000),
                "loaded_p99_ms": round(one["loaded_p99_s"] * 1000),
            }
        )
    return rows


def _sized(first: dict[str, Any]) -> dict[str, Any]:
    """What a million orders a day ask for, at this delay and with this machine's cores."""
    service, cpu = THREADS / first["orders_s"], first["cpu_s"]
    rate = queueing.peak_rate(ORDERS_A_DAY, peak_factor=PEAK)
    threads = queueing.servers_for(rate * DELIVERIES, service / DELIVERIES, longest_wait=LONGEST_WAIT)
    return {
        "mean_orders_s": round(ORDERS_A_DAY / 86_400, 1),
        "peak_orders_s": round(rate, 1),
        "threads": threads,
        "workers_of_8": -(-threads // THREADS),
        "cores_for_workers": round(rate * cpu / 0.7, 1),
    }


def _carry(api: Started, targets: Targets, total: int, *, first: int) -> float:
    """Orders a second of a backlog: counted while all threads are busy, without its beginning and its end."""
    load(api.url + HOOK, total, first=first)
    numbers = {str(first + offset) for offset in range(total)}
    until(lambda: len(_arrived(targets, numbers)) == total)
    moments = sorted(_arrived(targets, numbers).values())
    inner = moments[total // 5 : -total // 5]
    until(lambda: (now := targets.stats())["acknowledged"] >= now["orders"])
    return (len(inner) - 1) / (inner[-1] - inner[0])


def _latencies(api: Started, targets: Targets, rate: float, total: int, *, first: int) -> list[float]:
    found = load(api.url + HOOK, total, first=first, rate=rate, connections=max(2, int(rate)))
    numbers = {str(first + offset) for offset in range(total)}
    until(lambda: len(_arrived(targets, numbers)) == total)
    there = _arrived(targets, numbers)
    return [there[name] - sent for name, sent in found["sent"].items()]


def _arrived(targets: Targets, numbers: set[str]) -> dict[str, float]:
    return {name.lstrip("0"): at for name, at in targets.stats()["arrived"].items() if name.lstrip("0") in numbers}


def config_of(folder: Path, database: str, broker: str, targets: Targets) -> Path:
    create_master_key_file(folder / "master.key")
    text = SETTINGS.format(database=database, folder=folder, port=0, targets=targets.url)
    config = folder / "crossdock.toml"
    config.write_text(f'{text}\n[broker]\nurl = "{broker}"\n[workers]\nthreads = {THREADS}\n')
    return config


@contextmanager
def database_on(server: str) -> Iterator[str]:
    name = f"crossdock_bench_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"'.encode())
        try:
            yield f"{server.rpartition('/')[0]}/{name}"
        finally:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


if __name__ == "__main__":
    main()
