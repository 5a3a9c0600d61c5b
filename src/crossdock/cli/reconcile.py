"""`crossdock reconcile`: do both sides have the same, and where not, why, and what is done about it?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from msgspec.structs import asdict
from rich.table import Table

from crossdock.app import Crossdock, utc_now
from crossdock.cli.common import (
    ConfigOption,
    JsonOption,
    complain,
    complaints,
    console,
    person,
    plain,
    refuse,
    say,
    settings_or_exit,
    store_of,
)
from crossdock.errors import ConfigurationError, CrossdockError
from crossdock.reconciliation.drift import REPAIRABLE, Cause, Drift, Run, RunState, by_cause
from crossdock.reconciliation.totals import beside
from crossdock.reconciling.repairs import Applied

FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
SHOWN = 50
PAGE = 1000
SAME, DIFFERENT, NOT_COMPARED = 0, 1, 2
app = typer.Typer(no_args_is_help=True, help="Compare both sides, explain each difference, repair it.")
SinceOption = Annotated[
    datetime | None,
    typer.Option("--since", formats=FORMATS, help="Orders and shipments from then on, UTC; else `reconcile.days`."),
]
StoreOption = Annotated[str, typer.Option(help="Only this store.")]
ErpOption = Annotated[str, typer.Option(help="Only this ERP.")]
PlanOption = Annotated[bool, typer.Option("--plan", help="Print every difference with its repair; repair nothing.")]
ApplyOption = Annotated[bool, typer.Option("--apply", help="Repair what was found; needs --why.")]
OnlyOption = Annotated[list[Cause] | None, typer.Option("--only", help="Only this cause; may be given several times.")]
KeyOption = Annotated[list[str] | None, typer.Option("--key", help="Only this key; may be given several times.")]
ReasonOption = Annotated[str, typer.Option("--why", help="The reason; it is kept in the audit trail.")]
RunArgument = Annotated[int, typer.Argument(help="The run's number.")]


class Told(msgspec.Struct, kw_only=True):
    """What is shown of a run."""

    run: Run
    causes: dict[str, int]
    drifts: list[Drift]
    applied: Applied | None = None

    def whole(self) -> dict[str, Any]:
        """For JSON, with what is as it is by default too."""
        applied = {} if self.applied is None else {"applied": asdict(self.applied)}
        drifts = [asdict(one) for one in self.drifts]
        return {"run": asdict(self.run), "causes": self.causes, "drifts": drifts, **applied}


def of_states(flow: str, told: str) -> None:
    """The command for a flow of states: both sides as they are now."""

    @app.command(flow, help=f"{told} Exit code 1: they differ.")
    def compare(
        config: ConfigOption = None,
        store: StoreOption = "",
        erp: ErpOption = "",
        plan: PlanOption = False,
        apply: ApplyOption = False,
        only: OnlyOption = None,
        key: KeyOption = None,
        why: ReasonOption = "",
        as_json: JsonOption = False,
    ) -> None:
        _reconcile(flow, config, store, erp, None, plan, apply, only, key, why, as_json)


def of_documents(flow: str, told: str) -> None:
    """The command for a flow of documents: those of a period."""

    @app.command(flow, help=f"{told} Exit code 1: they differ.")
    def compare(
        config: ConfigOption = None,
        since: SinceOption = None,
        store: StoreOption = "",
        erp: ErpOption = "",
        plan: PlanOption = False,
        apply: ApplyOption = False,
        only: OnlyOption = None,
        key: KeyOption = None,
        why: ReasonOption = "",
        as_json: JsonOption = False,
    ) -> None:
        _reconcile(flow, config, store, erp, since, plan, apply, only, key, why, as_json)


of_states("inventory", "Stock levels: what the ERP has at each place, and the store's source items.")
of_states("prices", "Base, special and tier prices and costs: the ERP's, and the store's in their places.")
of_states("products", "What the ERP owns of each product, and what the store has of it.")
of_documents("orders", "Orders: what the store has of a period, and what the ERP has of it.")
of_documents("shipments", "Shipments that the ERP tells of a period, and what became of each in the store.")
of_documents("customers", "Customers that the ERP tells of a period, field by field, values as keyed hashes.")


@app.command()
def runs(
    config: ConfigOption = None,
    flow: Annotated[str, typer.Option(help="Only this flow.")] = "",
    as_json: JsonOption = False,
) -> None:
    """The newest comparisons, and what they came to."""
    with store_of(config) as kept:
        found = kept.reconciliations.runs(flow)
    if as_json:
        console.print_json(msgspec.json.encode([asdict(one) for one in found]).decode())
        return
    table = Table("run", "flow", "store", "ERP", "began (UTC)", "state", "compared", "drifts", "by", "", box=None)
    for one in found:
        began = f"{one.began_at:%Y-%m-%d %H:%M:%S}"
        cells = (one.id, one.flow, one.store, one.erp, began, one.state, one.compared, one.drifts, one.by, one.detail)
        table.add_row(*map(plain, cells))
    console.print(table if found else "nothing was compared yet")


@app.command()
def show(run: RunArgument, config: ConfigOption = None, only: OnlyOption = None, as_json: JsonOption = False) -> None:
    """What a comparison found, each with its repair and what became of it."""
    with store_of(config) as kept:
        known = kept.reconciliations.run(run)
        if known is None:
            say(f"there is no run {run}", to=complaints)
            raise typer.Exit(NOT_COMPARED)
        drifts = [one for one in _drifts(kept.reconciliations.drifts, known) if not only or one.cause in only]
    _print([Told(run=known, causes=by_cause(drifts), drifts=drifts)], as_json=as_json, plan=True)


@app.command()
def apply(
    run: RunArgument,
    why: Annotated[str, typer.Option("--why", help="The reason; it is kept in the audit trail.")],
    config: ConfigOption = None,
    only: OnlyOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Repair what a comparison found. Again does no harm: what has moved on since is left alone."""
    with _crossdock(config) as crossdock:
        known = crossdock.store.reconciliations.run(run)
        if known is None or known.state is RunState.RUNNING:
            raise ConfigurationError([f"{run}: there is no such run, or it has not ended"])
        applied = crossdock.reconciling.repairs.apply(known, person(), why, only or (), key or ())
    if as_json:
        console.print_json(msgspec.json.encode(asdict(applied)).decode())
    else:
        _tell(applied)
    if applied.failed:
        raise typer.Exit(DIFFERENT)


