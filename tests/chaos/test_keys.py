"""The master key is rotated while orders are carried, and its rotation is killed in the middle: nothing is lost by it."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from crossdock.app import Crossdock, open_store
from crossdock.cli.main import app
from crossdock.settings import Settings, load
from tests.databases import postgres_url
from tests.material import needs_shared
from tests.recorded_server import serve
from tests.walk.files import toml
from tests.walk.world import Erp, Shop, recorded, settings, settled, until

pytestmark = needs_shared
ROOT = Path(__file__).parent.parent.parent
BEFORE, DURING = range(1, 13), range(13, 25)


@pytest.fixture(params=["", pytest.param("postgresql", marks=pytest.mark.services)])
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    if not request.param:
        yield ""
        return
    with postgres_url() as url:
        yield url


def order(number: int) -> dict[str, Any]:
    made = recorded("001_smoke") | {"entity_id": number, "increment_id": f"{number:09}"}
    made["customer_email"] = f"buyer{number}@example.com"
    return made


def new_key(folder: Path) -> dict[str, Any]:
    path = folder / "new.key"
    path.write_text(base64.b64encode(b"n" * 32).decode())
    path.chmod(0o600)
    return {"master_key": f"file:{path}", "old_master_keys": [f"file:{folder}/master.key"]}


def written(folder: Path, told: Settings, security: dict[str, Any]) -> Path:
    file = folder / "crossdock.toml"
    tables = told.model_dump(mode="json", exclude_defaults=True, exclude_none=True) | {"security": security}
    file.write_text(toml(tables))
    return file


def says(file: Path, *verb: str, code: int) -> str:
    result = CliRunner().invoke(app, [*verb, "-c", str(file)], env={"COLUMNS": "300"})
    assert result.exit_code == code, (verb, result.output, result.exception)
    return result.output


def carry(told: Settings, shop: Shop, erp: Erp, numbers: range) -> Crossdock:
    crossdock = Crossdock(told)
    crossdock.start()
    for number in numbers:
        shop.add(order(number))
    until(lambda: len(erp.numbers()) >= numbers[-1], 60)
    until(lambda: settled(crossdock), 60)  # else what is erased next may still be under way
    return crossdock


def test_killed_in_the_middle_beside_workers_and_run_again(tmp_path: Path, database: str) -> None:
    shop, erp = Shop(), Erp()
    with serve(shop.answer) as store, serve(erp.answer) as target:
        plain = settings(tmp_path, store.url, target.url, database)
        crossdock = carry(plain, shop, erp, BEFORE)
        print_of = crossdock.store.fingerprint_of("buyer3@example.com")
        assert "store:3" in crossdock.store.erase(print_of, "test", crossdock.store.timeline("store", "4")[0].at)
        crossdock.stop()

        security = new_key(tmp_path)
        file = written(tmp_path, plain, security)
        assert "keys left under" in says(file, "keys", "status", code=1)
        crossdock = Crossdock(load(file))
        crossdock.start()
        try:
            for number in DURING:
                shop.add(order(number))
            doomed = [sys.executable, "-m", "tests.chaos.keys_child", str(file), "2", "3"]
            assert subprocess.run(doomed, cwd=ROOT, check=False, timeout=120).returncode == -9
            left = json.loads(says(file, "keys", "status", "--json", code=1))["left"]
            assert sum(left.values()) > 0, "it was killed in the middle"
            until(lambda: len(erp.numbers()) >= DURING[-1], 60)
            assert "none left" in says(file, "keys", "rotate", code=0)
        finally:
            crossdock.stop()
        assert "none left" in says(file, "keys", "status", code=0)
        assert sorted(erp.numbers()) == sorted(f"{number:09}" for number in (*BEFORE, *DURING)), "each once"

        file = written(tmp_path, plain, {"master_key": security["master_key"]})
        (tmp_path / "master.key").unlink()
        book = open_store(load(file))
        try:
            rows = [row for row in book.audit_export(bodies=True) if row.get("request")]
            told = str(rows)
            assert all(f"buyer{number}@example.com" in told for number in (*BEFORE, *DURING) if number != 3)
            assert "buyer3@example.com" not in told
            assert book.fingerprint_of("buyer3@example.com") == print_of
            assert book.is_erased("store", "3")
            assert book.audit_broken_at() is None
        finally:
            book.close()
