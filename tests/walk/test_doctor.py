"""`crossdock doctor` as it is typed: against the sandbox store and a custom ERP, with databases that open and one that does not."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from crossdock.cli.main import app
from crossdock.sandbox.faults import Faults
from crossdock.sandbox.house import House
from crossdock.sandbox.run import ErpServer, StoreServer
from tests.databases import postgres_url, sqlite_url
from tests.rabbit import virtual_host
from tests.walk.files import toml
from tests.walk.world import settings

HARMLESS = ("connection", "paused", "mapping", "magento-rights", "magento-limits", "magento-clock", "master-key")


class Surgery:
    """A settings file over a store and an ERP, and the doctor over it."""

    def __init__(self, folder: Path, shop: StoreServer, erp: ErpServer) -> None:
        self.shop, self.erp, self._folder = shop, erp, folder
        self.tables = settings(folder, shop.url, erp.url).model_dump(mode="json", exclude_defaults=True)
        self.tables["connections"]["erp"]["auth"] = {"scheme": "bearer", "token": f"file:{folder}/token"}
        self.file = folder / "crossdock.toml"
        self.write()

    def write(self, **tables: Any) -> None:
        self.file.write_text(toml(self.tables | tables))

    def says(self, *words: str, code: int = 0) -> str:
        result = CliRunner().invoke(app, ["doctor", *words, "-c", str(self.file)], env={"COLUMNS": "240"})
        assert result.exit_code == code, (words, result.output, result.exception)
        return result.output

    def only(self, *names: str, code: int = 0, more: tuple[str, ...] = ()) -> str:
        return self.says(*[word for name in names for word in ("--only", name)], *more, code=code)


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Surgery]:
    shop, erp = StoreServer(token="t0ken"), ErpServer(token="t0ken")
    shop.start()
    erp.start()
    try:
        yield Surgery(tmp_path, shop, erp)
    finally:
        shop.stop()
        erp.stop()


def test_all_is_well_and_said_in_a_line_each(at: Surgery) -> None:
    at.shop.place(3, ["simple"])
    told = at.only(*HARMLESS)
    assert told.splitlines()[0] == "crossdock"
    assert "  ok       the newest 3 orders: each could be told to its ERP (tried, nothing was sent)  mapping" in told
    assert "why:" not in told
    assert told.splitlines()[-1] == "9 fine. docs/doctor.md explains each."
    assert at.erp.do(lambda erp: erp.orders) == []


def test_what_is_wrong_comes_first_with_why_and_how_it_is_mended(at: Surgery) -> None:
    at.shop.set_faults(Faults(house=House(denied=("Magento_Sales::create",))))
    lines = at.only("store", code=1).splitlines()
    assert lines[0] == "store"
    assert lines[1].startswith("  ERROR    Magento_Sales::create is missing, for acknowledgements (POST /V1/orders)")
    assert lines[2].strip().startswith("why: Magento answers 401")
    assert lines[3].strip() == (
        "mend: System > Integrations > ours > API: tick Sales > Operations > Orders > Actions > Create, and save"
    )
    assert " fine, 1 error, 1 warning, " in lines[-1], "the token goes with every call"


def test_an_order_that_the_mapping_does_not_take_is_named(at: Surgery) -> None:
    at.shop.place(2, ["simple"])
    terms = {"terms": {"missing": "ask", "entries": {"banktransfer": "NET10"}}}
    at.write(lookups=terms)
    assert "each could be told" in at.only("mapping"), "a table that nobody asks holds up nothing"
    at.tables["connections"]["erp"]["payloads"] = {"orders": {"lookups": {"payment.method": "terms"}}}
    at.write(lookups=terms)
    told = at.only("mapping", code=1)
    assert "ERROR    2 orders of the newest would not go to erp, as 000000002: lookup-missing: lookups.terms" in told
    assert "checkmo" in told


def test_exit_codes_for_scripts(at: Surgery) -> None:
    assert json.loads(at.only("magento-login", more=("--json",)))["warnings"] == 1
    assert json.loads(at.only("magento-login", more=("--json", "--strict"), code=2))["errors"] == 0
    at.shop.stop()
    told = at.only("magento-clock", code=2)
    assert "unseen   could not look: unreachable" in told
    at.only("connection", "magento-clock", code=1)


def test_what_is_no_check_is_refused(at: Surgery) -> None:
    assert "--only: magento-right is no check and no connection" in at.only("magento-right", code=2)


def test_a_database_that_does_not_open_is_said_and_no_traceback(at: Surgery) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        at.write(database={"url": f"postgresql://crossdock:s3same@127.0.0.1:{port}/nothing"})
        told = at.says(code=1)
    assert "storage" in told
    assert "s3same" not in told
    assert "Traceback" not in told


@pytest.mark.services
def test_a_fleets_database_and_broker_are_looked_at(at: Surgery) -> None:
    with postgres_url() as url, virtual_host() as broker:
        at.write(database={"url": url}, broker={"url": broker})
        told = at.only("database", "database-clock", "disk", "broker")
    assert "ok       PostgreSQL " in told
    assert "ok       RabbitMQ " in told
    assert "by hand  the database has " in told


def test_the_same_on_sqlite_without_a_broker(at: Surgery, tmp_path: Path) -> None:
    at.write(database={"url": sqlite_url(tmp_path)})
    told = at.only("database", "broker")
    assert "RabbitMQ" not in told
    assert "SQLite" in told
