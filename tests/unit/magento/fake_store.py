"""A store in memory behind the tiny HTTP server: orders, filters, sorting and pages as a real Magento has them."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from crossdock.magento.client import MagentoClient
from crossdock.transport.auth import Bearer
from crossdock.transport.http import Http, HttpOptions
from tests.recorded_server import Asked, Recorded, Reply, against_contract, serve

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
NOT_FOUND = Reply(404, {"message": "The entity that was requested doesn't exist. Verify the entity and try again."})
BROKEN = Reply(500, {"message": "Internal Error. Details are available in Magento log file. Report ID: webapi-1"})
NAME = re.compile(r"searchCriteria\[filterGroups]\[(\d+)]\[filters]\[(\d+)]\[(\w+)]")


def at(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)


class FakeStore:
    def __init__(self) -> None:
        self.now = NOW
        self.orders: dict[int, dict[str, Any]] = {}
        self.memos: list[dict[str, Any]] = []
        self.poison: set[int] = set()
        self.limit = 0
        self.down = False
        self.ignores_filters = False
        self.unsorted = False

    def place(self, number: int, ago: float = 3600, **more: Any) -> dict[str, Any]:
        moment = (self.now - timedelta(seconds=ago)).strftime("%Y-%m-%d %H:%M:%S")
        self.orders[number] = {
            "entity_id": number,
            "increment_id": f"{number:09d}",
            "state": "new",
            "created_at": moment,
            "updated_at": moment,
            "grand_total": 10.1,
            "items": [],
            **more,
        }
        return self.orders[number]

    def answer(self, asked: Asked) -> Reply:
        reply = copy.copy(self._answer(asked))
        reply.headers = {**reply.headers, "Date": format_datetime(self.now, usegmt=True)}
        return reply

    def _answer(self, asked: Asked) -> Reply:
        if self.down:
            return BROKEN
        path = asked.path.removeprefix("/rest/all/V1/")
        if path == "creditmemos":
            return self._list(asked, self.memos)
        if path == "orders" and asked.method == "GET":
            return self._list(asked, list(self.orders.values()))
        if path == "orders":
            return self._save(asked.json()["entity"])
        number = int(path.split("/")[1])
        if number not in self.orders:
            return NOT_FOUND
        if asked.method == "POST":
            self.orders[number].setdefault("status_histories", []).append(asked.json()["statusHistory"])
            return Reply(200, True)
        return BROKEN if number in self.poison else Reply(200, self.orders[number])

    def _save(self, entity: dict[str, Any]) -> Reply:
        order = self.orders[entity["entity_id"]]
        order |= entity | {"updated_at": self.now.strftime("%Y-%m-%d %H:%M:%S")}
        return Reply(
            200, {"entity_id": entity["entity_id"], "ext_order_id": entity["ext_order_id"], "grand_total": None}
        )

    def _list(self, asked: Asked, rows: list[dict[str, Any]]) -> Reply:
        size = int(asked.query["searchCriteria[pageSize]"])
        if self.limit and size > self.limit:
            return Reply(400, {"message": "Maximum SearchCriteria pageSize is %max", "parameters": {"max": self.limit}})
        assert "searchCriteria[currentPage]" not in asked.query
        rows = rows if self.ignores_filters else [row for row in rows if passes(row, asked.query)]
        sort = [value for name, value in asked.query.items() if name.endswith("[field]") and "sortOrders" in name]
        rows.sort(key=lambda row: [row[name] for name in sort], reverse=self.unsorted)
        page = rows[:size]
        if any(row["entity_id"] in self.poison for row in page):
            return BROKEN
        if not page and "fields" in asked.query:
            return Reply(200, {"items": None, "total_count": 0})
        return Reply(200, {"items": page, "search_criteria": {}, "total_count": len(rows)})


def passes(row: dict[str, Any], query: dict[str, str]) -> bool:
    groups: dict[str, dict[str, dict[str, str]]] = {}
    for name, value in query.items():
        if found := NAME.fullmatch(name):
            groups.setdefault(found[1], {}).setdefault(found[2], {})[found[3]] = value
    return all(any(holds(row, one) for one in group.values()) for group in groups.values())


def holds(row: dict[str, Any], one: dict[str, str]) -> bool:
    value, condition = row[one["field"]], one["conditionType"]
    if condition == "nin":
        return str(value) not in one["value"].split(",")
    wanted = type(value)(one["value"])
    verdicts = {
        "eq": value == wanted,
        "gt": value > wanted,
        "gteq": value >= wanted,
        "lt": value < wanted,
        "lteq": value <= wanted,
    }
    return bool(verdicts[condition])


@contextmanager
def running(store: FakeStore) -> Iterator[tuple[MagentoClient, Recorded]]:
    """A client of this store; afterwards everything that it asked is held against Adobe's schema."""
    with serve(store.answer) as server:
        http = Http(HttpOptions())
        yield MagentoClient(http, Bearer("t0ken"), base_url=server.url), server
        http.close()
    assert against_contract(server.asked) == []


def recorded(path: Any) -> Any:
    return json.loads(path.read_bytes())
