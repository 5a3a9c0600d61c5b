"""The sandbox store against its own promises. What a real store answered: tests/sandbox_recordings."""

from __future__ import annotations

import gc
import socket
from collections.abc import Iterator

import httpx
import pytest

from crossdock.flows.proof import prove
from crossdock.magento.mapping.orders import parse_order
from crossdock.sandbox.orders import KINDS, SKUS
from crossdock.sandbox.run import StoreServer
from crossdock.sandbox.wire import ENCODER
from tests.unit.sandbox.servers import get, post, shop_with, signed


@pytest.fixture
def shop() -> Iterator[StoreServer]:
    server = StoreServer(seed=3)
    server.start()
    yield server
    server.stop()


@pytest.mark.parametrize("kind", KINDS)
def test_the_money_of_every_kind_of_order_holds(shop: StoreServer, kind: str) -> None:
    numbers = shop.do(lambda store: [store.place(kind) for _ in range(20)])
    for number in numbers:
        order = parse_order(ENCODER.encode(shop.store.orders[number]))
        assert prove(order).holds
        assert (order.shipping is None) is (kind == "virtual")


def test_every_product_that_is_sold_is_one_that_an_erp_can_be_filled_with(shop: StoreServer) -> None:
    shop.place(4 * len(KINDS), KINDS)
    sold = shop.do(lambda store: {row["sku"] for order in store.orders.values() for row in order["items"]})
    assert sold <= set(SKUS)


def test_the_same_seed_makes_the_same_orders() -> None:
    made = []
    for _ in range(2):
        server = StoreServer(seed=11)
        server.start()
        server.do(lambda store: [store.place() for _ in range(5)])
        made.append([(o["grand_total"], o["customer_email"]) for o in server.store.orders.values()])
        server.stop()
    assert made[0] == made[1]


def test_an_order_depends_on_the_seed_and_its_number_alone() -> None:
    totals = []
    for kind in ("bundle", "virtual"):
        with shop_with() as shop:
            shop.place(3, [kind, kind, "coupon"])
            totals.append(get(shop, "orders/3").json()["grand_total"])
    assert totals[0] == totals[1]


def admin(shop: StoreServer, path: str, body: object = None, method: str = "POST") -> httpx.Response:
    return httpx.request(method, f"{shop.url}/sandbox/{path}", json=body)


def test_orders_are_placed_and_moved_from_outside(shop: StoreServer) -> None:
    numbers = admin(shop, "place", {"count": 3, "kinds": ["simple", "bundle"]}).json()
    assert numbers == [1, 2, 3]
    assert admin(shop, "place", {"kinds": ["car"]}).status_code == 400
    moves = [("1", "hold", "holded"), ("1", "unhold", "new"), ("1", "pay", "processing"), ("1", "ship", "complete")]
    for number, move, state in [*moves, ("1", "refund", "closed"), ("2", "cancel", "canceled")]:
        assert admin(shop, f"orders/{number}/{move}").json() not in {False, None}
        assert admin(shop, "state", method="GET").json()[number]["state"] == state
    assert admin(shop, "orders/2/cancel").json() is False  # a second time
    assert admin(shop, "orders/99/cancel").status_code == 404
    assert admin(shop, "no-such-verb").status_code == 404


def test_an_edited_order_is_a_new_one(shop: StoreServer) -> None:
    admin(shop, "place", {"count": 1})
    new = admin(shop, "orders/1/edit").json()
    old, fresh = get(shop, "orders/1").json(), get(shop, f"orders/{new}").json()
    assert (old["state"], fresh["increment_id"]) == ("canceled", f"{old['increment_id']}-1")
    assert fresh["original_increment_id"] == old["increment_id"]


