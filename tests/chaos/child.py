"""A Crossdock that dies at a given step, at its n-th coming, as by kill -9. Run: python -m tests.chaos.child …"""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

from crossdock.app import Crossdock, utc_now
from crossdock.contract.message import Message
from crossdock.settings import TracingSettings
from tests.walk.world import settings


def main() -> None:
    folder, shop, erp, database, point, nth = sys.argv[1:7]
    lock = threading.Lock()
    seen: dict[str, int] = {}

    def fail(name: str) -> None:
        with lock:
            seen[name] = seen.get(name, 0) + 1
            if name == point and seen[name] == int(nth):
                os.kill(os.getpid(), signal.SIGKILL)

    told = settings(Path(folder), shop, erp, database)
    if collector := os.environ.get("CROSSDOCK_TEST_TRACES"):
        told = told.model_copy(update={"tracing": TracingSettings(endpoint=collector)})
    crossdock = Crossdock(told, failpoint=fail)
    if point in {"before-record", "after-record"}:
        fail("before-record")
        hint = Message(id="hint", source="store", flow="looks", subject=sys.argv[7], occurred_at=utc_now())
        crossdock.intake.offer(hint).result(20)
        fail("after-record")
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    crossdock.start()
    stop.wait()
    crossdock.stop()


if __name__ == "__main__":
    main()
