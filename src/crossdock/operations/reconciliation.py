"""Comparisons of both sides: what they found, and why; the plan of repairs, and its doing; control totals by day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

from crossdock.errors import ConfigurationError, MappingError, NotNow, NotThere
from crossdock.operations.desk import Desk, View, line, needs_why
from crossdock.reconciliation import drift
from crossdock.reconciliation.drift import REPAIRABLE, Cause, DriftState
from crossdock.reconciliation.totals import beside
from crossdock.reconciling.runs import Reconciler

MOST_DAYS = 366
LONGEST_KEY = 255
LISTED = 50


class Compared(View, frozen=True, kw_only=True):
    """One comparison. `compared` and `moving` count keys, `drifts` fields that differ."""

    id: int
    flow: str
    store: str
    erp: str
    by: str
    began_at: datetime
    since: datetime | None
    ended_at: datetime | None
    state: str
    compared: int
    drilled: int
    drifts: int
    moving: int
    detail: str
    cli: str


class Counted(View, frozen=True, kw_only=True):
    """How many fields of a comparison differ by one cause, and what became of them.

    `found` are open, and `repairable` of them can be repaired by themselves.
    """

    cause: str
    found: int
    repairable: int
    repaired: int
    ended: int


class Whole(View, frozen=True, kw_only=True):
    """One comparison and what it came to, by cause."""

    run: Compared
    causes: list[Counted]
    cli: str


class Drift(View, frozen=True, kw_only=True):
    """A field at which the sides differ. `delivery` is the one of ours that it is judged by."""

    number: int
    key: str
    subject: str
    field: str
    store_value: str
    erp_value: str
    cause: str
    repair: str
    repairable: bool
    why: str
    state: str
    delivery: int | None
    repaired_at: datetime | None
    repaired_by: str


class Drifts(View, frozen=True, kw_only=True):
    """One page of them. `after`: where the next one begins, or None."""

    drifts: list[Drift]
    after: int | None


class Found(View, frozen=True, kw_only=True):
    """A difference, and the comparison that found it."""

    run: Compared
    drift: Drift


class Comparison(View, frozen=True, kw_only=True):
    """Two sides that can be compared in one flow, and when that was last done."""

    flow: str
    store: str
    erp: str
    last: Compared | None
    cli: str


class Begun(View, frozen=True, kw_only=True):
    """Comparisons that have begun. `busy`: those that another compares just now."""

    begun: list[Compared]
    busy: list[str]
    cli: str


class Applied(View, frozen=True, kw_only=True):
    """What a plan came to. `ended`: nothing was left to be done; `failed`: why a repair could not be done now."""

    run: int
    repaired: int
    ended: int
    failed: list[str]
    cli: str


class Line(View, frozen=True, kw_only=True):
    """Both sides of one sum of one day. `unit`: orders, a currency, `pieces at PLACE`. None: that side tells no sum."""

    day: date
    flow: str
    store: str
    erp: str
    unit: str
    in_store: Decimal | None
    in_erp: Decimal | None
    difference: Decimal | None


def comparisons(desk: Desk) -> list[Comparison]:
    """What the routes make possible, with the newest run of each."""
    found = []
    newest: dict[str, list[Compared]] = {}
    for one in desk.crossdock.reconciling.reconcilers:
        flow, store, erp = one.subject.flow, one.subject.store, one.subject.erp
        known = newest.setdefault(flow, runs(desk, flow))
        last = next((run for run in known if (run.store, run.erp) == (store, erp)), None)
        found.append(Comparison(flow=flow, store=store, erp=erp, last=last, cli=_compare(flow, store, erp)))
    return found


def runs(desk: Desk, flow: str = "", limit: int = LISTED) -> list[Compared]:
    """The newest first; "" is every flow."""
    return [_compared(one) for one in desk.store.reconciliations.runs(flow, limit)]


def run(desk: Desk, number: int) -> Whole:
    """One of them. Raises NotThere."""
    known = _run(desk, number)
    counts: dict[str, dict[str, int]] = {}
    for (cause, state), count in desk.store.reconciliations.causes(number).items():
        counts.setdefault(cause, dict.fromkeys(DriftState, 0))[state] += count
    repairable: dict[str, int] = {}
    for (cause, repair), count in desk.store.reconciliations.plan(number).items():
        if repair in REPAIRABLE:
            repairable[cause] = repairable.get(cause, 0) + count
    order = [str(one) for one in Cause]
    return Whole(
        run=_compared(known),
        causes=[
            Counted(cause=one, repairable=repairable.get(one, 0), **counts[one])
            for one in sorted(counts, key=order.index)
        ],
        cli=line("reconcile", "show", number),
    )


def drifts(
    desk: Desk, number: int, after: int = 0, limit: int = 100, cause: str = "", state: str = "", key: str = ""
) -> Drifts:
    """By their number, behind `after`; "" is any. Raises NotThere."""
    _run(desk, number)
    kept = desk.store.reconciliations.drifts(number, after, limit + 1, cause, state, key[:LONGEST_KEY])
    shown = kept[:limit]
    return Drifts(drifts=[_drift(one) for one in shown], after=shown[-1].number if len(kept) > limit else None)


def history(desk: Desk, key: str, limit: int = 100) -> list[Found]:
    """Every difference that was ever found at `PLACE/SKU`, at an order's number: newest first."""
    kept = desk.store.reconciliations.history(key[:LONGEST_KEY], limit)
    return [Found(run=_compared(run), drift=_drift(one)) for run, one in kept]


