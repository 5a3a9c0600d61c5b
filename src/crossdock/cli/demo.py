"""`crossdock demo`: a sandbox store, a sandbox ERP and Crossdock between them, with faults on."""

from __future__ import annotations

import os
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.live import Live
from rich.table import Table

from crossdock import log
from crossdock.api.serving import Serving
from crossdock.cli.common import console
from crossdock.cli.day import run_day
from crossdock.cli.demo_login import NAME, let_in
from crossdock.cli.demo_targets import TOKEN, HasStock, Target, named, target_of
from crossdock.delivery.records import Delivery, Verdict
from crossdock.delivery.store import DeadFilter, DeliveryView
from crossdock.magento import subscriptions
from crossdock.magento.connector import MagentoConnector
from crossdock.model.base import Record
from crossdock.sandbox.faults import NONE, STORM, Faults
from crossdock.sandbox.run import StoreServer
from crossdock.security.envelope import create_master_key_file
from crossdock.settings import Settings

WAIT_SECONDS = 600.0
RESTOCKED = 7
EVENTS = ("sales.order.created", "sales.order.updated", "sales.order.paid", "sales.order.cancelled")


class Tally(Record, frozen=True, kw_only=True):
    """How the demo ended. Milliseconds are from the order's place in the store to its place in the ERP."""

    placed: int
    delivered: int
    doubled: int
    lost: int
    retried: int
    dead: int
    acknowledged: int
    p50_ms: int
    p99_ms: int
    faults: dict[str, int]
    seconds: float


