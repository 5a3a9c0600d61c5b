"""Crossdock in one process against a workflow of n8n: webhook -> Set -> HTTP Request, both on SQLite, in turns.

`python -m benchmarks.n8n_peer [--orders 300] [--turns 3]` prints medians with their ratio and writes
results/n8n.json. n8n and the Node.js that it needs come from the npm registry and go under `.bench/`: 5 minutes and
1.5 GB, once. What the workflow leaves out of Crossdock's work stands in `peers/n8n/README.md`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.celery_peer import NotMeasured, cpu
from benchmarks.fixtures import Subject, Targets, load, until
from benchmarks.measures import HOOK, Row, line, row
from tests.chaos.services import free_port

HERE = Path(__file__).parent
PEER = HERE / "peers" / "n8n"
PLACE = HERE.parent / ".bench" / "n8n"
NODE = HERE.parent / ".bench" / "n8n-node"
NODE_VERSION = "24"  # n8n 1.123 asks for 20.19 to 24; a library of its own comes ready-made for 22 and 24 only
STARTED = b"Workflow was started"
WORKFLOW = "crossdockBenchOne"
SETTINGS = {
    "N8N_DIAGNOSTICS_ENABLED": "false",
    "N8N_VERSION_NOTIFICATIONS_ENABLED": "false",
    "N8N_TEMPLATES_ENABLED": "false",
    "N8N_PERSONALIZATION_ENABLED": "false",
    "N8N_LISTEN_ADDRESS": "127.0.0.1",
    "N8N_LOG_LEVEL": "error",
    "N8N_BLOCK_ENV_ACCESS_IN_NODE": "false",
    "DB_SQLITE_POOL_SIZE": "4",  # with a write-ahead log, as n8n advises
    "EXECUTIONS_DATA_SAVE_ON_SUCCESS": "all",
    "EXECUTIONS_DATA_SAVE_ON_ERROR": "all",
}


def installed() -> dict[str, str]:
    """The environment in which n8n runs. Raises NotMeasured where it cannot be had."""
    npm = shutil.which("npm")
    if npm is None:
        raise NotMeasured("there is no npm")
    quiet = ["--no-audit", "--no-fund", "--loglevel=error"]
    try:
        if not _node():
            _run([npm, "install", f"node@{NODE_VERSION}", *quiet], NODE, dict(os.environ))
        binary = _node()
        if binary is None:
            raise NotMeasured(f"no Node.js {NODE_VERSION} from the registry")
        environ = os.environ | {"PATH": f"{binary.parent}:{os.environ['PATH']}"}
        if not is_installed():
            PLACE.mkdir(parents=True, exist_ok=True)
            shutil.copy(PEER / "package.json", PLACE)
            headers = {"npm_config_nodedir": str(binary.resolve().parents[1])}
            _run([npm, "install", "--legacy-peer-deps", *quiet], PLACE, environ | headers)
    except (subprocess.SubprocessError, OSError) as error:
        raise NotMeasured(f"n8n cannot be installed ({error})") from error
    return environ


def is_installed() -> bool:
    """Whether it was measured here before: 1.5 GB are not fetched unasked."""
    return (PLACE / "node_modules" / ".bin" / "n8n").exists()


def _node() -> Path | None:
    return next(iter(sorted(NODE.glob("node_modules/**/node-*-*/bin/node"))), None)


def _run(command: list[str], folder: Path, environ: Mapping[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(command, cwd=folder, env=environ, check=True, timeout=1200, stdout=subprocess.DEVNULL)


class Workflow:
    """An n8n with a folder of its own, the workflow imported and active."""

    def __init__(self, environ: Mapping[str, str], folder: Path, targets: Targets) -> None:
        port, broker = free_port(), free_port()
        own = {"N8N_USER_FOLDER": str(folder), "N8N_PORT": str(port), "N8N_RUNNERS_BROKER_PORT": str(broker)}
        self._environ = {**environ, **SETTINGS, **own, "PEER_TARGETS": targets.url}
        program = str(PLACE / "node_modules" / ".bin" / "n8n")
        _run([program, "import:workflow", f"--input={PEER / 'workflow.json'}"], folder, self._environ)
        _run([program, "update:workflow", f"--id={WORKFLOW}", "--active=true"], folder, self._environ)
        self._log = (folder / "log").open("wb")
        self._running = subprocess.Popen(
            [program, "start"], cwd=folder, env=self._environ, stdout=self._log, stderr=self._log
        )
        self.url = f"http://127.0.0.1:{port}"
        try:
            until(self._listens)
        except SystemExit as error:
            self.stop()
            told = (folder / "log").read_text()[-500:]
            raise NotMeasured(f"n8n did not take a webhook in time: {told}") from error

    def pids(self) -> list[int]:
        """Its process and what it started."""
        found = subprocess.run(["pgrep", "-P", str(self._running.pid)], capture_output=True, text=True, check=False)
        return [self._running.pid, *map(int, found.stdout.split())]

    def stop(self) -> None:
        self._running.send_signal(signal.SIGTERM)
        try:
            self._running.wait(30)
        except subprocess.TimeoutExpired:
            self._running.kill()
            self._running.wait()
        self._log.close()

    def _listens(self) -> bool:
        body = b'{"data": {"increment_id": "warm", "items": []}}'
        request = urllib.request.Request(f"{self.url}/webhook/orders", body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return STARTED in answer.read()  # while n8n starts it answers anything with 200
        except OSError:
            return False


def measured(url: str, pids: list[int], targets: Targets, orders: int) -> dict[str, float]:
    """All webhooks as fast as they are taken, until every order is in the ERP."""
    load(url, 50, first=10_000_001)
    until(lambda: targets.stats()["orders"] >= 50)
    time.sleep(2)  # what is written after the order went out
    spent = cpu(pids)
    found = load(url, orders, first=20_000_001)
    assert found["good"] == orders, found["good"]

    def arrived() -> list[float]:
        return [at for name, at in targets.stats()["arrived"].items() if name.lstrip("0") in found["sent"]]

    try:
        until(lambda: len(arrived()) == orders)
    except SystemExit as error:
        raise NotMeasured(f"of {orders} orders that were taken {len(arrived())} came to the ERP") from error
    seconds = max(arrived()) - min(found["sent"].values())
    time.sleep(2)
    return {"orders": orders / seconds, "cpu": (cpu(pids) - spent) / orders * 1000}


def n8n(environ: Mapping[str, str], orders: int) -> dict[str, float]:
    """The workflow."""
    with tempfile.TemporaryDirectory() as folder, Targets() as targets:
        peer = Workflow(environ, Path(folder), targets)
        try:
            return measured(f"{peer.url}/webhook/orders", peer.pids(), targets, orders)
        finally:
            peer.stop()


def crossdock(orders: int) -> dict[str, float]:
    """One process."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Targets() as targets,
        Subject(Path(folder) / "crossdock", targets) as subject,
    ):
        return measured(subject.url + HOOK, [subject.pid], targets, orders)


