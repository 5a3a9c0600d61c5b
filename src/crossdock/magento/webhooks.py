"""What a store tells us by itself: verified, then read for which order it is about, and no further.

Names of events are not believed (async-events.md: a write of ext_order_id fires a false `created` and a false `paid`),
bodies may be old (a retry carries the body of its first try). So every order event is a hint to look at one order.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from crossdock.contract.message import Message
from crossdock.errors import InvalidPayload, SignatureError
from crossdock.magento.content import content_hash
from crossdock.model.base import Record
from crossdock.security.signatures import verify_hex, verify_standard, verify_time

LOOKS = "looks"
KEPT = "kept"
ORDER_EVENTS = ("sales.order.", "order.")
OF_AN_ORDER = ("sales.shipment.", "sales.invoice.", "sales.creditmemo.", "shipment.", "invoice.", "creditmemo.")
WITHOUT_USE = ("customer.", "catalog.", "cms.")
MAX_DEPTH = 64
ESCAPES = re.compile(rb"\\.", re.DOTALL)
STRINGS = re.compile(rb'"[^"]*"')
OPENING = b"[{"
NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")


class UnknownEvent(InvalidPayload):
    """An event of a kind that this connection does not take."""

    code = "unknown-event"


class Door(Record, frozen=True, kw_only=True):
    """How one store's webhooks come in. `secrets` are resolved; `trusted`: the body is used, not read afresh."""

    connection: str
    format: str
    secrets: tuple[str, ...]
    trusted: bool = False
    keep_unknown: bool = False


def receive(door: Door, event: str, headers: Mapping[str, str], body: bytes, now: datetime) -> list[Message]:
    """Header names in lower case. Raises SignatureError, UnknownEvent, InvalidPayload."""
    verify(door, headers, body, now)
    named = headers.get("x-magento-event", event) if door.format == "magento" else event
    return [read_message(door, named, headers, body, now)]


def verify(door: Door, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Raises SignatureError."""
    if not body:
        raise SignatureError("there is no body: a redirect may have turned the call into a GET")
    if door.format == "standard":
        signature, stamp = headers.get("webhook-signature", ""), headers.get("webhook-timestamp", "")
        verify_standard(signature, headers.get("webhook-id", ""), stamp, body, door.secrets, now)
        return
    verify_hex(headers.get("x-magento-signature", ""), body, door.secrets)
    # the spec's time stamp is not signed: an old one is refused, a fresh one proves nothing; the inbox stops replays
    if door.format == "magento" and "x-magento-timestamp" in headers:
        verify_time(headers["x-magento-timestamp"], now)


def read_message(door: Door, event: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Message:
    """The order to look at. Raises UnknownEvent, InvalidPayload."""
    entity = _entity(body)
    flow, subject = _about(door, event, entity)
    trusted = door.trusted and event.startswith("sales.order.")
    return Message(
        id=f"webhook:{_identity(door, event, headers, body)}",
        source=door.connection,
        flow=flow,
        subject=subject,
        reference=_text(entity.get("increment_id")) if event.startswith(ORDER_EVENTS) else "",
        occurred_at=now,
        payload=_entity_bytes(body) if trusted else b"",
        read_at=now if trusted else None,
        # the echo of our own write-back has the content that was looked at before: it makes no work
        content=content_hash(entity) if event.startswith("sales.order.") else "",
    )


def _identity(door: Door, event: str, headers: Mapping[str, str], body: bytes) -> str:
    name = {"magento": "x-magento-idempotency-key", "standard": "webhook-id"}.get(door.format, "")
    given = headers.get(name, "")
    if given and len(given) <= 200 and given.isprintable():
        return given
    return hashlib.sha256(event.encode() + b"\n" + body).hexdigest()


def _about(door: Door, event: str, entity: Mapping[str, Any]) -> tuple[str, str]:
    if event.startswith(ORDER_EVENTS):
        return LOOKS, _id(entity, ("entity_id", "order_id"))
    if event.startswith(OF_AN_ORDER):
        return LOOKS, _id(entity, ("order_id",))
    if door.keep_unknown:
        return KEPT, _text(entity.get("entity_id") or entity.get("id") or "")
    raise UnknownEvent(f"events of the kind {event[:80]!r} are not taken")


def _id(entity: Mapping[str, Any], names: Sequence[str]) -> str:
    for name in names:
        value = _text(entity.get(name))
        if value.isascii() and value.isdigit() and len(value) <= 20:
            return str(int(value))
    raise InvalidPayload(f"no {' nor '.join(names)} in the body")


def _text(value: Any) -> str:
    return str(value)[:100] if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _entity(body: bytes) -> dict[str, Any]:
    refuse_deep(body)
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidPayload("the body is not JSON") from error
    inner = decoded.get("data", decoded) if isinstance(decoded, dict) else None
    if not isinstance(inner, dict):
        raise InvalidPayload("the body is no JSON object")
    return inner


def _entity_bytes(body: bytes) -> bytes:
    """The entity's own bytes, so that no money passes through a float."""
    wrapped = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    return bytes(wrapped["data"]) if "data" in wrapped else body


def refuse_deep(body: bytes, limit: int = MAX_DEPTH) -> None:
    """Raises InvalidPayload for JSON nested deeper, without recursion. Brackets inside strings do not count."""
    if body.count(b"[") + body.count(b"{") <= limit:
        return
    depth = 0
    for bracket in STRINGS.sub(b"", ESCAPES.sub(b"", body)).translate(None, NO_BRACKETS):
        depth += 1 if bracket in OPENING else -1
        if depth > limit:
            raise InvalidPayload(f"nested deeper than {limit}")
