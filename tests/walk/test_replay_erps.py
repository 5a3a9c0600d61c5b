"""A recorded day in each kind of ERP, replayed: byte for byte the same, and exactly what a changed mapping changes.

The ERPs are the stand-ins of their vendors' contracts, and a real Tryton. They misbehave: creates are cut off after they
took effect, or refused for a while, so that attempts are looked up, repeated and found.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

import pytest
from typer.testing import CliRunner

from crossdock.app import Crossdock
from crossdock.cli.demo_targets import named, target_of
from crossdock.cli.main import app
from crossdock.erp.registry import BUILT_IN
from crossdock.sandbox.faults import Faults
from crossdock.settings import Settings
from tests.erp.tryton.test_recorded import prepared, read
from tests.material import SHARED, needs_shared
from tests.recorded_server import Asked, Reply, serve
from tests.tryton_server import Tryton, start_tryton
from tests.walk.files import toml
from tests.walk.world import Shop, recorded, recorded_names, rests, settings, until

pytestmark = [needs_shared, pytest.mark.timeout(240)]
STAMP = "%Y-%m-%dT%H:%M:%S"
HELD, CANCELED, REFUNDED = "001_smoke", "003_simple_b", "153_lc_excl_part_refund_3"
SPREAD = recorded_names()[::14] if (SHARED / "magento").is_dir() else []
DAY = (*dict.fromkeys((HELD, CANCELED, REFUNDED, *SPREAD)),)
REFUSED = "R90001"
TROUBLE = Faults(classes={"create": {"reset_after": 0.15, "down": 0.1, "garbage_after": 0.05}, "find": {"busy": 0.05}})
FOLLOWING = ("orders", "cancellations", "holds", "payments", "refunds")
GONE = "OD-P0333"  # an article that nobody sells there
RATES = ("0", "4", "7", "10", "19", "20", "22", "8.25", "7.7", "6.875", "11.2003")
VAT = {rate: f"VAT{rate}" for rate in RATES}
PRODUCTS = {name: name.upper() for name in ("shipping", "fee", "credit", "rounding")}  # none for fixed product taxes
MORE: Mapping[str, dict[str, Any]] = {
    "dynamics_bc": {"taxes": VAT},
    "dynamics_fo": {"taxes": VAT},
    "oracle_fusion": {
        "hold": {"code": "WEB", "release_reason": "OK"},
        "cancel": {"reason": "WEB"},
        "products": PRODUCTS,
    },
    "sap_b1": {"taxes": {"22": "A1", "0": "A0", "10": "A2", "19": "A3"}},
    "sap_s4": {"blocks": {"rejection": "61", "hold": "08", "difference": "09"}},
}
# a setting of the mapping that is another now, and the fields by which that is told
OTHERWISE: Mapping[str, tuple[dict[str, Any], set[str]]] = {
    "dynamics_bc": ({"taxes": VAT | {"22": "NEW22"}}, {"requests[].body.salesOrderLines[].taxCode"}),
    "dynamics_fo": ({"taxes": VAT | {"22": "NEW22"}}, {"[].body.SalesTaxItemGroupCode"}),
    "netsuite": ({"custom": {"line_id": "custcol_l"}}, {"item.items[].custcol_line_id", "item.items[].custcol_l"}),
    "oracle_fusion": ({"products": PRODUCTS | {"shipping": "CARRIAGE"}}, {"lines[].ProductNumber"}),
    "rest": ({"payloads": {"orders": {"fields": {"terms": "payment.method"}}}}, {"terms"}),
    "sap_b1": ({"line_id_field": "U_Line"}, {"DocumentLines[].U_LineId", "DocumentLines[].U_Line"}),
    "sap_s4": ({"materials": {"shipping": "CARRIAGE", "fee": "FEE", "fpt": "FPT"}}, {"to_Item[].Material"}),
    "tryton": ({"shipment_method": "invoice"}, {"shipment_method"}),
    "tryton by RPC": ({"shipment_method": "invoice"}, {"params[][].shipment_method"}),
}


class Refunding(Shop):
    """A store that has credit memos too."""

    memos: tuple[dict[str, Any], ...] = ()

    def _answer(self, asked: Asked) -> Reply:
        if not asked.path.endswith("/creditmemos"):
            return super()._answer(asked)
        number, *_ = (int(value) for name, value in asked.query.items() if name.endswith("[0][filters][0][value]"))
        found = [one for one in self.memos if one["order_id"] == number]
        return Reply(200, {"items": found, "total_count": len(found)})


def memos_of(name: str) -> tuple[dict[str, Any], ...]:
    files = sorted((SHARED / "magento/orders").glob(f"{name}.creditmemo_*.json"))
    return tuple(json.loads(file.read_text()) for file in files)


def sold(names: Sequence[str]) -> set[str]:
    return {item["sku"] for name in names for item in recorded(name)["items"]} - {GONE}


class World:
    """A store, an ERP, and Crossdock between them until the day is over."""

    def __init__(self, folder: Path, shop: Refunding, url: str, erp: Any, days: Sequence[str] = DAY) -> None:
        self.folder, self.shop, self.erp, self.names = folder, shop, erp, days
        table = dict(erp.table())
        self.kind = str(table["kind"])
        flows = import_module(BUILT_IN[self.kind].replace("connector", "settings")).FlowName
        self.flows = [flow for flow in FOLLOWING if flow in get_args(flows)]
        table |= {"flows": self.flows, "settling_s": 0.3, "reads": {}} | MORE.get(self.kind, {})
        tables = settings(folder, url, url).model_dump(mode="json", exclude_defaults=True)
        tables["connections"] |= {"erp": table}
        tables["lookups"] = {name: {"entries": dict(rows)} for name, rows in erp.lookups().items()}
        self.tables = tables
        self.began = datetime.now(UTC) - timedelta(seconds=1)
        self.crossdock = Crossdock(Settings(**tables))
        self.crossdock.start()

    def live(self) -> dict[tuple[str, str, str], int]:
        """A day: orders, one refused, a hold, a cancellation, refunds; to the last acknowledgement. Then nothing runs.

        How many deliveries there are by flow, target and state.
        """
        for name in self.names:
            self.shop.add(recorded(name))
        paid_back = {name: value for name, value in recorded(REFUNDED).items() if name.endswith("total_refunded")}
        self.shop.touch(recorded(REFUNDED)["entity_id"], **dict.fromkeys(paid_back))
        refused = recorded(CANCELED)
        for item in refused["items"]:
            item["sku"] = "X" * 400
        self.shop.add(refused, entity_id=90001, increment_id=REFUSED, order_currency_code="XTS")
        wanted = len(self.shop.orders)
        until(lambda: self.looked() >= wanted and rests(self.crossdock), 120)
        getattr(self.erp, "sessions", set()).clear()
        held, canceled, refunded = (recorded(name)["entity_id"] for name in (HELD, CANCELED, REFUNDED))
        for number, state in ((held, "holded"), (canceled, "canceled"), (held, "processing")):
            self.shop.touch(number, state=state, status=state)
            self.seen()
        self.shop.memos = memos_of(REFUNDED)
        self.shop.touch(refunded, **paid_back)
        self.seen()
        counts = self.crossdock.store.counts()
        self.crossdock.stop()
        self.erp.stop()
        return dict(counts)

    def seen(self) -> None:
        """What was touched has been heard of, and all that came of it is done."""
        for _ in range(2):  # a scan that was under way may have passed it
            before = self.scanned()
            until(lambda before=before: self.scanned() != before, 60)  # type: ignore[misc]
        until(lambda: rests(self.crossdock), 60)

    def scanned(self) -> list[datetime | None]:
        """When the store was last read as far as it goes."""
        return [one.complete_at for one in self.crossdock.store.checkpoints() if one.source == "store"]

    def looked(self) -> int:
        counts = self.crossdock.store.counts()
        return sum(number for (flow, _, _), number in counts.items() if flow == "looks")

    def replay(self, code: int = 0, **erp: Any) -> dict[str, Any]:
        connections = self.tables["connections"]
        file = self.folder / "now.toml"
        file.write_text(toml(self.tables | {"connections": connections | {"erp": connections["erp"] | erp}}))
        period = f"{self.began:{STAMP}}..{datetime.now(UTC) + timedelta(seconds=5):{STAMP}}"
        done = CliRunner().invoke(app, ["replay", "--as-of", period, "--dry-run", "--json", "--config", str(file)])
        found: dict[str, Any] = json.loads(done.stdout) if done.stdout else {}
        assert done.exit_code == code, (done.exception, found.get("others"), found.get("fields"))
        return found


@contextmanager
def world_of(erp: Any, folder: Path, names: Sequence[str] = DAY) -> Iterator[World]:
    shop = Refunding()
    with serve(shop.answer) as server:
        made = World(folder, shop, server.url, erp, names)
        try:
            yield made
        finally:
            made.crossdock.stop()
            erp.stop()


@pytest.fixture(params=[name for name in named() if name != "tryton"])
def world(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("CROSSDOCK_DEMO_TOKEN", "sandbox")
    erp: Any = target_of(request.param, tmp_path, 3, TROUBLE)
    erp.start()
    for sku in sold(DAY):
        erp.restock(sku, 100)
        if request.param == "dynamics_fo":
            erp._server.do(lambda books, sku=sku: books.add_item(sku))
    with world_of(erp, tmp_path) as made:
        yield made


def test_a_day_replays_byte_for_byte_and_a_changed_mapping_changes_its_fields(world: World) -> None:
    counts = world.live()
    assert sum(world.erp.drawn().values()) >= 3, "attempts were repeated"
    check(world, counts, delivered=10)


def check(world: World, counts: Mapping[tuple[str, str, str], int], delivered: int) -> None:
    assert counts["orders", "erp", "delivered"] >= delivered
    assert world.kind == "rest" or counts["orders", "erp", "dead"] >= 1
    followed = {flow for flow, target, state in counts if target == "erp" and state == "delivered"}
    by_a_person = {"cancellations"} if world.kind == "tryton" else set()  # of what it processes already
    assert set(world.flows) - {"payments"} - by_a_person <= followed, counts
    same = world.replay()
    assert same["bytes_different"] == 0
    assert same["bytes_compared"] > 500 * delivered
    assert same["counts"]["same"] == same["deliveries"] == sum(n for (_, to, _), n in counts.items() if to == "erp")
    assert same["not_replayable"] == {"acknowledgements to store": counts["acknowledgements", "store", "delivered"]}
    by_rpc = world.tables["connections"]["erp"]["auth"]["scheme"] == "session"
    more, fields = OTHERWISE[f"{world.kind} by RPC" if by_rpc else world.kind]
    other = world.replay(code=1, **more)
    assert {one["field"] for one in other["fields"]} == fields
    assert {one["flow"] for one in other["fields"]} == {"orders"}
    assert other["counts"]["changed"] >= delivered - 1
    assert other["counts"]["changed"] + other["counts"]["same"] == other["deliveries"]


class InTryton:
    """A real Tryton as one more of them. It makes no faults of its own."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        self.known = table

    def table(self) -> Mapping[str, Any]:
        return self.known

    def lookups(self) -> Mapping[str, Mapping[str, str]]:
        return {}

    def stop(self) -> None:
        """With the server itself."""


@pytest.fixture(scope="module")
def tryton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tryton]:
    with start_tryton(tmp_path_factory.mktemp("tryton")) as server:
        prepared(server, [read(SHARED / f"magento/orders/{name}.json") for name in DAY[:8]])
        yield server


@pytest.mark.services
@pytest.mark.slow
@pytest.mark.parametrize("login", ["key", "session"])
def test_a_day_in_a_real_tryton_replays_byte_for_byte(tryton: Tryton, login: str, tmp_path: Path) -> None:
    made = tryton.settings if login == "key" else tryton.session_settings
    with world_of(InTryton(made(reference_prefix=f"{login}-")), tmp_path, DAY[:8]) as world:
        check(world, world.live(), delivered=5)
