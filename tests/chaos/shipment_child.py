"""A Crossdock that is told a level and then a shipment, and dies at a step. Run: python -m tests.chaos.shipment_child …"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path

from crossdock.api.documents import Documents
from crossdock.api.pushes import Asked, Pushes
from crossdock.app import Crossdock, Role, utc_now
from crossdock.settings import load

LEVEL = 50


def main() -> None:
    config, point, nth, order, line, pieces, sku = sys.argv[1:8]
    lock = threading.Lock()
    seen: dict[str, int] = {}

    def fail(name: str) -> None:
        with lock:
            seen[name] = seen.get(name, 0) + 1
            if name == point and seen[name] == int(nth):
                os.kill(os.getpid(), signal.SIGKILL)

    crossdock = Crossdock(load(Path(config)), roles=frozenset({Role.WORKER}), failpoint=fail)
    if point != "never":
        tell(crossdock, order, line, int(pieces), sku)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    crossdock.start()
    stop.wait()
    crossdock.stop()


def tell(crossdock: Crossdock, order: str, line: str, pieces: int, sku: str) -> None:
    """What the API does with two pushes: the level as it was before the pieces left."""
    routes = crossdock.connections.routes
    pushes = Pushes(crossdock.feeds, crossdock.store.levels, routes, utc_now, wait_s=0, rows_at_once=10)
    level = {"sku": sku, "qty": LEVEL, "warehouse": "MI", "as_of": utc_now().isoformat()}
    body = json.dumps({"items": [level]}).encode()
    assert pushes.second(Asked(client="c", connection="erp", flow="inventory", body=body)).status == 202
    document = {"number": "SH-1", "order": order, "warehouse": "MI", "shipped_at": utc_now().isoformat()}
    body = json.dumps(document | {"lines": [{"line": line, "qty": pieces}]}).encode()
    documents = Documents(crossdock.intake, crossdock.incoming, crossdock.store, routes)
    assert documents.push(Asked(client="c", connection="erp", flow="shipments", body=body)).status == 202


if __name__ == "__main__":
    main()
