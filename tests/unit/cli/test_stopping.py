"""Signals to a process that has been told to stop already: it ends in good order, whenever they come."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

CHILD = """
import os, time
from crossdock.cli.common import asked_to_stop

class Last:
    def __del__(self, write=os.write, sleep=time.sleep):
        write(1, b"ending\\n")
        sleep(1)

last = Last()  # goes when the interpreter is about to end
stopped = asked_to_stop()
os.write(1, b"there\\n")
stopped()
"""


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_one_more_signal_at_the_very_end_changes_nothing(signum: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", CHILD], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        try:
            assert child.stdout.readline() == b"there\n"
            child.send_signal(signum)
            assert child.stdout.readline() == b"ending\n"
            child.send_signal(signum)
            assert child.wait(60) == 0
        finally:
            child.kill()
