"""Webhooks into a whole Crossdock over real HTTP: what the sender is told, and when; and a store that cannot be read."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

import httpx
import pytest

from crossdock.api.serving import Serving
from crossdock.app import utc_now
from crossdock.security.signatures import hex_hmac
from crossdock.settings import Settings
from tests.databases import postgres_url
from tests.material import needs_shared
from tests.recorded_server import Asked, Reply, serve
from tests.walk.world import Erp, recorded, settings, settled, until

pytestmark = needs_shared
SECRET = "w4lk-webhook-secret"
ORDER = "001_smoke"


def with_webhooks(base: Settings, folder: Path, polling: dict[str, Any], **webhooks: Any) -> Settings:
    (folder / "hook").write_text(SECRET)
    (folder / "hook").chmod(0o600)
    taken = {"enabled": True, "format": "async-events", "secrets": [f"file:{folder}/hook"]} | webhooks
    store = {**base.connections["store"], "webhooks": taken}
    store["polling"] = {**store["polling"], **polling}
    plain = base.model_dump(mode="json") | {"api": {"port": 0}}
    plain["connections"]["store"] = store
    return Settings.model_validate(plain)


@contextmanager
def running(made: Settings) -> Iterator[Serving]:
    serving = Serving(made)
    serving.start()
    try:
        yield serving
    finally:
        serving.stop()


def send(serving: Serving, event: str, order: dict[str, Any], seconds: float = 30) -> int:
    body = json.dumps({"data": order}).encode()
    headers = {"x-magento-signature": hex_hmac(SECRET, body), "content-type": "application/json"}
    return httpx.post(
        f"{serving.url}/webhooks/store/{event}", content=body, headers=headers, timeout=seconds
    ).status_code


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgres", marks=pytest.mark.services)])
def test_no_answer_waits_for_a_store_or_an_erp_that_hangs(database: str, tmp_path: Path) -> None:
    """The sender gives up after 15 s and blocks its queue meanwhile: an answer waits for the commit and nothing else."""
    release, hanging = threading.Event(), threading.Semaphore(0)

    def hang(_asked: Asked) -> Reply:
        hanging.release()
        release.wait(120)
        return Reply(503, {"message": "later"})

    def flood(url: str, store: str) -> None:
        with_hooks = with_webhooks(settings(tmp_path, store, store, url), tmp_path, {"enabled": False})
        with running(with_hooks) as serving, ThreadPoolExecutor(20) as senders:
            try:
                assert send(serving, "sales.order.created", order(1)) == 202
                assert hanging.acquire(timeout=20)  # a worker hangs in the store from here on
                answers = senders.map(lambda n: send(serving, "sales.order.created", order(n)), range(2, 202))
                assert set(answers) == {202}
                assert not release.is_set()
                counts = serving.crossdock.store.counts()
                assert sum(count for (flow, _, _), count in counts.items() if flow == "looks") == 201
            finally:
                release.set()

    with serve(hang) as store:
        if database == "sqlite":
            flood("", store.url)
        else:
            with postgres_url() as url:
                flood(url, store.url)


def order(number: int, **changes: Any) -> dict[str, Any]:
    return recorded(ORDER) | {"entity_id": number, "increment_id": f"{number:09}"} | changes


@pytest.fixture
def closed_store(tmp_path: Path) -> Iterator[tuple[Serving, Erp, list[Asked]]]:
    """A store whose API answers nobody; its webhooks are trusted."""
    asked: list[Asked] = []
    erp = Erp()

    def refuse(one: Asked) -> Reply:
        asked.append(one)
        return Reply(401, {"message": "The consumer isn't authorized to access %resources."})

    with serve(refuse) as store, serve(erp.answer) as erp_server:
        base = settings(tmp_path, store.url, erp_server.url, fresh_for_s=0)
        made = with_webhooks(base, tmp_path, {"enabled": False}, payload="trusted")
        with running(made) as serving:
            yield serving, erp, asked


def test_an_order_of_a_store_that_cannot_be_read_goes_by_its_webhook(
    closed_store: tuple[Serving, Erp, list[Asked]],
) -> None:
    serving, erp, asked = closed_store
    placed = order(7)
    assert send(serving, "sales.order.created", placed) == 202
    until(lambda: bool(erp.kept) and settled(serving.crossdock))
    (sent,) = (one for _, one in erp.kept)
    assert sent["order_number"] == "000000007"
    assert sent["totals"]["grand_total"] == placed["grand_total"]
    assert asked == []  # neither read nor written back to
    assert ("acknowledgements", "store", "pending") not in serving.crossdock.store.counts()


def test_a_late_retry_with_an_older_body_undoes_nothing(closed_store: tuple[Serving, Erp, list[Asked]]) -> None:
    serving, erp, _ = closed_store
    placed = order(7, updated_at="2026-11-23 06:00:00")
    assert send(serving, "sales.order.created", placed) == 202
    until(lambda: bool(erp.kept) and settled(serving.crossdock))
    canceled = deepcopy(placed) | {"state": "canceled", "status": "canceled", "updated_at": "2026-11-23 06:00:30"}
    assert send(serving, "sales.order.updated", canceled) == 202
    until(lambda: len(erp.told) == 1 and settled(serving.crossdock))
    assert erp.told[0].endswith("/cancel")
    held = deepcopy(placed) | {"state": "holded", "status": "holded", "updated_at": "2026-11-23 06:00:10"}
    assert send(serving, "sales.order.holded", held) == 202
    assert send(serving, "sales.order.updated", placed) == 202
    until(lambda: settled(serving.crossdock))
    assert len(erp.kept) == 1
    assert len(erp.told) == 1


def test_an_event_without_an_order_in_it_does_not_displace_the_order_that_waits(
    closed_store: tuple[Serving, Erp, list[Asked]],
) -> None:
    serving, erp, _ = closed_store
    serving.crossdock.store.pause("store", "test", "test", utc_now())
    assert send(serving, "sales.order.created", order(7)) == 202
    assert send(serving, "sales.shipment.created", {"entity_id": 3, "order_id": 7}) == 202
    serving.crossdock.store.resume("store", "test", utc_now())
    serving.crossdock.wake()
    until(lambda: bool(erp.kept) and settled(serving.crossdock))
    assert erp.numbers() == ["000000007"]