class Demo:
    """The three, and what is counted."""

    def __init__(self, folder: Path, seed: int, *, faults: Faults, erp: str, of_the_erp: Faults | None = None) -> None:
        self.shop = StoreServer(seed=seed, faults=faults)
        self.erp = target_of(erp, folder, seed + 1, faults if of_the_erp is None else of_the_erp)
        self.retried = 0
        self.settled_at: dict[str, datetime] = {}
        self._lock = threading.Lock()
        self.serving = Serving(
            settings(folder, self.shop.url, self.erp.table(), of_target(self.erp)), settled=self._count
        )

    def _count(self, delivery: Delivery, verdict: Verdict) -> None:
        with self._lock:
            if verdict.state == "pending" and verdict.code:
                self.retried += 1
            if verdict.state == "delivered" and delivery.flow == "orders":
                self.settled_at[delivery.reference] = datetime.now(UTC)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Started in the order in which they are needed."""
        with ExitStack() as ends:
            self.shop.start()
            ends.callback(self.shop.stop)
            self.erp.start()
            ends.callback(self.erp.stop)
            self.serving.start()
            ends.callback(self.serving.stop)
            self._subscribe()
            yield

    def _subscribe(self) -> None:
        connector = self.serving.crossdock.connections.by_name["store"]
        if isinstance(connector, MagentoConnector):
            address = f"{self.serving.url}/webhooks/store"
            for event in EVENTS:
                subscribed = {"event_name": event, "recipient_url": subscriptions.address(address, event)}
                token = os.environ["CROSSDOCK_DEMO_WEBHOOK"]
                self.shop.subscribe(subscribed | {"verification_token": token, "metadata": "http"})

    def tally(self, seconds: float) -> Tally:
        """As both sides have it now."""
        orders = self.shop.do(
            lambda store: {o["increment_id"]: (n, o.get("ext_order_id")) for n, o in store.orders.items()}
        )
        placed_at = self.shop.do(lambda store: dict(store.placed_at))
        there = self.erp.there()
        waits = sorted(self._waits(orders, placed_at, set(there)))
        dead = self.serving.crossdock.store.dead(DeadFilter())
        drawn = [self.shop.store.lottery.drawn, self.erp.drawn()]
        return Tally(
            placed=len(orders),
            delivered=len(set(there)),
            doubled=len(there) - len(set(there)),
            # what waits for a person with its reason is not lost
            lost=len(set(orders) - set(there) - {letter.reference for letter in dead}),
            retried=self.retried,
            dead=len(dead),
            acknowledged=sum(1 for _, ext in orders.values() if ext),
            p50_ms=int(statistics.median(waits)) if waits else 0,
            p99_ms=int(waits[min(len(waits) - 1, int(len(waits) * 0.99))]) if waits else 0,
            faults={name: sum(one.get(name, 0) for one in drawn) for name in sorted({*drawn[0], *drawn[1]})},
            seconds=round(seconds, 1),
        )

    def _waits(
        self, orders: Mapping[str, tuple[int, Any]], placed_at: Mapping[int, datetime], there: set[str]
    ) -> Iterator[float]:
        """Milliseconds from the store to the ERP; to the settled delivery where the ERP does not tell."""
        for number in there:
            arrived = self.erp.received_at(number) or self.settled_at.get(number)
            if number in orders and arrived is not None:
                yield (arrived - placed_at[orders[number][0]]).total_seconds() * 1000

    def done(self, tally: Tally) -> bool:
        """Everything is where it belongs and nothing waits."""
        counts = self.serving.crossdock.store.counts()
        waiting = sum(count for (_, _, state), count in counts.items() if state in {"pending", "leased"})
        return tally.acknowledged + tally.dead >= tally.placed and not waiting


def demo(
    orders: Annotated[int, typer.Option(help="How many orders are placed.")] = 100,
    seed: Annotated[int, typer.Option(help="The same seed makes the same orders and faults.")] = 7,
    json: Annotated[Path | None, typer.Option(help="Write the table here as JSON.")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave it running afterwards, until Ctrl-C.")] = False,
    calm: Annotated[bool, typer.Option("--calm", help="Without faults.")] = False,
    erp: Annotated[
        str,
        typer.Option(
            help="`sandbox`; `tryton`: a real one, installed and started here (a minute at first); or a kind of "
            "connection, for its stand-in."
        ),
    ] = "sandbox",
    day: Annotated[bool, typer.Option("--day", help="A merchant's day: every flow, both ways, compared.")] = False,
) -> None:
    """Place orders in a stand-in store while a tenth of all requests goes wrong; count what arrived in the ERP."""
    if day:
        if erp != "sandbox":
            raise typer.BadParameter("a merchant's day (--day) has the sandbox ERP only", param_hint="--erp")
        if not run_day(orders, seed, calm=calm, json=json, settings=settings):
            raise typer.Exit(1)
        return
    os.environ.setdefault("CROSSDOCK_DEMO_TOKEN", "sandbox")
    os.environ.setdefault("CROSSDOCK_DEMO_WEBHOOK", "demo-webhook-secret")
    if erp not in named():
        raise typer.BadParameter(f"is one of {', '.join(named())}", param_hint="--erp")
    with tempfile.TemporaryDirectory(prefix="crossdock-demo-") as folder, log.kept_in(Path(folder) / "crossdock.log"):
        running = Demo(Path(folder), seed, faults=NONE if calm else STORM, erp=erp)
        with running.running():
            tally = _run(running, orders)
            restocked = restock(running)
            if json:
                json.write_bytes(msgspec.json.format(msgspec.json.encode(tally)))
            _report(tally)
            _tell_letters(running.serving.crossdock.store.dead(DeadFilter()))
            if restocked is not None:
                console.print(restocked.told(), highlight=False)
            if keep:
                _linger(running)
    if tally.lost or tally.doubled or (restocked is not None and not restocked.arrived):
        raise typer.Exit(1)


def _tell_letters(letters: Sequence[DeliveryView]) -> None:
    """Orders one by one; of the rest, how many for each reason."""
    for letter in letters:
        if letter.flow == "orders":
            told = f"waits for a person: order {letter.reference}: {letter.code}: {letter.reason}"
            console.print(told, highlight=False)
    others = Counter(f"{letter.flow}: {letter.reason}" for letter in letters if letter.flow != "orders")
    for reason, count in others.items():
        console.print(f"waits for a person: {count} x {reason}", highlight=False)


class Restocked(Record, frozen=True, kw_only=True):
    """One stock level that changed in the ERP, and whether the store came to know."""

    sku: str
    quantity: int
    source: str
    arrived: bool

    def told(self) -> str:
        """As a sentence."""
        end = f"is what the store has in {self.source}" if self.arrived else "NEVER CAME TO THE STORE"
        return f"Stock the other way: {self.quantity} pieces of {self.sku} in the ERP, and that {end}."


def restock(running: Demo) -> Restocked | None:
    """Changes a level in the ERP and waits until the store has it; None where the ERP's stock is not read."""
    if not isinstance(running.erp, HasStock):
        return None
    sku = running.shop.do(lambda store: next(iter(store.catalog.rows.values()))["sku"])
    source = next(iter(running.erp.warehouses().values()))
    running.erp.restock(sku, RESTOCKED)
    deadline = time.monotonic() + WAIT_SECONDS / 10
    while time.monotonic() < deadline:
        row = running.shop.do(lambda store: store.source_items.get((sku, source)))
        if row is not None and row["quantity"] == RESTOCKED:
            return Restocked(sku=sku, quantity=RESTOCKED, source=source, arrived=True)
        time.sleep(0.2)
    return Restocked(sku=sku, quantity=RESTOCKED, source=source, arrived=False)


