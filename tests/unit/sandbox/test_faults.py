"""What goes wrong on purpose: on the wire, before or after the effect, by class of endpoints, out of a file."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from typer.testing import CliRunner

from crossdock.cli.main import app
from crossdock.sandbox.faults import CLASSES, NONE, RATES, STORM, Faults, Lottery, load_faults
from crossdock.sandbox.run import ErpServer
from tests.recorded_server import Asked, Reply, serve
from tests.unit.sandbox.servers import HEADERS, PATIENCE_S, erp_with, get, post, shop_with
from tests.walk.world import until


def create(server: ErpServer, number: str = "1", key: str = "k", timeout: float = PATIENCE_S) -> Any:
    """The answer's status; "broken" where there is none, "garbage" where a success has no JSON."""
    headers = HEADERS | {"X-Idempotency-Key": key}
    try:
        answer = httpx.post(f"{server.url}/orders", json={"order_number": number}, headers=headers, timeout=timeout)
    except httpx.TransportError:
        return "broken"
    try:
        if answer.status_code < 300:
            answer.json()
    except ValueError:
        return "garbage"
    return answer.status_code


@pytest.mark.parametrize(
    ("faults", "done", "seen"),
    [
        (Faults(reset_before=1), 0, "broken"),
        (Faults(reset_after=1), 1, "broken"),
        (Faults(cut_after=1), 1, "broken"),
        (Faults(error_before=1), 0, 500),
        (Faults(error_after=1), 1, 500),
        (Faults(down=1), 0, 503),
        (Faults(busy=1), 0, 429),
        (Faults(garbage_after=1), 1, "garbage"),
        (Faults(answered_twice=1), 1, 201),
        (Faults(carried_out_twice=1), 2, 201),
        (Faults(slow=1, slow_seconds=0.05), 1, 201),
        (NONE, 1, 201),
    ],
)
def test_faults_happen_before_or_after_the_effect(faults: Faults, done: int, seen: Any) -> None:
    with erp_with(faults) as server:
        assert create(server) == seen
        assert len(server.do(lambda erp: erp.orders)) == done


def test_what_is_slow_is_done_before_it_is_answered() -> None:
    with erp_with(Faults(slow=1, slow_seconds=600)) as server:
        assert create(server, timeout=0.5) == "broken"
        until(lambda: len(server.do(lambda erp: erp.orders)) == 1)


def test_what_is_late_is_done_though_nobody_waits_any_more() -> None:
    with erp_with(Faults(late=1, slow_seconds=2)) as server:
        begun = datetime.now(UTC)
        assert create(server, timeout=0.2) == "broken"
        until(lambda: len(server.do(lambda erp: erp.orders)) == 1)
        (effect,) = server.do(lambda erp: [*erp.effects])
        assert (effect.at - begun).total_seconds() > 1.9, "not at once"


def test_every_rate_has_its_test_here() -> None:
    text = Path(__file__).read_text()
    assert [name for name in RATES if f"{name}=" not in text and f'"{name}"' not in text] == []


def test_retry_after_in_seconds_and_as_a_date() -> None:
    with shop_with(faults=Faults(busy=1, retry_after=7)) as shop:
        assert get(shop, "orders/1").headers["retry-after"] == "7"
        shop.set_faults(Faults(busy=1, retry_after=7, retry_after_as_date=True))
        answer = get(shop, "orders/1")
        wait = parsedate_to_datetime(answer.headers["retry-after"]) - parsedate_to_datetime(answer.headers["date"])
        assert 6 <= wait.total_seconds() <= 8


def test_a_lock_time_out_comes_as_http_400_to_writes_only() -> None:
    with shop_with(faults=Faults(locked=1)) as shop:
        shop.place()
        answer = post(shop, "orders", {"entity": {"entity_id": 1, "ext_order_id": "X"}})
        assert (answer.status_code, answer.json()["code"]) == (400, 1205)
        assert "ext_order_id" not in get(shop, "orders/1").json()


def test_a_class_of_endpoints_has_rates_of_its_own() -> None:
    faults = Faults(down=0.0, classes={"reads": {"down": 1}, "list": {"down": 0}, "write": {"busy": 1}})
    with shop_with(faults=faults) as shop:
        shop.place()
        assert get(shop, "orders/1").status_code == 503  # read: one of reads
        assert get(shop, "orders", {"searchCriteria": ""}).status_code == 200  # list: its own rate counts
        assert post(shop, "orders", {"entity": {"entity_id": 1, "ext_order_id": "X"}}).status_code == 429
        assert post(shop, "orders/1/hold").status_code == 200


