"""Notifications: subscribed once, renewed before they end, believed only with our secret, and no more than a hint."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crossdock.erp.dynamics_bc.connector import build
from crossdock.erp.dynamics_bc.subscriptions import (
    Notice,
    Subscription,
    due_flows,
    entity_in,
    handshake,
    next_look,
    notices_in,
    plan,
    subscription_in,
    wanted,
)
from crossdock.errors import ConfigurationError, InvalidPayload, SignatureError
from crossdock.sandbox.erps.dynamics_bc import BcServer, settings
from tests.erp.dynamics_bc.wire import Checked
from tests.material import SHARED, needs_shared

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
DAY = timedelta(days=1)
URL = "https://crossdock.example.com/erp/bc"
EXAMPLES = SHARED / "contracts/dynamics365-bc/bc-v2.0.json-examples.json"


def one(entity: str, days: float, url: str = URL, ident: str = "") -> Subscription:
    resource = f"/api/v2.0/companies(1)/{entity}"
    return Subscription(id=ident or f"{entity}-{days}", url=url, resource=resource, ends=NOW + DAY * days)


def test_what_is_not_there_is_subscribed_to_and_what_ends_soon_renewed() -> None:
    there = [one("items", 2.5), one("customers", 0.9), one("salesOrders", -0.1), one("items", 3, "https://other")]
    todo = plan(there, ("items", "customers", "salesOrders"), URL, NOW, DAY)
    assert todo.create == ("salesOrders",)
    assert [each.entity for each in todo.renew] == ["customers"]
    assert todo.drop == ()


def test_a_second_one_and_one_that_nobody_wants_are_dropped_and_a_strangers_is_not() -> None:
    there = [
        one("items", 1.5, ident="old"),
        one("items", 2.5, ident="new"),
        one("vendors", 2),
        one("items", 1, "https://x"),
    ]
    todo = plan(there, ("items",), URL, NOW, DAY)
    assert {each.id for each in todo.drop} == {"old", "vendors-2"}
    assert not todo.renew
    assert not todo.create


def test_the_next_look_is_before_the_first_end_and_within_the_hour() -> None:
    assert next_look([one("items", 2.9)], URL, NOW, DAY) == 3600
    assert next_look([one("items", 1 + 1 / 48)], URL, NOW, DAY) == 1800
    assert next_look([one("items", 0.5)], URL, NOW, DAY) == 0


def test_only_what_is_read_is_subscribed_to() -> None:
    assert wanted(["invoices"]) == ("salesInvoices",)
    assert wanted(["inventory"]) == ("items", "salesInvoices", "salesOrders")
    assert wanted([]) == ()


def test_a_handshake_is_answered_with_its_token_and_nothing_else() -> None:
    assert handshake({"validationToken": "abc-123"}) == "abc-123"
    assert handshake({}) is None
    for token in ("", "two words", "line\nbreak", "x" * 3000, "<ä>"):
        with pytest.raises(InvalidPayload):
            handshake({"validationToken": token})


def body(**more: Any) -> bytes:
    row = {
        "subscriptionId": "s1",
        "clientState": "s3cret",
        "resource": "api/v2.0/companies(b18a)/items(2681)",
        "changeType": "updated",
    }
    return json.dumps({"value": [row | more]}).encode()


def test_a_notification_makes_flows_due() -> None:
    (notice,) = notices_in(body(), "s3cret")
    assert notice == Notice(subscription="s1", entity="items", change="updated")
    assert due_flows([notice], ["inventory", "invoices"]) == {"inventory"}
    assert notices_in(b"\xef\xbb\xbf" + body(), "s3cret") == (notice,)


@pytest.mark.parametrize("more", [{"clientState": "guess"}, {"clientState": None}, {"clientState": "s3cret "}])
def test_a_notification_without_our_secret_counts_for_nothing(more: dict[str, Any]) -> None:
    with pytest.raises(SignatureError):
        notices_in(body(**more), "s3cret")
    both = json.dumps({"value": json.loads(body())["value"] + json.loads(body(**more))["value"]}).encode()
    with pytest.raises(SignatureError):
        notices_in(both, "s3cret")
    with pytest.raises(SignatureError):
        notices_in(body(clientState=""), "")


@pytest.mark.parametrize("told", [b"", b"[]", b"{}", b'{"value":{}}', b'{"value":[1]}', b"<html>"])
def test_another_form_is_refused(told: bytes) -> None:
    with pytest.raises(InvalidPayload):
        notices_in(told, "s3cret")


@needs_shared
def test_the_vendors_own_example_is_read() -> None:
    (example,) = json.loads(EXAMPLES.read_text())["examples"]["dev-itpro/api-reference/v2.0/dynamics-subscriptions.md"]
    notices = notices_in(json.dumps(example).encode(), "someClientState")
    assert [(each.entity, each.change) for each in notices] == [
        ("items", "updated"),
        ("customers", "created"),
        ("customers", "deleted"),
        ("salesInvoices", "collection"),
    ]


def test_a_resource_names_its_set() -> None:
    assert entity_in("/api/v2.0/companies(7d)/salesInvoices?$filter=x%20gt%202018") == "salesInvoices"
    assert entity_in("/api/v2.0/items") == ""
    assert subscription_in({"subscriptionId": "a"}) is None


def test_they_are_made_renewed_and_dropped_over_http(server: BcServer) -> None:
    now = [server.clock()]
    reads = {"prices": {"scope": "STD", "currency": "EUR"}, "customers": {}}
    wish = {"notification_url": URL, "secret": "env:BC_STATE"}
    table = settings(server.url, reads=reads, subscription=wish)
    secrets = {"env:BC_STATE": "s3cret", "env:CROSSDOCK_DEMO_BC_CLIENT": "crossdock"}
    connector = build(
        "erp", table, http=Checked(), resolve=lambda name: secrets.get(name, "sandbox"), clock=lambda: now[0]
    )
    subscriber = connector.subscriber()
    assert subscriber is not None
    assert subscriber.keep() == 3600
    first = {each.entity: each for each in subscriber.there()}
    assert set(first) == {"items", "customers"}
    subscriber.keep()
    assert {each.id: each.etag for each in subscriber.there()} == {each.id: each.etag for each in first.values()}
    kept = server.do(lambda books: [row["clientState"] for row in books.tables["subscriptions"]])
    assert kept == ["s3cret", "s3cret"]
    now[0] += timedelta(days=2.5)
    subscriber.keep()
    renewed = {each.entity: each for each in subscriber.there()}
    assert {each.id for each in renewed.values()} == {each.id for each in first.values()}
    assert all(renewed[entity].etag != first[entity].etag for entity in first)
    subscriber.end()
    assert subscriber.there() == []


def test_without_the_setting_there_is_none(server: BcServer) -> None:
    assert build("erp", settings(server.url)).subscriber() is None
    with pytest.raises(ConfigurationError):
        build("erp", settings(server.url, subscription={"notification_url": URL, "secret": "s3cret"}))
    plain = {"notification_url": URL.replace("https", "http"), "secret": "env:BC_STATE"}
    with pytest.raises(ConfigurationError, match="https alone"):
        build("erp", settings(server.url, subscription=plain))
