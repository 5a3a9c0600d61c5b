"""Schedules from the settings to the run: what is due, what was missed and who hears of it, by hand and by itself."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs
from typer.testing import CliRunner, Result

from crossdock.api.serving import Serving
from crossdock.app import Crossdock, Role
from crossdock.cli.main import app
from crossdock.errors import ConfigurationError, CrossdockError
from crossdock.feeds.schedules import Standing
from crossdock.feeds.timetable import Timetable
from crossdock.sandbox.faults import NONE, Faults
from crossdock.settings import Settings
from tests.databases import postgres_url, sqlite_url
from tests.walk.files import toml
from tests.walk.test_polling import ROAD, Town
from tests.walk.world import until

DELTA, NIGHTLY = "*/5 * * * * UTC", "30 2 * * * Europe/Rome full"
NAME = "erp/store/inventory"
AT_NIGHT = {"cron": "30 2 * * *", "time_zone": "Europe/Rome", "full": True}
runner = CliRunner()


class Office(Town):
    """A town whose levels are read by a schedule."""

    def __init__(self, folder: Path, database: str, stack: ExitStack, delta: str = "*/5 * * * *") -> None:
        super().__init__(folder, database, stack, NONE)
        self.delta = f"{delta} UTC"
        told = self.settings.model_dump(exclude_unset=True)
        told["routes"][-1]["schedules"] = {"inventory": [{"cron": delta}, AT_NIGHT]}
        self.settings = Settings.model_validate(told)
        self.config = folder / "crossdock.toml"
        self.config.write_text(toml(self.settings.model_dump(mode="json", exclude_unset=True)))
        self.idle = self.crossdock(start=False)
        self.timetable = self.idle.readers.timetables[ROAD]

    def standing(self, entry: str = "") -> Standing:
        return self.timetable.view().standings[entry or self.delta]

    def due_since(self, **ago: float) -> None:
        """As if the first line had been kept until so long ago; the nightly one is not owed at any hour."""
        now = datetime.now(UTC)
        self.idle.store.schedules.see(ROAD, {self.delta: now - timedelta(**ago), NIGHTLY: now})

    def say(self, *words: str) -> Result:
        return runner.invoke(app, [*words, "--config", str(self.config)])

    def listed(self) -> dict[str, dict[str, Any]]:
        rows = json.loads(self.say("schedule", "list", "--json").stdout)
        return {row["schedule"]: row for row in rows if row["route"] == NAME}


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield sqlite_url(tmp_path)
        return
    with postgres_url() as url:
        yield url


@pytest.fixture
def office(database: str, tmp_path: Path) -> Iterator[Office]:
    with ExitStack() as stack:
        yield Office(tmp_path, database, stack)


@pytest.fixture
def hourly(database: str, tmp_path: Path) -> Iterator[Office]:
    """Whose next run is half an hour away: none comes while it is looked at."""
    with ExitStack() as stack:
        yield Office(tmp_path, database, stack, f"{(datetime.now(UTC).minute + 30) % 60} * * * *")


def test_missed_runs_are_caught_up_once(hourly: Office) -> None:
    office = hourly
    office.change(61, 1, 2)
    office.due_since(hours=5)
    running = office.crossdock()
    until(lambda: office.standing().outcome == "done")
    assert office.level(1) is None or running, "read; delivered when the worker comes to it"
    until(lambda: office.level(1) == 61)
    reads = office.reads()
    assert office.timetable.tick() > 0
    assert office.reads() == reads, "five runs were missed, and one is made up for"
    assert office.standing().missed == 1
    assert office.standing().settled_to > datetime.now(UTC) - timedelta(minutes=1)


def test_a_run_that_did_not_happen_raises_an_alarm(office: Office) -> None:
    office.due_since(hours=1)
    worker = Crossdock(office.settings, roles=frozenset({Role.WORKER}))
    with capture_logs() as logs:
        for _ in range(3):
            worker.readers.watch()
    worker.store.close()
    told = [one for one in logs if one["event"] == "a run did not happen"]
    assert [(one["flow"], one["schedule"], one["log_level"]) for one in told] == [("inventory", DELTA, "error")]
    row = office.listed()[DELTA]
    assert (row["state"], row["missed"]) == ("missed", 1)
    assert "missed" in office.say("status").output
    status = json.loads(office.say("status", "--json").stdout)
    assert [(one["route"], one["state"]) for one in status["schedules"]] == [(NAME, "missed")]
    doctor = office.say("doctor")
    assert doctor.exit_code == 1
    assert f"{NAME} by its schedule {DELTA}: missed due" in doctor.output
    serving = Serving(office.settings, roles=frozenset({Role.API}))
    serving.start()
    try:
        metrics = httpx.get(f"{serving.url}/metrics").text
    finally:
        serving.stop()
    assert f'crossdock_schedule_missed{{route="{NAME}",schedule="{DELTA}"}} 1.0' in metrics
    assert f'crossdock_schedule_missed_runs_total{{route="{NAME}",schedule="{DELTA}"}} 1.0' in metrics


def test_the_alarm_ends_with_the_run(office: Office) -> None:
    office.due_since(hours=1)
    office.timetable.tick()
    row = office.listed()[DELTA]
    assert (row["state"], row["missed"]) == ("done", 1)
    assert json.loads(office.say("status", "--json").stdout)["schedules"] == []


def test_a_schedule_that_no_poller_has_seen_is_told(office: Office) -> None:
    assert office.listed()[DELTA]["state"] == "new"
    assert "new to every poller" in office.say("doctor").output
    office.timetable.tick()
    assert office.listed()[DELTA]["state"] == "waiting"


def test_a_full_run_does_the_work_of_the_deltas(office: Office) -> None:
    office.change(61, 1, 2, 3)
    assert office.say("schedule", "run", "inventory").exit_code == 0
    assert (office.standing().outcome, office.standing(NIGHTLY).outcome) == ("done", "")
    first = office.say("schedule", "run", NAME, "--full")
    assert "3 rows" in first.output
    assert (office.standing().detail, office.standing(NIGHTLY).outcome) == ("2 pages, 3 rows", "done")


def test_the_nightly_run_reads_everything(office: Office) -> None:
    office.change(61, 1, 2, 3)
    office.timetable.run(full=False)
    later = Timetable(
        office.timetable.reader,
        office.timetable.entries,
        office.idle.store.schedules,
        lambda: datetime.now(UTC) + timedelta(hours=25),
    )
    later.tick()
    assert office.standing(NIGHTLY).detail == "2 pages, 3 rows"
    assert office.standing().settled_to == office.standing(NIGHTLY).settled_to


def test_what_is_paused_is_not_run_and_not_missed_and_is_caught_up_once(office: Office) -> None:
    office.due_since(hours=2)
    assert office.say("schedule", "pause", "inventory", "--why", "stocktaking").exit_code == 0
    assert "was paused already" in office.say("schedule", "pause", "inventory", "--why", "again").output
    with capture_logs() as logs:
        office.timetable.tick()
    assert (office.reads(), [one for one in logs if one["log_level"] == "error"]) == (0, [])
    row = office.listed()[DELTA]
    assert (row["state"], row.get("missed", 0)) == ("paused", 0)
    assert "stocktaking" in row["detail"]
    assert office.say("schedule", "run", "inventory").exit_code == 0, "a person may"
    assert office.say("schedule", "resume", "inventory").exit_code == 0
    assert office.say("schedule", "resume", "inventory").exit_code == 1
    trail = [row["operation_type"] for row in office.idle.store.audit_export(bodies=False)]
    assert trail == ["pause-schedule", "resume-schedule"]


def test_a_run_that_fails_is_told_and_tried_again(office: Office) -> None:
    office.change(61, 1)
    office.due_since(minutes=5)
    office.erp.do(lambda erp: setattr(erp.lottery, "faults", Faults(down=1.0)))
    with pytest.raises(CrossdockError):
        office.timetable.tick()
    row = office.listed()[DELTA]
    assert (row["state"], row["outcome"]) == ("failed", "failed")
    assert "temporary" in row["detail"]
    assert json.loads(office.say("status", "--json").stdout)["schedules"][0]["state"] == "failed"
    office.erp.do(lambda erp: setattr(erp.lottery, "faults", NONE))
    retry = office.standing().retry_at
    assert retry is not None
    assert 30 < (retry - datetime.now(UTC)).total_seconds() <= 60
    assert office.say("schedule", "run", "inventory").exit_code == 0
    assert (office.standing().failures, office.standing().outcome) == (0, "done")


def test_a_run_that_is_stopped_goes_on_where_it_was(office: Office) -> None:
    office.change(61, *range(1, 13))
    office.due_since(minutes=5)
    reader = office.timetable.reader
    office.timetable.run(full=True, told=lambda _tally: reader.stopping.set())
    assert (office.standing().outcome, office.standing().detail) == ("stopped", "1 pages, 5 rows, 5 changed")
    reader.stopping.clear()
    office.timetable.tick()
    assert (office.standing().outcome, office.standing().detail) == ("done", "3 pages, 7 rows, 7 changed")


def test_a_run_that_a_person_began_ends_before_the_database_is_closed(office: Office) -> None:
    """Also in a process that reads nothing by itself."""
    office.change(61, *range(1, 13))
    reached = threading.Event()

    def held(name: str) -> None:
        if name == "rows-read":
            reached.set()
            one.readers.by_road[ROAD].stopping.wait(60)

    one = Crossdock(office.settings, roles=frozenset({Role.API}), failpoint=held)
    one.start()
    assert one.readers.timetables[ROAD].begin()
    assert reached.wait(60)
    one.stop()
    assert (office.standing().outcome, office.standing().detail) == ("stopped", "1 pages, 5 rows, 5 changed")
    assert [thread for thread in threading.enumerate() if thread.name == ROAD.name()] == []


def test_while_another_reads_nothing_is_run(office: Office) -> None:
    office.due_since(hours=1)
    claimed = office.timetable.reader.claim()
    assert claimed is not None
    assert office.timetable.tick() > 0
    assert office.say("schedule", "run", "inventory").exit_code == 1
    assert office.reads() == 0
    assert office.listed()[DELTA].get("missed", 0) == 0
    office.timetable.reader.release(claimed)


def test_whoever_lost_the_claim_writes_nothing_of_its_run(office: Office) -> None:
    office.due_since(hours=1)
    store = office.idle.store.schedules
    slow = office.timetable.reader.claim()
    assert slow is not None
    office.timetable.reader.release(slow)
    office.timetable.tick()
    before = office.standing()
    assert not store.begin(slow, ROAD, [DELTA], datetime.now(UTC))
    assert not store.end(slow, ROAD, {DELTA: None}, "failed", "late", datetime.now(UTC))
    assert office.standing() == before


def test_orders_are_listed_beside(office: Office) -> None:
    rows = json.loads(office.say("schedule", "list", "--json").stdout)
    assert {"route": "store (orders)", "state": "polled"}.items() <= rows[-1].items()
    assert NAME in office.say("schedule", "list").output


def test_what_is_read_by_an_interval_is_listed_too(tmp_path: Path) -> None:
    with ExitStack() as stack:
        office = Office(tmp_path, sqlite_url(tmp_path), stack)
        told = office.settings.model_dump(mode="json", exclude_unset=True)
        del told["routes"][-1]["schedules"]
        office.config.write_text(toml(told))
        assert [*office.listed()] == ["every 0.1 s"]
        assert office.say("schedule", "run", "orders").exit_code == 2


def test_a_schedule_for_what_cannot_be_read_is_refused(office: Office) -> None:
    told = office.settings.model_dump(exclude_unset=True)
    told["routes"][-1]["schedules"] = {"prices": [{"cron": "* * * * *"}]}
    with pytest.raises(ConfigurationError, match="erp cannot be read for prices"):
        Crossdock(Settings.model_validate(told))
