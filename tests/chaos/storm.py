"""The storm: orders stream in while processes are killed, connections cut and everything that can go wrong does.

`python -m tests.chaos.storm --orders 2000 --seed 1 --storage sqlite|postgres [--json FILE]` ends with a line of JSON
(all counts, with how often which service was crashed) and `placed=… delivered=… lost=0 doubled=0 out_of_order=0`, and
exits non-zero unless the last three are 0.

The store loses 30 % of its webhooks, sends others twice and late, commits late, lists in the wrong order, and has a clock
10 minutes fast; the ERP's is 10 minutes slow and it makes a second order of every second POST. SQLite: one process,
killed again and again. PostgreSQL: API, poller and two workers, each killed again and again; PostgreSQL and RabbitMQ
themselves crashed and started again, with processes killed and started while they are down; and the ways to both cut.
Those are a cluster and a node of the storm's own (`services.py`). Where this machine has no programs for one of them, the
machine's is used and only the way to it is cut: the run says so loudly, and its count of restarts is 0.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from crossdock.app import open_store
from crossdock.delivery.store import DeadFilter
from crossdock.sandbox.faults import STORM, Faults
from crossdock.sandbox.run import ErpServer, StoreServer
from crossdock.security.envelope import create_master_key_file
from crossdock.settings import Settings, load
from tests.chaos.services import Crashable, free_port, own_postgres, own_rabbit
from tests.chaos.victims import Supervisor, Victim
from tests.databases import postgres_url
from tests.fleet.proxy import Proxy
from tests.rabbit import virtual_host

SKEW_SECONDS = 600.0
PER_SECOND = 25.0
BETWEEN_BLOWS = {"sqlite": (0.5, 2.5), "postgres": (0.2, 1.5)}  # seconds: one process must come up now and then
SERVICES = {"sqlite": (), "postgres": ("postgres", "rabbit")}
VERDICT = ("placed", "delivered", "lost", "doubled", "out_of_order")
CALM_SECONDS = 300.0
WAITS = ("pending", True)  # a look may wait for a later day: an order on hold is looked at every hour
ROLES = {"sqlite": ("run",), "postgres": ("api", "worker", "worker", "poller")}
EVENTS = ("sales.order.created", "sales.order.updated", "sales.order.paid", "sales.order.cancelled")
# What the store does to an order after it was placed; the ERP must hear of it in this order, if it hears of it.
STORIES: tuple[tuple[str, ...], ...] = (
    *[()] * 6,
    ("pay",),
    ("hold", "unhold"),
    ("hold", "unhold", "pay"),
    ("cancel",),
    ("hold",),
    ("pay", "refund"),
)
TOLD_AS = {"pay": "payments", "refund": "refunds"}
# An order that is held, or was ended before the ERP had heard of it, is not owed to the ERP.
NOT_OWED = frozenset({"canceled", "holded", "closed"})
SETTINGS = """\
[database]
url = "env:STORM_DATABASE"
[security]
master_key = "file:{folder}/master.key"
[api]
port = {port}
[log]
level = "error"
[delivery]
first_pause_s = 0.2
longest_pause_s = 2
[workers]
lease_seconds = 12
[connections.store]
kind = "magento"
base_url = "{store}"
auth = {{scheme = "bearer", token = "env:STORM_TOKEN"}}
deadlines = {{connect_s = 1, read_s = 3, total_s = 4}}
polling = {{interval_s = 1, lag_s = 3, overlap_s = 60, start = "2020-01-01"}}
webhooks = {{enabled = true, format = "async-events", secrets = ["env:STORM_SECRET"]}}
[connections.erp]
kind = "rest"
base_url = "{erp}"
auth = {{scheme = "bearer", token = "env:STORM_TOKEN"}}
deadlines = {{connect_s = 1, read_s = 3, total_s = 4}}
dedupes = false
settling_s = 2
flows = ["orders", "cancellations", "holds", "payments", "refunds"]
paths = {{find_change = "/orders/{{order_number}}/changes", find_refund = "/orders/{{order_number}}/refunds"}}
[[routes]]
source = "store"
target = "erp"
options = {{eligibility = {{"*" = "always"}}}}
"""


class Storm:
    """Two stand-ins, the processes between them, and what is done to all of them."""

    def __init__(self, folder: Path, seed: int, storage: str, stack: ExitStack) -> None:
        self._seed, self._storage, self._luck = seed, storage, random.Random(seed)
        faults = msgspec.structs.replace(STORM, webhook_deadline_s=3.0)
        self.shop = StoreServer(seed=seed, faults=faults)
        self.erp = ErpServer(seed=seed + 1, faults=storm_of_the_erp(faults))
        self.shop.clock.shift(SKEW_SECONDS)
        self.erp.clock.shift(-SKEW_SECONDS)
        self.ways: list[Proxy] = []
        self.services: list[Crashable] = []
        self.stories: dict[int, tuple[str, ...]] = {}
        self._stopping = threading.Event()
        create_master_key_file(folder / "master.key")
        self.config = folder / "crossdock.toml"
        self.environ = os.environ | {"STORM_TOKEN": "sandbox", "STORM_SECRET": "storm-webhook-secret"}
        self.environ["STORM_DATABASE"] = self._database(folder, storage, stack)
        port = free_port()
        text = SETTINGS.format(folder=folder, port=port, store=self.shop.url, erp=self.erp.url)
        self.config.write_text(text + self._broker(storage, stack))
        self.shop.start()
        self.erp.start()
        for event in EVENTS:
            url = f"http://127.0.0.1:{port}/webhooks/store/{event}"
            wanted = {"event_name": event, "recipient_url": url, "metadata": "http"}
            self.shop.subscribe(wanted | {"verification_token": self.environ["STORM_SECRET"]})
        self.victims = [Victim(command, self.environ) for command in self._commands(storage)]
        stack.enter_context(Supervisor(self.victims))

    def _commands(self, storage: str) -> list[list[str]]:
        """What is started, and killed."""
        program = str(Path(sys.executable).with_name("crossdock"))
        return [[program, role, "-c", str(self.config)] for role in ROLES[storage]]

    def _database(self, folder: Path, storage: str, stack: ExitStack) -> str:
        if storage == "sqlite":
            return f"sqlite:///{folder}/crossdock.sqlite"
        own = own_postgres(stack)
        url = self._crashed(own) if own else stack.enter_context(postgres_url())
        return self._through(url, stack)

    def _broker(self, storage: str, stack: ExitStack) -> str:
        if storage == "sqlite":
            return ""
        own = own_rabbit(stack)
        url = self._crashed(own) if own else stack.enter_context(virtual_host())
        return f'[broker]\nurl = "{self._through(url, stack)}"\n'

    def _crashed(self, service: Crashable) -> str:
        self.services.append(service)
        return service.url

    def _through(self, url: str, stack: ExitStack) -> str:
        """The same address by a way that can be cut."""
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        proxy = stack.enter_context(Proxy(parts.hostname, parts.port))
        self.ways.append(proxy)
        return url.replace(f"{parts.hostname}:{parts.port}", f"127.0.0.1:{proxy.port}", 1)

    def blow(self, orders: int) -> None:
        """Stream them in, under blows; the faults go on afterwards."""
        blows = [threading.Thread(target=self.rage, daemon=True)]
        blows += [threading.Thread(target=self._crash, args=(one,), daemon=True) for one in self.services]
        for thread in blows:
            thread.start()
        self.stream(orders)
        self._stopping.set()
        for thread in blows:
            thread.join()

    def rage(self) -> None:
        """Kill and cut until told to stop, and kill at least once, whatever the services are at meanwhile."""
        while not self._stopping.wait(self._luck.uniform(*BETWEEN_BLOWS[self._storage])) or not self._killed():
            if self.ways and self._luck.random() < 0.3:
                way = self._luck.choice(self.ways)
                way.down()
                self._stopping.wait(self._luck.uniform(0.2, 2))
                way.up()
                continue
            victim = self._luck.choice(self.victims)
            victim.kill()
            self._stopping.wait(self._luck.uniform(0, 0.8))
            victim.start()

    def _killed(self) -> bool:
        return any(victim.kills for victim in self.victims)

    def _crash(self, service: Crashable) -> None:
        """Crash one service and start it again, at least once."""
        luck = random.Random(f"{self._seed} {service.name}")
        while not self._stopping.wait(luck.uniform(1, 6)) or not service.restarts:
            service.crash()
            self._stopping.wait(luck.uniform(0, 2))
            service.start()

    def stream(self, orders: int) -> None:
        """Place them, and go on with the stories of those that were placed before."""
        waiting: list[tuple[int, list[str]]] = []
        for number in range(orders):
            entity = self.shop.place(1)[0]
            story = self._luck.choice(STORIES)
            waiting.append((entity, list(story)))
            self.stories[entity] = ()
            if number > 10 or number == orders - 1:
                self._go_on(waiting)
            time.sleep(1 / PER_SECOND)
        while any(rest for _, rest in waiting):
            self._go_on(waiting)
            time.sleep(0.02)

    def _go_on(self, waiting: list[tuple[int, list[str]]]) -> None:
        entity, rest = self._luck.choice(waiting)
        if not rest:
            waiting.remove((entity, rest))
            return
        move = rest.pop(0)
        if self.shop.do(lambda store: _moved(store, entity, move)):
            self.stories[entity] = (*self.stories[entity], TOLD_AS.get(move, move))

    def close(self) -> None:
        for victim in self.victims:
            victim.stop()
        self.shop.stop()
        self.erp.stop()


def _moved(store: Any, entity: int, move: str) -> bool:
    if move == "refund":
        return isinstance(store.document(entity, "refund", {}), int)
    return bool(store.change(entity, move))


def storm_of_the_erp(faults: Faults) -> Faults:
    """A find that answers garbage or 5xx is asked again; the rest as in the store."""
    return msgspec.structs.replace(faults, locked=0.0)


def verdict(storm: Storm, dead: frozenset[str]) -> dict[str, int]:
    """What both sides have now. A dead letter waits for a person with its reason: it is told apart, and not lost."""
    orders = storm.shop.do(lambda store: {n: (o["increment_id"], o["state"]) for n, o in store.orders.items()})
    acknowledged = storm.shop.do(lambda store: sum(1 for one in store.orders.values() if one.get("ext_order_id")))
    effects = storm.erp.do(lambda erp: [(one.order_number, one.name) for one in erp.effects])
    doubled = storm.erp.do(lambda erp: len(erp.doubles()) + len(erp.double_changes()))
    there = {number for number, name in effects if name == "create"}
    missing = {number for number, state in orders.values() if state not in NOT_OWED} - there - dead
    stories: dict[str, list[str]] = {}
    for number, name in effects:
        stories.setdefault(number, []).append(name)
    disordered = [
        number
        for entity, (number, _) in orders.items()
        if not in_order(stories.get(number, []), ("create", *storm.stories.get(entity, ())))
    ]
    return {
        "placed": len(orders),
        "delivered": len(there),
        "acknowledged": acknowledged,
        "lost": len(missing),
        "doubled": doubled,
        "out_of_order": len(disordered),
        "dead": len(dead),
        "kills": sum(victim.kills for victim in storm.victims),
        "revivals": sum(victim.revivals for victim in storm.victims),
        **{f"{service.name}_restarts": service.restarts for service in storm.services},
    }


def in_order(heard: list[str], told: tuple[str, ...]) -> bool:
    """What the ERP heard, each once, is what the store did, in its order; it need not hear of all of it."""
    rest = iter(told)
    first = dict.fromkeys(heard)
    return all(any(name == step for step in rest) for name in first)


def letters(storm: Storm) -> frozenset[str]:
    with store_of(storm) as store:
        return frozenset(letter.reference for letter in store.dead(DeadFilter()))


def paused(storm: Storm) -> list[Any]:
    """A connection that is paused at the end keeps its deliveries from going: the run has then proven nothing."""
    with store_of(storm) as store:
        return list(store.paused())


def quiet(storm: Storm) -> bool:
    """Every order of the store was looked at, nothing is owed to anybody, and for some scans nothing new came of it."""
    before = settled_effects(storm)
    if before is None:
        return False
    time.sleep(6)
    return settled_effects(storm) == before


def settled_effects(storm: Storm) -> int | None:
    """How many effects the ERP has seen; None while something is owed."""
    visible = storm.shop.do(lambda store: len([n for n in store.orders if store.visible(n) is not None]))
    with store_of(storm) as store:
        counts = store.counts()
    heard = sum(count for (flow, _, state), count in counts.items() if flow == "looks" and state != "leased")
    owed = sum(n for (flow, _, state), n in counts.items() if state == "leased" or (state, flow != "looks") == WAITS)
    if heard < visible or visible < len(storm.stories) or owed:
        return None
    return storm.erp.do(lambda erp: len(erp.effects))


@contextmanager
def store_of(storm: Storm) -> Iterator[Any]:
    os.environ |= {name: storm.environ[name] for name in ("STORM_TOKEN", "STORM_SECRET", "STORM_DATABASE")}
    settings: Settings = load(storm.config)
    store = open_store(settings)
    try:
        yield store
    finally:
        store.close()


def until(reached: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > deadline:
            return False
        time.sleep(1)
    return True


def run(orders: int, seed: int, storage: str) -> dict[str, int]:
    """A whole storm; its verdict."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        storm = Storm(folder, seed, storage, stack)
        stack.callback(storm.close)
        storm.blow(orders)
        calm = until(lambda: quiet(storm), CALM_SECONDS)
        return verdict(storm, letters(storm)) | {"paused": len(paused(storm)), "calm": int(calm)}


def line(found: dict[str, int]) -> str:
    return " ".join(f"{name}={found[name]}" for name in VERDICT)


def untouched(found: dict[str, int], storage: str) -> list[str]:
    """Services that were not crashed: the run proves nothing of them."""
    return [name for name in SERVICES[storage] if not found.get(f"{name}_restarts")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--storage", choices=sorted(ROLES), default="sqlite")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    found = run(arguments.orders, arguments.seed, arguments.storage)
    if arguments.json:
        arguments.json.write_text(json.dumps(found) + "\n")
    for name in untouched(found, arguments.storage):
        print(f"NOT RESTARTED: {name.upper()}. No program of it could be run here; only the way to it was cut.")
    print(json.dumps(found))
    print(line(found))
    sys.exit(0 if not (found["lost"] or found["doubled"] or found["out_of_order"]) and found["calm"] else 1)


if __name__ == "__main__":
    main()
