"""The recorded requests, sent to the sandbox store: the same status, the same shape. Needs the recorded material."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from crossdock.sandbox.faults import Faults
from crossdock.sandbox.run import StoreServer
from crossdock.sandbox.store import Store
from tests.material import SHARED, needs_shared
from tests.sandbox_recordings.shapes import differences
from tests.walk.world import until

pytestmark = needs_shared
RECORDINGS = SHARED / "magento" / "recordings"
SUBSCRIPTIONS = SHARED / "magento" / "webhooks" / "subscriptions"
LISTS = [
    "orders_before_list_page1_size2",
    "orders_filterGroups_camelcase",
    "orders_list_all",
    "orders_list_bad_condition",
    "orders_list_bad_date",
    "orders_list_bad_sort_dir",
    "orders_list_bad_sort_field",
    "orders_list_bad_storecode",
    "orders_list_empty",
    "orders_list_fields_unknown",
    "orders_list_increment_eq",
    "orders_list_iso_date_T_Z",
    "orders_list_iso_date_offset",
    "orders_list_no_searchcriteria_400",
    "orders_list_or_filter",
    "orders_list_page0",
    "orders_list_page3_size5",
    "orders_list_page_past_end",
    "orders_list_pagesize0",
    "orders_list_pagesize_huge",
    "orders_list_pagesize_nonnumeric",
    "orders_list_storecode_all",
    "orders_list_unknown_field",
    "orders_list_updated_gt_status_in_fields",
    "orders_null_condition",
    "orders_past_end_nofields",
    "orders_searchCriteria_empty",
    "orders_value_with_percent_like",
    "past_end_invoices",
    "past_end_shipments",
    "invoices_list",
    "transactions_list",
    "invoice_get",
]
ORDERS = [
    "order_404",
    "order_non_numeric",
    "orders_list_fields_single_order",
    "order_pending_get",
    "order_configurable_get",
    "order_coupon_get",
    "order_customer_get",
    "order_virtual_get",
    "order_statuses_get",
    "order_comments_get",
    "order_comment_html",
    "order_comment_long",
    "order_comment_post",
    "order_comment_post_bad_status",
    "order_comment_post_minimal",
    "order_comment_post_missing_fields_400",
    "order_comment_post_status_change",
    "order_comment_processing_status_ok",
    "order_comment_unknown_order",
    "order_after_cancel_get",
    "order_cancel_404",
    "order_cancel_again",
    "order_cancel_complete_order",
    "order_cancel_post",
    "order_after_hold_get",
    "order_hold_post",
    "order_unhold",
    "order_after_invoice_get",
    "order_invoice_404",
    "order_invoice_post_capture",
    "order_refunded_invoice",
    "order_conf_complete_invoice",
    "order_after_ship_get",
    "order_complete_get",
    "order_complete_ship",
    "order_conf_complete_ship",
    "order_configurable_complete_get",
    "order_get_holded_ship_400",
    "order_refunded_ship",
    "order_ship_404",
    "order_ship_bad_source_400",
    "order_ship_post",
    "order_ship_post_again_400",
    "order_ship_unknown_item_400",
    "order_refund_post",
    "order_refunded_get",
    "order_post_partial_update",
    "order_partial_ship",
    "order_partial_ship_too_many_400",
    "order_configurable_ship_child_item_id",
    "order_configurable_ship_parent_item_id",
    "order_tracking_post",
    "order_tracking_post_missing",
    "shipment_get",
]
STOCK = [
    "source_items_post",
    "source_items_post_unknown_sku",
    "source_items_list_sku",
    "source_items_list_empty",
    "customers_search",
    "customers_search_page_past_end",
    "customer_404",
    "customer_put_partial",
    "customer_put_without_website",
    "customer_post",
    "customer_post_invalid",
]
# each sent to a store of its own, after those that it builds upon
PRICES: dict[str, list[str]] = {
    "base_prices_post": [],
    "base_prices_post_21": [],
    "base_prices_post_missing_store": [],
    "base_prices_post_partial_errors": [],
    "base_prices_post_string": [],
    "base_prices_info": ["base_prices_post", "base_prices_post_partial_errors"],
    "base_prices_info_unknown": ["base_prices_post", "base_prices_post_partial_errors"],
    "special_price_post": [],
    "special_price_post_errors": [],
    "special_price_info": ["special_price_post"],
    "special_price_delete": ["special_price_post"],
    "special_price_delete_missing": ["special_price_post", "special_price_delete"],
    "tier_prices_post": [],
    "tier_prices_put_replace": ["tier_prices_post"],
    "tier_prices_info": ["tier_prices_post", "tier_prices_put_replace"],
    "tier_prices_delete": ["tier_prices_post", "tier_prices_put_replace"],
    "tier_prices_delete_missing": ["tier_prices_post", "tier_prices_put_replace", "tier_prices_delete"],
    "customer_groups": [],
    "past_end_customer_groups": [],
}
# each sent to a store of its own, after those that it builds upon
PRODUCTS: dict[str, list[str]] = {
    "product_post_new": [],
    "product_post_existing_sku": ["product_post_new"],
    "product_post_bad_attribute_set": [],
    "product_post_missing_attribute_set": [],
    "product_post_missing_name_400": [],
    "product_post_negative_price": [],
    "product_post_sku_too_long": [],
    "product_post_sku_trailing_space": [],
    "product_post_bad_option_value": [],
    "product_post_unknown_property": [],
    "product_post_price_comma": [],
    "product_post_bad_price_type_400": [],
    "product_post_price_as_string": [],
    "product_post_virtual": [],
    "product_name_emoji": [],
    "product_put": [],
    "product_put_disable": [],
    "product_put_unknown_sku": [],
    "product_put_website_ids_empty": ["product_post_bad_option_value"],
    "product_get": [],
    "product_get_lowercase_sku": [],
    "product_404": [],
    "product_delete": ["product_post_new"],
    "product_delete_404": [],
    "product_types": [],
    "products_list": [],
    "products_list_page_past_end_nofields": [],
    "products_list_sku_in": [],
    "product_attributes_list": [],
    "past_end_attribute_sets": [],
    "past_end_categories": [],
    "bulk_products_post_type_error": [],
    "bulk_object_instead_of_array": [],
    "bulk_empty_array": [],
    "async_product_post": [],
    "async_product_post_missing_param": [],
    "async_product_post_type_error": [],
}
UNTOLD = {
    "product_links",
    "tier_prices",
    "low_stock_date",
}  # told by some answers and not by others, whatever was asked
BULK_PRICES = ["bulk_base_prices_post", "bulk_special_price_post", "bulk_tier_prices_post"]
GENERAL = [
    "auth_bad_token_401",
    "auth_admin_token_bad_password",
    "auth_admin_token_post",
    "oauth_wrong_scheme",
    "err_no_route_404",
    "err_wrong_method",
    "err_accept_xml",
    "err_accept_html",
    "async_get_not_allowed",
    "bulk_get_not_allowed",
    "bulk_status_unknown_uuid",
    "bulk_detailed_unknown_uuid",
    "bulk_opstatus_unknown_uuid",
    "double_v",
    "trailing_slash",
    "options_method",
    "patch_method",
    "head_method",
    "store_configs",
    "store_views",
    "store_websites",
]


# When the recorded store's orders were placed: dates in filters speak of that day.
PLACED = datetime(2026, 11, 23, 4, 58, 41, tzinfo=UTC)


@pytest.fixture
def shop() -> Iterator[StoreServer]:
    server = StoreServer(seed=3)
    server.clock.stop(PLACED)
    server.start()
    yield server
    server.stop()


def recorded(name: str, folder: Path = RECORDINGS) -> dict[str, Any]:
    one: dict[str, Any] = json.loads((folder / f"{name}.json").read_text())
    return one


def paid(store: Store, number: int) -> None:
    assert store.change(number, "pay")


def complete(store: Store, number: int) -> None:
    assert store.change(number, "pay")
    assert store.change(number, "ship")


def commented(store: Store, number: int) -> None:
    for told in ({"entity_name": "order", "is_customer_notified": 0}, {"is_customer_notified": 0}, {}):
        store.comment(store.orders[number], {"comment": "x"} | told)


def closed(store: Store, number: int) -> None:
    complete(store, number)
    store.refund(number)


def held(store: Store, number: int) -> None:
    assert store.change(number, "hold")


def canceled(store: Store, number: int) -> None:
    assert store.change(number, "cancel")


def shipped(store: Store, number: int) -> None:
    track = {"track_number": "T", "title": "GLS", "carrier_code": "custom"}
    told = {"comment": {"comment": "shipped", "is_visible_on_front": 0}, "appendComment": True, "tracks": [track]}
    assert isinstance(store.document(number, "ship", told), int)


def tracked_twice(store: Store, number: int) -> None:
    shipped(store, number)
    track = {"order_id": number, "parent_id": 1, "track_number": "T2", "title": "BRT", "carrier_code": "custom"}
    assert store.track(track | {"weight": 1, "qty": 1, "description": ""})


def nothing(_store: Store, _number: int) -> None:
    """A fresh order."""


# The twelve orders of the recorded store, in the states in which its lists were recorded.
RECORDED_ORDERS: list[tuple[str, Callable[[Store, int], None]]] = [
    ("simple", commented),
    ("mixed", nothing),
    ("several", paid),
    ("simple", shipped),
    ("customer", canceled),
    ("simple", closed),
    ("coupon", nothing),
    ("simple", nothing),
    ("simple", complete),
    ("simple", held),
    ("simple", paid),
    ("configurable", complete),
]


# What must have happened to the order before the call; all but these are fresh.
BEFORE: dict[str, Callable[[Store, int], None]] = {
    "order_pending_get": commented,
    "order_comments_get": commented,
    "order_comment_html": paid,
    "order_comment_long": paid,
    "order_comment_processing_status_ok": paid,
    "order_after_cancel_get": canceled,
    "order_cancel_again": canceled,
    "order_cancel_complete_order": complete,
    "order_after_hold_get": held,
    "order_unhold": held,
    "order_get_holded_ship_400": held,
    "order_after_invoice_get": paid,
    "order_after_ship_get": shipped,
    "order_complete_get": complete,
    "order_conf_complete_ship": paid,
    "order_configurable_complete_get": complete,
    "order_ship_post_again_400": shipped,
    "order_refund_post": complete,
    "order_refunded_get": closed,
    "order_tracking_post": shipped,
    "shipment_get": tracked_twice,
    "invoice_get": paid,
}
KINDS = {"order_coupon_get": "coupon", "order_customer_get": "customer", "order_virtual_get": "virtual"}
KINDS |= {"order_configurable_ship_child_item_id": "configurable"}
KINDS |= {"order_configurable_ship_parent_item_id": "configurable"}
# which row of the order a shipment names
SHIPPED_ROWS = {
    "order_partial_ship": 0,
    "order_partial_ship_too_many_400": 0,
    "order_configurable_ship_child_item_id": 1,
    "order_configurable_ship_parent_item_id": 0,
}
KINDS |= {"order_configurable_get": "mixed", "order_configurable_complete_get": "configurable"}


def _made(make: Callable[[Store, int], None], number: int, store: Store) -> None:
    make(store, number)


def prepare(shop: StoreServer, name: str, path: str) -> str:
    """Twelve orders, the one in question as it was; the path with the number that it has here."""
    if name in LISTS:
        for kind, made in RECORDED_ORDERS:
            (number,) = shop.place(1, [kind])
            shop.do(partial(_made, made, number))
        return path
    shop.place(12, ["simple"])
    chosen = shop.do(lambda store: store.place(KINDS.get(name, "simple")))
    if name in BEFORE:
        shop.do(lambda store: BEFORE[name](store, chosen))
    parts = path.split("/")
    mine = [str(chosen) if part.isdigit() and part != "99999" and "order" in path else part for part in parts]
    return "/".join(mine)


def body_of(name: str, one: dict[str, Any], shop: StoreServer) -> Any:
    """With this sandbox's ids in the place of the recorded ones."""
    body = one["request_body"]
    if name == "auth_admin_token_post":
        return body | {"password": "admin-password"}
    if name == "order_post_partial_update":
        return {"entity": body["entity"] | {"entity_id": 13}}
    if name in SHIPPED_ROWS:
        rows = shop.do(lambda store: store.orders[13]["items"])
        row = rows[SHIPPED_ROWS[name]]["item_id"]
        return body | {"items": [{"order_item_id": row, "qty": body["items"][0]["qty"]}]}
    if name == "order_refund_post":
        rows = shop.do(lambda store: store.orders[13]["items"])
        return body | {"items": [{"order_item_id": rows[0]["item_id"], "qty": rows[0]["qty_ordered"]}]}
    return body


