"""A rotation of the master key that dies after its n-th step, as by kill -9. Run: python -m tests.chaos.keys_child …"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from crossdock.app import open_store, utc_now
from crossdock.settings import load


def main() -> None:
    file, nth, batch = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    steps = 0

    def fail(_name: str) -> None:
        nonlocal steps
        steps += 1
        if steps == nth:
            os.kill(os.getpid(), signal.SIGKILL)

    store = open_store(load(Path(file)))
    store.rotate_keys("chaos", utc_now(), batch=batch, failpoint=fail)
    store.close()


if __name__ == "__main__":
    main()
