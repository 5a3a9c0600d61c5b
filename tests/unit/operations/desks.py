"""A Crossdock that is put together and not started, with letters in its database: what operators look at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from crossdock.app import Crossdock
from crossdock.contract.message import Message
from crossdock.delivery.records import Attempt, Link, Owner, Promise, Settlement, State, Verdict
from crossdock.operations.desk import Desk
from tests.walk.world import settings

NOW = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
LEASE = timedelta(seconds=60)
CLOSED = "http://127.0.0.1:1"  # nothing listens there


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> datetime:
        self.now += timedelta(**by)
        return self.now


class Bench:
    """The desk, its clock, and a hand that makes deliveries and settles them."""

    def __init__(self, crossdock: Crossdock) -> None:
        self.clock = Clock()
        self.crossdock = crossdock
        self.store = crossdock.store
        self.desk = Desk(crossdock, self.clock)

    def order(
        self,
        number: int,
        *,
        flow: str = "orders",
        email: str = "",
        total: str = "10.00",
        record: bytes = b"",
        **more: Any,
    ) -> int:
        """One order that is owed to the ERP; its delivery's number."""
        body = {
            "id": str(number),
            "number": f"{number:09}",
            "buyer": {"email": email or "ada@example.com", "first_name": "Ada"},
            "totals": {"currency": "EUR", "grand_total": total},
        }
        message = Message(
            id=f"duty:{flow}:{number}",
            source="store",
            flow=flow,
            subject=str(number),
            reference=f"{number:09}",
            occurred_at=self.clock.now,
            payload=record or msgspec.json.encode(body),
        )
        values = {"flow": flow, "target": "erp", "key": f"v1:store:{flow}:{number}:place", "lane": f"order:{number}"}
        promise = Promise(message=message, **values | more)
        actor = Attempt(operation="test", started_at=self.clock.now, actor="test")
        self.store.owe([promise], [], actor, self.clock.now)
        (row,) = self.store.promised("store", flow, f"{number:09}", promise.key)
        return row.id

    def settle(
        self,
        state: State,
        *,
        code: str = "",
        reason: str = "",
        email: str = "",
        attempts: tuple[Attempt, ...] = (),
        maybe_sent: bool = False,
    ) -> int:
        """All that is due comes to this; how many."""
        leased = self.store.lease("w", self.clock.now, self.clock.now + LEASE, {"erp": 1000}, limit=1000)
        for one in leased:
            told = reason.replace("{n}", one.subject)
            verdict = Verdict(
                state=state,
                due_at=self.clock.now + timedelta(minutes=5),
                attempts=1,
                code=code,
                reason=told,
                owner=Owner.BUSINESS if state is State.DEAD else None,
                maybe_sent=maybe_sent,
            )
            summary = Attempt(
                operation=state,
                entity=one.flow,
                entity_id=one.subject,
                key=one.key,
                started_at=self.clock.now,
                error=told,
            )
            tries = tuple(
                msgspec.structs.replace(a, entity=one.flow, entity_id=one.subject, key=one.key) for a in attempts
            )
            link = Link(
                source="store",
                subject=one.subject,
                target="erp",
                external_id=f"E{one.subject}",
                number=f"SO-{one.subject}",
            )
            settlement = Settlement(
                verdict=verdict,
                attempts=(*tries, summary),
                links=(link,) if state is State.DELIVERED else (),
                subjects=(self.crossdock.connections.keyed(email),) if email else (),
            )
            self.store.settle(one, settlement, self.clock.now)
        return len(leased)

    def dead(
        self, number: int, reason: str = "HTTP 422: unknown SKU A-{n}", code: str = "rejected", **more: Any
    ) -> int:
        """A dead letter; its number."""
        made = self.order(number, **more)
        assert self.settle(State.DEAD, code=code, reason=reason, email=more.get("email", "")) == 1
        return made


@contextmanager
def bench(folder: Path, database: str = "", **changes: Any) -> Iterator[Bench]:
    told = settings(folder, CLOSED, CLOSED, database)
    crossdock = Crossdock(told.model_copy(update=changes))
    try:
        yield Bench(crossdock)
    finally:
        crossdock.store.close()