def ask(shop: StoreServer, name: str, one: dict[str, Any], path: str) -> httpx.Response:
    given = one["request_headers"]
    headers = {key: value for key, value in given.items() if key in {"Accept", "Content-Type"}}
    if "Authorization" in given:
        headers["Authorization"] = given["Authorization"].replace("<redacted>", "sandbox")
    query = parse_qsl(one["query"] or "", keep_blank_values=True)
    body = body_of(name, one, shop)
    content = None if body is None else (body.encode() if isinstance(body, str) else json.dumps(body).encode())
    return httpx.request(one["method"], shop.url + path, params=query, headers=headers, content=content)


@pytest.mark.parametrize("name", LISTS + ORDERS + STOCK + GENERAL)
def test_the_sandbox_answers_as_the_real_store_did(shop: StoreServer, name: str) -> None:
    one = recorded(name)
    answer = ask(shop, name, one, prepare(shop, name, one["path"]))
    assert answer.status_code == one["status"], answer.text[:300]
    assert answer.headers["content-type"].lower() == one["response_headers"]["Content-Type"].lower()
    wanted = one["response_body"]
    if isinstance(wanted, str):
        if not answer.headers["content-type"].startswith("application/json"):
            assert answer.text.lstrip()[:14].lower() == wanted.lstrip()[:14].lower()
        elif one["method"] != "HEAD":
            assert isinstance(answer.json(), str)
        return
    assert not differences(answer.json(), wanted)
    if isinstance(wanted, dict) and "message" in wanted:
        same = wanted["message"].partition("webapi-")[0]
        assert answer.json()["message"].partition("webapi-")[0] == same


