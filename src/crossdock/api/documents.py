"""Documents pushed by an ERP: shipments, parcels, invoices, credit memos and order updates. One document a request."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import TimeoutError as TooLate
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol

import msgspec

from crossdock.api.pushes import Answer, Asked, problem, target_of
from crossdock.contract.flow import Route
from crossdock.contract.message import Message
from crossdock.delivery.intake import Intake
from crossdock.delivery.records import State
from crossdock.delivery.store import DeliveryView
from crossdock.errors import ConfigurationError, MappingError, StorageError
from crossdock.flows.fulfilment import KINDS, message_id, order_number, read
from crossdock.flows.keys import effect_key

LOOK = "fulfilments"
CHANNEL = "push"
WORST_FIRST = ("dead", "pending", "skipped", "superseded")
LONGEST_COMMIT = 30.0  # seconds
DECODER = msgspec.json.Decoder(float_hook=Decimal)
# the address of a flow is written with a hyphen
PATHS: Mapping[str, str] = {name.replace("_", "-"): name for name in KINDS}


class DocumentStore(Protocol):
    """What a document's state is asked of."""

    def looks_at(self, source: str, flow: str, subjects: Sequence[str]) -> dict[str, DeliveryView]:
        """By subject."""

    def find_subjects(self, reference: str) -> list[tuple[str, str]]:
        """Source and subject of what has this number."""

    def promised(self, source: str, flow: str, reference: str, key: str) -> list[DeliveryView]:
        """What was promised under a key, or one that begins with it and a colon."""


class Documents:
    """Safe for many threads."""

    def __init__(
        self,
        intake: Intake,
        store: DocumentStore,
        routes: Callable[[str], Sequence[Route]],
        clock: Callable[[], datetime],
    ) -> None:
        self._intake = intake
        self._store = store
        self._routes = routes
        self._clock = clock

    def push(self, asked: Asked) -> Answer:
        """202 once it is stored, 200 with what became of it where it came before, 409 with another content."""
        try:
            raw = _object(asked.body)
            target = target_of(self._routes(asked.connection), asked)
            read(asked.flow, raw, asked.connection, self._options(asked, target))
        except MappingError as error:
            return problem(400, str(error))
        except ConfigurationError as error:
            return problem(422, "; ".join(error.problems))
        message = self._message(asked, target, raw)
        print_of = hashlib.sha256(msgspec.json.encode(raw, order="sorted")).hexdigest()
        try:
            recorded = self._intake.offer(message, print_of, CHANNEL, target).result(LONGEST_COMMIT)
        except (StorageError, TooLate):
            return problem(503, "not stored: send it again")
        if recorded.outcome == "conflict":
            return problem(409, "this number came before with another content")
        told = self._told(asked, message.id, target)
        return Answer(status=202 if recorded.outcome == "new" else 200, body=told)

    def state(self, asked: Asked, number: str) -> Answer:
        """How far a document has come."""
        try:
            target = target_of(self._routes(asked.connection), asked)
        except ConfigurationError as error:
            return problem(422, "; ".join(error.problems))
        told = self._told(asked, message_id(target, asked.flow, {"number": number}), target)
        return (
            Answer(status=200, body=told) if told["state"] != "unknown" else problem(404, "there is no such document")
        )

    def _options(self, asked: Asked, target: str) -> Mapping[str, Any]:
        route = next(one for one in self._routes(asked.connection) if one.target == target and asked.flow in one.flows)
        return route.states.get("inventory", {})

    def _message(self, asked: Asked, target: str, raw: Mapping[str, Any]) -> Message:
        name = message_id(target, asked.flow, raw)
        return Message(
            id=name,
            source=asked.connection,
            flow=LOOK,
            subject=name,
            reference=order_number(raw),
            occurred_at=self._clock(),
            payload=msgspec.json.encode({"flow": asked.flow, "document": raw, "order_id": self._known(target, raw)}),
        )

    def _known(self, store: str, raw: Mapping[str, Any]) -> str:
        """The order's id at the store, where we have carried it; "" where we have not."""
        found = [subject for source, subject in self._store.find_subjects(order_number(raw)) if source == store]
        return found[0] if len(found) == 1 else ""

    def _told(self, asked: Asked, name: str, target: str) -> dict[str, Any]:
        """The look's own state until it has made its promises; then theirs."""
        seen = self._store.looks_at(asked.connection, LOOK, [name]).get(name)
        if seen is None:
            return {"success": True, "id": name, "state": "unknown"}
        number = name.split(":", 2)[2].partition("#")[0]
        key = effect_key(asked.connection, asked.flow, number, "make")
        made = self._store.promised(asked.connection, asked.flow, seen.reference, key)
        made = [one for one in made if one.target == target]
        rows = [{"state": _told_as(one.state), "reason": one.reason} for one in made]
        if not rows:
            rows = [{"state": _looked(seen), "reason": seen.reason}]
        states = {row["state"] for row in rows}
        worst = next((word for word in WORST_FIRST if word in states), "delivered")
        return {"success": worst != "dead", "id": name, "state": worst, "documents": rows}


def _object(body: bytes) -> dict[str, Any]:
    """Raises MappingError."""
    try:
        raw = DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, InvalidOperation) as error:
        raise MappingError("body", "is no JSON") from error
    if not isinstance(raw, dict):
        raise MappingError("body", "is not one document, a JSON object")
    return raw


def _told_as(state: str) -> str:
    """Whether one of our workers has it just now is nobody's business."""
    return str(State.PENDING if state == State.LEASED else state)


def _looked(seen: DeliveryView) -> str:
    """Of a document that has made no promise: it waits, or its look says why there is none."""
    if seen.state != State.DELIVERED:
        return _told_as(seen.state)
    return "skipped" if seen.reason else str(State.PENDING)
