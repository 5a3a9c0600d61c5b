"""`python -m crossdock.api.asyncapi` prints what Crossdock publishes, as AsyncAPI 3: docs/reference/asyncapi.json.

It is made of the payloads' own schemas in docs/reference/schemas.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crossdock.erp.rest.mapping import VERSION
from crossdock.erp.rest.publisher import EVENT_HEADER, EVENTS, KEY_HEADER

Document = dict[str, Any]
SCHEMAS = Path("docs/reference/schemas")
PAYLOADS = ("order", "change", "refund")
PLACED, REFUNDED = "order.placed", "order.refunded"
ABOUT = {
    PLACED: "An order that the ERP is to have.",
    "order.canceled": "An order that was cancelled.",
    "order.held": "An order that was put on hold.",
    "order.released": "An order that is not on hold any more.",
    "order.paid": "An order that was paid.",
    REFUNDED: "A credit memo of an order.",
}
TEXT: Document = {"type": "string"}
NULLABLE: Document = {"type": ["string", "null"]}
# beside the order's payload: the fields that the spec's own observer sends
PLACED_MORE: Document = {
    "order_id": {"type": ["integer", "string", "null"], "description": "The store's own id."},
    "increment_id": {"type": "string", "description": "As order_number."},
    "customer_email": {**NULLABLE, "description": "As customer.email."},
    "grand_total": {"type": "number", "description": "A decimal, written digit by digit."},
}
ADDRESS_MORE: Document = {
    "firstname": NULLABLE,
    "lastname": NULLABLE,
    "country_id": NULLABLE,
    "street": {"type": "array", "items": TEXT, "description": "Its lines."},
}


def document(schemas: Mapping[str, Document]) -> Document:
    """Pure. `schemas`: those of the payloads by name: order, change, refund."""
    shared = {name: _lifted(one) for schema in schemas.values() for name, one in schema.get("$defs", {}).items()}
    shared["event_address"] = _event_address(shared["address"])
    payloads = {f"{name}_payload": _payload(schema) for name, schema in schemas.items()}
    payloads["placed_payload"] = _placed(payloads["order_payload"])
    names = [PLACED, *EVENTS.values(), REFUNDED]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Crossdock",
            "version": VERSION,
            "description": "Signed webhooks of a connection of kind `webhook`: one POST an event, to one address.",
        },
        "defaultContentType": "application/json",
        "channels": {
            "events": {
                "address": None,  # the receiver's own: connections.NAME.url
                "description": "The address of the receiver, as the connection's settings have it.",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
            }
        },
        "operations": {
            "publish": {
                "action": "send",
                "channel": {"$ref": "#/channels/events"},
                "summary": "A 2xx takes an event; without one it is sent again under the same key, or a person looks.",
                "messages": [{"$ref": f"#/channels/events/messages/{name}"} for name in names],
                "bindings": {"http": {"method": "POST", "bindingVersion": "0.3.0"}},
            }
        },
        "components": {
            "messages": {name: _message(name) for name in names},
            "schemas": dict(sorted({**shared, **payloads}.items())),
        },
    }


def _message(name: str) -> Document:
    payload = {PLACED: "placed_payload", REFUNDED: "refund_payload"}.get(name, "change_payload")
    return {
        "name": name,
        "summary": ABOUT[name],
        "headers": _headers(name),
        "payload": {"$ref": f"#/components/schemas/{payload}"},
    }


def _headers(name: str) -> Document:
    def text(about: str) -> Document:
        return {"type": "string", "description": about}

    return {
        "type": "object",
        "properties": {
            EVENT_HEADER: {"type": "string", "const": name},
            KEY_HEADER: text("The same for every attempt at one event: take it once."),
            "X-Magento-Signature": text("HMAC-SHA256 of the body under the shared secret, in hexadecimal."),
            "X-Magento-Timestamp": text("Unix seconds of this attempt."),
            "webhook-id": text("Standard Webhooks, where switched on: as the key."),
            "webhook-timestamp": text("Standard Webhooks, where switched on."),
            "webhook-signature": text("Standard Webhooks, where switched on: v1, and base64 over id.timestamp.body."),
        },
        "required": [EVENT_HEADER, KEY_HEADER, "X-Magento-Signature", "X-Magento-Timestamp"],
    }


def _payload(schema: Document) -> Document:
    return {name: _lifted(value) for name, value in schema.items() if name not in {"$schema", "$defs"}}


def _placed(order: Document) -> Document:
    """The order's payload with the observer's fields; where both have a name the observer's form wins."""
    event = {"$ref": "#/components/schemas/event_address"}
    addresses = {"billing_address": event, "shipping_address": {"oneOf": [event, {"type": "null"}]}}
    return {
        **order,
        "title": "Order placed",
        "description": "The order payload and, beside it, the fields of the store's own observer.",
        "properties": {**order["properties"], **PLACED_MORE, **addresses},
        "required": sorted({*order["required"], *PLACED_MORE}),
    }


def _event_address(address: Document) -> Document:
    return {
        **address,
        "properties": {**address["properties"], **ADDRESS_MORE},
        "required": sorted({*address["required"], *ADDRESS_MORE}),
    }


def _lifted(value: Any) -> Any:
    """With references to where the definitions are now."""
    if isinstance(value, dict):
        return {
            key: part.replace("#/$defs/", "#/components/schemas/") if key == "$ref" else _lifted(part)
            for key, part in value.items()
        }
    return [_lifted(part) for part in value] if isinstance(value, list) else value


def described(folder: Path = SCHEMAS) -> str:
    """The document, as it is committed."""
    schemas = {name: json.loads((folder / f"{name}-payload.schema.json").read_text("utf-8")) for name in PAYLOADS}
    return json.dumps(document(schemas), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(described())
