"""A whole Crossdock between two small real servers: a store that holds recorded orders, and an ERP that keeps what it gets."""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from crossdock.app import Crossdock
from crossdock.flows import PRIORITIES
from crossdock.settings import Settings
from tests.material import SHARED
from tests.recorded_server import Asked, Reply

STAMP = "%Y-%m-%d %H:%M:%S"


def recorded(name: str) -> dict[str, Any]:
    """One order as a real Magento sent it."""
    found: dict[str, Any] = json.loads((SHARED / "magento" / "orders" / f"{name}.json").read_text())
    return found


def recorded_names() -> list[str]:
    return sorted(
        row["file"].removesuffix(".json") for row in json.loads((SHARED / "magento/orders/manifest.json").read_text())
    )


class Shop:
    """Answers for the orders that it was given. `refuse` gives a Reply to send instead, once each."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.orders: dict[int, dict[str, Any]] = {}
        self.comments: dict[int, list[str]] = {}
        self.refuse: list[Callable[[Asked], Reply | None]] = []

    def add(self, order: dict[str, Any], **changes: Any) -> int:
        with self.lock:
            fresh = deepcopy(order) | changes
            fresh.pop("ext_order_id", None)
            self.orders[fresh["entity_id"]] = fresh
            self.touch(fresh["entity_id"])
            return int(fresh["entity_id"])

    def touch(self, number: int, **changes: Any) -> None:
        with self.lock:
            self.orders[number] |= {"updated_at": datetime.now(UTC).strftime(STAMP)} | changes

    def answer(self, asked: Asked) -> Reply:
        with self.lock:
            for plan in list(self.refuse):
                if (reply := plan(asked)) is not None:
                    self.refuse.remove(plan)
                    return reply
            reply = self._answer(asked)
            reply.headers["Date"] = format_datetime(datetime.now(UTC), usegmt=True)
            return reply

    def _answer(self, asked: Asked) -> Reply:
        path = re.sub(r"^/rest/\w+/V1/", "", asked.path)
        if found := re.fullmatch(r"orders/(\d+)", path):
            order = self.orders.get(int(found[1]))
            missing = {"message": "The entity that was requested doesn't exist. Verify the entity and try again."}
            return Reply(200, order) if order else Reply(404, missing)
        if found := re.fullmatch(r"orders/(\d+)/comments", path):
            return self._comment(int(found[1]), asked)
        if path == "orders" and asked.method == "POST":
            entity = asked.json()["entity"]
            assert set(entity) == {"entity_id", "ext_order_id"}, "a wide write"
            self.touch(entity["entity_id"], ext_order_id=entity["ext_order_id"])
            return Reply(200, self.orders[entity["entity_id"]])
        if path == "orders":
            return Reply(200, self._list(asked.query))
        if path == "creditmemos":
            return Reply(200, {"items": [], "total_count": 0})
        return Reply(404, {"message": "Request does not match any route."})

    def _comment(self, number: int, asked: Asked) -> Reply:
        if asked.method == "POST":
            self.comments.setdefault(number, []).append(asked.json()["statusHistory"]["comment"])
            history = [{"comment": one, "entity_name": "order"} for one in self.comments[number]]
            self.orders[number]["status_histories"] = history
            return Reply(200, True)
        return Reply(200, {"items": self.orders[number].get("status_histories", [])})

    def _list(self, query: dict[str, str]) -> dict[str, Any]:
        groups: dict[str, dict[str, dict[str, str]]] = {}
        for name, value in query.items():
            if found := re.fullmatch(
                r"searchCriteria\[filter_?[gG]roups\]\[(\d+)\]\[filters\]\[(\d+)\]\[(\w+)\]", name
            ):
                groups.setdefault(found[1], {}).setdefault(found[2], {})[found[3]] = value
        rows = [
            order
            for order in self.orders.values()
            if all(any(_fits(order, one) for one in group.values()) for group in groups.values())
        ]
        rows.sort(key=lambda order: (order["updated_at"], order["entity_id"]))
        if any(value == "entity_id" for name, value in query.items() if "sortOrders][0]" in name):
            rows.sort(key=lambda order: order["entity_id"])
        size = int(query.get("searchCriteria[pageSize]", len(rows) or 1))
        return {"items": rows[:size], "total_count": len(rows), "search_criteria": {}}


def _fits(order: dict[str, Any], one: dict[str, str]) -> bool:
    have, want = order[one["field"]], one["value"]
    wanted: Any = int(want) if isinstance(have, int) else want
    kind = one.get("conditionType", one.get("condition_type", "eq"))
    found: dict[str, bool] = {
        "eq": have == wanted,
        "gt": have > wanted,
        "gteq": have >= wanted,
        "lt": have < wanted,
        "lteq": have <= wanted,
        "neq": have != wanted,
        "nin": str(have) not in want.split(","),
        "in": str(have) in want.split(","),
    }
    return found[kind]


class Erp:
    """Keeps every order that it is sent, once a key where `dedupes`. `after` and `before` replace an answer, once each."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.kept: list[tuple[str, dict[str, Any]]] = []
        self.told: list[str] = []
        self.asked: list[str] = []
        self.before: list[Reply] = []
        self.after: list[Reply] = []

    def answer(self, asked: Asked) -> Reply:
        with self.lock:
            if asked.method == "GET":
                self.asked.append(asked.path)
                numbers = asked.query.get("order_numbers", asked.query.get("order_number", "")).split(",")
                found = [self._row(n) for n, (_, one) in enumerate(self.kept) if one["order_number"] in numbers]
                return Reply(200, found)
            if self.before:
                return self.before.pop(0)
            if asked.path != "/orders":
                self.told.append(asked.path)
                return Reply(200, {"success": True, "id": f"T{len(self.told)}"})
            self.kept.append((asked.headers["x-idempotency-key"], asked.json()))
            return self.after.pop(0) if self.after else Reply(201, self._row(len(self.kept) - 1))

    def _row(self, number: int) -> dict[str, Any]:
        key, order = self.kept[number]
        return {
            "id": f"E{number + 1}",
            "erp_order_id": f"E{number + 1}",
            "erp_order_number": f"SO-{number + 1}",
            "order_number": order["order_number"],
            "idempotency_key": key,
        }

    def numbers(self) -> list[str]:
        with self.lock:
            return [order["order_number"] for _, order in self.kept]