def test_the_erps_classes() -> None:
    with erp_with(Faults(classes={"create": {"error_after": 1}, "find": {"busy": 1}})) as server:
        assert create(server) == 500
        find = httpx.get(f"{server.url}/orders?order_number=1", headers=HEADERS)
        assert find.status_code == 429
        assert httpx.post(f"{server.url}/orders/1/cancel", headers=HEADERS).status_code == 200


@pytest.mark.parametrize(("dedupe", "doubles"), [("none", ["1"]), ("key", ["1"]), ("number", [])])
def test_how_the_erp_dedupes(dedupe: Any, doubles: list[str]) -> None:
    with erp_with(dedupe=dedupe) as server:
        assert create(server, key="a") == 201
        assert create(server, key="a") == (201 if dedupe == "none" else 200)
        assert create(server, key="b") == (200 if dedupe == "number" else 201)
        assert server.do(lambda erp: erp.doubles()) == doubles


def test_the_same_seed_draws_the_same_whatever_goes_on_meanwhile() -> None:
    def draws(lottery: Lottery, noise: bool) -> list[bool]:
        found = []
        for _ in range(200):
            if noise:
                lottery.happens("slow", "read", "GET /other")
            found.append(lottery.happens("slow", "read", "GET /orders/1"))
        return found

    faults = Faults(slow=0.3)
    told = draws(Lottery(faults, 5), noise=False)
    assert told == draws(Lottery(faults, 5), noise=True)
    assert told != draws(Lottery(faults, 6), noise=False)
    assert 30 < sum(told) < 90


@pytest.mark.parametrize(("name", "sent"), [("lost_webhooks", 0), ("twice_webhooks", 4)])
def test_webhooks_get_lost_and_come_twice(name: str, sent: int) -> None:
    got: list[int] = []

    def take(asked: Asked) -> Reply:
        got.append(asked.json()["data"]["entity_id"])
        return Reply(200)

    with serve(take) as target, shop_with(faults=Faults(classes={"hook": {name: 1}})) as shop:
        shop.subscribe({"event_name": "sales.order.created", "recipient_url": target.url, "verification_token": "t"})
        shop.place(2)
        hooks = shop.store.hooks
        until(lambda: (hooks.sent, hooks.lost) == (sent, 0 if sent else 2))
        assert len(got) == sent


def test_a_late_webhook_is_overtaken() -> None:
    got: list[int] = []

    def take(asked: Asked) -> Reply:
        got.append(asked.json()["data"]["entity_id"])
        return Reply(200)

    with serve(take) as target, shop_with(faults=Faults(late_webhooks=1, late_webhook_s=2)) as shop:
        shop.subscribe({"event_name": "sales.order.created", "recipient_url": target.url})
        shop.place(1)
        shop.set_faults(NONE)
        shop.place(1)
        until(lambda: got == [2, 1])


# --- the file -------------------------------------------------------------------------------------------------------


def test_a_file_of_faults(tmp_path: Path) -> None:
    path = tmp_path / "faults.toml"
    path.write_text("reset_after = 0.05\n[bugs]\npoison_ids = [3, 4]\n[classes.writes]\nbusy = 0.5\n")
    faults = load_faults(path)
    assert (faults.reset_after, faults.bugs.poison_ids, faults.rate("busy", "create")) == (0.05, (3, 4), 0.5)
    assert faults.rate("busy", "find") == 0
    path = tmp_path / "faults.json"
    path.write_bytes(msgspec.json.encode(STORM))
    assert load_faults(path) == STORM


@pytest.mark.parametrize(
    "text", ["resets = 1", "slow = 1.5", "[classes.cars]\nslow = 1", "[classes.reads]\nresets = 1", "[bugs]\nants = 1"]
)
def test_a_wrong_file_is_told_and_nothing_starts(tmp_path: Path, text: str) -> None:
    path = tmp_path / "faults.toml"
    path.write_text(text)
    with pytest.raises(msgspec.ValidationError):
        load_faults(path)
    told = CliRunner().invoke(app, ["sandbox", "store", "--faults", str(path)])
    assert told.exit_code == 2
    assert "--faults" in told.output


def test_every_class_is_used_by_an_endpoint() -> None:
    from crossdock.sandbox.faults import GROUPS
    from crossdock.sandbox.routes import TABLE

    used = {row[2] for row in TABLE} | {"hook", "create", "find", "change"}
    assert used | set(GROUPS.values()) == CLASSES
