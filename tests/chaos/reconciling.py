"""A storm over reconciliation: somebody overwrites stock, changes get lost, and everything is killed again and again.

`python -m tests.chaos.reconciling --rounds 20 --seed 1 --storage sqlite|postgres`: in each round levels are overwritten in
the store, changed in the ERP unheard, and orders are hidden from polling; a comparison with its repairs runs, sometimes
two at once, and is mostly killed at some step, beside a serving process that is killed too, over a store with faults. It
ends with one line: drifts planted, kills, and what is wrong in the end: levels that are not the ERP's, orders that the
ERP lacks, and orders that it has twice.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from crossdock.sandbox.faults import NONE
from tests.chaos.levels import CALM_SECONDS, FAULTS, ROOT, SLOW
from tests.databases import postgres_url, sqlite_url
from tests.walk.files import toml
from tests.walk.reconciled import Town, stock
from tests.walk.world import STAMP

SKUS = 40
STEPS = ["erp-side-read", "store-side-read", "drifts-kept", "repaired", "looks-recorded", "replayed", "rows-stored"]


class Storm:
    """Two stand-ins, a serving process, and comparisons beside it."""

    def __init__(self, folder: Path, seed: int, database: str, stack: ExitStack) -> None:
        self.chance = random.Random(seed)
        self.town = Town(folder, database, stack, faults=FAULTS)
        plain = self.town.settings.model_dump(mode="json", exclude_unset=True)
        plain["connections"]["store"]["settling_s"] = SLOW + 1
        plain["connections"]["store"]["deadlines"] = {"connect_s": 0.3, "read_s": 0.6, "total_s": 0.8}
        plain["log"] = {"level": "error"}
        self.config = folder / "storm.toml"
        self.config.write_text(toml(plain))
        self.kills = self.planted = 0
        self.levels: dict[str, int] = {}
        self.orders: list[int] = []
        self.serving: subprocess.Popen[str] | None = None
        stack.callback(self.kill)

    def start(self) -> None:
        words = [sys.executable, "-m", "tests.chaos.level_child", str(self.config), "never", "1"]
        self.serving = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self.serving.stdout is not None
        assert self.serving.stdout.readline().startswith("http://"), "it did not start"

    def kill(self) -> None:
        if self.serving is not None:
            self.serving.kill()
            self.serving.wait(30)
            assert self.serving.stdout is not None
            self.serving.stdout.close()
            self.serving = None

    def reconcile(self, flow: str, point: str = "never") -> subprocess.Popen[bytes]:
        nth = str(self.chance.randint(1, 2))
        words = [sys.executable, "-m", "tests.chaos.reconcile_child", str(self.config), flow, point, nth]
        return subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def drift(self) -> None:
        for number in self.chance.sample(range(1, SKUS + 1), 6):
            sku = f"SIM-{number:04}"
            self.planted += 1
            if self.chance.random() < 0.5:
                self.town.overwrite(sku, self.chance.randint(1000, 2000))
            else:
                self.levels[sku] = self.chance.randint(1, 500)
                self.town.lists("stock", stock(number, self.levels[sku]))
        order = self.town.shop.do(lambda store: store.place("simple"))
        past = (datetime.now(UTC) - timedelta(hours=self.chance.randint(1, 3))).strftime(STAMP)
        self.town.shop.do(lambda store: store.change(order, "pay"))
        self.town.shop.do(lambda store: store.orders[order].update(updated_at=past))
        self.orders.append(order)
        self.planted += 1

    def blow(self, rounds: int) -> None:
        for number in range(1, SKUS + 1):
            self.levels[f"SIM-{number:04}"] = number
            self.town.lists("stock", stock(number, number))
        for place in ("MI", "RM"):
            self.town.lists("stock", *(stock(n, n, place) for n in (1, 2, 3)))
        self.start()
        for _ in range(rounds):
            self.drift()
            flow = self.chance.choice(["inventory", "inventory", "orders"])
            many = [
                self.reconcile(flow, self.chance.choice([*STEPS, "never"])) for _ in range(self.chance.randint(1, 2))
            ]
            for one in many:
                self.kills += one.wait(120) == -9
            if self.chance.random() < 0.3:
                self.kill()
                self.kills += 1
                self.start()

    def calm(self) -> None:
        """No faults any more: comparisons and repairs until nothing is wrong."""
        self.town.shop.do(lambda store: setattr(store.lottery, "faults", NONE))
        deadline = time.monotonic() + CALM_SECONDS
        while any(self.wrong().values()) and time.monotonic() < deadline:
            for flow in ("inventory", "orders"):
                self.reconcile(flow).wait(120)
            time.sleep(1)
        time.sleep(SLOW * 2)  # what the store still does of its own accord must not change it again

    def wrong(self) -> dict[str, int]:
        there = self.town.erp.do(lambda erp: {order["order_number"] for order in erp.orders})
        doubled = self.town.erp.do(lambda erp: erp.doubles())
        numbers = [self.town.shop.do(lambda store, n=n: store.orders[n]["increment_id"]) for n in self.orders]  # type: ignore[misc]
        return {
            "levels": sum(self.town.level(sku) != quantity for sku, quantity in self.levels.items()),
            "lacking": sum(number not in there for number in numbers),
            "doubled": len(doubled),
        }


def run(rounds: int, seed: int, storage: str) -> dict[str, int]:
    """A whole storm; its verdict."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        database = sqlite_url(folder) if storage == "sqlite" else stack.enter_context(postgres_url())
        storm = Storm(folder, seed, database, stack)
        storm.blow(rounds)
        storm.calm()
        drawn = storm.town.shop.do(lambda store: sum(store.lottery.drawn.values()))
        return {"planted": storm.planted, "kills": storm.kills, "faults": drawn, **storm.wrong()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--storage", choices=["sqlite", "postgres"], default="sqlite")
    arguments = parser.parse_args()
    found = run(arguments.rounds, arguments.seed, arguments.storage)
    print(" ".join(f"{name}={value}" for name, value in found.items()))
    sys.exit(1 if found["levels"] or found["lacking"] or found["doubled"] else 0)


if __name__ == "__main__":
    main()
