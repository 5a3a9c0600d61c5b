"""Figures of this machine, each against an alternative in the same run. Prints a table, writes results/latest.json.

Crossdock, the load generator and the stand-ins for store and ERP are processes of their own, started as a user would
start them. `python benchmarks/bench.py [--orders N] [--database URL] [--quick]`.
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

from benchmarks import measures
from benchmarks.fixtures import Subject, Targets

HERE = Path(__file__).parent


def main() -> None:
    """All figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--orders", type=int, default=3000)
    parser.add_argument("--database", default="", help="a PostgreSQL URL; without one SQLite")
    parser.add_argument("--only", default="", help="intake | orders | latency | audit")
    arguments = parser.parse_args()
    rows: list[measures.Row] = []

    def wanted(name: str) -> bool:
        return arguments.only in {"", name}

    if wanted("audit"):
        rows.append(measures.audit())
    with tempfile.TemporaryDirectory() as folder, Targets() as targets:
        if wanted("intake"):
            rows += measures.intake(Path(folder) / "intake", targets, arguments.orders * 3, arguments.database)
        with Subject(Path(folder) / "orders", targets, arguments.database) as subject:
            rows.append(measures.memory("memory idle", subject))
            if wanted("orders"):
                rows += measures.orders(subject, targets, arguments.orders)
                rows.append(measures.memory("memory after the load", subject))
            if wanted("latency"):
                rows += measures.latency(subject, targets)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    found = {
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "commit": commit.stdout.strip(),
        "database": "postgresql" if arguments.database else "sqlite",
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "rows": rows,
    }
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    if not arguments.only:
        (results / "latest.json").write_text(json.dumps(found, indent=1) + "\n")
    for one in rows:
        print(measures.line(one))


if __name__ == "__main__":
    main()
