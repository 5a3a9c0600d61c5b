"""A stand-in for the custom ERP of the REST connector: keeps what it gets, answers look-ups, remembers every double."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from crossdock.sandbox.faults import NONE, Faults, Lottery
from crossdock.sandbox.wire import Answer, Asked


class Erp:
    """`dedupes`: takes one key once, as a good ERP does; without it each POST makes another order."""

    def __init__(
        self,
        clock: Callable[[], datetime],
        *,
        seed: int = 1,
        token: str = "sandbox",
        faults: Faults = NONE,
        dedupes: bool = False,
    ) -> None:
        self._clock = clock
        self._token = token
        self._dedupes = dedupes
        self.lottery = Lottery(faults, seed)
        self.orders: list[dict[str, Any]] = []
        self.received_at: dict[str, datetime] = {}
        self.changes: dict[str, list[str]] = {}

    async def answer(self, asked: Asked) -> Answer:
        """One request, with what the lottery has in store for it."""
        if asked.path == "/sandbox/orders":
            return Answer(body=self.orders)
        if asked.path == "/sandbox/doubles":
            return Answer(body=self.doubles())
        if asked.headers.get("authorization") != f"Bearer {self._token}":
            return Answer(status=401, body={"message": "unknown token"})
        if (instead := self.lottery.before(writes=False)) is not None:
            return instead
        if self.lottery.happens("slow"):
            await asyncio.sleep(self.lottery.faults.slow_seconds)
        return self.lottery.after(self._take(asked))

    def doubles(self) -> list[str]:
        """Order numbers that are here more than once."""
        numbers = [one["order_number"] for one in self.orders]
        return sorted({number for number in numbers if numbers.count(number) > 1})

    def _take(self, asked: Asked) -> Answer:
        if asked.path == "/orders" and asked.method == "GET":
            wanted = asked.query.get("order_number")
            return Answer(body=[_told(one) for one in self.orders if one["order_number"] == wanted])
        if asked.path == "/orders" and asked.method == "POST":
            return self._create(asked)
        if found := re.fullmatch(r"/orders/([^/]+)/(\w+)", asked.path):
            return self._change(found[1], found[2], asked)
        return Answer(status=404, body={"message": "no such path"})

    def _create(self, asked: Asked) -> Answer:
        payload = asked.json()
        key = asked.headers.get("x-idempotency-key", "")
        if self._dedupes:
            for one in self.orders:
                if one["idempotency_key"] == key:
                    return Answer(status=200, body=_told(one))
        number = len(self.orders) + 1
        kept = {
            "id": f"E{number}",
            "number": f"SO-{number}",
            "order_number": payload["order_number"],
            "idempotency_key": key,
            "payload": payload,
        }
        self.orders.append(kept)
        self.received_at.setdefault(payload["order_number"], self._clock())
        return Answer(status=201, body=_told(kept))

    def _change(self, number: str, change: str, asked: Asked) -> Answer:
        if not any(one["order_number"] == number for one in self.orders):
            return Answer(status=404, body={"message": f"no order {number}"})
        keys = self.changes.setdefault(number, [])
        told = f"{change} {asked.headers.get('x-idempotency-key', '')}"
        if told not in keys:
            keys.append(told)
        return Answer(status=200, body={"success": True, "id": f"{number}-{keys.index(told) + 1}"})


def _told(one: dict[str, Any]) -> dict[str, Any]:
    return {
        "success": True,
        "id": one["id"],
        "erp_order_id": one["id"],
        "erp_order_number": one["number"],
        "order_number": one["order_number"],
        "idempotency_key": one["idempotency_key"],
    }