def settings(
    folder: Path, shop_url: str, erp_url: str, database: str = "", broker: str = "", **delivery: Any
) -> Settings:
    key = folder / "master.key"
    if not key.exists():
        key.write_text(base64.b64encode(b"k" * 32).decode())
        key.chmod(0o600)
    token = folder / "token"
    token.write_text("t0ken")
    token.chmod(0o600)
    return Settings.model_validate(
        {
            "database": {"url": database or f"sqlite:///{folder}/crossdock.sqlite"},
            "broker": {"url": broker},
            "security": {"master_key": f"file:{key}"},
            "delivery": {"first_pause_s": 0.05, "longest_pause_s": 0.5} | delivery,
            "workers": {"lease_seconds": 5},
            "reconcile": {"schedule": ""},
            "connections": {
                "store": {
                    "kind": "magento",
                    "base_url": shop_url,
                    "auth": {"scheme": "bearer", "token": f"file:{token}"},
                    "polling": {"interval_s": 0.2, "lag_s": 0, "start": "2026-01-01"},
                },
                "erp": {
                    "kind": "rest",
                    "base_url": erp_url,
                    "settling_s": 0.3,
                    "flows": ["orders", "cancellations", "holds", "payments", "refunds"],
                },
            },
            "routes": [{"source": "store", "target": "erp", "options": {"eligibility": {"*": "always"}}}],
        }
    )


def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def settled(crossdock: Crossdock) -> bool:
    """Nothing is pending nor leased, but for looks that wait for a later day."""
    counts = crossdock.store.counts()
    return not any(count for (_, _, state), count in counts.items() if state in {"pending", "leased"})


def rests(crossdock: Crossdock) -> bool:
    """Nothing is on its way but what waits for another hour.

    Between two questions what was due may have been taken up, or have ended and left something due: so both must be
    answered between two counts that are the same.
    """
    store, soon = crossdock.store, datetime.now(UTC) + timedelta(seconds=60)
    before = store.counts()
    if any(state == "leased" for _, _, state in before):
        return False
    return not store.operations.due_since(("store", "erp"), PRIORITIES, soon) and store.counts() == before