@pytest.mark.parametrize("name", PRICES)
def test_prices_are_answered_to_the_letter(shop: StoreServer, name: str) -> None:
    for before in PRICES[name]:
        assert ask(shop, before, recorded(before), recorded(before)["path"]).status_code == 200
    one = recorded(name)
    answer = ask(shop, name, one, one["path"])
    assert answer.status_code == one["status"], answer.text[:300]
    if name != "past_end_customer_groups":  # what it tells of the search differs in order
        assert answer.json() == one["response_body"]
    assert not differences(answer.json(), one["response_body"])


def test_a_second_account_under_one_address_is_refused_as_recorded(shop: StoreServer) -> None:
    for name in ("customer_post", "customer_post_duplicate_email"):
        one = recorded(name)
        answer = ask(shop, name, one, one["path"])
        assert answer.status_code == one["status"]
        assert not differences(answer.json(), one["response_body"])
    assert answer.json() == recorded("customer_post_duplicate_email")["response_body"]


def unlike(told: Any, wanted: Any) -> list[str]:
    found = differences(told, wanted)
    return [one for one in found if not any(name in one for name in UNTOLD)]


@pytest.mark.parametrize("name", PRODUCTS)
def test_products_are_answered_as_recorded(shop: StoreServer, name: str) -> None:
    for before in PRODUCTS[name]:
        assert ask(shop, before, recorded(before), recorded(before)["path"]).status_code == 200
    one = recorded(name)
    answer = ask(shop, name, one, one["path"])
    wanted = one["response_body"]
    assert answer.status_code == one["status"], answer.text[:300]
    assert not unlike(answer.json(), wanted)
    if answer.status_code >= 400:
        assert answer.json() == wanted
    if isinstance(wanted, dict) and "custom_attributes" in wanted and one["method"] != "GET":
        for field in ("sku", "status", "visibility", "type_id", "attribute_set_id"):
            assert answer.json()[field] == wanted[field], field
        if name not in {"product_put", "product_put_disable"}:  # of products that have other names here
            assert answer.json()["name"] == wanted["name"]
            assert answer.json()["custom_attributes"] == wanted["custom_attributes"]


