"""A stand-in Magento store: the order end of its REST API, as recorded from a real 2.4.7, and its webhooks.

Its admin endpoints under /sandbox place, change and list orders. What it answers is held against recordings by
tests/unit/sandbox/test_recordings.py; where the two disagree the sandbox is wrong.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

from crossdock.sandbox.faults import NONE, Faults, Lottery
from crossdock.sandbox.hooks import Hooks
from crossdock.sandbox.orders import KINDS, STAMP, OrderMaker
from crossdock.sandbox.search import NO_CRITERIA, narrowed, search
from crossdock.sandbox.wire import Answer, Asked

MISSING = "The entity that was requested doesn't exist. Verify the entity and try again."
NOT_ALLOWED = "The consumer isn't authorized to access %resources."
NO_ROUTE = "Request does not match any route."
MOVES = {
    "cancel": {"state": "canceled", "status": "canceled"},
    "hold": {"state": "holded", "status": "holded"},
    "unhold": {"state": "new", "status": "pending"},
}


class Store:
    """The state and the endpoints. One asyncio loop calls `answer`; nothing here blocks."""

    def __init__(
        self, clock: Callable[[], datetime], *, seed: int = 1, token: str = "sandbox", faults: Faults = NONE
    ) -> None:
        self._clock = clock
        self._maker = OrderMaker(seed)
        self._token = token
        self.lottery = Lottery(faults, seed)
        self.hooks = Hooks(self.lottery)
        self.orders: dict[int, dict[str, Any]] = {}
        self.memos: dict[int, dict[str, Any]] = {}
        self.placed_at: dict[int, datetime] = {}
        self.requests: list[str] = []

    async def answer(self, asked: Asked) -> Answer:
        """One request, with what the lottery has in store for it."""
        if asked.path.startswith("/sandbox/"):
            return self._admin(asked)
        self.requests.append(f"{asked.method} {asked.path}")
        path = re.sub(r"^/rest(/\w+)?(?=/V1/)", "", asked.path)
        writes = asked.method != "GET"
        if asked.headers.get("authorization") != f"Bearer {self._token}":
            return Answer(
                status=401, body={"message": NOT_ALLOWED, "parameters": {"resources": "Magento_Sales::sales"}}
            )
        if (instead := self.lottery.before(writes=writes)) is not None:
            return instead
        if self.lottery.happens("slow"):
            await asyncio.sleep(self.lottery.faults.slow_seconds)
        return self.lottery.after(self._rest(asked.method, path, asked))

    def place(self, kind: str = "") -> int:
        """One order, and the webhook of it."""
        number = len(self.orders) + 1
        now = self._clock()
        self.orders[number] = self._maker.make(number, now, kind)
        self.placed_at[number] = now
        self._fire("created", number)
        return number

    def change(self, number: int, move: str) -> bool:
        """cancel, hold, unhold or pay; False where the state does not allow it."""
        order = self.orders[number]
        if order["state"] in {"canceled", "closed"} or (move == "unhold") is not (order["state"] == "holded"):
            return False
        changes: dict[str, Any] = dict(MOVES.get(move, {}))
        if move == "pay":
            changes = {
                "total_paid": order["grand_total"],
                "base_total_paid": order["base_grand_total"],
                "total_due": Decimal(0),
                "state": "processing",
                "status": "processing",
            }
        self._touch(number, changes)
        self._fire({"cancel": "cancelled", "hold": "holded", "pay": "paid"}.get(move, "updated"), number)
        return True

    def refund(self, number: int) -> int:
        """All of a paid order back; the credit memo's id."""
        order, memo = self.orders[number], len(self.memos) + 1
        names = ("subtotal", "tax_amount", "discount_amount", "shipping_amount", "grand_total", "order_currency_code")
        money = {name: order[name] for name in names} | {
            f"base_{name}": order[f"base_{name}"] for name in names if f"base_{name}" in order
        }
        self.memos[memo] = money | {
            "entity_id": memo,
            "increment_id": f"{memo:09}",
            "order_id": number,
            "created_at": self._stamp(),
            "base_currency_code": "EUR",
            "adjustment_positive": 0,
            "adjustment_negative": 0,
            "items": [],
        }
        refunded = {"total_refunded": order["grand_total"], "base_total_refunded": order["base_grand_total"]}
        self._touch(number, refunded | {"state": "closed", "status": "closed"})
        self._fire("updated", number)
        return memo

    def _touch(self, number: int, changes: dict[str, Any]) -> None:
        self.orders[number] |= changes | {"updated_at": self._stamp()}

    def _stamp(self) -> str:
        return self._clock().strftime(STAMP)

    def _fire(self, event: str, number: int) -> None:
        self.hooks.fire(f"sales.order.{event}", self.orders[number])

    def _rest(self, method: str, path: str, asked: Asked) -> Answer:
        if found := re.fullmatch(r"/V1/orders/([^/]+)", path):
            return self._one(found[1]) if method == "GET" else Answer(status=405, body={"message": NO_ROUTE})
        if found := re.fullmatch(r"/V1/orders/(\d+)/(cancel|hold|unhold|comments)", path):
            return self._move(method, int(found[1]), found[2], asked)
        if path == "/V1/orders":
            return self._list(self.orders, asked) if method == "GET" else self._narrow_write(asked)
        if path == "/V1/creditmemos" and method == "GET":
            return self._list(self.memos, asked)
        if path == "/V1/async_event" and method == "POST":
            return Answer(body=self.hooks.subscribe(asked.json()["asyncEvent"], self._stamp()))
        if path == "/V1/async_events":
            return Answer(
                body={"items": [*self.hooks.subscriptions.values()], "total_count": len(self.hooks.subscriptions)}
            )
        if found := re.fullmatch(r"/V1/async_event/(\d+)", path):
            kept = self.hooks.subscriptions.get(int(found[1]))
            return Answer(body=kept) if kept else Answer(status=404, body={"message": MISSING})
        return Answer(status=404, body={"message": NO_ROUTE})

    def _one(self, number: str) -> Answer:
        order = self.orders.get(int(number)) if number.isdigit() else None
        return Answer(body=order) if order else Answer(status=404, body={"message": MISSING})

    def _list(self, rows: dict[int, dict[str, Any]], asked: Asked) -> Answer:
        if not any(name.startswith("searchCriteria") for name in asked.query):
            return Answer(status=400, body=NO_CRITERIA)
        return narrowed(search([*rows.values()], asked.query), asked.query)

    def _narrow_write(self, asked: Asked) -> Answer:
        entity = asked.json()["entity"]
        order = self.orders.get(int(entity.get("entity_id", 0)))
        if order is None:
            return Answer(status=404, body={"message": MISSING})
        self._touch(order["entity_id"], {"ext_order_id": entity["ext_order_id"]})
        # both are false, and both really come: contracts of the Async Events module
        self._fire("created", order["entity_id"])
        self._fire("paid", order["entity_id"])
        return Answer(body=order | {"grand_total": None, "base_grand_total": None})

    def _move(self, method: str, number: int, move: str, asked: Asked) -> Answer:
        if number not in self.orders:
            return Answer(status=404, body={"message": MISSING})
        if move != "comments":
            return Answer(body=self.change(number, move))
        history = self.orders[number]["status_histories"]
        if method == "POST":
            told = asked.json()["statusHistory"]
            row = {
                "comment": told["comment"],
                "created_at": self._stamp(),
                "entity_id": len(history) + 1,
                "entity_name": "order",
                "is_customer_notified": 0,
                "is_visible_on_front": 0,
                "parent_id": number,
                "status": self.orders[number]["status"],
            }
            history.insert(0, row)
            return Answer(body=True)
        return Answer(body={"items": history, "total_count": len(history)})

    def _admin(self, asked: Asked) -> Answer:
        verb = asked.path.removeprefix("/sandbox/")
        if verb == "place":
            wanted = asked.json() if asked.body else {}
            kinds = wanted.get("kinds") or [""]
            if any(kind not in {"", *KINDS} for kind in kinds):
                return Answer(status=400, body={"message": f"kinds are {', '.join(KINDS)}"})
            return Answer(body=[self.place(kinds[n % len(kinds)]) for n in range(int(wanted.get("count", 1)))])
        if found := re.fullmatch(r"orders/(\d+)/(cancel|hold|unhold|pay|refund)", verb):
            number = int(found[1])
            if number not in self.orders:
                return Answer(status=404, body={"message": MISSING})
            return Answer(body=self.refund(number) if found[2] == "refund" else self.change(number, found[2]))
        if verb == "state":
            names = ("increment_id", "state", "ext_order_id", "updated_at")
            return Answer(body={str(n): {k: o.get(k) for k in names} for n, o in self.orders.items()})
        if verb == "log":
            return Answer(body=self.requests[-1000:])
        return Answer(status=404, body={"message": "place, orders/ID/MOVE, state or log"})
