"""Stock on both sides: drifts planted of every cause, found, rightly named and repaired, over real HTTP, both storages."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from crossdock.reconciliation.drift import Cause, Drift, Repair, RunState
from crossdock.settings import Settings
from tests.databases import postgres_url, sqlite_url
from tests.walk.reconciled import PLACES, Town, causes, stock
from tests.walk.world import until

SKUS = 20
EVERY = {
    "wh_milan/sim-0002": "overwritten-in-store",
    "wh_milan/sim-0004": "changed-in-erp",
    "wh_milan/sim-0030": "never-captured",
    "wh_milan/ghost-1": "dead-letter",
    "wh_milan/sim-0006": "still-waiting",
    "wh_milan/sim-0008": "rounding",
    "wh_milan/sim-0040": "unknown",
}


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield sqlite_url(tmp_path)
        return
    with postgres_url() as url:
        yield url


@pytest.fixture
def town(tmp_path: Path, database: str) -> Iterator[Town]:
    with ExitStack() as stack:
        found = Town(tmp_path, database, stack)
        levels(found)
        yield found


def levels(town: Town) -> None:
    """Every level that the ERP has is in the store."""
    rows = [stock(number, number + 7) for number in range(1, SKUS + 1)]
    rows += [stock(number, 40, "RM") for number in (1, 2, 3)]
    town.lists("stock", *rows)
    town.scan()
    with town.working() as crossdock:
        until(lambda: all(town.level(f"SIM-{n:04}") == n + 7 for n in range(1, SKUS + 1)))
        town.settled(crossdock, "inventory")


def plant(town: Town) -> None:
    """One of every cause but a reservation."""
    town.lists("stock", {"sku": "GHOST-1", "qty": 3, "warehouse": "MI"})
    town.scan()
    with town.working() as crossdock:
        until(lambda: ("inventory", "store", "dead") in crossdock.store.counts())
    town.lists("stock", stock(6, 99))
    town.scan()  # and nobody delivers it
    town.overwrite("SIM-0002", 500)
    town.overwrite("SIM-0008", 15.005)
    town.overwrite("SIM-0040", 12)
    town.lists("stock", stock(4, 77), stock(30, 5))


def test_two_sides_that_are_the_same_make_no_drift(town: Town) -> None:
    run, drifts = town.compare()
    assert drifts == []
    assert (run.state, run.compared, run.drilled, run.drifts) == (RunState.DONE, SKUS + 3, 0, 0)
    assert town.says("reconcile", "inventory").exit_code == 0


def test_every_planted_drift_is_found_and_rightly_named(town: Town) -> None:
    plant(town)
    run, drifts = town.compare()
    assert causes(drifts) == EVERY
    assert run.drifts == len(drifts)
    assert run.drilled < run.compared, "only what differs was looked at singly"
    found = {one.key: one for one in drifts}
    assert _values(found["wh_milan/sim-0002"]) == ("quantity", "9", "500", Repair.OWE)
    assert _values(found["wh_milan/sim-0004"]) == ("quantity", "77", "11", Repair.READ)
    assert _values(found["wh_milan/sim-0030"]) == ("quantity", "5", "absent", Repair.READ)
    assert _values(found["wh_milan/ghost-1"]) == ("quantity", "3", "absent", Repair.REPLAY)
    assert _values(found["wh_milan/sim-0006"]) == ("quantity", "99", "13", Repair.WAIT)
    assert _values(found["wh_milan/sim-0008"]) == ("quantity", "15", "15.005", Repair.NONE)
    assert _values(found["wh_milan/sim-0040"]) == ("quantity", "absent", "12", Repair.NONE)


def _values(one: Drift) -> tuple[str, str, str, Repair]:
    return one.field, one.erp_value, one.store_value, one.repair


def test_a_status_that_somebody_changed_is_a_drift_of_its_own_field(town: Town) -> None:
    town.overwrite("SIM-0005", 12, status=0)
    _, drifts = town.compare()
    assert [(one.field, one.erp_value, one.store_value, one.cause) for one in drifts] == [
        ("in stock", "yes", "no", Cause.OVERWRITTEN)
    ]


def test_what_is_repaired_is_as_the_erp_has_it_and_twice_does_nothing_more(town: Town) -> None:
    plant(town)
    town.shop.do(lambda store: store.catalog.add(["GHOST-1"]))  # what kept it dead is mended
    done = town.says("reconcile", "inventory", "--apply", "--why", "the night's drift")
    assert done.exit_code == 1, done.output
    with town.working() as crossdock:
        town.settled(crossdock, "inventory")
        run = crossdock.store.reconciliations.runs()[0]
        applied = crossdock.reconciling.repairs.apply(run, "test", "once more")
        assert (applied.repaired, applied.failed) == (0, ())
        states = {one.key: str(one.state) for one in crossdock.store.reconciliations.drifts(run.id)}
        trail = [row for row in crossdock.store.audit_export(bodies=False) if row["operation_type"] == "reconcile"]
    assert {key for key, state in states.items() if state == "repaired"} == {
        key for key, cause in EVERY.items() if cause not in {"still-waiting", "rounding", "unknown"}
    }
    assert {row["entity_id"] for row in trail} == {key for key, state in states.items() if state == "repaired"}
    assert all("the night's drift" in row["detail"] for row in trail)
    assert [town.level(f"SIM-{n:04}") for n in (2, 4, 6, 30)] == [9, 77, 99, 5]
    assert town.level("GHOST-1") == 3
    writes = town.writes()
    _, left = town.compare()
    assert set(causes(left).values()) == {"rounding", "unknown"}
    assert town.says("reconcile", "apply", str(run.id), "--why", "again").exit_code == 0
    with town.working() as crossdock:
        town.settled(crossdock, "inventory")
    assert town.writes() == writes


def test_only_what_is_named_is_repaired(town: Town) -> None:
    plant(town)
    found = town.told("reconcile", "inventory", "--apply", "--why", "w", "--only", "overwritten-in-store")
    assert found[0]["applied"]["repaired"] == 1
    named = town.told("reconcile", "apply", str(found[0]["run"]["id"]), "--why", "w", "--key", "wh_milan/sim-0004")
    assert named["repaired"] == 1
    shown = town.told("reconcile", "show", str(found[0]["run"]["id"]))
    assert sorted(one["key"] for one in shown[0]["drifts"] if one["state"] == "repaired") == [
        "wh_milan/sim-0002",
        "wh_milan/sim-0004",
    ]


def test_a_plan_repairs_nothing(town: Town) -> None:
    plant(town)
    done = town.says("reconcile", "inventory", "--plan")
    assert done.exit_code == 1
    assert "wh_milan/sim-0002" in done.output
    assert "overwritten-in-store" in done.output
    with town.idle() as crossdock:
        assert {str(one.state) for one in crossdock.store.reconciliations.drifts(1)} == {"found"}
    assert town.says("reconcile", "inventory", "--apply").exit_code == 2, "without a reason"


def test_what_was_told_anew_since_is_not_brought_back(town: Town) -> None:
    """Its level moved on between the comparison and the repair: the newer one stands, and nothing is owed twice."""
    town.overwrite("SIM-0002", 500)
    run, drifts = town.compare()
    town.lists("stock", stock(2, 31))
    town.scan()
    with town.working() as crossdock:
        until(lambda: town.level("SIM-0002") == 31)
        town.settled(crossdock, "inventory")
        writes = town.writes()
        applied = crossdock.reconciling.repairs.apply(run, "test", "late")
        town.settled(crossdock, "inventory")
    assert (applied.repaired, applied.ended) == (0, 1)
    assert town.writes() == writes
    assert town.level("SIM-0002") == 31
    assert len(drifts) == 1


def test_applied_by_many_at_once_while_workers_run_nothing_is_owed_twice(town: Town) -> None:
    for number in range(1, SKUS + 1):
        town.overwrite(f"SIM-{number:04}", 900)
    run, drifts = town.compare()
    assert len(drifts) == SKUS
    before = _fences(town)
    with town.working() as crossdock:
        repairs = crossdock.reconciling.repairs
        many = [threading.Thread(target=repairs.apply, args=(run, "test", "together")) for _ in range(6)]
        for one in many:
            one.start()
        for one in many:
            one.join()
        town.settled(crossdock, "inventory")
        until(lambda: all(town.level(f"SIM-{n:04}") == n + 7 for n in range(1, SKUS + 1)))
        trail = [row for row in crossdock.store.audit_export(bodies=False) if row["operation_type"] == "reconcile"]
    assert len(trail) == SKUS
    assert [after - fence for fence, after in zip(before, _fences(town), strict=True)] == [1] * SKUS


def _fences(town: Town) -> list[int]:
    with town.idle() as one:
        keys = [f"v1:erp:inventory:wh_milan/sim-{n:04}" for n in range(1, SKUS + 1)]
        known = one.store.reconciliations.standings("store", keys)
        return [known[key].fence for key in keys]


def test_pieces_by_source_are_summed_on_both_sides(town: Town) -> None:
    town.overwrite("SIM-0002", 500)
    town.compare()
    with town.idle() as one:
        totals = one.store.reconciliations.totals(one.store.reconciliations.runs()[0].began_at.date())
    sums = {(total.side, total.unit): total.amount for total in totals}
    pieces = Decimal(sum(range(8, SKUS + 8)))
    assert sums["erp", "pieces at wh_milan"] == pieces
    assert sums["store", "pieces at wh_milan"] == pieces - 9 + 500
    assert sums["store", "pieces at wh_rome"] == sums["erp", "pieces at wh_rome"] == 120
    shown = town.says("reconcile", "totals")
    assert shown.exit_code == 1
    assert "pieces at wh_milan" in shown.output


def test_a_row_that_cannot_be_read_is_a_drift_too(town: Town) -> None:
    town.lists("stock", stock(9, "many"))
    _, drifts = town.compare()
    found = [(one.key, one.cause, one.why) for one in drifts if one.erp_value == "(cannot be read)"]
    assert found == [("SIM-0009", Cause.NEVER_CAPTURED, "qty: is no number")]


def test_an_end_that_does_not_answer_is_neither_the_same_nor_different(town: Town) -> None:
    town.erp.stop()
    done = town.says("reconcile", "inventory")
    assert done.exit_code == 2, done.output
    with town.idle() as one:
        run = one.store.reconciliations.runs()[0]
    assert run.state is RunState.FAILED
    assert run.detail


AVAILABLE = {"inventory": {"warehouses": {"MI": "wh_milan", "RM": "wh_rome"}, "meaning": "available"}}


def test_what_the_store_reserves_is_no_drift_and_what_lacks_it_is(tmp_path: Path, database: str) -> None:
    with ExitStack() as stack:
        town = Town(tmp_path, database, stack, options=AVAILABLE)
        sku, pieces = town.bought()
        rows = [{"sku": one, "qty": 100, "warehouse": "RM"} for one in ("SIM-0001", "SIM-0002", "SIM-0003")]
        rows += [{"sku": one, "qty": 100, "warehouse": "MI"} for one in ("SIM-0001", "SIM-0002", "SIM-0003")]
        town.lists("stock", *rows, {"sku": sku, "qty": 50, "warehouse": "MI"})
        town.scan()
        with town.working() as crossdock:
            until(lambda: town.level(sku) == 50 + pieces)
            town.settled(crossdock, "inventory")
        run, drifts = town.compare()
        assert drifts == [], "the store holds more by just what it reserves"
        town.overwrite(sku, 50)
        run, drifts = town.compare()
        key = f"wh_milan/{sku.casefold()}"
        assert [(one.key, one.cause, one.repair) for one in drifts] == [(key, Cause.RESERVATION, Repair.OWE)]
        assert (drifts[0].erp_value, drifts[0].store_value) == (str(50 + pieces), "50")
        with town.working() as crossdock:
            crossdock.reconciling.repairs.apply(run, "test", "w")
            until(lambda: town.level(sku) == 50 + pieces)
        with town.idle() as one:
            found = {(total.side, total.unit): total.amount for total in one.store.reconciliations.totals(_today())}
        assert found["erp", "reckoned at wh_milan"] == pieces


def _today() -> date:
    return datetime.now(UTC).date() - timedelta(days=1)


def test_an_erp_that_only_pushes_is_compared_by_what_it_last_told(tmp_path: Path, database: str) -> None:
    with ExitStack() as stack:
        town = Town(tmp_path, database, stack)
        levels(town)
        told = town.settings.model_dump(exclude_unset=True)
        told["connections"]["erp"].pop("reads")
        town.settings = Settings.model_validate(told)
        assert town.compare()[1] == []
        town.overwrite("SIM-0002", 500)
        town.lists("stock", stock(4, 77))  # which nobody can see
        _, drifts = town.compare()
        assert causes(drifts) == {"wh_milan/sim-0002": "overwritten-in-store"}


def test_a_feed_that_waits_for_a_person_is_named(tmp_path: Path, database: str) -> None:
    guard = {"zero_percent": 1, "least_rows": 1}
    with ExitStack() as stack:
        town = Town(tmp_path, database, stack, options={"inventory": {"warehouses": PLACES, "guard": guard}})
        levels(town)
        town.lists("stock", stock(3, 0))
        town.scan()
        _, drifts = town.compare()
        assert causes(drifts) == {"wh_milan/sim-0003": "still-waiting"}
        assert "waits for a person" in drifts[0].why


def test_what_was_promised_a_moment_ago_is_in_motion_and_no_drift(tmp_path: Path, database: str) -> None:
    with ExitStack() as stack:
        town = Town(tmp_path, database, stack, reconcile={"settling_s": 600})
        levels(town)
        town.lists("stock", stock(3, 8))
        town.scan()
        run, drifts = town.compare()
        assert drifts == []
        assert run.moving >= 1
