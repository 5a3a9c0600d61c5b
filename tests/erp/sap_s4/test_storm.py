"""A storm of faults at the stand-in: each order there once, by find before put."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import msgspec
import pytest

from crossdock.contract.connector import Sink
from crossdock.contract.message import Receipt
from crossdock.errors import Conflict, DeliveryError, OutcomeUnknown, Temporary
from crossdock.flows import FLOWS
from crossdock.model.order import Order
from crossdock.sandbox.erps.sap_s4 import StandIn
from crossdock.sandbox.faults import STORM, Faults
from tests.erp.sap_s4.samples import change, key_of, order
from tests.erp.sap_s4.tables import connected

ORDERS = 60
TRIES = 30
SETTLED_S = 0.25  # longer than anything in this storm takes


@pytest.fixture
def stormy() -> Iterator[StandIn]:
    server = StandIn(7, msgspec.structs.replace(STORM, slow_seconds=0.1, retry_after=0))
    server.start()
    yield server
    server.stop()


def delivered(sink: Sink[Any], record: Order | Any, key: str) -> Receipt:
    """As the spine does it: what may have been done is looked for before it is sent again."""
    maybe = False
    for _ in range(TRIES):
        try:
            if maybe:
                time.sleep(SETTLED_S)  # the settling time, no hope
                if found := sink.find(record, key):
                    return found
                maybe = False
            return sink.put(record, key)
        except OutcomeUnknown:
            maybe = True
        except Temporary:
            continue
    raise AssertionError("the storm does not end")


@pytest.mark.slow
def test_each_order_is_there_once_and_cancelled_once(stormy: StandIn) -> None:
    connector = connected(stormy.url)
    receipts = [delivered(connector.sink(FLOWS["orders"]), order(n), key_of(n)) for n in range(1, ORDERS + 1)]

    assert sorted(stormy.there()) == [f"{n:09}" for n in range(1, ORDERS + 1)]
    assert len({receipt.number for receipt in receipts}) == ORDERS
    struck = dict(stormy.drawn())
    assert sum(struck.values()) > 10, struck
    for n in range(1, 11):
        delivered(connector.sink(FLOWS["cancellations"]), change(n), key_of(n))
    assert sorted(stormy.there()) == [f"{n:09}" for n in range(11, ORDERS + 1)]


def test_without_the_look_there_would_be_doubles(stormy: StandIn) -> None:
    """The stand-in makes doubles where nobody looks: what the test above shows is the connector's doing."""
    stormy.lottery.faults = Faults(classes={"create": {"carried_out_twice": 1.0}})
    sink = connected(stormy.url).sink(FLOWS["orders"])
    with suppress(DeliveryError):
        sink.put(order(1), key_of(1))
    with pytest.raises(Conflict, match="sales orders 1, 2"):
        sink.put(order(1), key_of(1))
    assert stormy.there() == ["000000001", "000000001"]
