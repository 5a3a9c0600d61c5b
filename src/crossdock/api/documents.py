"""Documents pushed by an ERP: shipments, parcels, invoices, credit memos and order updates. One document a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import TimeoutError as TooLate
from typing import Any, Protocol

from crossdock.api.bodies import object_of, told_as
from crossdock.api.pushes import Answer, Asked, problem, target_of
from crossdock.contract.flow import Route
from crossdock.delivery.intake import Intake
from crossdock.delivery.records import State
from crossdock.delivery.store import DeliveryView
from crossdock.errors import ConfigurationError, MappingError, StorageError
from crossdock.feeds.documents import Incoming
from crossdock.flows.documents import LOOK
from crossdock.flows.fulfilment import KINDS, message_id
from crossdock.flows.keys import effect_key

CHANNEL = "push"
WORST_FIRST = ("dead", "pending", "skipped", "superseded")
LONGEST_COMMIT = 30.0  # seconds
# the address of a flow is written with a hyphen
PATHS: Mapping[str, str] = {name.replace("_", "-"): name for name in KINDS}


class DocumentStore(Protocol):
    """What a document's state is asked of."""

    def looks_at(self, source: str, flow: str, subjects: Sequence[str]) -> dict[str, DeliveryView]:
        """By subject."""

    def looks_below(self, source: str, flow: str, prefix: str) -> list[str]:
        """Subjects that begin so, in the order in which they came."""

    def promised(self, source: str, flow: str, reference: str, key: str) -> list[DeliveryView]:
        """What was promised under a key, or one that begins with it and a colon."""


class Documents:
    """Safe for many threads."""

    def __init__(
        self,
        intake: Intake,
        incoming: Incoming,
        store: DocumentStore,
        routes: Callable[[str], Sequence[Route]],
    ) -> None:
        self._intake = intake
        self._incoming = incoming
        self._store = store
        self._routes = routes

    def push(self, asked: Asked) -> Answer:
        """202 once it is stored, 200 with what became of it where it came before, 409 with another content."""
        try:
            raw = object_of(asked.body, "one document")
            target = target_of(self._routes(asked.connection), asked)
            heard = self._incoming.heard(asked.connection, target, asked.flow, raw)
        except MappingError as error:
            return problem(400, str(error))
        except ConfigurationError as error:
            return problem(422, "; ".join(error.problems))
        if heard.wrong:
            return problem(400, heard.wrong)
        try:
            offered = self._intake.offer(heard.message, heard.fingerprint, CHANNEL, target)
            recorded = offered.result(LONGEST_COMMIT)
        except (StorageError, TooLate):
            return problem(503, "not stored: send it again")
        if recorded.outcome == "conflict":
            return problem(409, "this number came before with another content")
        told = self._told(asked, heard.message.id, target)
        return Answer(status=202 if recorded.outcome == "new" else 200, body=told)

    def state(self, asked: Asked, number: str) -> Answer:
        """How far a document has come."""
        try:
            target = target_of(self._routes(asked.connection), asked)
        except ConfigurationError as error:
            return problem(422, "; ".join(error.problems))
        told = [self._told(asked, name, target) for name in self._names(asked, target, number)]
        told = [one for one in told if one["state"] != "unknown"]
        return Answer(status=200, body=_together(told)) if told else problem(404, "there is no such document")

    def _names(self, asked: Asked, target: str, number: str) -> list[str]:
        """Parcels may be added to one shipment again and again: each time is a document of its own."""
        if asked.flow != "tracks":
            try:
                return [message_id(target, asked.flow, {"number": number})]
            except MappingError:
                return []  # no document can be called so
        return self._store.looks_below(asked.connection, LOOK, f"{target}:tracks:{number}#")

    def _told(self, asked: Asked, name: str, target: str) -> dict[str, Any]:
        """The look's own state until it has made its promises; then theirs."""
        seen = self._store.looks_at(asked.connection, LOOK, [name]).get(name)
        if seen is None:
            return {"success": True, "id": name, "state": "unknown"}
        number, revision = name.split(":", 2)[2], ""
        if asked.flow == "tracks":  # a hash of its parcels stands behind it, as in the key
            number, _, revision = number.rpartition("#")
        key = effect_key(asked.connection, asked.flow, number, "make", revision)
        made = self._store.promised(asked.connection, asked.flow, seen.reference, key)
        made = [one for one in made if one.target == target]
        rows = [{"state": told_as(one.state), "reason": one.reason} for one in made]
        rows = [row for row in rows if row["state"] != "superseded"] or rows  # another version took its place
        if not rows:
            rows = [{"state": _looked(seen), "reason": seen.reason}]
        states = {row["state"] for row in rows}
        worst = next((word for word in WORST_FIRST if word in states), "delivered")
        return {"success": worst != "dead", "id": name, "state": worst, "documents": rows}


def _together(told: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The newest one's id, the worst one's state, and everything that was made."""
    states = {one["state"] for one in told}
    worst = next((word for word in WORST_FIRST if word in states), "delivered")
    documents = [row for one in told for row in one["documents"]]
    return {"success": worst != "dead", "id": told[-1]["id"], "state": worst, "documents": documents}


def _looked(seen: DeliveryView) -> str:
    """Of a document that has made no promise: it waits, or its look says why there is none."""
    if seen.state != State.DELIVERED:
        return told_as(seen.state)
    return "skipped" if seen.reason else str(State.PENDING)
