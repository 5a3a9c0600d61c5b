"""A serving Crossdock that dies at a given step, at its n-th coming, as by kill -9. Prints its address first."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

from crossdock import log
from crossdock.api.serving import Serving
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

    log.configure("error", json=False)  # standard output is for the address alone
    serving = Serving(load(Path(config)), failpoint=fail)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    serving.start()
    print(serving.url, flush=True)
    stop.wait()
    serving.stop()


if __name__ == "__main__":
    main()
