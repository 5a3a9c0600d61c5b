"""Customers pushed by an ERP, how far they have come, and the wish to be forgotten."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import TimeoutError as TooLate
from datetime import datetime
from typing import Any

from crossdock.api.bodies import object_of, told_as
from crossdock.api.pushes import Answer, Asked, problem, target_of
from crossdock.contract.flow import Route
from crossdock.delivery.intake import Intake
from crossdock.delivery.records import State
from crossdock.delivery.store import DeliveryView
from crossdock.erasure import Forgotten, forget
from crossdock.errors import ConfigurationError, MappingError, StorageError
from crossdock.feeds.customers import IncomingCustomers
from crossdock.flows import CUSTOMER_PUSHES, CUSTOMERS
from crossdock.settings import Settings
from crossdock.storage.sql import SqlStore

CHANNEL = "push"
LONGEST_COMMIT = 30.0  # seconds
SHOWN = 10  # pushes told of, the newest last


class Customers:
    """Safe for many threads."""

    def __init__(
        self,
        intake: Intake,
        incoming: IncomingCustomers,
        store: SqlStore,
        settings: Settings,
        routes: Callable[[str], Sequence[Route]],
        clock: Callable[[], datetime],
    ) -> None:
        self._intake = intake
        self._incoming = incoming
        self._store = store
        self._settings = settings
        self._routes = routes
        self._clock = clock

    def push(self, asked: Asked) -> Answer:
        """202 once it is stored, 200 where it came before, 409 with another content under the same `as_of`."""
        try:
            raw = object_of(asked.body, "one customer")
            target = target_of(self._routes(asked.connection), asked)
            heard = self._incoming.pushed(asked.connection, target, raw)
        except MappingError as error:
            return problem(400, str(error))
        except ConfigurationError as error:
            return problem(422, "; ".join(error.problems))
        try:
            recorded = self._intake.take(self._incoming.arrival(heard, target, CHANNEL)).result(LONGEST_COMMIT)
        except (StorageError, TooLate):
            return problem(503, "not stored: send it again")
        if recorded.outcome == "conflict":
            return problem(409, "this as_of came before with another content")
        told = self._told(asked.connection, target, heard.message.reference)
        return Answer(status=202 if recorded.outcome == "new" else 200, body=told)

    def state(self, asked: Asked, number: str) -> Answer:
        """What was pushed of one, and what it has come to: names of fields, never what is in them."""
        try:
            target = target_of(self._routes(asked.connection), asked)
        except ConfigurationError as error:
            return problem(422, "; ".join(error.problems))
        told = self._told(asked.connection, target, number)
        return (
            Answer(status=200, body=told) if told["state"] != "unknown" else problem(404, "there is no such customer")
        )

    def erase(self, asked: Asked, number: str) -> Answer:
        """202: carried on to the store, and nothing that we keep of the person can be read again. May be repeated."""
        try:
            target = target_of(self._routes(asked.connection), asked)
        except ConfigurationError as error:
            return problem(422, "; ".join(error.problems))
        subject = self._store.subject_of(target, asked.connection, number)
        if not subject:
            return problem(404, "there is no such customer")
        done = self._forgotten(asked, f"{target}:{subject}")
        return Answer(
            status=202,
            body={
                "success": True,
                "number": number,
                "carried_to": sorted({one for each in done for one in each.carried}),
                "erased_subjects": sum(len(each.erased) for each in done),
            },
        )

    def _forgotten(self, asked: Asked, subject: str) -> list[Forgotten]:
        by, now = f"api:{asked.client}", self._clock()
        return [
            forget(self._store, self._settings, fingerprint, by, now, told_by=asked.connection)
            for fingerprint in self._store.people_of(subject)
        ]

    def _told(self, erp: str, store: str, number: str) -> dict[str, Any]:
        pushes = [one for one in self._of_number(erp, number) if one.target == store][-SHOWN:]
        subject = self._store.subject_of(store, erp, number)
        writes: list[dict[str, Any]] = [
            {"to": one.target, "state": told_as(one.state), "fields": one.memo.get("fields", "").split()}
            for one in (self._store.known(store, subject) if subject else [])
            if one.flow == CUSTOMERS.name and one.memo.get("pair") == erp and one.state not in FINAL
        ]
        if not pushes and not subject:
            return {"success": True, "number": number, "state": "unknown"}
        rows: list[dict[str, Any]] = [{"state": _looked(one), "reason": one.reason} for one in pushes]
        states = {row["state"] for row in (*rows[-1:], *writes)}
        worst = next((word for word in ("dead", "pending", "skipped") if word in states), "delivered")
        return {
            "success": worst != "dead",
            "number": number,
            "customer_id": subject.partition(":")[2],
            "state": worst,
            "pushes": rows,
            "open_writes": writes,
        }

    def _of_number(self, erp: str, number: str) -> list[DeliveryView]:
        return self._store.promised(erp, CUSTOMER_PUSHES.name, number, f"v1:{erp}:customer_push")


FINAL = frozenset({State.DELIVERED, State.SUPERSEDED})


def _looked(seen: DeliveryView) -> str:
    if seen.state != State.DELIVERED:
        return told_as(seen.state)
    return "skipped" if seen.reason else "delivered"
