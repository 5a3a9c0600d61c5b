"""Adobe I/O Events: who signed a delivery, for whom it is, and which orders its events are hints about. Pure.

Sources: Adobe's guides to I/O Events (webhooks, signatures, FAQ) and to Commerce events. One delivery holds one event
or, as a batch, a list of them. The signature is RSA-SHA256 over the body as sent, made twice under two keys; either is
enough. Adobe signs everybody's events with the same keys: only the recipient's client id in the body says that an
event is ours. Other statuses than 429 and 5xx are never sent again, so one event of a batch that cannot be used must
not take the others with it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from crossdock.contract.message import Heard, Message
from crossdock.errors import InvalidPayload, SignatureError
from crossdock.magento.hints import UnknownEvent, decode_json, keep, order_id, refuse_deep, text_of
from crossdock.model.base import Record
from crossdock.security.signatures import has_signed

LOOKS = "looks"
MOST_EVENTS = 200  # Adobe says 20 in a batch, said 100 before
# seen in deliveries: /prod/keys/pub-key-Ptc2pD9vT9.pem; Adobe's text says a uuid
PATH = re.compile(r"/prod/keys/pub-key-[A-Za-z0-9_-]{1,64}\.pem")
SIGNATURE_BYTES = range(256, 1024 + 1)
OBSERVED = re.compile(r"(?:^|\.)observer\.([a-z0-9_]+)")
# which field of an event's value holds the order's id, by how the observer's name begins; the first that fits counts
ORDER_FIELDS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("sales_order_invoice", "invoice", ("order_id",)),
    ("sales_order_shipment", "shipment", ("order_id",)),
    ("sales_order_creditmemo", "creditmemo", ("order_id",)),
    ("sales_order_item", "item", ("order_id",)),
    ("sales_order_payment", "payment", ("parent_id",)),
    ("sales_order_address", "address", ("parent_id",)),
    ("sales_order_status_history", "status_history", ("parent_id",)),
    ("sales_order_", "order", ("entity_id", "order_id")),
    ("order_cancel", "order", ("entity_id", "order_id")),
    ("checkout_submit_all_after", "order", ("entity_id", "order_id")),
)


class Door(Record, frozen=True, kw_only=True):
    """How one store's events come in; `client_id` is the credential's that they are registered with."""

    connection: str
    client_id: str
    keep_unknown: bool = False


class Proof(Record, frozen=True, kw_only=True):
    """A signature, and the path of the key that is said to have made it."""

    path: str
    signature: bytes


class _Event(Record, frozen=True, kw_only=True):
    raw: bytes
    envelope: dict[str, Any]
    kind: str
    value: dict[str, Any]


def proofs_of(door: Door, headers: Mapping[str, str], body: bytes) -> tuple[Proof, ...]:
    """Those worth a look. Raises SignatureError where there is none: no key is asked for then."""
    if door.client_id.encode() not in body:
        raise SignatureError("the body does not name us as its recipient")
    pairs = [(headers.get(f"x-adobe-digital-signature-{n}"), headers.get(f"x-adobe-public-key{n}-path")) for n in "12"]
    found = tuple(
        Proof(path=path, signature=signature)
        for text, path in pairs
        if path and PATH.fullmatch(path) and (signature := _signature(text or ""))
    )
    if not found:
        raise SignatureError("there is no signature with a key of Adobe's")
    return found


def is_proven(proofs: Sequence[Proof], body: bytes, key: Callable[[str], RSAPublicKey | None]) -> bool:
    """Whether one of the keys at hand made its signature."""
    return any((held := key(one.path)) is not None and has_signed(held, one.signature, body) for one in proofs)


def read(door: Door, headers: Mapping[str, str], body: bytes, now: datetime) -> Heard:
    """The events of a proven body. Raises SignatureError (not for us), InvalidPayload (none can be used)."""
    events = [_event(raw, headers) for raw in _split(body)]
    for event in events:
        _check_recipient(event.envelope, door.client_id)
    messages: list[Message] = []
    prints: list[str] = []
    refused: list[InvalidPayload] = []
    for event in events:
        try:
            messages.append(_message(door, event, headers if len(events) == 1 else {}, now))
            prints.append(_fingerprint(event.raw))
        except InvalidPayload as error:
            refused.append(error)
    if not messages:
        raise refused[0]
    return Heard(messages=tuple(messages), fingerprints=tuple(prints), refused=tuple(refused))


def _signature(text: str) -> bytes:
    try:
        decoded = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        return b""
    return decoded if len(decoded) in SIGNATURE_BYTES else b""


def _split(body: bytes) -> list[bytes]:
    refuse_deep(body)
    if not body.lstrip().startswith(b"["):
        return [body]
    try:
        rows = [bytes(one) for one in msgspec.json.decode(body, type=list[msgspec.Raw])]
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidPayload("the body is not JSON") from error
    if not 1 <= len(rows) <= MOST_EVENTS:
        raise InvalidPayload(f"a batch of {len(rows)} events: 1 to {MOST_EVENTS} are taken")
    return rows


def _event(raw: bytes, headers: Mapping[str, str]) -> _Event:
    """CloudEvents as Commerce sends it, or the older `{"event_id", "event", "recipient_client_id"}` around it."""
    envelope = decode_json(raw)
    if not isinstance(envelope, dict):
        raise InvalidPayload("an event is no JSON object")
    inner = envelope["event"] if isinstance(envelope.get("event"), dict) else envelope
    named = (inner.get("type"), inner.get("@name"), inner.get("@type"), envelope.get("type"))
    # the header is not signed; a false one makes us look at an order in vain, no more
    kind = next((one for one in map(text_of, named) if one), "") or headers.get("x-adobe-event-code", "")
    data = inner.get("data")
    value = data.get("value", data) if isinstance(data, dict) else {}
    return _Event(raw=raw, envelope=envelope, kind=kind, value=value if isinstance(value, dict) else {})


def _check_recipient(envelope: Mapping[str, Any], client_id: str) -> None:
    """By either name: `recipient_client_id` is given up by Adobe, `recipientclientid` takes its place."""
    named = {text_of(envelope[name]) for name in ("recipientclientid", "recipient_client_id") if name in envelope}
    if named != {client_id}:
        raise SignatureError("the event is for another recipient")


def _message(door: Door, event: _Event, headers: Mapping[str, str], now: datetime) -> Message:
    identity = _identity(event, headers)
    found = OBSERVED.search(event.kind)
    for begin, part, names in ORDER_FIELDS:
        if found and found[1].startswith(begin):
            return Message(
                id=f"webhook:{identity}",
                source=door.connection,
                flow=LOOKS,
                subject=_subject(event.value, part, names),
                reference=text_of(event.value.get("increment_id")) if part == "order" else "",
                occurred_at=now,
            )
    if not door.keep_unknown:
        raise UnknownEvent(event.kind)
    name = event.kind.removeprefix("com.adobe.commerce.").removeprefix("observer.")
    return keep(door.connection, name, identity, event.value, event.raw, now)


def _subject(value: Mapping[str, Any], part: str, names: Sequence[str]) -> str:
    """On the value itself, or one step down: some observers wrap what they saw."""
    inner = value.get(part)
    return order_id(inner if isinstance(inner, Mapping) else value, names)


def _identity(event: _Event, headers: Mapping[str, str]) -> str:
    """The same for every try. The header is not signed, so it counts only where the body has none."""
    named = (event.envelope.get(name) for name in ("eventid", "event_id", "id"))
    given = next((one for one in map(text_of, named) if one), "") or headers.get("x-adobe-event-id", "")
    if given and len(given) <= 100 and given.isprintable():
        return f"adobe:{given}"
    return f"adobe:{hashlib.sha256(event.raw).hexdigest()}"


def _fingerprint(raw: bytes) -> str:
    """Of what happened, without the envelope: a retry may come in another batch."""
    rows = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    return hashlib.sha256(bytes(rows.get("data") or rows.get("event") or raw)).hexdigest()
