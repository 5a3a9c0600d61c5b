"""How far both sides agree: of each comparison that the routes make possible the last word, and only of those."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest

from crossdock.operations.agreement import agreements, differences, newest
from crossdock.reconciliation.drift import Cause, Drift, Repair, Run, RunState
from crossdock.reconciliation.totals import Line
from tests.unit.operations.desks import NOW, Bench

TODAY = NOW.date()
FOUND = Drift(number=1, key="K", field="total", store_value="1", erp_value="2", cause=Cause.UNKNOWN, repair=Repair.NONE)


def compared(at: Bench, state: RunState, *drifts: Drift, flow: str = "orders", erp: str = "erp") -> Run:
    store, now = at.store, at.clock.forward(minutes=1)
    claimed = store.claim_stream("store", f"{erp}/reconcile-{flow}", "t", now, now + timedelta(minutes=1))
    assert claimed is not None
    begun = store.reconciliations.begin(
        claimed, Run(id=0, flow=flow, store="store", erp=erp, by="t", began_at=now), now
    )
    store.reconciliations.keep(claimed, begun, drifts)
    ended = msgspec.structs.replace(begun, state=state, ended_at=now, compared=9)
    done = store.reconciliations.end(claimed, ended)
    store.release_stream(claimed, now)
    return done


def test_the_newest_of_each_comparison_that_the_routes_make_possible(at: Bench) -> None:
    compared(at, RunState.DONE, FOUND)
    last = compared(at, RunState.DONE, FOUND)
    failed = compared(at, RunState.FAILED)
    compared(at, RunState.INTERRUPTED)
    compared(at, RunState.DONE, FOUND, erp="gone")
    assert [one.id for one in newest(at.desk, RunState.DONE, RunState.FAILED)] == [failed.id]
    (agreed,) = agreements(at.desk)
    assert (agreed.run.id, agreed.open) == (last.id, {"unknown": 1})


@pytest.mark.parametrize(("flow", "expected"), [("orders", Decimal(-2)), ("inventory", Decimal(5))])
def test_of_orders_the_newest_whole_day_of_all_else_the_newest_one_that_both_sides_tell(
    flow: str, expected: Decimal
) -> None:
    def line(age: int, in_erp: Decimal | None, in_store: Decimal, **other: str) -> Line:
        place = {"flow": flow, "store": "store", "erp": "erp", "unit": "EUR"} | other
        return Line(day=TODAY - timedelta(days=age), in_store=in_store, in_erp=in_erp, **place)

    lines = [
        line(0, Decimal(1), Decimal(6)),
        line(0, None, Decimal(6), unit="orders not promised"),
        line(0, Decimal(1), Decimal(6), erp="another"),
        line(1, Decimal(3), Decimal(1)),
        line(2, Decimal(1), Decimal(9)),
    ]
    run = Run(id=1, flow=flow, store="store", erp="erp", by="test", began_at=NOW)
    assert differences(lines, run, TODAY) == {"EUR": expected}