def test_two_products_of_one_address_are_refused(shop: StoreServer) -> None:
    one = recorded("product_post_duplicate_url_key")
    first = {**one, "request_body": {"product": one["request_body"]["product"] | {"sku": "FIRST"}}}
    assert ask(shop, "", first, one["path"]).status_code == 200
    answer = ask(shop, "", one, one["path"])
    assert (answer.status_code, answer.json()) == (one["status"], one["response_body"])


def test_products_in_bulk_are_told_operation_by_operation(shop: StoreServer) -> None:
    shop.set_faults(Faults(bulk_s=0.05))
    one = recorded("bulk_products_post")
    answer = ask(shop, "", one, one["path"])
    assert answer.status_code == one["status"]
    assert not differences(answer.json(), one["response_body"])
    base = f"{shop.url}/rest/V1/bulk/{answer.json()['bulk_uuid']}"
    headers = {"Authorization": "Bearer sandbox"}
    until(lambda: httpx.get(f"{base}/operation-status/4", headers=headers).json() == 0)
    for end in ("status", "detailed"):
        wanted = recorded(f"bulk_products_post_{end}")["response_body"]
        place = "detailed-status" if end == "detailed" else end
        told = httpx.get(f"{base}/{place}", headers=headers).json()
        assert told["description"] == wanted["description"]
        assert not differences(told, wanted)
        for row, other in zip(told["operations_list"], wanted["operations_list"], strict=True):
            for field in ("status", "result_message", "error_code"):
                assert row[field] == other[field]
            if end == "detailed" and other["serialized_data"]:
                assert json.loads(row["serialized_data"]) == json.loads(other["serialized_data"])
            if end == "detailed" and other["result_serialized_data"]:
                kept = json.loads(row["result_serialized_data"])
                assert not unlike(kept, json.loads(other["result_serialized_data"]))


