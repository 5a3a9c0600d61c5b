"""Examples of what `reconciling` shows."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from crossdock.api.operations.examples.common import AT, EARLIER
from crossdock.operations import reconciliation

COMPARED = reconciliation.Compared(
    id=31,
    flow="inventory",
    store="store",
    erp="erp",
    by="schedule",
    began_at=EARLIER,
    since=None,
    ended_at=AT,
    state="done",
    compared=100_000,
    drilled=512,
    drifts=2,
    moving=7,
    detail="",
    cli="crossdock reconcile show 31",
)
COMPARISON = reconciliation.Comparison(
    flow="inventory",
    store="store",
    erp="erp",
    last=COMPARED,
    cli="crossdock reconcile inventory --store store --erp erp",
)
BEGUN = reconciliation.Begun(begun=[COMPARED], busy=[], cli="crossdock reconcile inventory")
RECONCILE = {"flow": "inventory"}
TOTAL = reconciliation.Line(
    day=date(2026, 11, 25),
    flow="orders",
    store="store",
    erp="erp",
    unit="EUR",
    in_store=Decimal("18250.40"),
    in_erp=Decimal("18200.45"),
    difference=Decimal("49.95"),
)
DRIFT = reconciliation.Drift(
    number=1,
    key="wh_milan/24-MB01",
    subject="",
    field="quantity",
    store_value="12",
    erp_value="7",
    cause="overwritten-in-store",
    repair="owe",
    repairable=True,
    why="it was delivered and confirmed, and the store has something else now",
    state="found",
    delivery=4711,
    repaired_at=None,
    repaired_by="",
)
DRIFT_FOUND = reconciliation.Found(run=COMPARED, drift=DRIFT)
DRIFTS = reconciliation.Drifts(drifts=[DRIFT], after=None)
WHOLE_COMPARISON = reconciliation.Whole(
    run=COMPARED,
    causes=[reconciliation.Counted(cause="overwritten-in-store", found=2, repairable=2, repaired=0, ended=0)],
    cli="crossdock reconcile show 31",
)
REPAIRS = {"why": "somebody had edited them by hand", "causes": ["overwritten-in-store"]}
APPLIED = reconciliation.Applied(
    run=31,
    repaired=2,
    ended=0,
    failed=[],
    cli="crossdock reconcile apply 31 --only overwritten-in-store --why 'somebody had edited them by hand'",
)

__all__ = [
    "APPLIED",
    "BEGUN",
    "COMPARED",
    "COMPARISON",
    "DRIFT",
    "DRIFTS",
    "DRIFT_FOUND",
    "RECONCILE",
    "REPAIRS",
    "TOTAL",
    "WHOLE_COMPARISON",
]
