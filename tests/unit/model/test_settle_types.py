"""msgspec builds a type at its first use, and two threads that do so at once end the process. Ours are built before."""

from __future__ import annotations

import subprocess
import sys

import pytest

# Eight threads read the same types for the first time, with as many switches between them as Python makes.
RACE = """
import sys, threading
import msgspec
import crossdock.app
from crossdock.model.base import settle_types
from crossdock.model.order import Order
from crossdock.model.refund import Refund
from crossdock.model.change import OrderChange
assert settle_types() > 50
sys.setswitchinterval(1e-6)
start = threading.Barrier(8)
def read():
    start.wait()
    for kind in (Order, OrderChange, Refund):
        try:
            msgspec.json.decode(b'{"id": "1", "number": "2", "order": {}, "items": [{}], "totals": {}}', type=kind)
        except msgspec.MsgspecError:
            pass
threads = [threading.Thread(target=read) for _ in range(8)]
for one in threads:
    one.start()
for one in threads:
    one.join()
"""


@pytest.mark.parametrize("turn", range(5))
def test_threads_that_read_a_type_first_at_the_same_time_live_on(turn: int) -> None:
    done = subprocess.run([sys.executable, "-c", RACE], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr[-500:]
