from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from crossdock.contract.connector import Connector
from crossdock.contract.flow import Flow, Kind
from crossdock.errors import ConfigurationError
from crossdock.magento.connector import MagentoConnector, build, parse_settings
from crossdock.magento.settings import MagentoSettings, PollingSettings
from crossdock.model.change import Acknowledgement
from crossdock.model.refund import Refund
from crossdock.model.sighting import Sighting
from tests.recorded_server import Reply, against_contract, serve
from tests.unit.magento.fake_store import FakeStore

BEARER = {"scheme": "bearer", "token": "env:T"}
ACK = Acknowledgement(subject_id="3", number="000000003", external_id="SO-88", target="erp")


def flow(name: str, record: type[Any]) -> Flow[Any]:
    return Flow(name=name, kind=Kind.DOCUMENT, record=record, key=lambda one: one.id, ordering_key=lambda one: one.id)


def made(url: str = "https://shop.example.com", **more: Any) -> MagentoConnector:
    return build("shop", {"base_url": url, "auth": BEARER, **more}, resolve=lambda _ref: "t0ken")


def test_it_is_a_connector_that_reads_looks_and_writes_acknowledgements() -> None:
    connector = made()
    assert isinstance(connector, Connector)
    assert connector.source(flow("looks", Sighting)) is connector.orders
    assert connector.sink(flow("acknowledgements", Acknowledgement)) is connector.acknowledgements
    with pytest.raises(ConfigurationError, match="refunds"):
        connector.sink(flow("refunds", Refund))
    with pytest.raises(ConfigurationError, match="refunds"):
        connector.source(flow("refunds", Refund))
    bodies = connector.preview(flow("acknowledgements", Acknowledgement), ACK)
    assert bodies["POST V1/orders"] == {"entity": {"entity_id": 3, "ext_order_id": "SO-88"}}


def test_a_probe_uses_the_right_that_reading_needs() -> None:
    store = FakeStore()
    store.place(1)
    with serve(store.answer) as server:
        health = made(server.url).probe()
    assert health.ok
    assert health.detail.startswith("1 orders")
    assert "its clock is" in health.detail  # the fake store lives in 2026-11-23
    assert server.asked[0].headers["authorization"] == "Bearer t0ken"
    assert against_contract(server.asked) == []


@pytest.mark.parametrize(
    ("reply", "detail"),
    [
        (Reply(401, {"message": "The consumer isn't authorized"}), "unauthorized"),
        (Reply(404, b"<html>"), "misconfigured"),
        (Reply(503, b"<html>"), "temporary"),
        (Reply(200, []), "not with a list"),
    ],
)
def test_a_probe_tells_what_is_wrong_and_never_raises(reply: Reply, detail: str) -> None:
    with serve(lambda one: reply) as server:
        health = made(server.url).probe()
    assert not health.ok
    assert detail in health.detail


def test_a_probe_of_nothing() -> None:
    assert "unreachable" in made("http://127.0.0.1:1").probe().detail


def test_webhooks_have_an_address_only_where_it_is_set() -> None:
    with pytest.raises(ConfigurationError, match="public_url"):
        _ = made().webhook_url
    assert made(webhooks={"public_url": "https://x.example.com/"}).webhook_url == "https://x.example.com/webhooks/shop"


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"base_url": "shop.example.com"}, "base_url"),
        ({"base_url": "https://user:pw@shop.example.com"}, "base_url"),
        ({"base_url": "http://shop.example.com"}, "allow_plain_http"),
        ({"store_code": "a/b"}, "store_code"),
        ({"auth": {"scheme": "bearer", "token": "s3cret-in-clear"}}, "auth.bearer.token"),
        ({"auth": {"scheme": "digest"}}, "auth"),
        ({"nonsense": 1}, "nonsense"),
        ({"polling": {"page_size": 1000}}, "polling.page_size"),
        ({"deadlines": {"connect_s": 50, "read_s": 5}}, "deadlines"),
        ({"webhooks": {"enabled": True}}, "webhooks"),
    ],
)
def test_every_wrong_setting_is_told_with_its_place_and_never_with_its_value(
    change: dict[str, Any], place: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_settings("shop", {"base_url": "https://shop.example.com", "auth": BEARER} | change)
    assert place in str(caught.value)
    assert "connections.shop" in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert ":pw@" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_settings("shop", {"base_url": "x", "auth": {"scheme": "oauth1"}, "polling": {"lag_s": -1}})
    assert len(caught.value.problems) >= 6


def test_plain_http_needs_a_setting_beyond_loopback() -> None:
    parse_settings("shop", {"base_url": "http://127.0.0.1:8088", "auth": BEARER})
    parse_settings("shop", {"base_url": "http://shop.lan", "auth": BEARER, "allow_plain_http": True})


def test_the_start_of_polling_is_a_day() -> None:
    start = PollingSettings.model_validate_json('{"start": "2026-11-01"}').start_at()
    assert start is not None
    assert (start.isoformat(), PollingSettings().start_at()) == ("2026-11-01T00:00:00+00:00", None)
    with pytest.raises(ValidationError):
        PollingSettings(start="yesterday")  # type: ignore[arg-type]
    assert PollingSettings(start=date(2026, 11, 1)).start_at() == start


def models(root: type[BaseModel], seen: set[type[BaseModel]]) -> set[type[BaseModel]]:
    import typing

    seen.add(root)
    todo: list[Any] = [field.annotation for field in root.model_fields.values()]
    while todo:
        one = todo.pop()
        todo += typing.get_args(one)
        if isinstance(one, type) and issubclass(one, BaseModel) and one not in seen:
            models(one, seen)
    return seen


def test_every_setting_is_described() -> None:
    found = models(MagentoSettings, set())
    assert len(found) >= 9
    assert [
        f"{one.__name__}.{name}" for one in found for name, field in one.model_fields.items() if not field.description
    ] == []
