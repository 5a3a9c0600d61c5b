"""What is only kept, and what conflicts, over the real doors and the real store, down to what an operator sees."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient
from prometheus_client import CollectorRegistry

from crossdock.api.adobe import AdobeDoor
from crossdock.api.application import create_app
from crossdock.api.serving import challenged, doors_of
from crossdock.api.webhooks import Webhooks
from crossdock.app import Crossdock
from crossdock.errors import ConfigurationError
from crossdock.magento.connector import parse_settings
from crossdock.security.signatures import hex_hmac
from crossdock.settings import Settings
from tests.walk.world import settings

SECRET = "k3pt-webhook-secret"


def with_hooks(folder: Path, **hooks: Any) -> Settings:
    for name, text in (("hook", SECRET), ("client", "ca7b36f23be94dcb9d2ebb97f0276e3f")):
        (folder / name).write_text(text)
        (folder / name).chmod(0o600)
    base = settings(folder, "http://127.0.0.1:1", "http://127.0.0.1:1")
    tables = dict(base.connections)
    tables["store"] = {**tables["store"], "webhooks": {"enabled": True, **hooks}}
    return base.model_copy(update={"connections": tables})


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[tuple[TestClient[Any], Crossdock]]:
    hooks = {"format": "async-events", "secrets": [f"file:{tmp_path}/hook"], "keep_unknown": True}
    crossdock = Crossdock(with_hooks(tmp_path, **hooks))
    registry = CollectorRegistry()
    served = Webhooks(
        doors_of(crossdock), crossdock.intake, lambda: datetime.now(UTC), body_limit=10_000, registry=registry
    )
    try:
        with TestClient(create_app(served, lambda: {"status": "ok"}, registry)) as client:
            yield client, crossdock
    finally:
        crossdock.store.close()


def send(client: TestClient[Any], event: str, body: Any) -> int:
    raw = json.dumps(body).encode()
    headers = {"x-magento-signature": hex_hmac(SECRET, raw)}
    return int(client.post(f"/webhooks/store/{event}", content=raw, headers=headers).status_code)


def test_an_unknown_event_is_kept_seen_and_makes_no_work(kept: tuple[TestClient[Any], Crossdock]) -> None:
    client, crossdock = kept
    assert send(client, "sales.rma.saved", {"data": {"entity_id": 3, "order_id": 8}}) == 202
    assert send(client, "customer.created", {"data": {"id": 8}}) == 202
    store = crossdock.store
    (seen,) = store.timeline("store", "8")
    assert (seen.kind, seen.flow, seen.text.split(":")[:3]) == (
        "heard",
        "kept",
        ["by webhook", " webhook", "sales.rma.saved"],
    )
    assert store.find_subjects("customer.created:8") == [("store", "customer.created:8")]
    assert store.counts() == {}
    assert store.seen("store", ["8"]) == set()  # the order itself was never heard of: coverage must say so
    assert send(client, "sales.order.created", {"data": {"entity_id": 8}}) == 202
    assert store.seen("store", ["8"]) == {"8"}
    assert store.counts() == {("looks", "store", "pending"): 1}
    assert store.forget_bodies(datetime.now(UTC)) == 2


def test_adobes_door_is_made_from_the_settings(tmp_path: Path) -> None:
    hooks = {"format": "adobe", "client_id": f"file:{tmp_path}/client"}
    crossdock = Crossdock(with_hooks(tmp_path, **hooks))
    try:
        assert isinstance(doors_of(crossdock)["store"], AdobeDoor)
        assert challenged(crossdock) == {"store"}
    finally:
        crossdock.store.close()


@pytest.mark.parametrize(
    ("hooks", "said"),
    [
        ({"format": "adobe"}, "needs client_id"),
        ({"format": "adobe", "client_id": "env:A", "secrets": ["env:B"]}, "leave them out"),
        ({"format": "adobe", "client_id": "env:A", "payload": "trusted"}, "must be hint"),
        ({"format": "standard", "client_id": "env:A", "secrets": ["env:B"]}, "adobe only"),
        ({"format": "standard"}, "at least one entry in secrets"),
    ],
)
def test_settings_that_would_be_unsafe_or_ignored_are_refused(hooks: dict[str, Any], said: str) -> None:
    table = {
        "base_url": "https://shop.example",
        "auth": {"scheme": "bearer", "token": "env:T"},
        "webhooks": {"enabled": True, **hooks},
    }
    with pytest.raises(ConfigurationError, match=said):
        parse_settings("store", table)