def test_a_refund_may_be_a_part_with_adjustments_and_the_memo_says_so(shop: StoreServer) -> None:
    shop.place(1, ["simple"])
    assert admin(shop, "orders/1/refund").status_code == 400  # nothing is paid
    admin(shop, "orders/1/pay")
    memo = admin(shop, "orders/1/refund", {"arguments": {"shipping_amount": 0, "adjustment_positive": 1}}).json()
    told = get(shop, f"creditmemo/{memo}").json()
    assert (told["shipping_amount"], told["adjustment_positive"]) == (0, 1)
    assert told["grand_total"] == pytest.approx(told["subtotal"] + told["tax_amount"] + 1)


def test_invoices_in_parts_add_up_to_the_order(shop: StoreServer) -> None:
    (number,) = shop.place(1, ["bundle_coupon"])
    for row in get(shop, f"orders/{number}").json()["items"]:
        if "parent_item_id" not in row:
            body = {"items": [{"order_item_id": row["item_id"], "qty": row["qty_ordered"]}]}
            assert post(shop, f"order/{number}/invoice", body).status_code == 200
    kept = shop.do(lambda store: store.orders[number])
    assert kept["total_invoiced"] == kept["grand_total"]
    assert kept["total_due"] == 0


def test_the_clock_and_the_faults_are_set_from_outside(shop: StoreServer) -> None:
    assert admin(shop, "clock", {"offset_s": -3600}, "PUT").json()["offset_s"] == -3600
    assert admin(shop, "faults", {"down": 1}, "PUT").json()["faults"]["down"] == 1
    assert get(shop, "orders/1").status_code == 503
    assert admin(shop, "faults", {"down": 2}, "PUT").status_code == 400
    assert admin(shop, "faults", {}, "PUT").status_code == 200
    assert get(shop, "orders/1").status_code == 404
    assert admin(shop, "faults", method="GET").json()["drawn"] == {"down": 1}
    assert "GET /rest/V1/orders/1" in admin(shop, "log", method="GET").json()


# --- who may call ---------------------------------------------------------------------------------------------------


def test_a_signed_call_is_let_in_once_and_a_changed_one_never(shop: StoreServer) -> None:
    shop.place(1)
    url = f"{shop.url}/rest/V1/orders/1?fields=entity_id"
    headers = signed(url)
    assert httpx.get(url, headers=headers).json() == {"entity_id": 1}
    again = httpx.get(url, headers=headers)
    assert (again.status_code, again.json()["parameters"]) == (401, ["1"])
    other = httpx.get(url.replace("entity_id", "state"), headers=signed(url))
    assert (other.status_code, other.json()["message"]) == (401, "The signature is invalid. Verify and try again.")
    weak = {"Authorization": signed(url)["Authorization"].replace("HMAC-SHA256", "HMAC-SHA1")}
    refused = httpx.get(url, headers=weak)
    assert (refused.status_code, refused.json()["parameters"]) == (400, ["HMAC-SHA1"])


def test_an_admin_token_lasts_its_hours(shop: StoreServer) -> None:
    shop.place(1)
    login = {"username": "admin", "password": "admin-password"}
    token = httpx.post(f"{shop.url}/rest/V1/integration/admin/token", json=login).json()
    headers = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{shop.url}/rest/V1/orders/1", headers=headers).status_code == 200
    shop.clock.shift(5 * 3600)
    assert httpx.get(f"{shop.url}/rest/V1/orders/1", headers=headers).status_code == 401


def test_a_server_stops_however_soon_and_however_often() -> None:
    for _ in range(50):
        server = StoreServer()
        server.start()
        server.stop()
        server.stop()
    StoreServer().stop()


def test_a_server_that_stops_while_clients_come_leaves_none_of_them_open() -> None:
    """uvloop tells of what was left by a ResourceWarning, which here is an error, and then waits for ever."""
    for _ in range(30):
        server = StoreServer()
        server.start()
        clients = [socket.socket() for _ in range(3)]
        for client in clients:
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", server._server.port))
        server.stop()
        for client in clients:
            client.close()
    gc.collect()
