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
IGNORED = VOLATILE | VOLATILE_EXTENSIONS


def content_hash(order: Mapping[str, Any]) -> str:
    """40 hex digits; equal for one order told by GET, by a list or by a webhook. Nulls count as absent."""
    return hashlib.sha256(msgspec.json.encode(_settled(order), order="sorted")).hexdigest()[:40]


def _settled(value: Any) -> Any:
    """Told in one way only: without nulls and what moves by itself, every number as a float with a positive zero.

    Floats are good enough here: nothing is reckoned with them, 19.990 and 19.99 become one. This runs for each of an
    order's 300 values while the store waits: exact types first, and no call for a text or a common number.
    """
    kind = type(value)
    if kind is dict:
        return {
            name: inner if (known := type(inner)) is str else inner + 0.0 if known is float else _settled(inner)
            for name, inner in value.items()
            if inner is not None and name not in IGNORED
        }
    if kind is list:
        return [_settled(inner) for inner in value]
    if kind is int or kind is float or kind is Decimal:
        return _number(value)
    return value


def _number(value: float | Decimal) -> float | str:
    try:
        return float(value) + 0.0
    except OverflowError:
        return str(value)
