"""A system says that something changed there: what is read once an hour is read at once, and its word is no more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from crossdock.api.serving import Serving
from crossdock.cli.demo import of_target, settings
from crossdock.sandbox.erps.dynamics_bc import StandIn
from crossdock.sandbox.faults import NONE
from crossdock.sandbox.run import StoreServer
from crossdock.settings import Settings
from tests.databases import postgres_url
from tests.walk.world import until

SKU, STATE = "SIM-0001", "a-state-that-only-we-know"


class World:
    def __init__(self, folder: Path, database: str) -> None:
        self.shop, self.erp = StoreServer(seed=3), StandIn(4, NONE)
        self.shop.start()
        self.erp.start()
        table: dict[str, Any] = {**self.erp.table()}
        table["reads"] = {name: {**one, "interval_s": 3600} for name, one in table["reads"].items()}
        table["subscription"] = {
            "notification_url": "https://crossdock.example.com/hints/erp",
            "secret": "env:BC_STATE",
        }
        found = settings(folder, self.shop.url, table, of_target(self.erp)).model_dump(mode="json", exclude_unset=True)
        if database:
            found["database"] = {"url": database}
        self.serving = Serving(Settings.model_validate(found))
        self.serving.start()

    def end(self) -> None:
        self.serving.stop()
        self.shop.stop()
        self.erp.stop()

    def level(self) -> float | None:
        row = self.shop.do(lambda store: store.source_items.get((SKU, next(iter(self.erp.warehouses().values())))))
        return row["quantity"] if row else None

    def told(self, secret: str = STATE, query: str = "", connection: str = "erp") -> httpx.Response:
        row = {
            "subscriptionId": "s",
            "clientState": secret,
            "resource": "api/v2.0/companies(1)/items(2)",
            "changeType": "updated",
        }
        url = f"{self.serving.url}/hints/{connection}{query}"
        return httpx.post(url, content=json.dumps({"value": [row]}))

    def scans(self) -> int:
        view = self.serving.crossdock.readers.timetables
        (one,) = [table for road, table in view.items() if road.flow == "inventory"]
        return sum(kept.outcome == "done" for kept in one.view().standings.values())


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.services)])
def world(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for name, value in (("TOKEN", "sandbox"), ("WEBHOOK", "hook")):
        monkeypatch.setenv(f"CROSSDOCK_DEMO_{name}", value)
    monkeypatch.setenv("BC_STATE", STATE)
    if request.param == "sqlite":
        found = World(tmp_path, "")
        yield found
        found.end()
        return
    with postgres_url() as url:
        found = World(tmp_path, url)
        yield found
        found.end()


def test_a_hint_makes_a_scan_due_and_a_strangers_word_does_not(world: World) -> None:
    until(lambda: world.scans() == 1)
    world.erp.restock(SKU, 5)
    assert world.told("a guess").status_code == 401
    assert world.told(connection="store").status_code == 404
    asked = world.told(query="?validationToken=abc-123")
    assert (asked.status_code, asked.text, asked.headers["content-type"]) == (
        200,
        "abc-123",
        "text/plain; charset=utf-8",
    )
    assert world.level() != 5
    assert world.told().status_code == 200
    until(lambda: world.level() == 5)


def test_its_subscriptions_are_made_by_who_reads(world: World) -> None:
    until(lambda: bool(world.erp.subscribed()))
    assert all(row["notificationUrl"].endswith("/hints/erp") for row in world.erp.subscribed())
