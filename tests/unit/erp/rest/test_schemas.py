"""The payloads of a custom ERP and their published schemas: every field that is sent is described, none is invented."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest

from crossdock.erp.rest.mapping import build_change_payload, build_order_payload, build_refund_payload, encode
from crossdock.magento.mapping.orders import parse_order
from crossdock.magento.mapping.refunds import parse_refund
from crossdock.model.change import OrderChange
from tests.material import SHARED, needs_shared

SCHEMAS = Path(__file__).parents[4] / "docs" / "reference" / "schemas"
# The spec's buildPayload, with the form that its formatAddress and formatItems give to addresses and items.
ADDRESS = {"first_name", "last_name", "company", "street", "city", "region", "postcode", "country", "telephone"}
AGREED: dict[str, set[str]] = {
    "customer": {"email", "first_name", "last_name", "customer_id"},
    "billing_address": ADDRESS,
    "totals": {"subtotal", "shipping", "tax", "discount", "grand_total"},
    "payment": {"method", "amount", "currency"},
    "shipping": {"method", "description"},
    "metadata": {"store_id", "magento_order_id"},
}
WHOLE = {"order_number", "shipping_address", "items", "status", "created_at", *AGREED}
LINE = {"sku", "name", "qty", "price", "tax", "discount", "row_total"}


def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SCHEMAS / f"{name}-payload.schema.json").read_text("utf-8"))
    return found


def strangers(value: Any, described: dict[str, Any], root: dict[str, Any], place: str = "") -> list[str]:
    """Paths that the schema does not name or says nothing of."""
    if "$ref" in described:
        return strangers(value, root["$defs"][described["$ref"].rpartition("/")[2]], root, place)
    for branch in (*described.get("oneOf", ()), *described.get("anyOf", ())):
        if "$ref" in branch or "properties" in branch:
            return [] if value is None else strangers(value, branch, root, place)
    if isinstance(value, list):
        return [one for inner in value for one in strangers(inner, described.get("items", {}), root, place + "[]")]
    if not isinstance(value, dict) or "additionalProperties" in described:
        return []
    known = described.get("properties", {})
    unknown = [f"{place}.{name}" for name in value if not told(known.get(name, {}))]
    return unknown + [
        one
        for name, inner in value.items()
        if name in known
        for one in strangers(inner, known[name], root, f"{place}.{name}")
    ]


def told(described: dict[str, Any]) -> bool:
    return bool(described.get("description") or "$ref" in described)


def recorded(pattern: str) -> list[tuple[str, bytes]]:
    """Name and bytes of each recording."""
    return [(path.name, path.read_bytes()) for path in sorted((SHARED / "magento" / "orders").glob(pattern))]


def order_payloads() -> list[tuple[str, dict[str, Any]]]:
    """As sent, of every recorded order."""
    orders = [(name, body) for name, body in recorded("[0-9]*.json") if name.count(".") == 1]
    return [(name, json.loads(encode(build_order_payload(parse_order(body), "k")))) for name, body in orders]


@needs_shared
def test_every_recorded_order_is_sent_as_its_schema_says() -> None:
    described = schema("order")
    check = jsonschema_rs.validator_for(described)
    payloads = order_payloads()
    assert len(payloads) > 200
    for name, payload in payloads:
        assert [f"{name}: {error.message}" for error in check.iter_errors(payload)] == []
        assert strangers(payload, described, described) == [], name


@needs_shared
def test_the_agreed_fields_are_there_under_their_own_names() -> None:
    for name, payload in order_payloads():
        assert set(payload) >= WHOLE, name
        for part, fields in AGREED.items():
            assert set(payload[part]) >= fields, (name, part)
        assert payload["items"]
        assert all(set(line) >= LINE for line in payload["items"]), name


def test_the_schema_demands_the_agreed_fields() -> None:
    described = schema("order")
    assert set(described["required"]) >= WHOLE


@pytest.mark.parametrize("kind", ["cancel", "hold", "unhold", "payment"])
def test_a_change_is_sent_as_its_schema_says(kind: str) -> None:
    described = schema("change")
    fields = {"kind": kind, "order_id": "7", "order_number": "000000007", "occurred_at": "2026-03-01T12:00:00Z"}
    change = msgspec.convert(fields | {"currency": "EUR", "paid": "12.50"}, OrderChange)
    payload = json.loads(encode(build_change_payload(change, "k")))
    assert [error.message for error in jsonschema_rs.validator_for(described).iter_errors(payload)] == []
    assert strangers(payload, described, described) == []


@needs_shared
def test_a_refund_is_sent_as_its_schema_says() -> None:
    described = schema("refund")
    check = jsonschema_rs.validator_for(described)
    memos = recorded("*.creditmemo_*.json")
    assert memos
    for name, body in memos:
        payload = json.loads(encode(build_refund_payload(parse_refund(body), "k")))
        assert [f"{name}: {error.message}" for error in check.iter_errors(payload)] == []
        assert strangers(payload, described, described) == [], name
