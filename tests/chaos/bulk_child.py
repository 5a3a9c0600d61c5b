"""A Crossdock that hands products over as a bulk and dies at a step. Run: python -m tests.chaos.bulk_child …"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from crossdock.api.pushes import Asked, Pushes
from crossdock.app import Crossdock, Role, utc_now
from crossdock.contract.ledger import Batch, Handed, Ledger, TellsBatches
from crossdock.magento.connector import MagentoConnector
from crossdock.settings import load

ROWS = 12


class Doomed:
    """The ledger, with steps before and after what it writes."""

    def __init__(self, real: Ledger, fail: Callable[[str], None]) -> None:
        self._real = real
        self._fail = fail

    def hand_over(self, rows: Sequence[Handed]) -> None:
        self._fail("before-hand-over")
        self._real.hand_over(rows)
        self._fail("after-hand-over")

    def accept(self, batch: str, ticket: str, *, found: bool = False) -> None:
        self._fail("before-accept")
        self._real.accept(batch, ticket, found=found)
        self._fail("after-accept")

    def of(self, keys: Iterable[str]) -> Mapping[str, Handed]:
        return self._real.of(keys)

    def close(self, keys: Iterable[str]) -> None:
        self._fail("before-close")
        self._real.close(keys)
        self._fail("after-close")

    def batches(self) -> Sequence[Batch]:
        return self._real.batches()


def main() -> None:
    config, point, nth = sys.argv[1:4]
    lock = threading.Lock()
    seen: dict[str, int] = {}

    def fail(name: str) -> None:
        with lock:
            seen[name] = seen.get(name, 0) + 1
            if name == point and seen[name] == int(nth):
                os.kill(os.getpid(), signal.SIGKILL)

    crossdock = Crossdock(load(Path(config)), roles=frozenset({Role.WORKER}), failpoint=fail)
    store = crossdock.connections.by_name["store"]
    assert isinstance(store, MagentoConnector)
    assert isinstance(store, TellsBatches)
    store.keep_in(Doomed(crossdock.store.ledger("store"), fail))
    if point != "never":
        tell(crossdock)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    crossdock.start()
    stop.wait()
    crossdock.stop()


def tell(crossdock: Crossdock) -> None:
    """What the API does with a push."""
    pushes = Pushes(
        crossdock.feeds, crossdock.store.levels, crossdock.connections.routes, utc_now, wait_s=0, rows_at_once=10
    )
    items = [{"sku": f"NEW-{n:03}", "name": f"Name of NEW-{n:03}", "price": "1"} for n in range(ROWS)]
    body = json.dumps({"items": items}).encode()
    assert pushes.second(Asked(client="c", connection="erp", flow="products", body=body)).status == 202


if __name__ == "__main__":
    main()