def test_the_search_over_bulks_tells_each_operation_with_its_time(shop: StoreServer) -> None:
    one = recorded("bulk_products_post")
    shop.set_faults(Faults(bulk_s=0.05))
    for _ in range(2):
        ask(shop, "", one, one["path"])
    until(lambda: shop.do(lambda store: store.jobs.carried_out) == 8)
    wanted = recorded("bulk_search")
    told = ask(shop, "", wanted, wanted["path"]).json()
    assert told["total_count"] == 8
    assert not differences(told["items"][0], wanted["response_body"]["items"][0])


def test_a_save_through_one_view_is_that_views_alone(shop: StoreServer) -> None:
    one = recorded("product_put_store_scope_price")
    assert ask(shop, "", one, one["path"]).json()["name"] == "Simple 3 store name"
    for scope, name in (("default", "Simple 3 store name"), ("all", "Product SIM-0003"), ("us", "Product SIM-0003")):
        url = f"{shop.url}/rest/{scope}/V1/products/SIM-0003"
        assert httpx.get(url, headers={"Authorization": "Bearer sandbox"}).json()["name"] == name


def test_a_deleted_tier_price_is_gone_and_an_unknown_sku_spoils_the_call(shop: StoreServer) -> None:
    for name in ("tier_prices_post", "tier_prices_put_replace", "tier_prices_delete"):
        ask(shop, name, recorded(name), recorded(name)["path"])
    assert shop.do(lambda store: store.prices.of("tier", "SIM-0002")) == []
    one = recorded("tier_prices_post")
    one["request_body"]["prices"].append(one["request_body"]["prices"][0] | {"sku": "NOPE"})
    assert ask(shop, "tier_prices_post", one, one["path"]).status_code == 404
    assert shop.do(lambda store: store.prices.of("tier", "SIM-0002")) == []


def test_a_limit_of_the_input_refuses_the_whole_call(shop: StoreServer) -> None:
    shop.do(lambda store: setattr(store.prices, "most", 20))
    one = recorded("limit_base_prices_21")
    answer = ask(shop, "limit_base_prices_21", one, one["path"])
    assert (answer.status_code, answer.json()) == (one["status"], one["response_body"])


