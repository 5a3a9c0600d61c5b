from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.errors import (
    Conflict,
    DeliveryError,
    Misconfigured,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Temporary,
    Unauthorized,
)
from crossdock.magento.answers import RowsRejected, classify, clean, describe, fill, page_size_limit, row_errors
from tests.material import SHARED, needs_shared

RECORDINGS = SHARED / "magento" / "recordings"
SUBSCRIPTIONS = SHARED / "magento" / "webhooks" / "subscriptions"

# Every recorded exchange that is not a plain success, by hand. Whatever is not named here must be a success.
EXPECTED: dict[type[DeliveryError], str] = {
    Misconfigured: """
        async_get_not_allowed bulk_get_not_allowed orders_list_bad_storecode double_v err_no_route_404 err_wrong_method
        err_wrong_content_type err_accept_xml head_method options_method patch_method oauth1_hmac_sha1 42_delete
    """,
    Unauthorized: """
        auth_admin_token_bad_password auth_bad_token_401 auth_forbidden_scope bulk_bad_token_401
        bulk_status_readonly_token guest_cart_order_out_of_stock oauth1_bad_signature oauth1_port_in_base_url_401
        oauth_wrong_scheme 34_create_readonly_token 35_list_readonly_token 36_create_anon
    """,
    Temporary: """
        err_accept_html orders_list_bad_sort_field orders_list_unknown_field salable_qty_404 php_down_502
        maintenance_503 lockwait_sync_put lockwait_sync_source_items oauth1_nonce_reused
    """,
    OutcomeUnknown: "",
    Rejected: """
        async_product_post_missing_param async_product_post_type_error base_prices_post_string body_latin1_bytes
        body_with_bom bulk_detailed_unknown_uuid bulk_object_instead_of_array bulk_products_post_type_error
        bulk_status_bad_uuid bulk_status_unknown_uuid cart_add_too_many customer_404 customer_post_duplicate_email
        customer_post_invalid err_invalid_json err_json_array_body limit_base_prices_21
        limit_bulk_source_items_21_in_one limit_pagesize_too_large limit_source_items_21 order_404 order_cancel_404
        order_comment_post_bad_status order_comment_post_status_change order_comment_unknown_order
        order_configurable_ship_child_item_id order_get_holded_ship_400 order_invoice_404 order_non_numeric
        order_ship_404 order_ship_bad_source_400 order_ship_post_again_400 order_ship_unknown_item_400
        order_tracking_post_missing orders_list_bad_sort_dir orders_list_no_searchcriteria_400
        orders_list_pagesize_nonnumeric product_404 product_delete_404 product_get_after_rename
        product_post_bad_attribute_set product_post_bad_price_type_400 product_post_bundle
        product_post_duplicate_url_key product_post_missing_attribute_set product_post_missing_name_400
        product_post_negative_price product_post_price_comma product_post_sku_too_long product_post_unknown_property
        product_put_unknown_sku source_404 source_items_post_empty_list source_items_post_missing_qty
        source_items_post_missing_status source_items_post_qty_bad_string stock_items_get_404
        23_get_missing 41_put_missing 20_list_nosc 30_create_nobody
    """,
    RowsRejected: "base_prices_post_missing_store base_prices_post_partial_errors special_price_post_errors",
}
BY_NAME = {name: kind for kind, names in EXPECTED.items() for name in names.split()}


def exchanges() -> list[tuple[str, dict[str, Any]]]:
    files = sorted([*RECORDINGS.glob("*.json"), *SUBSCRIPTIONS.glob("*.json")])
    loaded = [(path.stem, json.loads(path.read_bytes())) for path in files]
    return [(name, one) for name, one in loaded if isinstance(one, dict) and "status" in one]


def body_of(recording: dict[str, Any]) -> bytes:
    kind = next((v for k, v in recording["response_headers"].items() if k.lower() == "content-type"), "")
    body = recording["response_body"]
    if isinstance(body, str) and "json" not in kind:
        return body.encode()
    return json.dumps(body).encode()


@needs_shared
def test_every_recorded_answer_is_what_it_was_judged_to_be() -> None:
    seen, wrong = set(), []
    for name, one in exchanges():
        headers = {key.lower(): value for key, value in one["response_headers"].items()}
        error = classify(one["method"], one["status"], headers, body_of(one))
        expected = BY_NAME.get(name)
        seen.add(name)
        if (type(error) if error else None) is not expected:
            wrong.append(f"{name}: {one['method']} {one['status']} {error!r}, expected {expected}")
    assert not wrong, "\n".join(wrong)
    assert len(seen) > 400
    assert not set(BY_NAME) - seen, "judged, but not recorded"


@needs_shared
def test_no_placeholder_is_left_where_the_store_gave_its_parameter() -> None:
    for name, one in exchanges():
        body = one["response_body"]
        if isinstance(body, dict) and body.get("parameters"):
            assert "%" not in describe(body), name


@needs_shared
def test_parallel_calls_and_their_answers() -> None:
    for name in ("concurrent_invoice_same_order", "concurrent_ship_same_order"):
        results = json.loads((RECORDINGS / f"{name}.json").read_bytes())["results"]
        kinds = [classify("POST", status, {}, body.encode()) for status, body, _ in results]
        assert [type(one) for one in kinds].count(Rejected) == 3
        assert kinds.count(None) == 1


JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("method", "status", "headers", "body", "expected"),
    [
        ("GET", 500, {}, b'{"message":"Internal Error"}', Temporary),
        ("POST", 500, {}, b'{"message":"Internal Error"}', OutcomeUnknown),
        ("PUT", 502, {}, b"<html>", OutcomeUnknown),
        ("POST", 503, {}, b"<html>", Temporary),
        ("POST", 503, {"retry-after": "7"}, b"<html>", RateLimited),
        ("GET", 429, {"retry-after": "7"}, b"{}", RateLimited),
        ("GET", 429, {}, b"{}", RateLimited),
        ("POST", 200, {}, b"<html>welcome</html>", OutcomeUnknown),
        ("GET", 200, {}, b"<html>welcome</html>", Temporary),
        ("POST", 200, {}, b"", OutcomeUnknown),
        ("POST", 200, {}, b'{"entity_id":', OutcomeUnknown),
        ("POST", 500, {}, b'{"message":"SQLSTATE[40001]: 1213 Deadlock found when trying to get lock"}', Temporary),
        ("POST", 400, {}, b'{"message":"x","code":1213}', Temporary),
        ("POST", 400, {}, b'{"message":"x","code":1205}', Temporary),
        ("POST", 302, {"location": "https://elsewhere"}, b"", Misconfigured),
        ("GET", 301, {}, b"", Misconfigured),
        ("GET", 404, {}, b"<html>nginx</html>", Misconfigured),
        ("GET", 400, {}, b"<html>nginx</html>", Misconfigured),
        ("GET", 401, {}, b"<html>proxy</html>", Unauthorized),
        ("GET", 403, {}, b"<html>firewall</html>", Unauthorized),
        ("POST", 401, {}, b'{"message":"The nonce is already being used by the consumer with ID %1"}', OutcomeUnknown),
        ("POST", 408, {}, b"", Temporary),
        ("POST", 423, {}, b"{}", Temporary),
        ("POST", 409, {}, b"{}", Conflict),
        ("POST", 412, {}, b"{}", Conflict),
        ("POST", 413, {}, b"<html>", Rejected),
        ("POST", 422, {}, b"{}", Rejected),
    ],
)
def test_the_table(
    method: str, status: int, headers: dict[str, str], body: bytes, expected: type[DeliveryError]
) -> None:
    error = classify(method, status, headers, body)
    assert type(error) is expected
    assert error is not None
    assert error.status == status


def test_the_pause_is_a_number_or_a_date_seen_from_the_stores_clock() -> None:
    headers = {"date": "Mon, 23 Nov 2026 06:00:00 GMT", "retry-after": "Mon, 23 Nov 2026 06:02:00 GMT"}
    error = classify("GET", 429, headers, b"{}")
    assert isinstance(error, RateLimited)
    assert error.retry_after == 120
    error = classify("GET", 429, {"retry-after": "11"}, b"{}")
    assert isinstance(error, RateLimited)
    assert error.retry_after == 11


@pytest.mark.parametrize(
    ("message", "parameters", "filled"),
    [
        ("No %fieldName = %fieldValue", {"fieldName": "id", "fieldValue": 9}, "No id = 9"),
        ("%field and %fieldName", {"field": "a", "fieldName": "b"}, "a and b"),
        ("%1 then %2, %1", ["a", "b"], "a then b, a"),
        ("Invalid attribute %fieldName = %fieldValue.", ["SKU", "NOPE"], "Invalid attribute SKU = NOPE."),
        ("already filled", ["x"], "already filled"),
        ("%3 is missing", ["a"], "%3 is missing"),
        ("100 % sure", None, "100 % sure"),
    ],
)
def test_placeholders_are_filled_from_objects_and_lists(message: str, parameters: Any, filled: str) -> None:
    assert fill(message, parameters) == filled


def test_nested_errors_are_told_once() -> None:
    body = {"message": "Failed", "errors": [{"message": "%f wrong", "parameters": {"f": "qty"}}, {"message": "Failed"}]}
    assert describe(body) == "Failed; qty wrong"


def test_what_is_quoted_is_clean_and_short() -> None:
    assert clean('No customer "mario.rossi@example.com",\nretry') == 'No customer "<email>", retry'
    assert len(clean("x" * 1000)) == 200
    error = classify("POST", 400, {}, json.dumps({"message": "Bad %1", "parameters": ["canary@example.org"]}).encode())
    assert "canary" not in str(error)


def test_the_stores_page_limit_is_read_from_its_refusal() -> None:
    body = b'{"message":"Maximum SearchCriteria pageSize is %max","parameters":{"max":100}}'
    error = classify("GET", 400, {}, body)
    assert error is not None
    assert page_size_limit(error) == 100
    assert page_size_limit(Rejected("other")) is None


def test_failed_rows_in_a_success_are_told_apart_from_lists() -> None:
    assert row_errors([{"message": "no %1", "parameters": ["sku"]}]) == ["no sku"]
    assert row_errors([]) == []
    assert row_errors([{"sku": "A"}]) == []
    assert row_errors({"message": "x"}) == []


@given(
    st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
    st.integers(100, 599),
    st.dictionaries(st.sampled_from(["retry-after", "date", "location"]), st.text(max_size=40)),
    st.one_of(
        st.binary(max_size=60),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(),
            lambda x: (
                st.lists(x) | st.dictionaries(st.sampled_from(["message", "parameters", "errors", "code", "x"]), x)
            ),
        ).map(lambda x: json.dumps(x).encode()),
    ),
)
def test_no_answer_whatsoever_breaks_the_table(method: str, status: int, headers: dict[str, str], body: bytes) -> None:
    error = classify(method, status, headers, body)
    assert error is None or isinstance(error, DeliveryError)
    if error is None:
        assert 200 <= status < 300
