"""What a store tells us by itself: verified, then read for which order it is about, and no further.

Names of events are not believed (async-events.md: a write of ext_order_id fires a false `created` and a false `paid`),
bodies may be old (a retry carries the body of its first try). So every order event is a hint to look at one order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from crossdock.contract.message import Heard, Message
from crossdock.errors import InvalidPayload, SignatureError
from crossdock.magento.content import content_hash
from crossdock.magento.hints import UnknownEvent, decode_json, keep, order_id, text_of
from crossdock.model.base import Record
from crossdock.security.signatures import TOLERANCE, verify_hex, verify_standard, verify_time

LOOKS = "looks"
ORDER_EVENTS = ("sales.order.", "order.")
OF_AN_ORDER = ("sales.shipment.", "sales.invoice.", "sales.creditmemo.", "shipment.", "invoice.", "creditmemo.")


# `customer.created` has no addresses even where there are some: whatever comes, the customer is read
CUSTOMER_EVENTS = frozenset({"customer.created", "customer.updated"})
ADDRESS_EVENTS = ("customer.address.", "address.")
WHOLE_ORDERS = "sales.order."  # with the order's row, its items, payment and addresses as a GET has them


class Door(Record, frozen=True, kw_only=True):
    """How one store's webhooks come in. `secrets` are resolved; `trusted`: the body is used, not read afresh."""

    connection: str
    format: str
    secrets: tuple[str, ...]
    trusted: bool = False
    tolerance: timedelta = TOLERANCE
    keep_unknown: bool = False
    customers: bool = False  # whether a route carries them: else their events are as unknown as any


def receive(door: Door, event: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Heard:
    """Header names in lower case. Raises SignatureError, UnknownEvent, InvalidPayload."""
    verify(door, headers, body, now)
    named = headers.get("x-magento-event", event) if door.format == "magento" else event
    return Heard(messages=(read_message(door, named, headers, body, now),))


def verify(door: Door, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Raises SignatureError."""
    if not body:
        raise SignatureError("there is no body: a redirect may have turned the call into a GET")
    if door.format == "standard":
        signature, stamp = headers.get("webhook-signature", ""), headers.get("webhook-timestamp", "")
        verify_standard(signature, headers.get("webhook-id", ""), stamp, body, door.secrets, now, door.tolerance)
        return
    verify_hex(headers.get("x-magento-signature", ""), body, door.secrets)
    # the spec's time stamp is not signed: an old one is refused, a fresh one proves nothing; the inbox stops replays
    if door.format == "magento" and "x-magento-timestamp" in headers:
        verify_time(headers["x-magento-timestamp"], now, door.tolerance)


def read_message(door: Door, event: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Message:
    """The order to look at, or what is only kept. Raises UnknownEvent, InvalidPayload."""
    identity = _identity(door, event, headers, body)
    if door.customers and not door.trusted and (event in CUSTOMER_EVENTS or event.startswith(ADDRESS_EVENTS)):
        return _customer(door, event, identity, body, now)
    trusted = door.trusted and event.startswith(WHOLE_ORDERS)
    if not event.startswith(ORDER_EVENTS + OF_AN_ORDER) or (door.trusted and not trusted):
        return _kept(door, event, identity, body, now)
    entity = _entity(body)
    names = ("entity_id", "order_id") if event.startswith(ORDER_EVENTS) else ("order_id",)
    return Message(
        id=f"webhook:{identity}",
        source=door.connection,
        flow=LOOKS,
        subject=order_id(entity, names),
        reference=text_of(entity.get("increment_id")) if event.startswith(ORDER_EVENTS) else "",
        occurred_at=now,
        payload=_entity_bytes(body) if trusted else b"",
        read_at=now if trusted else None,
        # a retry carries the body of its first try: an older state never takes the place of a newer one
        version=text_of(entity.get("updated_at")) if trusted else "",
        # the echo of our own write-back has the content that was looked at before: it makes no work
        content=content_hash(entity) if event.startswith(WHOLE_ORDERS) else "",
    )


def _customer(door: Door, event: str, identity: str, body: bytes, now: datetime) -> Message:
    """A hint to look at one customer; nothing of the body is kept."""
    number = order_id(_entity(body), ("customer_id", "id") if event.startswith(ADDRESS_EVENTS) else ("id",))
    return Message(
        id=f"webhook:{event}:{identity}"[:255],
        source=door.connection,
        flow="customer_looks",
        subject=f"customer:{number}",
        occurred_at=now,
    )


def _identity(door: Door, event: str, headers: Mapping[str, str], body: bytes) -> str:
    name = {"magento": "x-magento-idempotency-key", "standard": "webhook-id"}.get(door.format, "")
    given = headers.get(name, "")
    if given and len(given) <= 200 and given.isprintable():
        return given
    return hashlib.sha256(event.encode() + b"\n" + body).hexdigest()


def _kept(door: Door, event: str, identity: str, body: bytes, now: datetime) -> Message:
    if not (door.keep_unknown or door.trusted):
        raise UnknownEvent(event)
    decoded = decode_json(body)
    inner = decoded.get("data", decoded) if isinstance(decoded, dict) else {}
    return keep(door.connection, event, identity, inner, body, now)


def _entity(body: bytes) -> dict[str, Any]:
    decoded = decode_json(body)
    inner = decoded.get("data", decoded) if isinstance(decoded, dict) else None
    if not isinstance(inner, dict):
        raise InvalidPayload("the body is no JSON object")
    return inner


def _entity_bytes(body: bytes) -> bytes:
    """The entity's own bytes, so that no money passes through a float."""
    wrapped = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    return bytes(wrapped["data"]) if "data" in wrapped else body