@pytest.mark.parametrize("name", BULK_PRICES)
def test_errors_of_prices_in_bulk_stand_in_a_text_of_a_complete_operation(shop: StoreServer, name: str) -> None:
    shop.set_faults(Faults(bulk_s=0.5))
    one = recorded(name)
    answer = ask(shop, name, one, one["path"])
    assert answer.status_code == one["status"]
    assert not differences(answer.json(), one["response_body"])
    base = f"{shop.url}/rest/V1/bulk/{answer.json()['bulk_uuid']}"
    headers = {"Authorization": "Bearer sandbox"}
    count = len(one["request_body"])
    until(lambda: httpx.get(f"{base}/operation-status/1", headers=headers).json() == count)
    told = httpx.get(f"{base}/detailed-status", headers=headers).json()
    end = "detailed" if name == "bulk_base_prices_post" else "status"
    wanted = recorded(f"{name}_{end}")["response_body"]
    assert told["description"] == wanted["description"]
    for row, other in zip(told["operations_list"], wanted["operations_list"], strict=True):
        assert row["result_message"] == other["result_message"]
        assert row["result_serialized_data"] == other.get("result_serialized_data", "[]")


def test_an_asynchronous_shipment_is_accepted_carried_out_and_told_as_recorded(shop: StoreServer) -> None:
    begins: list[Callable[[], None]] = []  # kept back until what is still open was asked after
    shop.do(lambda store: setattr(store, "schedule", lambda _seconds, act: begins.append(act)))
    (number,) = shop.place(1, ["simple"])
    accepted = recorded("async_order_ship")
    path = accepted["path"].replace("/7/", f"/{number}/")
    headers = {"Authorization": "Bearer sandbox"}
    answer = httpx.post(shop.url + path, headers=headers, json=accepted["request_body"])
    assert answer.status_code == accepted["status"]
    assert not differences(answer.json(), accepted["response_body"])
    base = f"{shop.url}/rest/V1/bulk/{answer.json()['bulk_uuid']}"
    assert httpx.get(f"{base}/operation-status/4", headers=headers).json() == 1
    shop.do(lambda _store: begins.pop()())
    assert httpx.get(f"{base}/operation-status/1", headers=headers).json() == 1
    assert list(shop.do(lambda store: store.shipments)) == [1]
    for name, place in (("async_order_ship_status", "status"), ("async_order_ship_detailed", "detailed-status")):
        told, wanted = httpx.get(f"{base}/{place}", headers=headers).json(), recorded(name)["response_body"]
        assert not differences(told, wanted)
        assert told["description"] == wanted["description"]
        assert told["operations_list"][0]["result_message"] == wanted["operations_list"][0]["result_message"]
    again = httpx.post(shop.url + path, headers=headers, json=accepted["request_body"])
    assert again.status_code == 202  # what is wrong with it is told later
    base = f"{shop.url}/rest/V1/bulk/{again.json()['bulk_uuid']}"
    shop.do(lambda _store: begins.pop()())
    assert httpx.get(f"{base}/operation-status/3", headers=headers).json() == 1


@pytest.mark.parametrize("name", [path.stem for path in sorted(SUBSCRIPTIONS.glob("*.json"))])
def test_subscriptions_are_answered_as_the_real_module_did(shop: StoreServer, name: str) -> None:
    """The readonly and anonymous callers of the recordings have no token here."""
    one = recorded(name, SUBSCRIPTIONS)
    for number in range(30):
        shop.subscribe({"event_name": "customer.login" if number else "sales.order.created"})
    headers = {"Content-Type": "application/json"}
    if "readonly" not in name and "anon" not in name:
        headers["Authorization"] = "Bearer sandbox"
    body = one.get("request_body")
    content = None if body is None else json.dumps(body).encode()
    answer = httpx.request(one["method"], shop.url + one["url"], headers=headers, content=content)
    if one["status"] >= 500:
        pytest.skip("a fault of that installation")
    assert answer.status_code == one["status"], answer.text[:300]
    assert not differences(answer.json(), one["response_body"])
