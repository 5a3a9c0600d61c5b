"""Orders while a good part of all requests goes wrong, some of them carried out twice: each is there once, each line too."""

from __future__ import annotations

import msgspec
import pytest

from crossdock.contract.connector import Sink
from crossdock.contract.message import Receipt
from crossdock.errors import OutcomeUnknown, Temporary, Unauthorized, UnderWay
from crossdock.flows import FLOWS
from crossdock.model.order import Order
from crossdock.sandbox.faults import STORM
from tests.erp.netsuite.conftest import Netsuite
from tests.erp.netsuite.samples import key_of, order

ORDERS = 25
MOST_TRIES = 200
FAULTS = msgspec.structs.replace(
    STORM, carried_out_twice=0.2, reset_after=0.15, late=0.05, slow_seconds=0.01, latency_s=0
)


def delivered(sink: Sink[Order], number: int) -> Receipt:
    """As the spine does it: find before put, once it may have been sent."""
    maybe_sent = False
    for _ in range(MOST_TRIES):
        try:
            found = sink.find(order(number), key_of(number)) if maybe_sent else None
            return found or sink.put(order(number), key_of(number))
        except OutcomeUnknown:
            maybe_sent = True
        except (Temporary, UnderWay, Unauthorized):
            continue
    raise AssertionError(f"order {number} is not through")


@pytest.mark.parametrize("write", ["upsert", "create", "queue"])
def test_through_a_storm_each_order_and_each_line_is_there_once(netsuite: Netsuite, write: str) -> None:
    netsuite.account.lottery.faults = FAULTS
    sink = netsuite.connector(write=write).sink(FLOWS["orders"])
    receipts = [delivered(sink, number) for number in range(1, ORDERS + 1)]
    assert len({receipt.external_id for receipt in receipts}) == ORDERS
    there = netsuite.orders()
    assert sorted(one["externalId"] for one in there) == [f"MAG-{number:09}" for number in range(1, ORDERS + 1)]
    assert {len(one["item"]["items"]) for one in there} == {2}
    assert netsuite.customers("7") == 1
    drawn = netsuite.stand_in.drawn()
    assert drawn.get("carried_out_twice", 0) > 5
    assert drawn.get("reset_after", 0) > 5


def test_the_stand_in_tells_what_the_demo_asks(netsuite: Netsuite) -> None:
    connector = netsuite.connector()
    for number in (1, 2):
        connector.sink(FLOWS["orders"]).put(order(number), key_of(number))
    assert netsuite.stand_in.there() == ["000000001", "000000002"]
    assert netsuite.stand_in.received_at("000000001") is not None
    assert netsuite.stand_in.received_at("000000009") is None
    assert netsuite.stand_in.lookups()["currencies"]["EUR"] == "4"
