"""What every format of webhooks reads in one way: JSON that is not deep, an order's id, what is only kept. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from crossdock.contract.message import Message
from crossdock.errors import InvalidPayload

KEPT = "kept"
MAX_DEPTH = 64
ESCAPES = re.compile(rb"\\.", re.DOTALL)
STRINGS = re.compile(rb'"[^"]*"')
OPENING = b"[{"
NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
ODD = re.compile(r"[^A-Za-z0-9_.:-]")


class UnknownEvent(InvalidPayload):
    """An event of a kind that this connection does not take."""

    code = "unknown-event"

    def __init__(self, event: str) -> None:
        super().__init__(f"events of the kind {event[:80]!r} are not taken")


def keep(connection: str, event: str, identity: str, entity: Any, body: bytes, now: datetime) -> Message:
    """An event of an unknown kind, as it came. `entity` is its decoded content, of any shape.

    Its subject is the order whose `order_id` it holds; else its own kind and id, which are no order's.
    """
    kind = ODD.sub("?", event)[:40] or "?"
    known = entity if isinstance(entity, Mapping) else {}
    number = text_of(known.get("entity_id")) or text_of(known.get("id"))
    try:
        subject = order_id(known, ("order_id",))
    except InvalidPayload:
        subject = f"{kind}:{number}" if number else kind
    return Message(
        id=f"webhook:{kind}:{identity}",
        source=connection,
        flow=KEPT,
        subject=subject,
        occurred_at=now,
        payload=body,
    )


def order_id(entity: Mapping[str, Any], names: Sequence[str]) -> str:
    """The first of these fields that holds a number. Raises InvalidPayload where none does."""
    for name in names:
        value = text_of(entity.get(name))
        if value.isascii() and value.isdigit() and len(value) <= 20:
            return str(int(value))
    raise InvalidPayload(f"no {' nor '.join(names)} in the body")


def text_of(value: Any) -> str:
    """At most 100 characters of a text or number; nothing where a database could not keep it (NUL) or it is neither."""
    text = str(value)[:100] if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return text if text.isprintable() else ""


def decode_json(body: bytes) -> Any:
    """Raises InvalidPayload for what is not JSON, or too deep."""
    try:
        decoded = msgspec.json.decode(body)  # which ends by itself, with RecursionError, long before the stack does
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidPayload("the body is not JSON") from error
    except RecursionError as error:
        raise InvalidPayload(f"nested deeper than {MAX_DEPTH}") from error
    if is_deep(decoded):
        raise InvalidPayload(f"nested deeper than {MAX_DEPTH}")
    return decoded


def is_deep(decoded: Any, limit: int = MAX_DEPTH) -> bool:
    """Whether JSON that was read has more levels of lists and objects; level by level, without recursion."""
    level = [decoded] if isinstance(decoded, dict | list) else []
    for _ in range(limit):
        level = [
            inner
            for one in level
            for inner in (one.values() if type(one) is dict else one)
            if type(inner) is dict or type(inner) is list
        ]
        if not level:
            return False
    return True


def refuse_deep(body: bytes, limit: int = MAX_DEPTH) -> None:
    """Raises InvalidPayload for JSON nested deeper, without recursion. Brackets inside strings do not count."""
    if body.count(b"[") + body.count(b"{") <= limit:
        return
    depth = 0
    for bracket in STRINGS.sub(b"", ESCAPES.sub(b"", body)).translate(None, NO_BRACKETS):
        depth += 1 if bracket in OPENING else -1
        if depth > limit:
            raise InvalidPayload(f"nested deeper than {limit}")