def _run(running: Demo, orders: int) -> Tally:
    started = time.monotonic()
    console.print("Placing orders in the store; 30 % of its webhooks get lost, and both sides misbehave.")
    with Live(console=console, refresh_per_second=8, transient=True) as live:
        placer = threading.Thread(target=_place, args=(running, orders))
        placer.start()
        while True:
            tally = running.tally(time.monotonic() - started)
            live.update(_table(tally))
            if (not placer.is_alive() and running.done(tally)) or tally.seconds > WAIT_SECONDS:
                break
            time.sleep(0.5)
        placer.join()
    return running.tally(time.monotonic() - started)


def _place(running: Demo, orders: int) -> None:
    for _ in range(orders):
        running.shop.do(lambda store: store.place())
        time.sleep(0.02)  # fifty orders a second: a busy shop, not a proof of anything


def _linger(running: Demo) -> None:
    console.print(f"store {running.shop.url}  ERP {running.erp.url}  Crossdock {running.serving.url}. Ctrl-C ends it.")
    password = let_in(running.serving.crossdock)
    console.print(f"Console: {running.serving.url}/console, as {NAME} with the password {password}", highlight=False)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        return


def _table(tally: Tally) -> Table:
    table = Table("", "orders", box=None)
    for name in ("placed", "delivered", "doubled", "lost", "retried", "dead", "acknowledged", "p50_ms", "p99_ms"):
        table.add_row(name, str(getattr(tally, name)))
    return table


def _report(tally: Tally) -> None:
    console.print(_table(tally))
    struck = ", ".join(f"{count} {name}" for name, count in tally.faults.items())
    console.print(f"In {tally.seconds} s. What went wrong on the way: {struck or 'nothing'}.", highlight=False)
    good = not tally.lost and not tally.doubled
    console.print("[green]Nothing lost, nothing doubled.[/green]" if good else "[red]NOT GOOD[/red]")


def of_target(erp: Target) -> Mapping[str, Any]:
    """Of the settings, what the target asks for: its lookups, and a route back for its stock."""
    found: dict[str, Any] = {"lookups": {name: {"entries": dict(rows)} for name, rows in erp.lookups().items()}}
    if isinstance(erp, HasStock):
        options = {"inventory": {"warehouses": dict(erp.warehouses())}}
        found["routes"] = [{"source": "erp", "target": "store", "flows": ["inventory"], "options": options}]
    return found


def settings(folder: Path, shop_url: str, erp: Mapping[str, Any], more: Mapping[str, Any] | None = None) -> Settings:
    """Two connections, a route, and `more`: lookups, further routes."""
    more = more or {}
    key = folder / "master.key"
    create_master_key_file(key)
    return Settings.model_validate(
        {
            "database": {"url": f"sqlite:///{folder}/crossdock.sqlite"},
            "security": {"master_key": f"file:{key}"},
            "api": {"port": 0},
            "login": {"plain_http": True},
            "delivery": {"first_pause_s": 0.2, "longest_pause_s": 2},
            "connections": {
                "store": {
                    "kind": "magento",
                    "base_url": shop_url,
                    "auth": {"scheme": "bearer", "token": TOKEN},
                    "polling": {"interval_s": 1, "lag_s": 1, "start": "2020-01-01"},
                    "limits": {"concurrency": 8},
                    "webhooks": {
                        "enabled": True,
                        "format": "async-events",
                        "secrets": ["env:CROSSDOCK_DEMO_WEBHOOK"],
                    },
                },
                "erp": dict(erp),
            },
            "routes": [{"source": "store", "target": "erp"}, *more.get("routes", ())],
            "lookups": more.get("lookups", {}),
        }
    )
