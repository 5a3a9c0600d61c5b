"""The processes that compose.yaml starts, with its settings file as it is, carry orders from a store to an ERP.

Only addresses, and where secrets are, differ: they are given as variables, which go before the file.
"""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from crossdock.sandbox.run import ErpServer, StoreServer
from tests.databases import postgres_url, sqlite_url
from tests.fleet.town import health
from tests.rabbit import forget_queues
from tests.walk.world import until

DOCKER = Path(__file__).parents[2] / "deploy" / "docker"
PROGRAM = str(Path(sys.executable).with_name("crossdock"))
LOGIN = {
    "STORE__AUTH__CONSUMER_KEY": "consumer-key",
    "STORE__AUTH__CONSUMER_SECRET": "consumer-secret",
    "STORE__AUTH__TOKEN": "sandbox",
    "STORE__AUTH__TOKEN_SECRET": "token-secret",
    "ERP__AUTH__TOKEN": "sandbox",
}


def variables(folder: Path, store: str, erp: str, database: str, broker: str) -> dict[str, str]:
    key = folder / "master_key"
    key.write_text(base64.b64encode(b"k" * 32).decode())
    key.chmod(0o600)
    secrets = {f"SECRET_{name}": value for name, value in LOGIN.items()}
    where = {f"CROSSDOCK__CONNECTIONS__{name}": f"env:SECRET_{name}" for name in LOGIN}
    return {
        "CROSSDOCK_CONFIG": str(DOCKER / "crossdock.toml"),
        "CROSSDOCK__DATABASE__URL": database,
        "CROSSDOCK__BROKER__URL": broker,
        "CROSSDOCK__SECURITY__MASTER_KEY": f"file:{key}",
        "CROSSDOCK__API__HOST": "127.0.0.1",
        "CROSSDOCK__CONNECTIONS__STORE__BASE_URL": store,
        "CROSSDOCK__CONNECTIONS__STORE__POLLING__INTERVAL_S": "0.5",
        "CROSSDOCK__CONNECTIONS__STORE__POLLING__LAG_S": "0",
        "CROSSDOCK__CONNECTIONS__ERP__BASE_URL": erp,
        **secrets,
        **where,
    }


@contextmanager
def started(command: list[str], told: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[str]]:
    with log.open("wb") as file:
        environ = {**os.environ, **told}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=file, text=True, env=environ)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def url_of(process: subprocess.Popen[str], log: Path) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    found = [word for word in line.split() if word.startswith("http://")]
    assert found, log.read_text()
    return "/".join(found[0].split("/")[:3])


@pytest.fixture
def ends() -> Iterator[tuple[StoreServer, ErpServer]]:
    store, erp = StoreServer(), ErpServer()
    store.start()
    erp.start()
    yield store, erp
    store.stop()
    erp.stop()


def numbers(erp: ErpServer) -> list[Any]:
    return sorted(erp.do(lambda one: [order["number"] for order in one.orders]))


def commands() -> dict[str, list[str]]:
    """Of compose.yaml, each at a free port."""
    services = yaml.safe_load((DOCKER / "compose.yaml").read_text())["services"]
    found = {name: service["command"] for name, service in services.items() if "command" in service}
    return {name: [PROGRAM, *("0" if one == "8080" else one for one in words)] for name, words in found.items()}


@pytest.mark.services
def test_a_fleet_as_composed_carries_orders_and_ends_well(
    ends: tuple[StoreServer, ErpServer], tmp_path: Path, rabbit: str
) -> None:
    store, erp = ends
    with postgres_url() as database, ExitStack() as running:
        told = variables(tmp_path, store.url, erp.url, database, rabbit)
        words = commands()
        migrated = subprocess.run(
            words["migrate"], check=True, capture_output=True, text=True, timeout=120, env={**os.environ, **told}
        )
        assert "The tables are those of this version" in migrated.stdout
        roles = [["api", "--port", "0"], *([words["worker"][1:]] * 2), *([words["poller"][1:]] * 2)]
        logs = [tmp_path / f"{number}-{role[0]}.log" for number, role in enumerate(roles)]
        processes = [
            running.enter_context(started([PROGRAM, *role], told, log)) for role, log in zip(roles, logs, strict=True)
        ]
        urls = [url_of(process, log) for process, log in zip(processes, logs, strict=True)]
        assert {health(url)[0] for url in urls} == {200}
        store.place(10, ["simple"])
        until(lambda: len(numbers(erp)) >= 10, 60)
        for process in processes:
            process.terminate()
        assert [process.wait(60) for process in processes] == [0] * 5
        assert (len(numbers(erp)), erp.do(lambda one: one.doubles())) == (10, [])
        assert "sandbox" not in "".join(log.read_text() for log in logs), "a secret in the log"
    forget_queues(rabbit, "store", "erp")


def test_one_container_as_composed_carries_orders_on_sqlite(
    ends: tuple[StoreServer, ErpServer], tmp_path: Path
) -> None:
    store, erp = ends
    told = variables(tmp_path, store.url, erp.url, sqlite_url(tmp_path), "")
    log = tmp_path / "run.log"
    with started([PROGRAM, "run", "--port", "0"], told, log) as process:
        assert health(url_of(process, log))[0] == 200
        store.place(3, ["simple"])
        until(lambda: len(numbers(erp)) >= 3, 60)
        process.terminate()
        assert process.wait(60) == 0
    assert (len(numbers(erp)), erp.do(lambda one: one.doubles())) == (3, [])
