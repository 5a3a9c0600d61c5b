"""A stand-in for the custom ERP of the REST connector: keeps what it gets, answers look-ups, remembers every double."""

from __future__ import annotations

import hmac
import re
from collections import deque
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal
from urllib.parse import unquote

from crossdock.model.base import Record
from crossdock.sandbox import admin
from crossdock.sandbox.clock import Clock
from crossdock.sandbox.faults import NONE, Faults, Lottery
from crossdock.sandbox.levels import LISTS, Levels
from crossdock.sandbox.people import People
from crossdock.sandbox.wire import Answer, Asked

Dedupe = Literal["key", "number", "none"]
LOGGED = 5000
CHANGES = "cancel|hold|unhold|payments|refunds"


class Effect(Record, frozen=True, kw_only=True):
    """Something that was done to an order, in the order of doing."""

    order_number: str
    name: str  # create, cancel, hold, unhold, payments, refunds
    key: str
    at: datetime
    payload: Any = None


class Erp:
    """`dedupe`: "key" takes one idempotency key once, "number" one order number once, "none" makes doubles.

    `gives_back`: a find tells all that an order was made with, not only its numbers.
    `signed_with`: the secret of HMAC bodies (hex SHA-256 in X-Signature), taken beside the bearer token.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        seed: int = 1,
        token: str = "sandbox",
        faults: Faults = NONE,
        dedupe: Dedupe = "none",
        path: str = "/orders",
        signed_with: str = "",
        gives_back: bool = False,
    ) -> None:
        self.clock = clock
        self._token, self._secret = token, signed_with
        self.dedupe: Dedupe = dedupe
        self._path = path.rstrip("/")
        self._gives_back = gives_back
        self.lottery = Lottery(faults, seed)
        self.lists = {name: Levels(clock, self.lottery, name) for name in LISTS}
        self.levels = self.lists["stock"]
        self.people = People(self.lists["customer-changes"].change)
        self.orders: list[dict[str, Any]] = []
        self._by_number: dict[str, list[dict[str, Any]]] = {}
        self._by_key: dict[str, dict[str, Any]] = {}
        self.received_at: dict[str, datetime] = {}  # the first of each number, by the real clock
        self.effects: list[Effect] = []
        self.requests: deque[str] = deque(maxlen=LOGGED)

    def answer(self, asked: Asked) -> Answer:
        """One request, with what the lottery has in store for it."""
        if asked.path.startswith("/sandbox/"):
            return self._admin(asked)
        self.requests.append(f"{asked.method} {asked.target} {asked.headers.get('x-idempotency-key', '')}".rstrip())
        if not self._known(asked):
            return Answer(status=401, body={"message": "unknown token"})
        creates = asked.path in {self._path, "/customers"}
        kind = "find" if asked.method == "GET" else "create" if creates else "change"
        what = f"{asked.method} {asked.path}"
        if (instead := self.lottery.before(kind, what, self.clock(), writes=False)) is not None:
            return instead

        def done() -> Answer:
            return self.lottery.around(kind, what, lambda: self._take(asked))

        pause = self.lottery.faults.latency_s
        return Answer(delay=pause, later=done) if pause else done()

    def doubles(self) -> list[str]:
        """Order numbers that are here more than once."""
        return sorted(number for number, kept in self._by_number.items() if len(kept) > 1)

    def double_changes(self) -> list[str]:
        """`NUMBER change key` for each follow-up that took effect more than once."""
        seen: dict[str, int] = {}
        for one in self.effects:
            if one.name != "create":
                told = f"{one.order_number} {one.name} {one.key}"
                seen[told] = seen.get(told, 0) + 1
        return sorted(told for told, count in seen.items() if count > 1)

    def story(self, number: str) -> list[str]:
        """What happened to one order, in the order of happening: ["create", "hold", "unhold", "payments"]."""
        return [one.name for one in self.effects if one.order_number == number]

    def _known(self, asked: Asked) -> bool:
        if asked.headers.get("authorization") == f"Bearer {self._token}":
            return True
        right = hmac.new(self._secret.encode(), asked.body, sha256).hexdigest()
        return bool(self._secret) and hmac.compare_digest(right, asked.headers.get("x-signature", ""))

    def _take(self, asked: Asked) -> Answer:
        if asked.method == "GET" and (listed := self.lists.get(asked.path.removeprefix("/"))):
            return listed.answer(asked.query)
        if asked.path.startswith("/customers"):
            return self._customers(asked)
        if asked.path == self._path and asked.method == "GET":
            return self._found(asked.query)
        if asked.path == self._path and asked.method == "POST":
            return self._create(asked)
        if found := re.fullmatch(rf"{re.escape(self._path)}/([^/]+)(?:/({CHANGES}|changes))?", asked.path):
            number = unquote(found[1])
            if asked.method == "POST" and found[2] and found[2] != "changes":
                return self._change(number, found[2], asked)
            if asked.method == "GET" and not found[2] and number in self._by_number:
                return Answer(body=self._shown(self._by_number[number][0]))
            if asked.method == "GET" and found[2]:
                return Answer(body=self._changes(number, found[2]))
        return Answer(status=404, body={"message": "no such path, or no such order"})

    def _customers(self, asked: Asked) -> Answer:
        key = asked.headers.get("x-idempotency-key", "")
        if asked.path == "/customers" and asked.method == "GET":
            if "email" in asked.query:
                return Answer(body=self.people.of_person(asked.query["email"], asked.query.get("website", "")))
            return Answer(body=self.people.of_key(asked.query.get("key", "")))
        try:
            payload = asked.json()
        except ValueError:
            return Answer(status=400, body={"success": False, "message": "the body is no JSON"})
        if asked.path == "/customers" and asked.method == "POST":
            number, fresh = self.people.take(payload, key, once=self.dedupe != "none")
            return Answer(status=201 if fresh else 200, body={"success": True, "customer_number": number})
        found = re.fullmatch(r"/customers/([^/]+)/erasure", asked.path)
        if found and self.people.forget(unquote(found[1])):
            return Answer(body={"success": True})
        return Answer(status=404, body={"message": "no such path, or no such customer"})

    def _listed(self, query: dict[str, str]) -> Answer:
        """Every order by the sequence in which they came, behind `after_seq`."""
        after, limit = int(query.get("after_seq") or 0), int(query.get("limit") or 1000)
        rows = [_told(one) | _summed(one, seq) for seq, one in enumerate(self.orders, 1) if seq > after]
        return Answer(body={"items": rows[:limit], "head": len(self.orders)})

    def _found(self, query: dict[str, str]) -> Answer:
        if "listed" in query:
            return self._listed(query)
        number = query.get("order_number") or query.get("number") or ""
        numbers = query["order_numbers"].split(",") if "order_numbers" in query else [number]
        return Answer(body=[self._shown(one) for each in numbers for one in self._by_number.get(each, [])])

    def _shown(self, one: dict[str, Any]) -> dict[str, Any]:
        return (one["payload"] if self._gives_back else {}) | _told(one)

    def _changes(self, number: str, name: str) -> list[dict[str, Any]]:
        of_order = [one for one in self.effects if one.order_number == number and one.name != "create"]
        named = [one for one in of_order if name in {one.name, "changes"}]
        return [_change_told(f"{number}-{n}", one) for n, one in enumerate(named, 1)]

    def _create(self, asked: Asked) -> Answer:
        try:
            payload = asked.json()
            number = str(payload["order_number"])
        except (ValueError, KeyError, TypeError):
            return Answer(status=422, body={"success": False, "message": "order_number is missing"})
        key = asked.headers.get("x-idempotency-key", "")
        if (there := self._there(key, number)) is not None:
            return Answer(status=200, body=_told(there))
        count = len(self.orders) + 1
        kept = {
            "id": f"E{count}",
            "number": f"SO-{count}",
            "order_number": number,
            "idempotency_key": key,
            "payload": payload,
            "made_at": self.clock().isoformat(),
        }
        self.orders.append(kept)
        self._by_number.setdefault(number, []).append(kept)
        self._by_key.setdefault(key, kept)
        self.received_at.setdefault(number, self.clock.real())
        self._effect(number, "create", key, None)
        return Answer(status=201, body=_told(kept))

    def _there(self, key: str, number: str) -> dict[str, Any] | None:
        if self.dedupe == "key":
            return self._by_key.get(key) if key else None
        return self._by_number[number][0] if self.dedupe == "number" and number in self._by_number else None

    def _change(self, number: str, name: str, asked: Asked) -> Answer:
        if number not in self._by_number:
            return Answer(status=404, body={"message": f"no order {number}"})
        key = asked.headers.get("x-idempotency-key", "")
        keys = [one.key for one in self.effects if (one.order_number, one.name) == (number, name)]
        fresh = self.dedupe == "none" or key not in keys
        if fresh:
            try:
                payload = asked.json() if asked.body else None
            except ValueError:
                return Answer(status=400, body={"success": False, "message": "the body is no JSON"})
            self._effect(number, name, key, payload)
            keys.append(key)
        nth = len(keys) if fresh else keys.index(key) + 1
        return Answer(status=200, body={"success": True, "id": f"{number}-{name}-{nth}", "order_number": number})

    def _effect(self, number: str, name: str, key: str, payload: Any) -> None:
        self.effects.append(Effect(order_number=number, name=name, key=key, at=self.clock.real(), payload=payload))

    def _admin(self, asked: Asked) -> Answer:
        told: dict[str, Any] = {
            "orders": self.orders,
            "doubles": self.doubles(),
            "double_changes": self.double_changes(),
            "effects": self.effects,
            "customers": self.people.kept,
            "log": [*self.requests],
        }
        verb = asked.path.removeprefix("/sandbox/").rstrip("/")
        if verb in told:
            return Answer(body=told[verb])
        try:
            body = asked.json() if asked.body else {}
        except ValueError:
            return Answer(status=400, body={"message": "the body is no JSON"})
        if (listed := self.lists.get(verb)) is not None:
            if asked.method in {"POST", "PUT"}:
                listed.change(body["items"])
            return Answer(body={"items": listed.visible(), "head": listed.head})
        known = ", ".join([*told, *self.lists, "faults", "clock"])
        return admin.common(asked, body, self.lottery, self.clock) or Answer(status=404, body={"message": known})


def _change_told(named: str, one: Effect) -> dict[str, Any]:
    payload = one.payload if isinstance(one.payload, dict) else {}
    numbers = {name: payload[name] for name in ("order_number", "refund_number") if name in payload}
    return {"id": named, "idempotency_key": one.key, "change": one.name} | numbers


def _summed(one: dict[str, Any], seq: int) -> dict[str, Any]:
    totals = one["payload"].get("totals") or {}
    paid = one["payload"].get("payment") or {}
    return {"seq": seq, "total": totals.get("grand_total"), "currency": paid.get("currency"), "made_at": one["made_at"]}


def _told(one: dict[str, Any]) -> dict[str, Any]:
    return {
        "success": True,
        "id": one["id"],
        "erp_order_id": one["id"],
        "erp_order_number": one["number"],
        "order_number": one["order_number"],
        "idempotency_key": one["idempotency_key"],
    }
