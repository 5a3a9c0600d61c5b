"""Orders that a real Magento sent: in Oracle's words their sums are the same to the cent, all 208 of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from crossdock.erp.oracle_fusion.money import parts_of
from crossdock.flows import FLOWS
from crossdock.flows.expansion import expand
from crossdock.flows.parts import Amounts, difference, expected, summed
from crossdock.magento.mapping.orders import parse_order
from crossdock.model.order import Order
from crossdock.sandbox.erps.oracle_fusion import StandIn
from crossdock.sandbox.erps.oracle_fusion.orders import GROSS, NET, TAX
from tests.erp.oracle_fusion.oracle import connected
from tests.material import SHARED, needs_shared

ORDERS = sorted(path for path in (SHARED / "magento/orders").glob("*.json") if re.match(r"\d+_\w+\.json$", path.name))


def read(path: Path) -> Order:
    return expand(parse_order(path.read_bytes()), "exploded")


@needs_shared
def test_the_parts_of_each_order_come_to_its_sums() -> None:
    assert len(ORDERS) > 200
    told = {
        path.stem: difference(summed((one.net, one.tax) for one in parts_of(read(path))), expected(read(path)))
        for path in ORDERS
    }
    assert {stem: why for stem, why in told.items() if why} == {}


@needs_shared
@pytest.mark.timeout(120)
def test_each_order_is_there_once_with_its_sums_and_lines(oracle: StandIn) -> None:
    seen: set[str] = set()
    for place, path in enumerate(ORDERS):
        order = read(path)
        # some recordings show one order at two moments: each is another order here
        prefix = f"R{place}-"
        sink = connected(oracle, reference_prefix=prefix).sink(FLOWS["orders"])
        receipt = sink.put(order, f"v1:store:order:{order.id}:place")
        kept = oracle.orders.kept[-1]
        totals = {one["TotalCode"]: one["TotalAmount"] for one in oracle.orders.totals(kept)}
        there = Amounts(untaxed=totals[NET], tax=totals[TAX], total=totals[GROSS])
        assert difference(there, expected(order)) == "", path.stem
        assert kept["SubmittedFlag"], path.stem
        assert set(receipt.links) == {line.id for line in order.lines}, path.stem
        seen.add(kept["SourceTransactionId"])
    assert len(oracle.orders.kept) == len(seen) == len(ORDERS)
