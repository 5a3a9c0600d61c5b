"""The stand-ins under test, and how they are asked."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import httpx
import msgspec

from crossdock.sandbox.faults import NONE, Bugs, Faults
from crossdock.sandbox.oauth import Credentials
from crossdock.sandbox.run import ErpServer, StoreServer
from crossdock.transport.oauth1 import OAuth1, OAuth1Keys
from crossdock.transport.wire import HttpRequest

CLEAN = Bugs()
HEADERS = {"Authorization": "Bearer sandbox"}
PATIENCE_S = 60  # of a client that is to get an answer


@contextmanager
def shop_with(bugs: Bugs = CLEAN, faults: Faults = NONE, **more: Any) -> Iterator[StoreServer]:
    server = StoreServer(seed=3, faults=msgspec.structs.replace(faults, bugs=bugs), **more)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def erp_with(faults: Faults = NONE, **more: Any) -> Iterator[ErpServer]:
    server = ErpServer(seed=3, faults=faults, **more)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def signed(url: str, known: Credentials | None = None, method: str = "GET") -> dict[str, str]:
    """The headers of a call that is signed with OAuth 1.0a."""
    known = known or Credentials()
    keys = OAuth1Keys(
        consumer_key=known.consumer_key,
        consumer_secret=known.consumer_secret,
        token=known.token,
        token_secret=known.token_secret,
    )
    request = HttpRequest(method=method, url=url, headers={}, body=b"")
    return dict(OAuth1(keys, base_url="/".join(url.split("/")[:3])).apply(request).headers)


def get(shop: StoreServer, path: str, query: Mapping[str, Any] | None = None) -> httpx.Response:
    return httpx.get(f"{shop.url}/rest/V1/{path}", params=dict(query or {}), headers=HEADERS, timeout=PATIENCE_S)


def post(shop: StoreServer, path: str, body: Any = None) -> httpx.Response:
    return httpx.post(f"{shop.url}/rest/V1/{path}", json=body or {}, headers=HEADERS, timeout=PATIENCE_S)


def posted_at_once(shop: StoreServer, calls: Sequence[tuple[str, Any]]) -> list[tuple[int, Any]]:
    """Status and body of each. All are sent before the store reads the first of them."""
    go = threading.Event()
    shop._server.loop.call_soon_threadsafe(go.wait, PATIENCE_S)
    lines = [http.client.HTTPConnection("127.0.0.1", shop._server.port, timeout=PATIENCE_S) for _ in calls]
    try:
        for line, (path, body) in zip(lines, calls, strict=True):
            line.request("POST", f"/rest/V1/{path}", json.dumps(body), HEADERS | {"Content-Type": "application/json"})
        go.set()
        answers = [line.getresponse() for line in lines]
        return [(answer.status, json.loads(answer.read())) for answer in answers]
    finally:
        go.set()
        for line in lines:
            line.close()


def listed(shop: StoreServer, *, page: int = 1, size: int = 2, sort: str = "entity_id") -> httpx.Response:
    query = {
        "searchCriteria[pageSize]": size,
        "searchCriteria[currentPage]": page,
        "searchCriteria[sortOrders][0][field]": sort,
        "searchCriteria[sortOrders][0][direction]": "ASC",
    }
    return get(shop, "orders", query)


def ids(answer: httpx.Response) -> list[int]:
    assert answer.status_code == 200, answer.text[:200]
    return [one["entity_id"] for one in answer.json()["items"]]
