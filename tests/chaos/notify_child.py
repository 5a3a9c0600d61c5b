"""A process that looks after the incidents and ends by kill -9 at a place: `python -m tests.chaos.notify_child FILE PLACE`."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from crossdock.app import Crossdock
from crossdock.notifying.composed import watch_of
from crossdock.settings import load


def main(file: str, place: str) -> None:
    crossdock = Crossdock(load(Path(file)), roles=frozenset())

    def end(name: str) -> None:
        # there is nothing to lose before something is owed
        if name == place and crossdock.store.incidents.fates():
            os.kill(os.getpid(), signal.SIGKILL)

    watch = watch_of(crossdock, failpoint=end)
    for _ in range(100):
        watch.round()
        time.sleep(0.1)


if __name__ == "__main__":
    main(*sys.argv[1:])
