"""The sandbox against what a real store answered, and against its own promises."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from crossdock.flows.proof import prove
from crossdock.magento.mapping.orders import parse_order
from crossdock.sandbox.faults import Faults
from crossdock.sandbox.orders import KINDS
from crossdock.sandbox.run import ErpServer, StoreServer
from crossdock.sandbox.wire import ENCODER
from tests.material import SHARED, needs_shared

HEADERS = {"Authorization": "Bearer sandbox"}
# Recorded exchanges that this part of the sandbox answers, with the order that must be there.
RECORDED = [
    "order_404",
    "auth_bad_token_401",
    "orders_list_no_searchcriteria_400",
    "orders_past_end_nofields",
    "orders_list_page0",
    "orders_list_fields_single_order",
    "orders_list_updated_gt_status_in_fields",
    "order_comment_post_minimal",
    "order_cancel_post",
    "order_hold_post",
    "orders_list_bad_date",
    "err_no_route_404",
]


@pytest.fixture
def shop() -> Iterator[StoreServer]:
    server = StoreServer(seed=3)
    server.start()
    yield server
    server.stop()


def shape(value: Any) -> Any:
    """Types of what every row has; numbers are one type, lists are told by their first row."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return (
        "number" if isinstance(value, int | float | Decimal) and not isinstance(value, bool) else type(value).__name__
    )


@needs_shared
@pytest.mark.parametrize("name", RECORDED)
def test_it_answers_as_the_recorded_store_did(shop: StoreServer, name: str) -> None:
    shop.do(lambda store: [store.place("simple") for _ in range(12)])
    one = json.loads((SHARED / "magento" / "recordings" / f"{name}.json").read_text())
    headers = HEADERS if "wrongtoken" not in str(one["request_headers"]) else {"Authorization": "Bearer wrongtoken"}
    query = parse_qsl(one["query"] or "", keep_blank_values=True)
    answer = httpx.request(
        one["method"], shop.url + one["path"], params=query, headers=headers, json=one["request_body"]
    )
    assert answer.status_code == one["status"]
    assert answer.headers["content-type"] == one["response_headers"]["Content-Type"]
    told, wanted = shape(answer.json()), shape(one["response_body"])
    assert type(told) is type(wanted)
    if isinstance(told, dict):
        assert set(told) >= set(wanted) - {"parameters", "trace"}
        for key in ("items", "message", "total_count"):
            assert type(told.get(key)) is type(wanted.get(key)), key


@pytest.mark.parametrize("kind", KINDS)
def test_the_money_of_every_kind_of_order_holds(shop: StoreServer, kind: str) -> None:
    numbers = shop.do(lambda store: [store.place(kind) for _ in range(20)])
    for number in numbers:
        order = parse_order(ENCODER.encode(shop.store.orders[number]))
        assert prove(order).holds
        assert (order.shipping is None) is (kind == "virtual")


def test_the_same_seed_makes_the_same_orders() -> None:
    made = []
    for _ in range(2):
        server = StoreServer(seed=11)
        server.start()
        server.do(lambda store: [store.place() for _ in range(5)])
        made.append([(o["grand_total"], o["customer_email"]) for o in server.store.orders.values()])
        server.stop()
    assert made[0] == made[1]


@pytest.mark.parametrize(
    ("faults", "done", "seen"),
    [
        (Faults(reset_before=1), False, "broken"),
        (Faults(reset_after=1), True, "broken"),
        (Faults(error_before=1), False, 500),
        (Faults(error_after=1), True, 500),
        (Faults(down=1), False, 503),
        (Faults(busy=1, retry_after=7), False, 429),
    ],
)
def test_faults_happen_on_the_wire_before_or_after_the_effect(faults: Faults, done: bool, seen: Any) -> None:
    server = ErpServer(faults=faults)
    server.start()
    try:
        answer = httpx.post(f"{server.url}/orders", json={"order_number": "1"}, headers=HEADERS)
        found: Any = answer.status_code
        if found == 429:
            assert answer.headers["retry-after"] == "7"
    except httpx.TransportError:
        found = "broken"
    assert found == seen
    assert bool(server.erp.orders) is done
    server.stop()


def test_a_lock_time_out_comes_as_http_400() -> None:
    server = StoreServer(faults=Faults(locked=1))
    server.start()
    server.do(lambda store: store.place())
    body = {"entity": {"entity_id": 1, "ext_order_id": "X"}}
    answer = httpx.post(f"{server.url}/rest/V1/orders", json=body, headers=HEADERS)
    assert (answer.status_code, answer.json()["code"]) == (400, 1205)
    assert "ext_order_id" not in server.store.orders[1]
    server.stop()


def test_without_dedupe_a_second_post_is_a_double() -> None:
    server = ErpServer()
    server.start()
    for _ in range(2):
        httpx.post(f"{server.url}/orders", json={"order_number": "1"}, headers=HEADERS | {"X-Idempotency-Key": "k"})
    assert server.erp.doubles() == ["1"]
    server.stop()