def begin(desk: Desk, flow: str, by: str, store: str = "", erp: str = "", since: datetime | None = None) -> Begun:
    """Compare now, beside what else this process does; nothing is changed at either end. Raises NotThere, NotNow."""
    if since is not None and since.tzinfo is None:
        raise MappingError("since", "has no time zone")
    work = desk.crossdock.reconciling
    asked = {one: work.begin(one, by, since) for one in _named(desk, flow, store, erp)}
    busy = [_name(one) for one, begun in asked.items() if begun is None]
    if len(busy) == len(asked):
        raise NotNow(f"compared by another just now: {', '.join(busy)}")
    begun = [_compared(run) for run in asked.values() if run is not None]
    return Begun(begun=begun, busy=busy, cli=_compare(flow, store, erp))


def apply(desk: Desk, number: int, by: str, why: str, causes: Sequence[str] = (), keys: Sequence[str] = ()) -> Applied:
    """Repair what was found, or of it what is named. Again does no harm. Raises NotThere, NotNow, DeliveryError."""
    said = needs_why(why)
    for one in causes:
        if one not in set(Cause):
            raise MappingError("causes", f"{one[:40]!r} is none of {', '.join(Cause)}")
    known = _run(desk, number)
    if known.state is drift.RunState.RUNNING:
        raise NotNow(f"run {number} has not ended")
    done = desk.crossdock.reconciling.repairs.apply(known, by, said, causes, keys)
    desk.acted()
    named = [word for one in causes for word in ("--only", one)] + [word for one in keys for word in ("--key", one)]
    return Applied(
        run=number,
        repaired=done.repaired,
        ended=done.ended,
        failed=list(done.failed),
        cli=line("reconcile", "apply", number, *named, "--why", said),
    )


def totals(desk: Desk, days: int = 7, flow: str = "") -> list[Line]:
    """Newest day first."""
    since = (desk.clock() - timedelta(days=min(max(days, 1), MOST_DAYS))).date()
    return [
        Line(
            day=one.day,
            flow=one.flow,
            store=one.store,
            erp=one.erp,
            unit=one.unit,
            in_store=one.in_store,
            in_erp=one.in_erp,
            difference=one.difference,
        )
        for one in beside(desk.store.reconciliations.totals(since, flow))
    ]


def _named(desk: Desk, flow: str, store: str, erp: str) -> list[Reconciler]:
    try:
        return desk.crossdock.reconciling.of(flow, store, erp)
    except ConfigurationError as error:
        raise NotThere("; ".join(error.problems)) from error


def _run(desk: Desk, number: int) -> drift.Run:
    known = desk.store.reconciliations.run(number) if 0 < number < 2**62 else None
    if known is None:
        raise NotThere(f"there is no comparison {number}")
    return known


def _compared(one: drift.Run) -> Compared:
    names = [name for name in Compared.__struct_fields__ if name not in {"state", "cli"}]
    told = {name: getattr(one, name) for name in names}
    return Compared(**told, state=str(one.state), cli=line("reconcile", "show", one.id))


def _drift(one: drift.Drift) -> Drift:
    names = [name for name in Drift.__struct_fields__ if name not in {"cause", "repair", "repairable", "state"}]
    told = {name: getattr(one, name) for name in names}
    repairable = one.repair in REPAIRABLE and one.state is DriftState.FOUND
    return Drift(**told, cause=str(one.cause), repair=str(one.repair), repairable=repairable, state=str(one.state))


def _name(one: Reconciler) -> str:
    return f"{one.subject.flow} of {one.subject.store} and {one.subject.erp}"


def _compare(flow: str, store: str, erp: str) -> str:
    return line("reconcile", flow, *(("--store", store) if store else ()), *(("--erp", erp) if erp else ()))


__all__ = [
    "Applied",
    "Begun",
    "Compared",
    "Comparison",
    "Counted",
    "Drift",
    "Drifts",
    "Found",
    "Line",
    "Whole",
    "apply",
    "begin",
    "comparisons",
    "drifts",
    "history",
    "run",
    "runs",
    "totals",
]
