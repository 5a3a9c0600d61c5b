"""`crossdock coverage` over a store that loses webhooks: nothing is missed, and every gap has its cause."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from crossdock.api.serving import Serving
from crossdock.app import Crossdock
from crossdock.cli.main import app
from crossdock.sandbox.faults import Faults
from crossdock.sandbox.run import StoreServer
from crossdock.sandbox.store import Store
from crossdock.settings import Settings
from tests.recorded_server import serve
from tests.walk.files import toml
from tests.walk.world import Erp, settings, settled, until

SECRET = "h00k-secret"
PLACED = 60
GONE = (7, 8, 30)


class Counted:
    """A store that loses three webhooks of ten, an ERP, and what the command says of them."""

    def __init__(self, folder: Path, shop: StoreServer, erp_url: str) -> None:
        self.shop = shop
        (folder / "hook").write_text(SECRET)
        (folder / "hook").chmod(0o600)
        base = settings(folder, shop.url, erp_url)
        tables = {name: dict(table) for name, table in base.connections.items()}
        hooks = {"enabled": True, "format": "async-events", "secrets": [f"file:{folder}/hook"]}
        tables["store"] |= {"webhooks": hooks}
        self.settings: Settings = base.model_copy(
            update={"connections": tables, "api": base.api.model_copy(update={"port": 0})}
        )
        self._file = folder / "crossdock.toml"
        self._file.write_text(toml(self.settings.model_dump(mode="json", exclude_defaults=True)))

    def says(self, *options: str, code: int = 0) -> str:
        result = CliRunner().invoke(app, ["coverage", "-c", str(self._file), *options], env={"COLUMNS": "300"})
        assert result.exit_code == code, (result.output, result.exception)
        return result.output

    def told(self, *options: str, code: int = 0) -> dict[str, Any]:
        (store,) = json.loads(self.says(*options, "--json", code=code))
        assert isinstance(store, dict)
        return store

    def gaps(self, *options: str, code: int = 0) -> list[tuple[str, str]]:
        told = self.told(*options, code=code)
        return [(gap["ids"], gap["kind"]) for hour in told["hours"] for gap in hour["gaps"]]

    def place(self, count: int) -> None:
        """Created over the last three closed hours, changed only now: a webhook for each, some of which get lost."""

        def do(store: Store) -> None:
            for _ in range(count):
                number = store.place()
                created = closed_hour() - timedelta(minutes=(number * 3) % 180 + 1)
                store.orders[number]["created_at"] = created.strftime("%Y-%m-%d %H:%M:%S")

        self.shop.do(do)

    def subscribe(self, url: str) -> None:
        wanted = {"event_name": "sales.order.created", "recipient_url": f"{url}/webhooks/store/sales.order.created"}
        self.shop.subscribe(wanted | {"verification_token": SECRET, "metadata": "http"})


def closed_hour() -> datetime:
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


@pytest.fixture
def counted(tmp_path: Path) -> Iterator[Counted]:
    shop, erp = StoreServer(seed=5, faults=Faults(lost_webhooks=0.3), token="t0ken"), Erp()
    shop.start()
    try:
        with serve(erp.answer) as server:
            yield Counted(tmp_path, shop, server.url)
    finally:
        shop.stop()


def test_with_a_third_of_the_webhooks_lost_nothing_is_missed_and_every_gap_is_explained(counted: Counted) -> None:
    serving = Serving(counted.settings)
    serving.start()
    try:
        counted.subscribe(serving.url)
        counted.place(PLACED)
        until(lambda: serving.crossdock.store.counts().get(("orders", "erp", "delivered")) == PLACED, 60)
        until(lambda: settled(serving.crossdock))
    finally:
        serving.stop()
    assert counted.shop.do(lambda store: store.lottery.drawn["lost_webhooks"]) > PLACED / 10
    counted.shop.do(lambda store: [store.orders.pop(number) for number in GONE])
    told = counted.told()
    assert [sum(hour[name] for hour in told["hours"]) for name in ("existing", "seen")] == [PLACED - len(GONE)] * 2
    assert sorted(counted.gaps()) == [("30", "gone"), ("7-8", "gone")]
    text = counted.says()
    assert "none missed" in text
    assert "rolled back or deleted" in text


def test_what_no_webhook_told_waits_for_the_next_scan_and_the_watermark_is_shown(counted: Counted) -> None:
    counted.place(3)
    assert [kind for _, kind in counted.gaps()] == ["waiting"] * 3
    assert "never polled yet" in counted.says()
    scan(counted)
    assert counted.gaps() == []
    counted.place(1)
    assert counted.gaps() == [("4", "waiting")]
    counted.shop.do(lambda store: store.orders[4].update(updated_at=ago(minutes=10)))
    assert counted.gaps() == [("4", "waiting")]
    assert "the next scan reads from" in counted.says()


def test_an_order_that_polling_has_passed_unheard_of_is_missed_named_and_filled(counted: Counted) -> None:
    counted.place(3)
    counted.shop.do(lambda store: store.orders.__setitem__(9, store.orders.pop(2) | {"entity_id": 9}))
    hidden = counted.shop.do(lambda store: store.orders.pop(9))
    scan(counted)
    hidden |= {"updated_at": ago(hours=1)}
    counted.shop.do(lambda store: store.orders.__setitem__(9, hidden))
    assert counted.gaps(code=1)[-1] == ("9", "missed")
    assert "1 missed: 9" in counted.says(code=1)
    counted.says("--fill", code=1)
    assert ("9", "missed") not in counted.gaps()


def test_an_order_that_cannot_be_read_is_parked_and_named_with_its_letter(counted: Counted) -> None:
    counted.place(3)
    counted.shop.do(lambda store: store.orders[2].pop("order_currency_code"))
    crossdock = Crossdock(counted.settings)
    crossdock.start()
    try:
        until(lambda: crossdock.store.counts().get(("looks", "store", "dead")) == 1)
        until(lambda: settled(crossdock))
    finally:
        crossdock.stop()
    assert counted.gaps() == [("2", "parked")]
    assert "dead letter" in counted.says()


def test_any_period_may_be_asked_for_and_what_lies_before_polling_is_said(counted: Counted) -> None:
    counted.place(3)
    scan(counted)
    counted.shop.do(lambda store: store.place())
    counted.shop.do(
        lambda store: store.orders[4].update(created_at="2025-12-31 10:20:00", updated_at="2025-12-31 10:20:00")
    )
    period = ("--from", "2025-12-31T10:00", "--to", "2026-01-01")
    told = counted.told(*period)
    assert (told["since"], told["until"]) == ("2025-12-31T10:00:00Z", "2026-01-01T00:00:00Z")
    assert [(hour["hour"], hour["existing"], hour["seen"]) for hour in told["hours"]] == [
        ("2025-12-31T10:00:00Z", 1, 0)
    ]
    assert counted.gaps(*period) == [("4", "before")]
    assert counted.told("--from", "2025-01-01", "--to", "2025-01-02")["hours"] == []
    assert "no orders" in counted.says("--from", "2025-01-01", "--to", "2025-01-02")


def test_a_store_that_does_not_answer_is_an_error_in_words(tmp_path: Path) -> None:
    nowhere: Any = SimpleNamespace(url="http://127.0.0.1:1")
    assert "unreachable" in Counted(tmp_path, nowhere, nowhere.url).says(code=1)


def scan(counted: Counted) -> None:
    crossdock = Crossdock(counted.settings)
    try:
        crossdock.pollers["store"].scan()
    finally:
        crossdock.store.close()


def ago(**parts: float) -> str:
    return (datetime.now(UTC) - timedelta(**parts)).strftime("%Y-%m-%d %H:%M:%S")
