"""Two real processes with one schedule: runs never overlap, none happens twice, and one that dies is made up for."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.databases import postgres_url, sqlite_url
from tests.walk.world import until

ROOT = Path(__file__).parent.parent.parent


@contextmanager
def child(database: str, file: Path, epoch: float, *words: str) -> Iterator[subprocess.Popen[str]]:
    told = [sys.executable, "-m", "tests.chaos.schedule_child", database, str(file), str(epoch), *words]
    with subprocess.Popen(told, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stdout.readline().strip() == "ready"
        try:
            yield running
        finally:
            running.terminate()
            running.wait(60)


def runs_in(file: Path) -> list[tuple[str, str]]:
    return [(line.split()[0], line.split()[1]) for line in file.read_text().splitlines()] if file.exists() else []


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.services)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield sqlite_url(tmp_path)
        return
    with postgres_url() as url:
        yield url


def test_overlapping_runs_cannot_happen(tmp_path: Path, database: str) -> None:
    file, epoch = tmp_path / "runs", time.time()
    with ExitStack() as stack:
        crowd = [stack.enter_context(child(database, file, epoch)) for _ in range(2)]
        until(lambda: len(runs_in(file)) >= 8, 60)
    lines = runs_in(file)
    assert all(one.returncode == 0 for one in crowd)
    assert [word for _, word in lines] == ["begin", "end"] * (len(lines) // 2), "one begins after the other has ended"
    pairs = list(zip(lines[::2], lines[1::2], strict=True))
    assert all(begun[0] == ended[0] for begun, ended in pairs)
    # a minute of this clock is a second: no more runs than minutes, however many processes keep the schedule
    assert len(pairs) <= time.time() - epoch + 1


@pytest.mark.parametrize("database", [pytest.param("postgresql", marks=pytest.mark.services)], indirect=True)
def test_a_run_that_dies_is_made_up_for_by_another_process(tmp_path: Path, database: str) -> None:
    file, epoch = tmp_path / "runs", time.time()
    with child(database, file, epoch, "die") as doomed:
        assert doomed.wait(60) == -9
    assert [word for _, word in runs_in(file)] == ["begin"]
    with child(database, file, epoch):
        until(lambda: [word for _, word in runs_in(file)][:3] == ["begin", "begin", "end"], 60)
