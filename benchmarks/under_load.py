"""How long operators wait for an answer while orders flow, with a million deliveries in the database.

    python -m benchmarks.under_load [--deliveries 1000000] [--rates 50,300] [--seconds 30] [--also PATH]

One Crossdock process as a user starts it, on SQLite unless told otherwise; store, ERP and load generator are processes
beside it. Each address is asked in turn, again and again, over HTTP with a token: first while nothing else happens,
then at each rate of webhooks. What counts are ratios to the idle run of the same process. `carried` tells how many
orders a second really went through to the ERP meanwhile: what this machine can, not what was asked of it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import threading
import time
import urllib.request
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import text

from benchmarks.fixtures import SETTINGS, Subject, Targets, load
from benchmarks.operations import fill
from crossdock.storage.engine import open_engine
from crossdock.storage.migrate import migrate

HOOK = "/webhooks/store/sales.order.created"
GOAL_MS = 200.0
TABLES = """\
[archive]
after_days = 0
[reconcile]
schedule = ""
[api.groups.operations]
per_minute = 0
[api.groups.console]
per_minute = 0
"""
# what is made is of the past: it is not to be sent, archived or sealed while others are measured
AT_REST = (
    "UPDATE deliveries SET due_at = due_at + 365 * 86400000000 WHERE state = 'pending'",
    "UPDATE audit SET position = id, hash = request_blob WHERE position IS NULL",
)
CONSOLE: Mapping[str, str] = {
    "page: overview": "/console",
    "page: deliveries": "/console/deliveries",
    "page: dead letters": "/console/dead",
}


def addresses(count: int) -> dict[str, str]:
    """One for each kind of question; `count` deliveries are there."""
    letter = count // 2 // 300 * 300 + 171
    return {
        "overview": "/api/v1/overview",
        "deliveries": "/api/v1/deliveries",
        "deliveries: dead": "/api/v1/deliveries?state=dead",
        "deliveries: flow": "/api/v1/deliveries?flow=prices",
        "search: number": f"/api/v1/deliveries?search=R{count // 6}",
        "search: nobody": "/api/v1/deliveries?search=nobody%40example.org",
        "a delivery": f"/api/v1/deliveries/{letter}",
        "dead: causes": "/api/v1/dead",
        "audit": "/api/v1/audit",
        "audit: people": "/api/v1/audit?people=true",
        "connections": "/api/v1/connections",
        "schedules": "/api/v1/schedules",
        "health": "/health/ready",
        **CONSOLE,
    }


def filled(url: str, count: int) -> None:
    """The database of a Crossdock that does not run."""
    engine = open_engine(url)
    migrate(engine)
    began = time.monotonic()
    zeros = "zeroblob(32)" if engine.dialect.name == "sqlite" else r"decode(repeat('00', 32), 'hex')"
    with engine.execution_options(writes=True).begin() as connection:
        fill(connection, count)
        for statement in AT_REST:
            connection.execute(text(statement.replace("request_blob", zeros)))
    if engine.dialect.name == "postgresql":
        with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.execute(text("VACUUM ANALYZE"))
    engine.dispose()
    print(f"filled with {count} deliveries in {time.monotonic() - began:.0f} s", flush=True)


class Operator:
    """Asks one address after the other, as long as it is let."""

    def __init__(self, url: str, token: str, paths: Mapping[str, str]) -> None:
        self._url, self._token, self._paths = url, token, paths

    def asks(self, seconds: float) -> dict[str, list[float]]:
        """Milliseconds of each answer, by name; every address at least five times."""
        found: dict[str, list[float]] = defaultdict(list)
        ends = time.monotonic() + seconds
        while time.monotonic() < ends or len(found[next(iter(self._paths))]) < 5:
            for name, path in self._paths.items():
                began = time.perf_counter()
                self.ask(path)
                found[name].append((time.perf_counter() - began) * 1000)
        return found

    def ask(self, path: str) -> None:
        request = urllib.request.Request(self._url + path, headers={"Authorization": f"Bearer {self._token}"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            answer.read()
            assert answer.status == 200, path


def measured(operator: Operator, subject: Subject, targets: Targets, rate: float, seconds: float, first: int) -> Any:
    """One rate: what each address took, and how many orders went through meanwhile."""
    before, began = targets.stats(), time.monotonic()
    webhooks: dict[str, Any] = {}
    sending = threading.Thread(
        target=lambda: webhooks.update(load(subject.url + HOOK, int(rate * seconds), first=first, rate=rate))
    )
    if rate:
        sending.start()
    times = operator.asks(seconds)
    took, after = time.monotonic() - began, targets.stats()
    if rate:
        sending.join()
    return {
        "rate": rate,
        "carried": round((after["orders"] - before["orders"]) / took, 1),
        "doubled": after["doubled"],
        "webhooks": webhooks.get("good", 0),
        "webhooks_p99_ms": round(webhooks.get("p99_ms", 0.0), 1),
        "answers": {name: told(one) for name, one in times.items()},
        "all": told([one for each in times.values() for one in each]),
    }


def told(times: list[float]) -> dict[str, float]:
    ordered = sorted(times)
    p95 = ordered[max(0, round(len(ordered) * 0.95) - 1)]
    return {"p50_ms": round(statistics.median(ordered), 1), "p95_ms": round(p95, 1), "count": len(ordered)}


def printed(found: Any, idle: Any) -> None:
    share = f"{found['carried']} orders/s carried of {found['rate']:.0f} sent" if found["rate"] else "idle"
    print(f"{share}; {found['all']['count']} answers, p95 {found['all']['p95_ms']} ms", flush=True)
    for name, one in found["answers"].items():
        ratio = one["p95_ms"] / max(0.1, idle["answers"][name]["p95_ms"])
        late = f"  OVER {GOAL_MS:.0f} ms" if one["p95_ms"] > GOAL_MS else ""
        print(f"  {name:20} p50 {one['p50_ms']:8.1f}  p95 {one['p95_ms']:8.1f} ms  {ratio:6.1f} x idle{late}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--deliveries", type=int, default=1_000_000)
    parser.add_argument("--rates", default="50,300", help="webhooks a second, one run each, rising")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--database", default="", help="an empty PostgreSQL database; else SQLite")
    parser.add_argument("--also", action="append", default=[], help="another address to ask; may be repeated")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    paths = addresses(given.deliveries) | {path: path for path in given.also}
    with tempfile.TemporaryDirectory() as place, Targets() as targets:
        folder = Path(place) / "subject"
        filled(given.database or f"sqlite:///{place}/filled.sqlite", given.deliveries)
        database = given.database or f"sqlite:///{place}/filled.sqlite"
        with Subject(folder, targets, database, SETTINGS + TABLES.replace("{", "{{").replace("}", "}}")) as subject:
            operator = Operator(subject.url, subject.asked("tokens", "create", "bench", "--scope", "read"), paths)
            for path in paths.values():
                operator.ask(path)  # the first one compiles its statements
            idle = measured(operator, subject, targets, 0, given.seconds, 0)
            runs = [idle]
            printed(idle, idle)
            for number, rate in enumerate(map(float, given.rates.split(",")), 1):
                runs.append(measured(operator, subject, targets, rate, given.seconds, number * 10_000_001))
                printed(runs[-1], idle)
    if given.out:
        found = {"deliveries": given.deliveries, "cores": os.cpu_count(), "load": os.getloadavg()[0], "runs": runs}
        given.out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