def compared(orders: int, turns: int) -> list[Row]:
    """Medians of turns. Raises NotMeasured."""
    environ = installed()
    theirs, ours = [], []
    for _ in range(turns):
        theirs.append(n8n(environ, orders))
        ours.append(crossdock(orders))
    peer = "n8n 1.123 on SQLite: webhook, Set, HTTP Request"

    def middle(found: list[dict[str, float]], name: str) -> float:
        return statistics.median(one[name] for one in found)

    return [
        row(
            "one process: orders, webhook to ERP",
            middle(ours, "orders"),
            "orders/s",
            goal=round(middle(theirs, "orders"), 2),
            peer=peer,
            peer_value=middle(theirs, "orders"),
        ),
        row(
            "one process: CPU per order",
            middle(ours, "cpu"),
            "ms",
            goal=round(middle(theirs, "cpu"), 2),
            least=False,
            peer=peer,
            peer_value=middle(theirs, "cpu"),
        ),
    ]


def main() -> None:
    """In turns."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--orders", type=int, default=300)
    parser.add_argument("--turns", type=int, default=3)
    arguments = parser.parse_args()
    try:
        rows = compared(arguments.orders, arguments.turns)
    except NotMeasured as error:
        sys.exit(f"not measured: {error}")
    found = {
        "machine": f"{os.cpu_count()} cores, Python {sys.version.split()[0]}",
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "rows": rows,
    }
    (HERE / "results" / "n8n.json").write_text(json.dumps(found, indent=1) + "\n")
    for one in rows:
        print(line(one))


if __name__ == "__main__":
    main()
