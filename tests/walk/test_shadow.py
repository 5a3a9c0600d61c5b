"""Shadow and canary: everything is computed and compared with what another integration has put there, nothing is sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from crossdock.app import Crossdock
from crossdock.cli.main import app
from crossdock.contract.message import Message
from crossdock.contract.shadow import Fate
from crossdock.delivery.records import State
from crossdock.errors import ConfigurationError
from crossdock.flows import LOOKS, ORDERS
from crossdock.flows.expansion import expand
from crossdock.flows.shadow import share_of
from crossdock.operations import shadow
from crossdock.settings import Settings
from crossdock.storage.shadows import ShadowFilter
from tests.databases import postgres_url, sqlite_url
from tests.material import needs_shared
from tests.recorded_server import Asked, Reply, serve
from tests.walk.files import toml
from tests.walk.world import Erp, Shop, recorded, settings, settled, until

pytestmark = needs_shared
BODY = msgspec.json.Encoder(decimal_format="number")
ALWAYS = {"eligibility": {"*": "always"}}


class OpenErp(Erp):
    """Gives back all that an order was made with; `writes` counts whatever is no GET."""

    def __init__(self) -> None:
        super().__init__()
        self.writes = 0

    def answer(self, asked: Asked) -> Reply:
        with self.lock:
            self.writes += asked.method != "GET"
        return super().answer(asked)

    def _row(self, number: int) -> dict[str, Any]:
        return self.kept[number][1] | super()._row(number)


class World:
    """A store, an ERP, and the glue of before, which puts orders there under names of its own."""

    def __init__(self, folder: Path, shop: Shop, erp: OpenErp, tables: dict[str, Any]) -> None:
        self.folder, self.shop, self.erp, self.tables = folder, shop, erp, tables
        self.crossdock: Crossdock | None = None

    def start(self, **options: Any) -> Crossdock:
        self.stop()
        self.tables["routes"][0]["options"] = ALWAYS | options
        (self.folder / "crossdock.toml").write_text(toml(self.tables))
        self.crossdock = Crossdock(Settings(**self.tables))
        self.crossdock.start()
        return self.crossdock

    def stop(self) -> None:
        if self.crossdock is not None:
            self.crossdock.stop()
            self.crossdock = None

    def by_the_old_glue(self, name: str, **changes: Any) -> None:
        """What the mapping makes of it, as another integration would have sent it."""
        assert self.crossdock is not None
        ends = self.crossdock.connections
        raw = json.dumps({"order": recorded(name), "credit_memos": []}).encode()
        seen = Message(id="m", source="store", flow="looks", subject="1", occurred_at=datetime.now(UTC), payload=raw)
        order = expand(ends.source("store", LOOKS).parse(seen).order, "parent")
        body = json.loads(BODY.encode(ends.by_name["erp"].preview(ORDERS, order)))
        self.erp.kept.append((f"glue:{order.number}", body | {"metadata": {}} | changes))

    def fates(self) -> dict[str, Fate]:
        assert self.crossdock is not None
        return {one.reference: one.fate for one in self.crossdock.store.shadows.listed(ShadowFilter())}

    def cli(self, *words: str, code: int = 0) -> str:
        done = CliRunner().invoke(app, [*words, "--config", str(self.folder / "crossdock.toml")])
        assert done.exit_code == code, done.output
        return done.stdout


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.services)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield sqlite_url(tmp_path)
        return
    with postgres_url() as url:
        yield url


@pytest.fixture
def world(database: str, tmp_path: Path) -> Iterator[World]:
    shop, erp = Shop(), OpenErp()
    with serve(shop.answer) as one, serve(erp.answer) as two:
        tables = settings(tmp_path, one.url, two.url, database).model_dump(mode="json", exclude_defaults=True)
        made = World(tmp_path, shop, erp, tables)
        try:
            yield made
        finally:
            made.stop()


def test_a_shadow_compares_and_sends_nothing(world: World) -> None:
    crossdock = world.start(mode="shadow", shadow_patience_s=0)
    same, other, missing = "001_smoke", "061_addr_us", "011_bundle_dyn_a"
    world.by_the_old_glue(same)
    world.by_the_old_glue(other, coupon="SUMMER")
    numbers = [world.shop.add(recorded(name)) for name in (same, other, missing)]
    until(lambda: len(world.fates()) == 3 and settled(crossdock))
    called = {name: recorded(name)["increment_id"] for name in (same, other, missing)}
    assert world.fates() == {
        called[same]: Fate.EQUAL,
        called[other]: Fate.DIFFERENT,
        called[missing]: Fate.MISSING,
    }
    assert world.erp.writes == 0
    assert not any(world.shop.comments.get(number) for number in numbers)
    states = {state for (flow, _, state) in crossdock.store.counts() if flow == "orders"}
    assert states == {State.SHADOWED}
    found = shadow.report(crossdock.store.shadows, ShadowFilter())
    assert [(one.field, one.count) for one in found.fields] == [("coupon", 1)]
    assert (found.roads[0].equal, found.roads[0].different, found.roads[0].missing) == (1, 1, 1)
    assert found.uncompared["erp"] == ["metadata.magento_order_id"] or "metadata" in found.uncompared["erp"][0]
    (gone,) = [one for one in found.examples if one.fate == Fate.MISSING]
    told = world.cli("shadow", "show", str(gone.delivery))
    assert "missing the target does not have it\nlooked for at" in told, "of what is not there no field is the same"


def test_what_follows_a_shadowed_order_is_never_sent_either(world: World) -> None:
    crossdock = world.start(mode="shadow", shadow_patience_s=0)
    number = world.shop.add(recorded("001_smoke"))
    until(lambda: len(world.fates()) == 1 and settled(crossdock))
    crossdock = world.start(mode="live")  # the route goes live: what was shadowed stays the other's
    world.shop.touch(number, state="canceled", status="canceled")
    until(lambda: ("cancellations", "erp", "shadowed") in crossdock.store.counts() and settled(crossdock))
    assert world.erp.writes == 0
    fresh = world.shop.add(recorded("061_addr_us"))
    until(lambda: bool(world.shop.comments.get(fresh)) and settled(crossdock))
    assert world.erp.numbers() == [recorded("061_addr_us")["increment_id"]]


def test_another_integration_has_its_time_to_bring_an_order(world: World) -> None:
    crossdock = world.start(mode="shadow", shadow_patience_s=3600)
    number = world.shop.add(recorded("001_smoke"))
    until(lambda: world.erp.asked != [] and ("orders", "erp", "pending") in crossdock.store.counts())
    assert world.fates() == {}
    (placed,) = [one for one in crossdock.store.known("store", str(number)) if one.flow == "orders"]
    assert (placed.state, placed.attempts) == ("pending", 0)
    assert "shadow: missing" in world.cli("explain", "order", recorded("001_smoke")["increment_id"])


def test_a_canary_sends_its_share_and_a_larger_one_only_adds(world: World) -> None:
    names = ["001_smoke", "061_addr_us", "011_bundle_dyn_a"]
    shares = {name: share_of(f"v1:store:order:{recorded(name)['entity_id']}:place") for name in names}
    small, middle, large = sorted(names, key=lambda name: shares[name])
    percent = float((shares[small] + shares[middle]) / 2)
    crossdock = world.start(mode="canary", canary=percent, shadow_patience_s=0)
    for name in names:
        world.shop.add(recorded(name))
    until(lambda: len(world.fates()) == 2 and settled(crossdock))
    until(lambda: world.erp.numbers() == [recorded(small)["increment_id"]])
    assert {*world.fates()} == {recorded(name)["increment_id"] for name in (middle, large)}
    crossdock = world.start(mode="canary", canary=100, shadow_patience_s=0)
    world.shop.touch(recorded(middle)["entity_id"], total_paid=1, base_total_paid=1)
    until(lambda: ("payments", "erp", "shadowed") in crossdock.store.counts() and settled(crossdock))
    assert world.erp.numbers() == [recorded(small)["increment_id"]]  # an order never changes sides


def test_orders_from_before_the_cut_stay_the_others(world: World) -> None:
    old, new = recorded("001_smoke"), recorded("061_addr_us")
    cut = datetime.now(UTC) + timedelta(days=365)
    crossdock = world.start(mode="live", live_from=cut.isoformat(), shadow_patience_s=0)
    world.shop.add(old)
    world.shop.add(new, created_at=(cut + timedelta(days=1)).strftime("%Y-%m-%d %H:%M:%S"))
    until(lambda: world.erp.numbers() == [new["increment_id"]] and len(world.fates()) == 1 and settled(crossdock))
    assert [*world.fates()] == [old["increment_id"]]


def test_what_was_shadowed_is_sent_when_asked_and_looked_for_first(world: World) -> None:
    crossdock = world.start(mode="shadow", shadow_patience_s=0)
    number = world.shop.add(recorded("001_smoke"))
    until(lambda: len(world.fates()) == 1 and settled(crossdock))
    world.stop()
    assert "say which" in CliRunner().invoke(
        app, ["shadow", "send", "--config", str(world.folder / "crossdock.toml"), "--why", "x"]
    ).output.replace("\n", " ")
    world.cli("shadow", "send", "--target", "erp", code=2)  # without a reason
    world.cli("shadow", "send", "--target", "erp", "--fate", "missing", "--why", "the old glue is off")
    asked = len(world.erp.asked)
    crossdock = world.start(mode="live")
    until(lambda: bool(world.shop.comments.get(number)) and settled(crossdock))
    assert world.erp.numbers() == [recorded("001_smoke")["increment_id"]]
    assert len(world.erp.asked) > asked  # looked for before it was sent
    assert world.fates() == {}
    told = world.cli("explain", "order", recorded("001_smoke")["increment_id"])
    assert "shadow-send the old glue is off" in told


def test_a_shadow_takes_no_order_from_another_erp(world: World) -> None:
    with serve(OpenErp().answer) as other:
        world.tables["connections"]["next"] = world.tables["connections"]["erp"] | {"base_url": other.url}
        shadowing = {
            "source": "store",
            "target": "next",
            "options": ALWAYS | {"mode": "shadow", "shadow_patience_s": 0},
        }
        world.tables["routes"].append(shadowing)
        crossdock = world.start()
        number = world.shop.add(recorded("001_smoke"))
        until(lambda: bool(world.shop.comments.get(number)) and len(world.fates()) == 1 and settled(crossdock))
        assert world.erp.numbers() == [recorded("001_smoke")["increment_id"]]
        (seen,) = crossdock.store.shadows.listed(ShadowFilter())
        assert (seen.target, seen.fate) == ("next", Fate.MISSING)


def test_what_would_not_have_gone_says_why_and_holds_nothing_up(world: World) -> None:
    world.tables["lookups"] = {"terms": {}}
    world.tables["connections"]["erp"]["payloads"] = {"orders": {"lookups": {"payment.method": "terms"}}}
    crossdock = world.start(mode="shadow", shadow_patience_s=0)
    world.shop.add(recorded("001_smoke"))
    until(lambda: len(world.fates()) == 1 and settled(crossdock))
    (seen,) = crossdock.store.shadows.listed(ShadowFilter())
    assert seen.fate is Fate.REFUSED
    assert seen.reason.startswith("lookup-missing: lookups.terms")
    world.stop()
    world.tables["lookups"] = {"terms": {"missing": "default", "default": "NET30"}}
    world.start(mode="shadow", shadow_patience_s=0)
    world.stop()
    world.cli("shadow", "again", "--fate", "refused", "--why", "the table has a default now")
    crossdock = world.start(mode="shadow", shadow_patience_s=0)
    until(lambda: [*world.fates().values()] == [Fate.MISSING] and settled(crossdock))


def test_a_report_tells_fields_and_masks_people(world: World) -> None:
    crossdock = world.start(mode="shadow", shadow_patience_s=0)
    world.by_the_old_glue("001_smoke", customer={"email": "somebody.else@example.com"}, coupon="X")
    world.shop.add(recorded("001_smoke"))
    until(lambda: len(world.fates()) == 1 and settled(crossdock))
    (seen,) = crossdock.store.shadows.listed(ShadowFilter())
    world.stop()
    told = world.cli("shadow", "report", code=1)
    assert "customer.email" in told
    assert "somebody" not in told
    shown = world.cli("shadow", "show", str(seen.delivery))
    assert "customer.email" in shown
    assert "***" in shown
    assert "somebody" not in shown
    world.cli("shadow", "show", str(seen.delivery), "--reveal", code=2)
    revealed = world.cli("shadow", "show", str(seen.delivery), "--reveal", "--why", "ticket 7")
    assert "somebody.else@example.com" in revealed
    assert "reveal" in world.cli("audit", "export")


def test_a_mode_is_about_orders(world: World) -> None:
    world.tables["routes"].append({"source": "erp", "target": "store", "options": {"mode": "shadow"}})
    with pytest.raises(ConfigurationError, match=r"routes\[1\].options.mode: shadow is about orders"):
        world.start()
