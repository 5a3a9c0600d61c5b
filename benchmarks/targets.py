"""A store and an ERP that cost next to nothing, so that the figures are those of what stands between them.

Run as a process of its own: `python -m benchmarks.targets [SECONDS]` prints its address; with SECONDS each answer takes
that long, as a distant system's does. It answers what an order's walk asks (one order, the ERP's POST, the write-back)
from templates, and counts: GET /stats tells how many requests of which kind came, which order numbers the ERP got how
often, and the moment of each one's arrival (time.monotonic).
It is no Magento: behaviour is tested against the sandbox and the recordings, never here.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from email.utils import format_datetime

import httptools
import uvloop

from crossdock.sandbox.orders import OrderMaker
from crossdock.sandbox.wire import ENCODER

ENTITY = 900_000_001
NUMBER = re.compile(rb'"order_number":\s?"([^"]+)"')
EMPTY = b'{"items":[],"search_criteria":{"filter_groups":[]},"total_count":0}'


class Books:
    """What the two have seen."""

    def __init__(self) -> None:
        order = OrderMaker(1).make(ENTITY, datetime.now(UTC), "several")
        self.number = order["increment_id"].encode()
        self.template = ENCODER.encode(order)
        self.requests: Counter[str] = Counter()
        self.taken: Counter[str] = Counter()
        self.arrived: dict[str, float] = {}
        self.acknowledged: dict[str, str] = {}

    def answer(self, method: bytes, path: bytes, body: bytes) -> tuple[int, bytes]:
        """Status and body."""
        if path == b"/stats":
            return 200, self.stats()
        if path.startswith(b"/orders") and method == b"POST":
            return self._taken(body)
        return self._store(path.replace(b"/rest/all/", b"/rest/", 1), body)

    def _store(self, path: bytes, body: bytes) -> tuple[int, bytes]:
        if path.startswith(b"/rest/V1/orders?"):
            self.requests["list"] += 1
            return 200, EMPTY
        if path.startswith(b"/rest/V1/orders/") and path.endswith(b"/comments"):
            self.requests["comment"] += 1
            return 200, b"true"
        if path.startswith(b"/rest/V1/orders/"):
            self.requests["read"] += 1
            return 200, self.order(path.rpartition(b"/")[2])
        if path == b"/rest/V1/orders":
            self.requests["acknowledge"] += 1
            return 200, self._acknowledged(body)
        self.requests[f"other {path.decode()[:80]}"] += 1
        return 404, b'{"message":"The requested resource doesn\'t exist."}'

    def order(self, entity: bytes) -> bytes:
        """The template under another id and number."""
        body = self.template.replace(b'"%s"' % self.number, b'"%s"' % entity.rjust(len(self.number), b"0"))
        return body.replace(str(ENTITY).encode(), entity)

    def _taken(self, body: bytes) -> tuple[int, bytes]:
        found = NUMBER.search(body)
        number = found[1].decode() if found else "?"
        self.requests["erp"] += 1
        self.taken[number] += 1
        self.arrived.setdefault(number, time.monotonic())
        return 201, b'{"id":"SO-%s","number":"SO-%s"}' % (number.encode(), number.encode())

    def _acknowledged(self, body: bytes) -> bytes:
        given = json.loads(body)["entity"]
        entity, name = str(given["entity_id"]), given["ext_order_id"]
        self.acknowledged[entity] = name
        return self.order(entity.encode()).replace(b"{", b'{"ext_order_id":"%s",' % name.encode(), 1)

    def stats(self) -> bytes:
        """For the benchmark."""
        doubled = sum(count - 1 for count in self.taken.values())
        told = {"requests": self.requests, "orders": len(self.taken), "doubled": doubled, "arrived": self.arrived}
        return json.dumps(told | {"acknowledged": len(self.acknowledged)}).encode()


class Connection(asyncio.Protocol):
    """One HTTP/1.1 connection."""

    def __init__(self, books: Books, delay: float) -> None:
        self._books, self._delay = books, delay
        self._parser = httptools.HttpRequestParser(self)
        self._path, self._body = b"", b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # TCP

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self._path += url

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        status, content = self._books.answer(self._parser.get_method(), self._path, self._body)
        self._path, self._body = b"", b""
        date = format_datetime(datetime.now(UTC), usegmt=True)
        head = (
            f"HTTP/1.1 {status} X\r\nDate: {date}\r\nContent-Type: application/json\r\nContent-Length: {len(content)}"
        )
        whole = head.encode() + b"\r\n\r\n" + content
        if self._delay:
            asyncio.get_running_loop().call_later(self._delay, self._transport.write, whole)
        else:
            self._transport.write(whole)


async def serve(delay: float) -> None:
    """Until the process is ended."""
    books = Books()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(books, delay), "127.0.0.1", 0, backlog=1024)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    try:
        uvloop.run(serve(float(sys.argv[1]) if len(sys.argv) > 1 else 0.0))
    except KeyboardInterrupt:
        sys.exit(0)
