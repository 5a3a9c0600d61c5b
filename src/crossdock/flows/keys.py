"""Idempotency keys: the one place that makes them.

A key names the effect wanted, from business identity alone, so that every road (webhook, poll, replay) comes to the
same one. Its form is public and never changes within `v1`: targets store it.
"""

from __future__ import annotations

from crossdock.contract.message import Message


def effect_key(source: str, entity: str, entity_id: str, operation: str, revision: str = "") -> str:
    """`v1:{source}:{entity}:{entity_id}:{operation}[:{revision}]`; a colon inside a part is written `%3A`."""
    parts = ["v1", source, entity, entity_id, operation, *([revision] if revision else [])]
    return ":".join(part.replace("%", "%25").replace(":", "%3A") for part in parts)


def order_lane(message: Message) -> str:
    """Everything about one order goes one at a time."""
    return f"{message.source}:order:{message.subject}"
