"""Comparisons by their schedule: once, anywhere; by default at night; and those that did not happen are told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from crossdock.app import Crossdock
from crossdock.reconciliation.drift import RunState
from crossdock.settings import Settings
from tests.databases import sqlite_url
from tests.walk.reconciled import PLACES, Town, stock
from tests.walk.test_reconcile_inventory import levels


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with ExitStack() as stack:
        yield Town(tmp_path, sqlite_url(tmp_path), stack)


def with_reconcile(town: Town, **rules: object) -> Settings:
    told = town.settings.model_dump(exclude_unset=True)
    told["reconcile"] = {"settling_s": 0} | rules
    return Settings.model_validate(told)


def test_by_default_every_flow_that_is_routed_is_compared_at_night_in_the_zone_of_its_route(town: Town) -> None:
    told = with_reconcile(town).model_dump(exclude_unset=True)
    line = {"cron": "0 4 * * *", "time_zone": "Europe/Rome", "full": True}
    told["routes"][-1]["schedules"] = {"inventory": line}
    one = Crossdock(Settings.model_validate(told))
    try:
        found = {timetable.road.name(): timetable.entries[0].name() for timetable in one.reconciling.timetables}
    finally:
        one.store.close()
    assert found == {
        "store/erp/reconcile-orders": "15 2 * * * Europe/Rome full",
        "erp/store/reconcile-inventory": "15 2 * * * Europe/Rome full",
    }


def test_flows_that_are_not_named_and_no_schedule_at_all_are_off(town: Town) -> None:
    for rules, expected in (({"flows": ["inventory"]}, 1), ({"schedule": ""}, 0)):
        one = Crossdock(with_reconcile(town, **rules))
        try:
            assert len(one.reconciling.timetables) == expected
        finally:
            one.store.close()


def test_what_is_due_is_compared_once_by_whoever_comes_first(town: Town) -> None:
    levels(town)
    town.overwrite("SIM-0002", 500)
    both = [Crossdock(with_reconcile(town, flows=["inventory"])) for _ in range(2)]
    try:
        timetables = [one.reconciling.timetables[0] for one in both]
        road, entry = timetables[0].road, timetables[0].entries[0].name()
        both[0].store.schedules.see(road, {entry: datetime.now(UTC) - timedelta(days=2)})
        for timetable in timetables:
            timetable.tick()
        runs = both[0].store.reconciliations.runs()
        assert [(run.state, run.by, run.drifts) for run in runs] == [(RunState.DONE, "schedule", 1)]
        assert town.level("SIM-0002") == 500, "a schedule repairs nothing"
    finally:
        for one in both:
            one.store.close()


def test_while_one_compares_another_does_not(town: Town) -> None:
    with town.idle() as one:
        reconciler = one.reconciling.of("inventory")[0]
        claimed = reconciler.claim()
        assert claimed is not None
        assert one.reconciling.compare(reconciler, "test") is None
        assert town.says("reconcile", "inventory").exit_code == 2
        reconciler.release(claimed)
        assert one.reconciling.compare(reconciler, "test") is not None


def test_a_process_that_is_to_end_drops_what_it_compares_and_it_is_due_again(town: Town) -> None:
    levels(town)
    one = Crossdock(with_reconcile(town, flows=["inventory"]))
    try:
        timetable = one.reconciling.timetables[0]
        road, entry = timetable.road, timetable.entries[0].name()
        long_ago = datetime.now(UTC) - timedelta(days=2)
        one.store.schedules.see(road, {entry: long_ago})
        timetable.reader.stopping.set()
        timetable.tick()
        assert [run.state for run in one.store.reconciliations.runs()] == [RunState.INTERRUPTED]
        assert timetable.view().standings[entry].settled_to == long_ago
        timetable.reader.stopping.clear()
        timetable.tick()
        assert [run.state for run in one.store.reconciliations.runs()] == [RunState.DONE, RunState.INTERRUPTED]
    finally:
        one.store.close()


def test_old_runs_are_forgotten_with_their_drifts(town: Town) -> None:
    levels(town)
    town.overwrite("SIM-0002", 500)
    town.compare()
    with town.idle() as one:
        later = datetime.now(UTC) + timedelta(days=91)
        assert one.reconciling.forget(later - timedelta(days=2)) == 0
        assert one.reconciling.forget(later) == 1
        assert one.store.reconciliations.runs() == []


def test_a_flow_that_no_route_carries_cannot_be_compared(town: Town) -> None:
    done = town.says("reconcile", "prices")
    assert done.exit_code == 2
    assert "none carries prices" in done.output + done.stderr


def test_a_comparison_is_listed_paused_and_run_like_whatever_is_read(town: Town) -> None:
    levels(town)
    town.settings = with_reconcile(town, flows=["inventory"])
    name = "erp/store/reconcile-inventory"
    assert town.says("schedule", "pause", name, "--why", "the year's end").exit_code == 0
    lines = {line["route"]: line for line in town.told("schedule", "list")}
    assert (lines[name]["state"], lines[name]["schedule"]) == ("paused", "15 2 * * * UTC full")
    assert town.says("schedule", "run", name).exit_code == 0
    with town.idle() as one:
        assert [run.by for run in one.store.reconciliations.runs()] == ["schedule"]


def test_a_full_read_that_the_guard_holds_repairs_nothing_yet(tmp_path: Path) -> None:
    guard = {"inventory": {"warehouses": PLACES, "guard": {"zero_percent": 1, "least_rows": 1}}}
    with ExitStack() as stack:
        town = Town(tmp_path, sqlite_url(tmp_path), stack, options=guard)
        levels(town)
        town.lists("stock", stock(3, 0))
        done = town.says("reconcile", "inventory", "--apply", "--why", "w")
        assert done.exit_code == 1
        assert "wait for a person" in done.output + done.stderr
        with town.idle() as one:
            assert {str(drift.state) for drift in one.store.reconciliations.drifts(1)} == {"found"}
