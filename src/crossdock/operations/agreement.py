"""How far both sides of each comparison agree, as of the last time that they were compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal

from crossdock.flows import ORDERS
from crossdock.model.base import Record
from crossdock.operations.desk import Desk
from crossdock.reconciliation.drift import DriftState, Run, RunState
from crossdock.reconciliation.totals import Line, beside

DAYS = 7  # how old a control total may be


class Agreement(Record, frozen=True, kw_only=True):
    """The last comparison that came to its end; its drifts that are still open, by cause.

    `differences`: by unit, what the store has more in the newest control totals; of orders, of the newest whole day.
    """

    run: Run
    open: Mapping[str, int]
    differences: Mapping[str, Decimal]


def newest(desk: Desk, *states: RunState) -> list[Run]:
    """The newest run that came to one of these, of each comparison that the routes make possible."""
    possible = {
        (one.subject.flow, one.subject.store, one.subject.erp) for one in desk.crossdock.reconciling.reconcilers
    }
    found = [one for one in desk.store.reconciliations.newest(*states) if (one.flow, one.store, one.erp) in possible]
    return sorted(found, key=lambda one: one.id)


def still_open(desk: Desk, run: Run) -> dict[str, int]:
    """Drifts of a run that nothing was done about, by cause."""
    if not run.drifts:
        return {}
    found = desk.store.reconciliations.causes(run.id)
    return {cause: count for (cause, state), count in found.items() if state == DriftState.FOUND}


def agreements(desk: Desk) -> list[Agreement]:
    """Of each comparison that has ever come to its end."""
    now = desk.clock()
    lines = beside(desk.store.reconciliations.totals((now - timedelta(days=DAYS)).date()))
    return [
        Agreement(run=run, open=still_open(desk, run), differences=differences(lines, run, now.date()))
        for run in newest(desk, RunState.DONE)
    ]


def differences(lines: Iterable[Line], run: Run, today: date) -> dict[str, Decimal]:
    """Pure: of the newest day that both sides tell, by unit; orders of today are still coming. Newest `lines` first."""
    found: dict[str, Decimal] = {}
    for one in lines:
        if (one.flow, one.store, one.erp) != (run.flow, run.store, run.erp) or one.difference is None:
            continue
        if one.flow != ORDERS.name or one.day < today:
            found.setdefault(one.unit, one.difference)
    return found


__all__ = ["Agreement", "agreements", "differences", "newest", "still_open"]
