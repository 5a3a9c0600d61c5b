"""`crossdock explain` at night: a sentence first. On the command line and over the API's operations alike."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from crossdock.app import Crossdock
from crossdock.cli.main import app
from crossdock.erasure import forget
from crossdock.operations.explain import Explainer, Kind
from crossdock.settings import Settings
from tests.databases import postgres_url, sqlite_url
from tests.material import needs_shared
from tests.recorded_server import Reply, serve
from tests.walk.files import toml
from tests.walk.test_customers import world_with
from tests.walk.world import Erp, Shop, recorded, settings, settled, until

pytestmark = needs_shared
NAME = "001_smoke"


def number_of() -> str:
    return str(recorded(NAME)["increment_id"])


class World:
    def __init__(self, folder: Path, shop: Shop, erp: Erp, tables: dict[str, Any]) -> None:
        self.folder, self.shop, self.erp, self.tables = folder, shop, erp, tables
        (folder / "crossdock.toml").write_text(toml(tables))
        self.crossdock = Crossdock(Settings(**tables))
        self.crossdock.start()

    def says(self, *words: str, code: int = 0) -> str:
        done = CliRunner().invoke(app, ["explain", *words, "--config", str(self.folder / "crossdock.toml")])
        assert done.exit_code == code, done.output
        return done.output

    def subject(self, kind: Kind, key: str) -> Any:
        (found,) = Explainer(self.crossdock.store, self.crossdock.settings, datetime.now(UTC)).told(kind, key)
        return found


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.services)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield sqlite_url(tmp_path)
        return
    with postgres_url() as url:
        yield url


@pytest.fixture
def world(database: str, tmp_path: Path) -> Iterator[World]:
    shop, erp = Shop(), Erp()
    with serve(shop.answer) as one, serve(erp.answer) as two:
        tables = settings(tmp_path, one.url, two.url, database).model_dump(mode="json", exclude_defaults=True)
        made = World(tmp_path, shop, erp, tables)
        try:
            yield made
        finally:
            made.crossdock.stop()


def test_a_delivered_order_says_where_it_is(world: World) -> None:
    number = world.shop.add(recorded(NAME))
    until(lambda: bool(world.shop.comments.get(number)) and settled(world.crossdock))
    told = world.says("order", number_of())
    assert "The order is in erp (is SO-1), since " in told
    story = json.loads(world.says("order", number_of(), "--json"))
    assert story["why"].startswith("The order is in erp")
    assert story["events"]
    assert story["links"]


def test_a_dead_order_says_why_and_what_to_type(world: World) -> None:
    world.erp.before = [Reply(422, {"message": "no such SKU"})]
    world.shop.add(recorded(NAME))
    until(lambda: ("orders", "erp", "dead") in world.crossdock.store.counts() and settled(world.crossdock))
    found = world.subject(Kind.ORDER, number_of())
    assert found.why.startswith("The order is not in erp because of rejected: HTTP 422")
    number = found.reasons[0].delivery
    assert f"do:   crossdock dead replay {number} --why …" in world.says("order", number_of())


def test_an_order_behind_a_paused_connection_says_so(world: World) -> None:
    world.crossdock.store.pause("erp", "the ERP is upgraded", "test", datetime.now(UTC))
    world.shop.add(recorded(NAME))
    until(lambda: ("orders", "erp", "pending") in world.crossdock.store.counts())
    told = world.says("order", number_of())
    assert "The order is not in erp because erp is paused since" in told
    assert "do:   crossdock resume erp --why …" in told


def test_an_order_that_waits_in_the_store_tells_the_reason_of_its_look(world: World) -> None:
    world.shop.add(recorded(NAME), state="holded", status="holded")
    until(lambda: ("looks", "store", "pending") in world.crossdock.store.counts())
    until(lambda: "Nothing was sent of it: erp: on hold." in world.says("order", number_of()))


def test_what_nobody_heard_of_is_told(world: World) -> None:
    assert "nothing was ever heard of 999" in world.says("order", "999", code=1)
    assert "nothing was ever heard of this customer" in world.says("customer", "999", code=1)
    world.says("customer", code=2)
    world.says("customer", "1", "--reveal", code=2)


def test_a_customer_is_told_field_by_field_without_a_value(tmp_path: Path, database: str) -> None:
    with world_with(tmp_path, database) as world:
        number = world.carried()
        world.push(number, vat_id="IT7")
        until(lambda: world.customer(1).get("taxvat") == "IT7" and settled(world.crossdock))
        store, told = world.crossdock.store, world.crossdock.settings
        email = world.customer(1)["email"]
        for key in ("1", number, email):
            (found,) = Explainer(store, told, datetime.now(UTC)).told(Kind.CUSTOMER, key)
            assert (found.source, found.subject, found.masked) == ("store", "customer:1", True)
            fields = {one.field: one for one in found.fields}
            assert fields["vat_id"].owner == "erp"
            assert fields["vat_id"].by.startswith("the ERP's, written to the store at")
            assert fields["email"].by.startswith("the store's, written to the ERP at")
            assert fields["email"].store_value == fields["email"].erp_value == "***"
            assert email not in msgspec.json.encode(found).decode()
        (shown,) = Explainer(store, told, datetime.now(UTC), revealed=True).told(Kind.CUSTOMER, number)
        assert {one.field: one.store_value for one in shown.fields}["email"] == email


def test_an_erased_customer_says_so(tmp_path: Path, database: str) -> None:
    with world_with(tmp_path, database) as world:
        number = world.carried()
        store = world.crossdock.store
        forget(
            store, world.crossdock.settings, store.fingerprint_of(world.customer(1)["email"]), "t", datetime.now(UTC)
        )
        until(lambda: settled(world.crossdock))
        for key in ("1", number):
            (found,) = Explainer(store, world.crossdock.settings, datetime.now(UTC)).told(Kind.CUSTOMER, key)
            assert found.why == "It was erased: nothing of it can be read, and nothing is carried."
            assert [fact.kind for fact in found.facts] == ["erased"]
