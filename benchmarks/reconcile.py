"""Reconciliation: is each drift found and rightly named, and what does it cost to compare 100,000 SKUs?

`python -m benchmarks.reconcile [--seeds N] [--skus N] [--drifts N] [--only accuracy|cost]`.

Accuracy: in seeded runs drifts of every cause are planted in the sandbox store, the sandbox ERP and our own tables, of
stock, prices and orders; what is found is held against what was planted, by key and cause. Precision: of what was named
so, how much was planted so. Recall: of what was planted so, how much was found and named so. One in five of the store's
levels that are overwritten is changed by a hundredth only: nothing tells that from rounding.

Cost: both ends are stand-ins in this process that answer at once with pages made beforehand, so that the CPU seconds
are those of reading, comparing by buckets and judging. Beside it in the same run a naive comparison: the same pages
decoded into two dicts. Each in a process of its own; told is by how much its peak memory grew. Nothing is repaired.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import structlog
from sqlalchemy import update

from crossdock.app import Crossdock
from crossdock.contract.message import Message
from crossdock.erp.rest.connector import build as build_rest
from crossdock.feeds.levels import NewFeed
from crossdock.magento.stocktake import Stocktake
from crossdock.reconciling.inventory import Inventory
from crossdock.reconciling.runs import Reconciler
from crossdock.security.envelope import create_master_key_file
from crossdock.settings import Settings
from crossdock.storage.tables import deliveries
from crossdock.transport.wire import HttpRequest, HttpResponse
from tests.databases import sqlite_url
from tests.walk.reconciled import PLACES, Town, stock
from tests.walk.test_prices import EASY, SCOPES
from tests.walk.test_reconcile_orders import Orders
from tests.walk.test_reconcile_prices import overwrite, price, priced
from tests.walk.test_state_polling import PRICE_READS
from tests.walk.world import until

PLACE = "wh_milan"
GOAL = 60.0  # CPU seconds for 100,000 SKUs
CAUSES = ("overwritten-in-store", "changed-in-erp", "never-captured", "dead-letter", "still-waiting", "rounding")
STATES = (*CAUSES, "reservation", "unknown")
Planted = dict[str, str]


# --- accuracy ------------------------------------------------------------------------------------------------------


class Score:
    """By flow and cause: how many were planted, found and rightly named."""

    def __init__(self) -> None:
        self.planted: Counter[tuple[str, str]] = Counter()
        self.named: Counter[tuple[str, str]] = Counter()
        self.right: Counter[tuple[str, str]] = Counter()
        self.wrong: list[str] = []

    def add(self, flow: str, planted: Planted, found: Planted) -> None:
        self.planted.update((flow, cause) for cause in planted.values())
        self.named.update((flow, cause) for cause in found.values())
        self.right.update((flow, cause) for key, cause in found.items() if planted.get(key) == cause)
        for key in sorted(planted.keys() | found.keys()):
            if planted.get(key) != found.get(key):
                self.wrong.append(f"{flow} {key}: planted {planted.get(key)}, found {found.get(key)}")

    def lines(self) -> list[str]:
        told = [f"{'flow':<10} {'cause':<22} planted  named  precision  recall"]
        for flow, cause in sorted(self.planted.keys() | self.named.keys()):
            one = (flow, cause)
            precision = self.right[one] / self.named[one] if self.named[one] else 0.0
            recall = self.right[one] / self.planted[one] if self.planted[one] else 0.0
            counts = f"{self.planted[one]:>7} {self.named[one]:>6}"
            told.append(f"{flow:<10} {cause:<22} {counts} {precision:>10.3f} {recall:>7.3f}")
        return [*told, *self.wrong]


def share(luck: random.Random, numbers: list[int], causes: tuple[str, ...]) -> dict[str, list[int]]:
    """From none to three subjects for each cause; the others stay as they are."""
    pool = luck.sample(numbers, len(numbers))
    return {cause: [pool.pop() for _ in range(luck.randint(0, 3))] for cause in causes}


def of_inventory(town: Town, luck: random.Random, reads: str = "stock") -> tuple[Planted, Planted]:
    sku, pieces = town.bought()
    numbers = [n for n in range(10, 60) if f"SIM-{n:04}" != sku]
    chosen = share(luck, numbers, STATES)
    first = [n for n in numbers if n not in chosen["never-captured"] and n not in chosen["unknown"]]
    sold = {"sku": sku, "qty": 50, "warehouse": "MI"}
    others = [
        {"sku": f"SIM-{n:04}", "qty": 100, "warehouse": place}
        for n in (1, 2, 3)
        for place in PLACES
        if (f"SIM-{n:04}", place) != (sku, "MI")
    ]
    ghosts = [f"GHOST-{n}" for n in chosen["dead-letter"]]
    town.lists(reads, sold, *others, *(stock(n, n) for n in first), *(_of(ghost, 3) for ghost in ghosts))
    town.scan()
    with town.working() as crossdock:
        until(lambda: all(town.level(f"SIM-{n:04}") == n for n in first) and town.level(sku) == 50 + pieces)
        town.settled(crossdock, "inventory")
    planted = {f"{PLACE}/{ghost.casefold()}": "dead-letter" for ghost in ghosts}
    if chosen["reservation"]:
        town.overwrite(sku, 50)
        planted[f"{PLACE}/{sku.casefold()}"] = "reservation"
    for number in chosen["still-waiting"]:
        town.lists(reads, stock(number, number + 400))
    town.scan()
    for number in chosen["overwritten-in-store"]:
        town.overwrite(f"SIM-{number:04}", luck.choice([0, 700, number + 1, number - 1, number + 0.01]))
    for number in chosen["rounding"]:
        town.overwrite(f"SIM-{number:04}", number + luck.choice([0.004, -0.01]))
    for number in chosen["unknown"]:
        town.overwrite(f"SIM-{number:04}", 12)
    town.lists(reads, *(stock(n, n + luck.randint(1, 90)) for n in chosen["changed-in-erp"]))
    town.lists(reads, *(stock(n, 5) for n in chosen["never-captured"]))
    for cause, numbers in chosen.items():
        if cause not in {"dead-letter", "reservation"}:
            planted |= {f"{PLACE}/sim-{number:04}": cause for number in numbers}
    return planted, found_in(town, "inventory")


def _of(sku: str, qty: int) -> dict[str, Any]:
    return {"sku": sku, "qty": qty, "warehouse": "MI"}


def of_prices(town: Town, luck: random.Random) -> tuple[Planted, Planted]:
    chosen = share(luck, list(range(10, 50)), CAUSES)
    first = [n for n in range(10, 50) if n not in chosen["never-captured"]]
    town.lists("prices", *(priced(n, f"{n}.50") for n in first))
    town.lists("prices", *(priced(n + 800, "3") for n in chosen["dead-letter"]))
    town.scan("prices")
    with town.working() as crossdock:
        until(lambda: all(price(town, n) == n + 0.5 for n in first))
        town.settled(crossdock, "prices")
    town.lists("prices", *(priced(n, "99.95") for n in chosen["still-waiting"]))
    town.scan("prices")
    for number in chosen["overwritten-in-store"]:
        overwrite(town, number, luck.choice([0, number + 0.6, 500]))
    for number in chosen["rounding"]:
        overwrite(town, number, number + luck.choice([0.51, 0.495]))
    town.lists("prices", *(priced(n, "77") for n in chosen["changed-in-erp"]))
    town.lists("prices", *(priced(n, "5") for n in chosen["never-captured"]))
    planted = {
        f"price/base/0/sim-{number + (800 if cause == 'dead-letter' else 0):04}": cause
        for cause, numbers in chosen.items()
        for number in numbers
    }
    return planted, found_in(town, "prices")


def found_in(town: Town, flow: str) -> Planted:
    return {one.key: str(one.cause) for one in town.compare(flow)[1]}


def accuracy(seeds: int) -> Score:
    score = Score()
    for seed in range(1, seeds + 1):
        luck = random.Random(seed)
        available = {"inventory": {"warehouses": PLACES, "meaning": "available", "guard": {"least_rows": 10**6}}}
        reads = {"prices": PRICE_READS | {"interval_s": 0, "page_size": 100}}
        rules = {"prices": {"scopes": SCOPES, "currency": "EUR", "guard": EASY}}
        towns: dict[str, dict[str, Any]] = {
            "inventory": {"options": available},
            "prices": {"reads": reads, "options": rules, "flows": ["prices"]},
            "orders": {},
        }
        for flow, changes in towns.items():
            with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
                town = Town(Path(folder), sqlite_url(Path(folder)), stack, **changes)
                score.add(flow, *played(flow, town, luck))
    return score


def played(flow: str, town: Town, luck: random.Random) -> tuple[Planted, Planted]:
    if flow == "inventory":
        return of_inventory(town, luck)
    if flow == "prices":
        return of_prices(town, luck)
    orders = Orders(town)
    luck.shuffle(orders.ids)  # which orders it happens to
    return orders.plant(), found_in(town, "orders")


# --- cost ----------------------------------------------------------------------------------------------------------


class Answers:
    """Pages of an ERP made beforehand, by the number that they are asked for from."""

    def __init__(self, pages: Mapping[str, bytes]) -> None:
        self._pages = pages

    def send(self, request: HttpRequest) -> HttpResponse:
        after = dict(parse_qsl(urlsplit(request.url).query)).get("after_seq", "")
        body = self._pages.get(after, b'{"items": []}')
        return HttpResponse(status=200, headers={"content-type": "application/json"}, body=body)


def pages_of(rows: list[dict[str, Any]], size: int, place: str, first: str) -> dict[str, bytes]:
    found = {}
    after = first
    for start in range(0, len(rows), size):
        page = rows[start : start + size]
        found[after] = json.dumps({"items": page, "head": len(rows)}).encode()
        after = str(page[-1][place])
    return found


def both_sides(skus: int, drifts: int) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """The ERP's pages and the store's; so many SKUs were overwritten in the store."""
    luck = random.Random(1)
    changed = set(luck.sample(range(skus), drifts))
    erp = [{"sku": f"BULK-{n:07}", "qty": n % 977, "warehouse": "MI", "seq": n + 1} for n in range(skus)]
    store: list[dict[str, Any]] = [
        {"sku": f"BULK-{n:07}", "source_code": PLACE, "quantity": n % 977 + (n in changed), "status": 1}
        for n in range(skus)
    ]
    for row in store:
        row["status"] = int(row["quantity"] != 0)
    return pages_of(erp, 1000, "seq", ""), pages_of(store, 300, "sku", "")


READS = {
    "path": "/stock?after_seq={since}&limit={limit}",
    "change_field": "seq",
    "head_field": "head",
    "page_size": 1000,
    "fields": {"sku": "sku", "qty": "qty", "warehouse": "warehouse"},
}


def by_buckets(skus: int, drifts: int, database: str, folder: Path) -> dict[str, float]:
    create_master_key_file(folder / "key")
    (folder / "token").write_text("bench")
    (folder / "token").chmod(0o600)
    auth = {"scheme": "bearer", "token": f"file:{folder}/token"}
    ends: dict[str, dict[str, Any]] = {
        "store": {"kind": "magento", "base_url": "http://127.0.0.1:9", "auth": auth},
        "erp": {"kind": "rest", "base_url": "http://127.0.0.1:9", "auth": auth, "reads": {"inventory": READS}},
    }
    rules = {"inventory": {"warehouses": {"MI": PLACE}, "guard": {"least_rows": 10**9}}}
    told = {
        "database": {"url": database},
        "security": {"master_key": f"file:{folder}/key"},
        "connections": ends,
        "routes": [{"source": "erp", "target": "store", "flows": ["inventory"], "options": rules}],
    }
    crossdock = Crossdock(Settings.model_validate(told))
    erp_pages, store_pages = both_sides(skus, drifts)
    stocktake = Stocktake(_ByPlace(store_pages))  # type: ignore[arg-type]  # it fetches as the client does
    crossdock.connections.by_name["erp"] = build_rest("erp", ends["erp"], http=Answers(erp_pages))
    feed_all(crossdock, skus)
    book = crossdock.store.reconciliations
    options = crossdock.connections.routes("erp")[0].states["inventory"]
    subject = Inventory(crossdock.connections, "erp", "store", stocktake, options, book, Decimal("0.01"))
    reconciler = Reconciler(
        "bench",
        subject,
        book,
        crossdock.store,
        lambda: datetime.now(UTC),
        claim=60,
        back=timedelta(days=7),
        settling=timedelta(0),
    )
    claimed = reconciler.claim()
    assert claimed is not None
    memory, before, started = peak(), time.process_time(), time.monotonic()
    run = reconciler.compare(claimed, "bench", None)
    spent, passed = time.process_time() - before, time.monotonic() - started
    named = crossdock.store.reconciliations.causes(run.id)
    assert named == {("overwritten-in-store", "found"): run.drifts}, named
    return {"cpu": spent, "seconds": passed, "found": run.drifts, "drilled": run.drilled, "peak": peak() - memory}


class _ByPlace:
    """A client that answers at once, by the SKU that it is asked to go on behind."""

    def __init__(self, pages: Mapping[str, bytes]) -> None:
        self._pages = pages

    def fetch(self, method: str, path: str, query: Any = ()) -> HttpResponse:
        assert (method, path) == ("GET", "V1/inventory/source-items")
        behind = [value for name, value in query if name == "searchCriteria[filterGroups][1][filters][0][value]"]
        return HttpResponse(status=200, body=self._pages.get(behind[0] if behind else "", b'{"items": []}'))


def feed_all(crossdock: Crossdock, skus: int) -> None:
    """Every level told by the ERP and confirmed by the store, long ago."""
    rows = [{"sku": f"BULK-{n:07}", "qty": n % 977, "warehouse": "MI"} for n in range(skus)]
    message = Message(id="bench", source="erp", flow="inventory", subject="feed", occurred_at=datetime.now(UTC))
    feed = crossdock.feeds.take(NewFeed(message=message, flow="inventory", target="store", channel="file"))
    crossdock.feeds.compare(feed, rows)
    settled = datetime.now(UTC) - timedelta(hours=5)
    values = {"state": "delivered", "is_open": 0, "settled_at": settled, "opened_at": settled}
    with crossdock.store._engine.execution_options(  # noqa: SLF001  no verb settles what nobody sent
        writes=True
    ).begin() as connection:
        connection.execute(update(deliveries).values(values | {"content": deliveries.c.desired}))


def by_dicts(skus: int, drifts: int) -> dict[str, float]:
    """Both sides decoded into two dicts, and these compared: no causes, all of it in memory."""
    erp_pages, store_pages = both_sides(skus, drifts)
    memory, before, started = peak(), time.process_time(), time.monotonic()
    mine = {
        (row["sku"].casefold(), row["warehouse"]): Decimal(row["qty"])
        for page in erp_pages.values()
        for row in json.loads(page)["items"]
    }
    theirs = {
        (row["sku"].casefold(), "MI"): Decimal(row["quantity"])
        for page in store_pages.values()
        for row in json.loads(page)["items"]
    }
    found = [key for key in mine.keys() | theirs.keys() if mine.get(key) != theirs.get(key)]
    spent, passed = time.process_time() - before, time.monotonic() - started
    return {"cpu": spent, "seconds": passed, "found": len(found), "drilled": 0, "peak": peak() - memory}


def peak() -> float:
    """Of this process, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def cost(skus: int, drifts: int) -> None:
    for case in ("buckets", "dicts"):
        words = [sys.executable, "-m", "benchmarks.reconcile", "--case", case, "--skus", str(skus)]
        done = subprocess.run([*words, "--drifts", str(drifts)], capture_output=True, text=True, check=True)
        told = json.loads(done.stdout.splitlines()[-1])
        goal = f" (goal below {GOAL:g})" if case == "buckets" and skus == 100_000 else ""
        print(
            f"{case:<8} {skus} SKUs, {told['found']:.0f} differ: {told['cpu']:.2f} CPU s{goal}, "
            f"{told['seconds']:.2f} s, memory +{told['peak']:.0f} MB, {told['drilled']:.0f} entries looked at singly"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--skus", type=int, default=100_000)
    parser.add_argument("--drifts", type=int, default=100)
    parser.add_argument("--only", choices=["accuracy", "cost"])
    parser.add_argument("--case", choices=["buckets", "dicts"], help="one case alone, as JSON")
    arguments = parser.parse_args()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    if arguments.case == "dicts":
        print(json.dumps(by_dicts(arguments.skus, arguments.drifts)))
    elif arguments.case == "buckets":
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(by_buckets(arguments.skus, arguments.drifts, sqlite_url(Path(folder)), Path(folder))))
    else:
        if arguments.only != "cost":
            print("\n".join(accuracy(arguments.seeds).lines()))
        if arguments.only != "accuracy":
            cost(arguments.skus, arguments.drifts)


if __name__ == "__main__":
    main()
