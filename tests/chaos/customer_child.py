"""A Crossdock between a store's customers and an ERP's that dies at a step. Run: python -m tests.chaos.customer_child …"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path

from crossdock.api.customers import Customers
from crossdock.api.pushes import Asked
from crossdock.app import Crossdock, utc_now
from crossdock.settings import load


def main() -> None:
    config, point, nth = sys.argv[1:4]
    lock = threading.Lock()
    seen: dict[str, int] = {}

    def fail(name: str) -> None:
        with lock:
            seen[name] = seen.get(name, 0) + 1
            if name == point and seen[name] == int(nth):
                os.kill(os.getpid(), signal.SIGKILL)

    crossdock = Crossdock(load(Path(config)), failpoint=fail)
    if point != "never":
        tell(crossdock)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    crossdock.start()
    stop.wait()
    crossdock.stop()


def tell(crossdock: Crossdock) -> None:
    """What the API does with two pushes: a customer who is new, and an edit of one whom both have."""
    connections = crossdock.connections
    people = Customers(
        crossdock.intake, crossdock.customers, crossdock.store, crossdock.settings, connections.routes, utc_now
    )
    for row in (
        {"number": "P-1", "email": "p1@example.com", "first_name": "P", "last_name": "One"},
        {"number": "X-2", "email": "customer2@example.com", "vat_id": "IT2"},
    ):
        asked = Asked(client="c", connection="erp", flow="customers", body=json.dumps(row).encode())
        assert people.push(asked).status == 202


if __name__ == "__main__":
    main()
