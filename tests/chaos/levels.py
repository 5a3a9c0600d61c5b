"""A storm of stock levels: three roads, reordered and doubled, kill -9 again and again, a store with faults.

`python -m tests.chaos.levels --pushes 300 --seed 1 --storage sqlite|postgres` ends with one line: how many SKUs were
told, how many kills there were, and at how many SKUs the store does not hold the newest version that was told.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx

from crossdock.sandbox.faults import Faults
from crossdock.sandbox.run import ErpServer, StoreServer
from tests.databases import postgres_url, sqlite_url
from tests.walk.files import toml
from tests.walk.test_inventory import PLACES, V1, V2, with_stock
from tests.walk.test_sandbox_bugs import TOKEN, configured

ROOT = Path(__file__).parent.parent.parent
SKUS = 60
CALM_SECONDS = 180
SLOW = 1.0  # seconds: beyond the client's deadline, so that what was given up takes effect afterwards
FAULTS = Faults(
    classes={
        "write": {
            "reset_after": 0.05,
            "reset_before": 0.05,
            "error_after": 0.04,
            "garbage_after": 0.04,
            "down": 0.05,
            "locked": 0.08,
            "late": 0.08,
        }
    },
    slow_seconds=SLOW,
)
Row = dict[str, Any]


class Storm:
    """The store, the process that is killed, and what was told."""

    def __init__(self, folder: Path, seed: int, database: str, stack: ExitStack) -> None:
        self.folder, self.chance = folder, random.Random(seed)
        self.shop = StoreServer(seed=seed, token=TOKEN, faults=FAULTS)
        erp = ErpServer(seed=seed, token=TOKEN)
        for server in (self.shop, erp):
            server.start()
            stack.callback(server.stop)
        told = with_stock(configured(folder, self.shop, erp), database, {"zero_percent": 100, "jump_factor": 0})
        plain = told.model_dump(mode="json", exclude_unset=True)
        plain["connections"]["store"] |= {"settling_s": SLOW + 1, "polling": {"enabled": False}}
        plain["connections"]["store"]["deadlines"] = {"connect_s": 0.3, "read_s": 0.6, "total_s": 0.8}
        plain["api"] |= {"wait_s": 1}
        plain["log"] = {"level": "error"}
        self.config = folder / "crossdock.toml"
        self.config.write_text(toml(plain))
        self.running: subprocess.Popen[str] | None = None
        self.url = ""
        self.kills = self.version = 0
        self.newest: dict[tuple[str, str], tuple[int, int]] = {}
        stack.callback(self.kill)

    def start(self) -> None:
        words = [sys.executable, "-m", "tests.chaos.level_child", str(self.config), "never", "1"]
        self.running = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self.running.stdout is not None
        self.url = self.running.stdout.readline().strip()
        assert self.url.startswith("http://"), "it did not start"

    def kill(self) -> None:
        if self.running is not None:
            self.running.kill()
            self.running.wait(30)
            assert self.running.stdout is not None
            self.running.stdout.close()
            self.running = None

    def rows(self) -> list[Row]:
        """Some levels, each with a version of its own; they may be sent much later than others."""
        made = []
        for _ in range(self.chance.randint(1, 25)):
            self.version += 1
            place, quantity = self.chance.choice([*PLACES]), self.chance.randint(0, 500)
            sku = f"SIM-{self.chance.randint(1, SKUS):04}"
            self.newest[sku, PLACES[place]] = max(
                self.newest.get((sku, PLACES[place]), (0, 0)), (self.version, quantity)
            )
            made.append({"sku": sku, "qty": quantity, "warehouse": place, "version": self.version})
        return made

    def send(self, rows: list[Row]) -> None:
        """By one of three roads, again and again until it is taken: as an ERP's own queue would."""
        road = self.chance.choice([V1, V2, "file"])
        deadline = time.monotonic() + CALM_SECONDS
        while not (self._import(rows) if road == "file" else self._push(road, rows)):
            assert time.monotonic() < deadline, "it was never taken"
            if self.running is None or self.running.poll() is not None:
                self.kill()
                self.start()

    def _push(self, path: str, rows: list[Row]) -> bool:
        head = {"Authorization": "Bearer t0ken"}
        try:
            answer = httpx.post(f"{self.url}{path}", json={"items": rows}, headers=head, timeout=60)
        except httpx.HTTPError:
            return False
        return answer.status_code in {200, 202}

    def _import(self, rows: list[Row]) -> bool:
        file = self.folder / "levels.csv"
        with file.open("w", newline="") as out:
            writer = csv.DictWriter(out, rows[0].keys())
            writer.writeheader()
            writer.writerows(rows)
        program = str(Path(sys.executable).with_name("crossdock"))
        words = [program, "import", "inventory", str(file), "--config", str(self.config)]
        return subprocess.run(words, capture_output=True, check=False).returncode == 0

    def blow(self, pushes: int) -> None:
        late: list[list[Row]] = []
        self.start()
        for _ in range(pushes):
            rows = self.rows()
            if self.chance.random() < 0.3:
                late.append(rows)
            else:
                self.send(rows)
                if self.chance.random() < 0.2:
                    self.send(rows)
            if late and self.chance.random() < 0.25:
                self.send(late.pop(self.chance.randrange(len(late))))
            if self.chance.random() < 0.1:
                self.kill()
                self.kills += 1
                self.start()
        self.chance.shuffle(late)
        for rows in late:
            self.send(rows)

    def wrong(self) -> list[str]:
        """SKUs at which the store does not hold the newest level."""
        items = self.shop.do(lambda store: {place: row["quantity"] for place, row in store.source_items.items()})
        return [f"{sku} at {place}" for (sku, place), (_, qty) in self.newest.items() if items.get((sku, place)) != qty]


def run(pushes: int, seed: int, storage: str) -> dict[str, int]:
    """A whole storm; its verdict."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        database = sqlite_url(folder) if storage == "sqlite" else stack.enter_context(postgres_url())
        storm = Storm(folder, seed, database, stack)
        storm.blow(pushes)
        deadline = time.monotonic() + CALM_SECONDS
        while storm.wrong() and time.monotonic() < deadline:
            time.sleep(0.2)
        time.sleep(SLOW * 2)  # what the store still does of its own accord must not change it again
        drawn = storm.shop.do(lambda store: sum(store.lottery.drawn.values()))
        return {
            "pushed": pushes,
            "versions": storm.version,
            "skus": len(storm.newest),
            "kills": storm.kills,
            "faults": drawn,
            "wrong": len(storm.wrong()),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pushes", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--storage", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    found = run(arguments.pushes, arguments.seed, arguments.storage)
    if arguments.json:
        arguments.json.write_text(json.dumps(found) + "\n")
    print(" ".join(f"{name}={value}" for name, value in found.items()))
    sys.exit(1 if found["wrong"] else 0)


if __name__ == "__main__":
    main()