@app.command()
def totals(
    config: ConfigOption = None,
    days: Annotated[int, typer.Option(min=1, help="How many days back.")] = 7,
    flow: Annotated[str, typer.Option(help="Only this flow.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Control totals by day: orders and money, pieces by source, on each side. Exit code 1: some differ."""
    with store_of(config) as kept:
        lines = beside(kept.reconciliations.totals((utc_now() - timedelta(days=days)).date(), flow))
    if as_json:
        console.print_json(
            msgspec.json.encode([asdict(one) | {"difference": one.difference} for one in lines]).decode()
        )
    else:
        table = Table("day", "flow", "store", "ERP", "of", "in the store", "in the ERP", "difference", box=None)
        for one in lines:
            amounts = ("" if two is None else f"{two:f}" for two in (one.in_store, one.in_erp, one.difference))
            style = "red" if one.difference else ""
            table.add_row(*(plain(cell, style) for cell in (one.day, one.flow, one.store, one.erp, one.unit, *amounts)))
        console.print(table if lines else "nothing was summed up yet")
    if any(one.difference for one in lines):
        raise typer.Exit(DIFFERENT)


def _reconcile(
    flow: str,
    config: Path | None,
    store: str,
    erp: str,
    since: datetime | None,
    plan: bool,
    repair: bool,
    only: Sequence[Cause] | None,
    keys: Sequence[str] | None,
    why: str,
    as_json: bool,
) -> None:
    if repair and (plan or not why):
        raise typer.BadParameter("--apply needs --why, and does not go with --plan")
    told: list[Told] = []
    with _crossdock(config) as crossdock:
        work = crossdock.reconciling
        for one in work.of(flow, store, erp):
            run = work.compare(one, person(), since.replace(tzinfo=UTC) if since else None)
            if run is None:
                raise ConfigurationError([f"{one.road.name()} is being compared by another just now"])
            drifts = [*_drifts(crossdock.store.reconciliations.drifts, run)]
            applied = work.repairs.apply(run, person(), why, only or (), keys or ()) if repair else None
            told.append(Told(run=run, causes=by_cause(drifts), drifts=drifts, applied=applied))
    _print(told, as_json=as_json, plan=plan)
    if any(one.run.drifts for one in told):
        raise typer.Exit(DIFFERENT)


def _drifts(asked: Callable[[int, int, int], list[Drift]], run: Run) -> Iterator[Drift]:
    after = 0
    while page := asked(run.id, after, PAGE):
        yield from page
        after = page[-1].number


def _print(told: Sequence[Told], *, as_json: bool, plan: bool) -> None:
    if as_json:
        console.print_json(msgspec.json.encode([one.whole() for one in told]).decode())
        return
    for one in told:
        run = one.run
        ends = f"{run.flow} of {run.store} and {run.erp}"
        moving = f", {run.moving} in motion" if run.moving else ""
        say(plain(f"run {run.id}", "bold"), f": {ends}: {run.compared} compared, {run.drifts} differ{moving}")
        for cause, count in one.causes.items():
            say(f"  {count} {cause}")
        if one.drifts:
            console.print(_table(one.drifts if plan else one.drifts[:SHOWN]))
        if len(one.drifts) > SHOWN and not plan:
            say(f"… and {len(one.drifts) - SHOWN} more: `crossdock reconcile show {run.id}`", to=complaints)
        if one.applied is not None:
            _tell(one.applied)


def _table(drifts: Sequence[Drift]) -> Table:
    table = Table("key", "field", "ERP", "store", "cause", "repair", "why", "", box=None)
    for one in drifts:
        repair = plain(one.repair, "green" if one.repair in REPAIRABLE else "")
        state = "" if one.state == "found" else one.state
        cells = [plain(cell) for cell in (one.key, one.field, one.erp_value, one.store_value, one.cause)]
        table.add_row(*cells, repair, plain(one.why), plain(state))
    return table


def _tell(applied: Applied) -> None:
    say(f"repaired: {applied.repaired}; had moved on: {applied.ended}")
    for why in applied.failed:
        say(plain("not repaired: ", "red"), why, to=complaints)


@contextmanager
def _crossdock(config: Path | None) -> Iterator[Crossdock]:
    """Exit code 2 for whatever keeps the sides from being compared."""
    try:
        crossdock = Crossdock(settings_or_exit(config))
    except ConfigurationError as error:
        refuse(error)
        raise typer.Exit(NOT_COMPARED) from error
    except CrossdockError as error:
        complain(error)
        raise typer.Exit(NOT_COMPARED) from error
    try:
        yield crossdock
    except ConfigurationError as error:
        refuse(error)
        raise typer.Exit(NOT_COMPARED) from error
    except CrossdockError as error:
        complain(error)
        raise typer.Exit(NOT_COMPARED) from error
    finally:
        crossdock.store.close()
