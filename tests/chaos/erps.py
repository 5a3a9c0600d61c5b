"""A storm for one kind of ERP: every create is cut off after it took effect, and still nothing is there twice.

`python -m tests.chaos.erps --erp KIND [--orders N] [--seed N]`, or `make chaos ERP=KIND`. The ERP is its stand-in, which
dedupes no more than its vendor does; the store misbehaves as in the demo. Exit code 1 unless lost and doubled are 0.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

from crossdock import log
from crossdock.cli.demo import WAIT_SECONDS, Demo, Tally
from crossdock.cli.demo_targets import named
from crossdock.sandbox.faults import STORM, Faults

EVERY_CREATE = Faults(classes={"create": {"reset_after": 1.0}})


def storm(erp: str, orders: int, seed: int) -> Tally:
    """What was there at its end."""
    os.environ.setdefault("CROSSDOCK_DEMO_TOKEN", "sandbox")
    os.environ.setdefault("CROSSDOCK_DEMO_WEBHOOK", "demo-webhook-secret")
    with tempfile.TemporaryDirectory(prefix="crossdock-storm-") as folder, log.kept_in(Path(folder) / "crossdock.log"):
        running = Demo(Path(folder), seed, faults=STORM, erp=erp, of_the_erp=EVERY_CREATE)
        with running.running():
            placing = threading.Thread(target=_place, args=(running, orders))
            placing.start()
            started = time.monotonic()
            while placing.is_alive() or not running.done(running.tally(0)):
                if time.monotonic() - started > WAIT_SECONDS:
                    break
                time.sleep(0.5)
            placing.join()
            return running.tally(time.monotonic() - started)


def _place(running: Demo, orders: int) -> None:
    for _ in range(orders):
        running.shop.do(lambda store: store.place())
        time.sleep(0.02)


def good(tally: Tally) -> bool:
    """All there once, and the storm was one: as many creates were cut off as there are orders."""
    cut = tally.faults.get("reset_after", 0)
    return not tally.lost and not tally.doubled and tally.delivered > 0 and cut >= tally.delivered


def main() -> None:
    """One storm."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--erp", required=True, choices=[name for name in named() if name != "tryton"])
    parser.add_argument("--orders", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    tally = storm(asked.erp, asked.orders, asked.seed)
    cut = tally.faults.get("reset_after", 0)
    print(
        f"erp={asked.erp} placed={tally.placed} delivered={tally.delivered} dead={tally.dead} lost={tally.lost} "
        f"doubled={tally.doubled} cut_after={cut} seconds={tally.seconds}"
    )
    sys.exit(0 if good(tally) else 1)


if __name__ == "__main__":
    main()
