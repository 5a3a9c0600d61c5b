"""The algorithm that most hand-written integrations share, in the storm: what it loses, and what it does twice.

A cron job keeps the time of its last run, asks the store for orders created since then (100 at most), POSTs each once
with an idempotency key of number and creation time, writes what fails to a log, and sets the time forward to its own
clock. So does the published pattern that Crossdock began from (PHP sketches, re-implemented for the benchmark only).

`python -m benchmarks.peers.spec_algorithm --orders 200 --seed 1` prints the line of `make chaos` for it: the same
stand-ins, faults, clocks and kills, with the same seed. `--no-bugs` spares it Magento's bugs (one order that breaks the
store's list stops it for good), `--dedupe key` gives it an ERP that takes a key once.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import httpx
import msgspec

from crossdock.sandbox.erp import Dedupe
from crossdock.sandbox.faults import Bugs
from tests.chaos.storm import Storm, line, verdict

EVERY_SECONDS = 1.0  # five minutes in the pattern: orders come faster here, too
BATCH = 100
QUIET_SECONDS = 20.0
CRITERIA = "searchCriteria[filter_groups]"


class SpecStorm(Storm):
    """The storm with the cron job in the place of Crossdock."""

    def _commands(self, storage: str) -> list[list[str]]:  # noqa: ARG002  it has one storage, a file
        job = [sys.executable, "-m", "benchmarks.peers.spec_algorithm"]
        job += ["--job", str(self.config.with_name("last_sync"))]
        return [[*job, "--store", self.shop.url, "--erp", self.erp.url]]


def run_job(state: Path, store: str, erp: str) -> None:
    """The cron job, again and again, until it is killed."""
    headers = {"Authorization": f"Bearer {os.environ['STORM_TOKEN']}"}
    with httpx.Client(headers=headers, timeout=4) as client:
        while True:
            try:
                _execute(client, state, store, erp)
            except (httpx.HTTPError, ValueError, KeyError) as error:  # "Order export failed", and the next run
                print(f"order export failed: {type(error).__name__}", file=sys.stderr)
            time.sleep(EVERY_SECONDS)


def _execute(client: httpx.Client, state: Path, store: str, erp: str) -> None:
    last = state.read_text() if state.exists() else "2020-01-01 00:00:00"
    query = {
        f"{CRITERIA}[0][filters][0][field]": "created_at",
        f"{CRITERIA}[0][filters][0][value]": last,
        f"{CRITERIA}[0][filters][0][condition_type]": "gt",
        f"{CRITERIA}[1][filters][0][field]": "status",
        f"{CRITERIA}[1][filters][0][value]": "pending,processing",
        f"{CRITERIA}[1][filters][0][condition_type]": "in",
        "searchCriteria[pageSize]": str(BATCH),
    }
    answer = client.get(f"{store}/rest/V1/orders", params=query)
    answer.raise_for_status()
    for order in answer.json()["items"]:
        _export(client, erp, order)
    state.write_text(datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S"))


def _export(client: httpx.Client, erp: str, order: dict[str, Any]) -> None:
    created = int(datetime.fromisoformat(order["created_at"] + "+00:00").timestamp())
    key = f"order_{order['increment_id']}_{created}"
    payload = {"order_number": order["increment_id"], "totals": {"grand_total": order["grand_total"]}}
    try:
        answer = client.post(f"{erp}/orders", json=payload, headers={"X-Idempotency-Key": key})
        answer.raise_for_status()
    except httpx.HTTPError as error:  # "Continue with next order (don't fail entire batch)"
        print(f"failed to export {order['increment_id']}: {type(error).__name__}", file=sys.stderr)


def run(orders: int, seed: int, dedupe: Dedupe, *, bugs: bool) -> dict[str, int]:
    """A whole storm; its verdict. There are no dead letters: what failed stands in a log."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        storm = SpecStorm(folder, seed, "sqlite", stack)
        stack.callback(storm.close)
        storm.erp.do(lambda erp: setattr(erp, "dedupe", dedupe))
        if not bugs:
            storm.shop.set_faults(msgspec.structs.replace(storm.shop.store.faults, bugs=Bugs()))
        storm.blow(orders)
        time.sleep(QUIET_SECONDS)
        return verdict(storm, frozenset())


def main() -> None:
    """The storm, or the job in it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dedupe", choices=("none", "key", "number"), default="none")
    parser.add_argument("--no-bugs", action="store_true")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--job", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--store", default="", help=argparse.SUPPRESS)
    parser.add_argument("--erp", default="", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.job:
        run_job(arguments.job, arguments.store, arguments.erp)
    found = run(arguments.orders, arguments.seed, cast("Dedupe", arguments.dedupe), bugs=not arguments.no_bugs)
    if arguments.json:
        arguments.json.write_text(json.dumps(found) + "\n")
    print(line(found))


if __name__ == "__main__":
    main()
