"""A store, an ERP, and Crossdock's roles as processes of their own, started as a user starts them."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from crossdock.security.signatures import hex_hmac
from tests.recorded_server import serve
from tests.walk.world import Erp, Shop, recorded, until

SECRET = "town-webhook-secret"
SETTINGS = """\
[database]
url = "env:TOWN_DATABASE"
[broker]
url = "{broker}"
[security]
master_key = "file:{folder}/master.key"
[log]
format = "json"
[delivery]
first_pause_s = 0.05
longest_pause_s = 0.5
[workers]
threads = 4
lease_seconds = {lease_s}
look_s = {look_s}
[connections.store]
kind = "magento"
base_url = "{store}"
auth = {{scheme = "bearer", token = "env:TOWN_TOKEN"}}
polling = {{interval_s = 0.3, lag_s = 0, start = "2026-01-01"}}
webhooks = {{enabled = true, format = "async-events", secrets = ["env:TOWN_SECRET"]}}
[connections.erp]
kind = "rest"
base_url = "{erp}"
settling_s = 0.3
[[routes]]
source = "store"
target = "erp"
options = {{eligibility = {{"*" = "always"}}}}
"""


class Process:
    """One role. Its log is a file beside the settings."""

    def __init__(self, folder: Path, database: str, *command: str) -> None:
        folder.mkdir(exist_ok=True)
        self.log = folder / f"{'-'.join(command)[:40].replace('/', '_')}-{len(list(folder.glob('*.log')))}.log"
        environ = os.environ | {"TOWN_DATABASE": database, "TOWN_TOKEN": "t", "TOWN_SECRET": SECRET}
        with self.log.open("wb") as log:
            self.running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environ)

    def url(self) -> str:
        """What it says of itself when it serves."""
        assert self.running.stdout is not None
        line = self.running.stdout.readline()
        found = [word for word in line.split() if word.startswith("http://")]
        assert found, f"it did not start: {self.log.read_text()}"
        return "/".join(found[0].split("/")[:3])

    def send(self, signum: signal.Signals) -> None:
        self.running.send_signal(signum)

    def ended(self, signum: signal.Signals = signal.SIGTERM, seconds: float = 60) -> int:
        """Its exit code."""
        if self.running.poll() is None:
            self.running.send_signal(signum)
        try:
            return self.running.wait(seconds)
        finally:
            if self.running.stdout is not None:
                self.running.stdout.close()

    def said(self, event: str) -> int:
        """How often, as far as whole lines are written."""
        lines = self.log.read_text().rpartition("\n")[0].splitlines()
        return sum(json.loads(line).get("event") == event for line in lines if line)


class Town:
    def __init__(self, folder: Path, database: str, shop: Shop, erp: Erp, urls: tuple[str, str]) -> None:
        self.folder, self.database, self.shop, self.erp = folder, database, shop, erp
        self.urls = urls
        self.config = folder / "crossdock.toml"
        self.processes: list[Process] = []

    def configure(self, broker: str, look_s: float = 600, lease_s: float = 5) -> None:
        """Workers look into the tables too late for a test, so that it is the broker that is tested."""
        store, erp = self.urls
        text = SETTINGS.format(folder=self.folder, broker=broker, store=store, erp=erp, look_s=look_s, lease_s=lease_s)
        self.config.write_text(text)

    def start(self, role: str, *arguments: str) -> Process:
        program = str(Path(sys.executable).with_name("crossdock"))
        return self.run(program, role, "-c", str(self.config), *arguments)

    def run(self, *command: str) -> Process:
        self.processes.append(Process(self.folder / "logs", self.database, *command))
        return self.processes[-1]

    def place(self, count: int) -> list[int]:
        order = recorded("001_smoke")
        first = len(self.shop.orders) + 1
        return [
            self.shop.add(order, entity_id=number, increment_id=f"{number:09}")
            for number in range(first, first + count)
        ]

    def arrived(self, count: int, seconds: float = 90) -> None:
        """So many orders are in the ERP, once each, and the store knows of it."""
        until(lambda: len(self.shop.comments) >= count, seconds)
        assert sorted(self.erp.numbers()) == sorted({one["increment_id"] for one in self.shop.orders.values()})
        assert len(self.erp.kept) == count
        assert all(len(comments) == 1 for comments in self.shop.comments.values())

    def asked_to(self, *statements: str) -> None:
        with psycopg.connect(self.database) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def asked(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database) as connection:
            return connection.execute(query.encode()).fetchall()


@contextmanager
def town_in(folder: Path, database: str) -> Iterator[Town]:
    shop, erp = Shop(), Erp()
    key = folder / "master.key"
    key.write_text(base64.b64encode(b"k" * 32).decode())
    key.chmod(0o600)
    with serve(shop.answer) as store_server, serve(lambda asked: erp.answer(asked)) as erp_server:  # noqa: PLW0108  a test may replace it
        town = Town(folder, database, shop, erp, (store_server.url, erp_server.url))
        try:
            yield town
        finally:
            for process in town.processes:
                if process.running.poll() is None:
                    process.send(signal.SIGCONT)
                process.ended(signal.SIGKILL)


def hook(url: str, number: int) -> tuple[int, dict[str, str]]:
    """A signed webhook of an order: status and headers."""
    body = json.dumps({"entity_id": number, "increment_id": f"{number:09}"}).encode()
    headers = {"x-magento-signature": hex_hmac(SECRET, body), "content-type": "application/json"}
    request = urllib.request.Request(f"{url}/webhooks/store/sales.order.created", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, dict(answer.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers)


def health(url: str) -> tuple[int, dict[str, str]]:
    try:
        with urllib.request.urlopen(f"{url}/health/ready", timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def metric(url: str, name: str) -> float:
    with urllib.request.urlopen(f"{url}/metrics", timeout=60) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.split("{")[0].split(" ")[0] == name)
