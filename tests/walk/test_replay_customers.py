"""Customers of a past period replayed as they were promised; what cannot be replayed is told, not left out in silence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from crossdock.app import utc_now
from crossdock.cli.main import app
from crossdock.erasure import forget
from tests.databases import sqlite_url
from tests.walk.files import toml
from tests.walk.test_customers import World, world_with
from tests.walk.world import until

STAMP = "%Y-%m-%dT%H:%M:%S"
EXTRA = {"payloads": {"customers": {"fields": {"channel": "'web'"}}}}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Three customers carried to the ERP, one edited here, one there, one forgotten; then nothing runs."""
    with world_with(tmp_path, sqlite_url(tmp_path), erasure="send") as made:
        number = made.carried(1)
        made.edit(1, lastname="Bianchi")
        until(lambda: made.known(number)["customer"]["last_name"] == "Bianchi")
        made.quiet()
        made.push(number, first_name="Maria")
        until(lambda: made.customer(1)["firstname"] == "Maria")
        made.carried(2)
        print_of = made.crossdock.store.fingerprint_of("customer2@example.com")
        forget(made.crossdock.store, made.crossdock.settings, print_of, "test", utc_now())
        made.crossdock.wake()
        until(lambda: made.shop.do(lambda store: 2 not in store.customers))
        made.quiet()
        made.serving.stop()
        yield made


def replay(world: World, folder: Path, *words: str, **erp: Any) -> tuple[int, str]:
    tables = world.crossdock.settings.model_dump(mode="json", exclude_defaults=True)
    tables["connections"]["erp"] |= erp
    file = folder / "now.toml"
    file.write_text(toml(tables))
    now = datetime.now(UTC)
    period = f"{now - timedelta(minutes=5):{STAMP}}..{now + timedelta(seconds=5):{STAMP}}"
    done = CliRunner().invoke(app, ["replay", "--as-of", period, "--dry-run", "--config", str(file), *words])
    return done.exit_code, done.stdout


def test_customers_and_erasures_replay_as_they_were_promised(world: World, tmp_path: Path) -> None:
    counts = world.crossdock.store.counts()
    told = world.erp.do(lambda erp: len(erp.people.told))
    code, text = replay(world, tmp_path, "--json")
    found = json.loads(text)
    # of whom is forgotten nothing can be said any more: the keys are gone
    assert {one["why"] for one in found["others"]} == {"what was said was forgotten, or erased"}
    assert {one["flow"] for one in found["others"]} == {"customers"}
    assert code == 1
    people = sum(number for (flow, target, _), number in counts.items() if (flow, target) == ("customers", "erp"))
    assert found["counts"]["unknown"] == sum(one["reference"] == "customer:2" for one in found["others"])
    code, text = replay(world, tmp_path, "--json", "--flow", "customers")
    only = json.loads(text)
    assert only["deliveries"] == people
    assert only["counts"]["same"] == people - only["counts"]["unknown"] >= 3
    code, text = replay(world, tmp_path, "--json", "--flow", "erasures")
    erasures = json.loads(text)
    assert (erasures["counts"]["same"], erasures["bytes_different"], code) == (1, 0, 0)
    assert erasures["bytes_compared"] > 0
    assert world.erp.do(lambda erp: len(erp.people.told)) == told, "nothing was sent"


def test_a_changed_mapping_of_customers_changes_its_field(world: World, tmp_path: Path) -> None:
    code, text = replay(world, tmp_path, "--json", "--flow", "customers", **EXTRA)
    found = json.loads(text)
    assert code == 1
    assert {one["field"] for one in found["fields"]} == {"channel"}
    assert found["counts"]["changed"] >= 3
    assert found["counts"]["same"] == 0


def test_what_cannot_be_replayed_is_told_by_name_and_number(world: World, tmp_path: Path) -> None:
    counts = world.crossdock.store.counts()
    back = sum(number for (flow, target, _), number in counts.items() if (flow, target) == ("customers", "store"))
    assert back >= 1
    _, text = replay(world, tmp_path, "--json")
    assert json.loads(text)["not_replayable"]["customers to store"] == back
    assert json.loads(text)["not_replayable"]["erasures to store"] == 1
    _, text = replay(world, tmp_path)
    told = " ".join(text.split())
    assert f"{back} customers to store" in told.partition("not replayable: ")[2]
    _, text = replay(world, tmp_path, "--json", "--to", "erp")
    assert json.loads(text)["not_replayable"] == {}


def test_a_flow_that_cannot_be_replayed_is_refused_by_name(world: World, tmp_path: Path) -> None:
    code, _ = replay(world, tmp_path, "--flow", "inventory")
    assert code == 2
