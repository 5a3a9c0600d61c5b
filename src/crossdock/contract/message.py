"""Messages: what happened, about what."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from crossdock.errors import InvalidPayload
from crossdock.model.base import Record


class Message(Record, frozen=True, kw_only=True):
    """One thing heard from a source, kept as it came. Unique on (source, id).

    `payload` is raw JSON. `read_at` says when the payload was read from the source itself; None means that it was only
    told to us (a webhook), and is to be read afresh before anybody acts on it.
    """

    id: str
    source: str  # the connection that it came from
    flow: str
    subject: str  # the source's own id of what it is about
    occurred_at: datetime
    payload: bytes = b""
    version: str = ""  # STATE only: sorts; an older one never replaces a newer one. "" always counts as newer
    reference: str = ""  # the number that people read, where it is known
    read_at: datetime | None = None
    content: str = ""  # hash of what matters in the payload: same hash, nothing to do
    trace: str = ""  # W3C trace context under which it came (telemetry.traces)


class Heard(Record, frozen=True, kw_only=True):
    """What one request told us: of a batch, each event that can be used, and why the others cannot.

    `fingerprints` are hashes of what came, one a message; none: the request's body is its one message's.
    """

    messages: tuple[Message, ...]
    fingerprints: tuple[str, ...] = ()
    refused: tuple[InvalidPayload, ...] = ()


class Receipt(Record, frozen=True, kw_only=True):
    """The target's word that it has it. `external_id` is the target's own id, `number` the one that people read."""

    external_id: str
    number: str = ""
    found: bool = False  # it was there already
    links: dict[str, str] = {}  # our line id -> the target's line id
    status: int | None = None
    detail: str = ""
    moved: dict[str, Decimal] = {}  # what the target took off its own stock by this, by SKU in small letters


class Problem(Record, frozen=True, kw_only=True):
    """Why a record is not to be delivered (yet).

    `final` False: it may still become deliverable by a change at the source (unpaid). `business` names who acts.
    """

    code: str
    reason: str
    final: bool = False
    park: bool = False  # a dead letter: a person must look at it
