"""What is measured, and what it is measured with: each a process of its own, ended with its `with`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from crossdock.security.envelope import create_master_key_file

HERE = Path(__file__).parent
SECRET = "bench-webhook-secret"
DEADLINE = 180.0
SETTINGS = """\
[database]
url = "{database}"
[security]
master_key = "file:{folder}/master.key"
[log]
level = "error"
[api]
port = {port}
[connections.store]
kind = "magento"
base_url = "{targets}"
auth = {{scheme = "bearer", token = "env:BENCH_TOKEN"}}
polling = {{interval_s = 30}}
limits = {{concurrency = 32}}
webhooks = {{enabled = true, format = "async-events", secrets = ["env:BENCH_SECRET"]}}
[connections.erp]
kind = "rest"
base_url = "{targets}"
auth = {{scheme = "bearer", token = "env:BENCH_TOKEN"}}
limits = {{concurrency = 32}}
[[routes]]
source = "store"
target = "erp"
"""


class Started:
    """A child process whose first line of output holds its address."""

    def __init__(self, *command: str, cwd: Path | None = None) -> None:
        environ = os.environ | {"BENCH_TOKEN": "bench", "BENCH_SECRET": SECRET}
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ, cwd=cwd)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        found = [word for word in line.split() if word.startswith("http://")]
        if not found:
            self.stop()
            raise SystemExit(f"did not start: {' '.join(command)}: {line}")
        self.url = "/".join(found[0].split("/")[:3])
        self.pid = self._process.pid

    def stop(self) -> None:
        """SIGTERM, then wait."""
        self._process.terminate()
        self._process.wait(30)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class Targets(Started):
    """Store and ERP (targets.py)."""

    def __init__(self, delay: float = 0.0) -> None:
        super().__init__(sys.executable, "-m", "benchmarks.targets", str(delay), cwd=HERE.parent)

    def stats(self) -> dict[str, Any]:
        """What they have seen."""
        with urllib.request.urlopen(f"{self.url}/stats", timeout=30) as answer:
            found: dict[str, Any] = json.load(answer)
        return found


class Served(Protocol):
    """A store, or a store and an ERP, that answers there."""

    url: str


class Subject(Started):
    """A Crossdock with a database of its own."""

    def __init__(self, folder: Path, targets: Served, database: str = "", settings: str = SETTINGS) -> None:
        folder.mkdir()
        create_master_key_file(folder / "master.key")
        self.config = folder / "crossdock.toml"
        url = database or f"sqlite:///{folder}/crossdock.sqlite"
        self.config.write_text(settings.format(database=url, folder=folder, port=0, targets=targets.url))
        super().__init__(self.program(), "run", "-c", str(self.config), "--port", "0")

    @staticmethod
    def program() -> str:
        """The installed command."""
        return str(Path(sys.executable).with_name("crossdock"))

    def say(self, *verb: str) -> None:
        """A verb of the command line, to the same database."""
        self.asked(*verb)

    def asked(self, *verb: str) -> str:
        """The same, and what it prints."""
        environ = os.environ | {"BENCH_TOKEN": "bench", "BENCH_SECRET": SECRET}
        command = [self.program(), *verb, "-c", str(self.config)]
        return subprocess.run(command, check=True, env=environ, capture_output=True, text=True).stdout.strip()

    def cpu_seconds(self) -> float:
        """Spent by the process so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def megabytes(self) -> float:
        """Resident now."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024


def load(url: str, count: int, *, first: int, rate: float = 0.0, connections: int = 32) -> dict[str, Any]:
    """What the load generator tells."""
    command = [sys.executable, "-m", "benchmarks.load", url, f"--count={count}", f"--first={first}"]
    command += [f"--rate={rate}", f"--connections={connections}", f"--secret={SECRET}"]
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "told.json"
        subprocess.run([*command, f"--out={told}"], check=True, cwd=HERE.parent)
        found: dict[str, Any] = json.loads(told.read_text())
    return found


def until(reached: Callable[[], bool]) -> None:
    """Wait for it; a benchmark whose orders do not arrive has no figure."""
    deadline = time.monotonic() + DEADLINE
    while not reached():
        if time.monotonic() > deadline:
            raise SystemExit("the orders did not arrive in time")
        time.sleep(0.05)
