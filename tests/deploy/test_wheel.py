"""What the Dockerfile does, in a new environment: the wheel from this checkout, at the pinned versions, runs and drains."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from crossdock.sandbox.run import ErpServer, StoreServer
from tests.databases import sqlite_url
from tests.deploy.test_fleet_as_composed import numbers, started, url_of, variables
from tests.fleet.town import health
from tests.walk.world import until

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(
    os.environ.get("CROSSDOCK_LONG") != "1", reason="installing everything anew takes a minute: only in long runs"
)


def steps(folder: Path) -> str:
    """The RUN of the first stage, with the places of a container replaced."""
    text = (ROOT / "deploy/docker/Dockerfile").read_text().replace("\\\n", " ")
    (found,) = re.findall(r"^RUN (python3 -m venv .*)$", text, re.MULTILINE)
    extras = re.search(r"^ARG EXTRAS=(.*)$", text, re.MULTILINE)
    assert extras is not None
    here = found.replace("/opt/crossdock", f"{folder}/crossdock").replace("/wheels", f"{folder}/wheels")
    return f"EXTRAS={extras[1]}; {here.replace('python3', sys.executable, 1)}"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("image")
    checkout = folder / "checkout"
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    checkout.mkdir()
    subprocess.run(["cp", "-r", *(str(ROOT / name) for name in kept), str(checkout)], check=True)
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        ["sh", "-ec", steps(folder)],
        cwd=checkout,
        env=environ,
        check=False,
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return folder / "crossdock" / "bin" / "crossdock"


@pytest.fixture
def ends() -> Iterator[tuple[StoreServer, ErpServer]]:
    store, erp = StoreServer(), ErpServer()
    store.start()
    erp.start()
    yield store, erp
    store.stop()
    erp.stop()


@pytest.mark.timeout(900)
def test_it_runs_from_its_wheel_alone_and_ends_well(
    program: Path, ends: tuple[StoreServer, ErpServer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    store, erp = ends
    version = subprocess.run([program, "--version"], check=True, capture_output=True, text=True, timeout=60).stdout
    assert re.fullmatch(r"crossdock \d+\.\d+\.\d+\n", version)
    told = variables(tmp_path, store.url, erp.url, sqlite_url(tmp_path), "")
    with started([str(program), "run", "--port", "0"], told, tmp_path / "log") as process:
        assert health(url_of(process, tmp_path / "log"))[0] == 200
        store.place(5, ["simple"])
        until(lambda: len(numbers(erp)) >= 5, 60)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert (len(numbers(erp)), erp.do(lambda one: one.doubles())) == (5, [])
