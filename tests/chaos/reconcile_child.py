"""Compares one flow and repairs what it found, and dies at a given step, at its n-th coming, as by kill -9.

Run: python -m tests.chaos.reconcile_child CONFIG FLOW POINT NTH. Where it does not die it prints how many it repaired.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from crossdock import log
from crossdock.app import Crossdock
from crossdock.settings import load


def main() -> None:
    config, flow, point, nth = sys.argv[1:5]
    seen: dict[str, int] = {}

    def fail(name: str) -> None:
        seen[name] = seen.get(name, 0) + 1
        if name == point and seen[name] == int(nth):
            os.kill(os.getpid(), signal.SIGKILL)

    log.configure("error", json=False)
    crossdock = Crossdock(load(Path(config)), failpoint=fail)
    work = crossdock.reconciling
    run = work.compare(work.of(flow)[0], "child")
    assert run is not None, "another compares"
    print(work.repairs.apply(run, "child", "chaos").repaired)
    crossdock.store.close()


if __name__ == "__main__":
    main()
