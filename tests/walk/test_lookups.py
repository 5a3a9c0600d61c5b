"""A lookup without an entry: the order waits, a person adds the entry, the order goes on by itself."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from crossdock.app import Crossdock
from crossdock.cli.main import app
from crossdock.delivery.store import DeadFilter
from crossdock.settings import Settings
from tests.databases import postgres_url, sqlite_url
from tests.material import needs_shared
from tests.recorded_server import serve
from tests.walk.files import toml
from tests.walk.world import Erp, Shop, recorded, settings, settled, until

pytestmark = needs_shared


class World:
    def __init__(self, file: Path, shop: Shop, erp: Erp, crossdock: Crossdock) -> None:
        self.file, self.shop, self.erp, self.crossdock = file, shop, erp, crossdock

    def says(self, *words: str, code: int = 0) -> str:
        done = CliRunner().invoke(app, [*words, "--config", str(self.file)])
        assert done.exit_code == code, done.output
        return done.output

    def letters(self) -> list[Any]:
        return self.crossdock.store.dead(DeadFilter(code="lookup-missing"))


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.services)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield sqlite_url(tmp_path)
        return
    with postgres_url() as url:
        yield url


@contextmanager
def world_with(tmp_path: Path, url: str, watch_every: float) -> Iterator[World]:
    """`watch_every`: after how many seconds it looks by itself whether what waits has its entry by now."""
    shop, erp = Shop(), Erp()
    with serve(shop.answer) as shop_server, serve(erp.answer) as erp_server:
        tables = settings(tmp_path, shop_server.url, erp_server.url, url).model_dump(mode="json", exclude_defaults=True)
        tables["connections"]["erp"]["payloads"] = {"orders": {"lookups": {"payment.method": "payment_terms"}}}
        tables["lookups"] = {"payment_terms": {"entries": {"banktransfer": "N10"}}}
        file = tmp_path / "crossdock.toml"
        file.write_text(toml(tables))
        crossdock = Crossdock(Settings(**tables), watch_every=watch_every)
        crossdock.connections.lookups.written_in(file)
        crossdock.start()
        try:
            yield World(file, shop, erp, crossdock)
        finally:
            crossdock.stop()


def test_an_entry_that_a_person_adds_lets_the_order_go_on(tmp_path: Path, database: str) -> None:
    with world_with(tmp_path, database, 3600) as world:  # else it may be quicker than the command, which counts
        order = recorded("001_smoke")
        method = order["payment"]["method"]
        number = world.shop.add(order)
        until(lambda: bool(world.letters()))
        (letter,) = world.letters()
        assert letter.reason == f"lookups.payment_terms: has no entry for {method!r}"
        assert letter.owner == "business"
        assert world.erp.kept == []
        assert f"1 wait: {letter.reason}" in world.says("lookups", "missing")
        assert "1 dead letter will be tried again" in world.says(
            "lookups", "add", "payment_terms", method, "N30", "--why", "agreed with accounting"
        )
        until(lambda: bool(world.shop.comments.get(number)) and settled(world.crossdock))
        assert [order["payment"]["method"] for _, order in world.erp.kept] == ["N30"]
        assert "nothing waits" in world.says("lookups", "missing")
        assert f"payment_terms {method}" in " ".join(world.says("lookups", "list").split())
        world.says("lookups", "remove", "payment_terms", method, "--why", "no more")
        world.says("lookups", "remove", "payment_terms", method, "--why", "no more", code=1)


def test_an_entry_that_is_written_into_the_file_does_the_same(tmp_path: Path, database: str) -> None:
    with world_with(tmp_path, database, 0.2) as world:
        order = recorded("001_smoke")
        method = order["payment"]["method"]
        number = world.shop.add(order)
        until(lambda: bool(world.letters()))
        text = world.file.read_text().replace('"banktransfer" = "N10"', f'"banktransfer" = "N10", "{method}" = "N30"')
        world.file.write_text(text)
        os.utime(world.file)
        until(lambda: bool(world.shop.comments.get(number)) and settled(world.crossdock))
        assert [order["payment"]["method"] for _, order in world.erp.kept] == ["N30"]
