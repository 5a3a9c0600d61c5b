"""What of an order matters: a hash that our own write-back, a comment or a mail sent does not move. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

# Moved by us, by a comment, by sending the order's mail, or by saving without a change (async-events.md, recordings).
VOLATILE = frozenset(
    {
        "updated_at",
        "ext_order_id",
        "status_histories",
        "email_sent",
        "send_email",
        "customer_note_notify",
        "x_forwarded_for",
        "store_to_base_rate",
        "store_to_order_rate",
    }
)
# In a webhook's body but not always in a GET, and told elsewhere in the order.
VOLATILE_EXTENSIONS = frozenset({"converting_from_quote"})


def content_hash(order: Mapping[str, Any]) -> str:
    """40 hex digits; equal for one order told by GET, by a list or by a webhook. Nulls count as absent."""
    return hashlib.sha256(msgspec.json.encode(_settled(order), order="sorted")).hexdigest()[:40]


def _settled(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            str(name): _settled(inner)
            for name, inner in value.items()
            if inner is not None and name not in VOLATILE and name not in VOLATILE_EXTENSIONS
        }
    if isinstance(value, list | tuple):
        return [_settled(inner) for inner in value]
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float | Decimal):
        return format(Decimal(str(value)).normalize(), "f")
    return value
