"""A load generator in a process of its own: signed webhooks, each about another order.

`python -m benchmarks.load URL --count N [--connections C] [--rate R] [--first ID] --out FILE` writes JSON: how many
were answered 2xx, seconds, latencies in milliseconds, when each order's webhook was sent (time.monotonic). Without a
rate each connection sends its next one when it has its answer; with one they go by the clock, whatever the answers do.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import hmac
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import httptools
import uvloop

from crossdock.sandbox.orders import OrderMaker
from crossdock.sandbox.wire import ENCODER


class Connection(asyncio.Protocol):
    """Sends one request at a time and tells when its answer is whole."""

    def __init__(self) -> None:
        self._waiting: asyncio.Future[int] | None = None
        self._reset()

    def _reset(self) -> None:
        self._parser = httptools.HttpResponseParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # TCP

    def closed(self) -> bool:
        """The server ends a connection that was idle for long."""
        return self._transport.is_closing()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiting and not self._waiting.done():
            self._waiting.set_exception(exc or ConnectionError("closed"))

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        self._reset()
        if self._waiting and not self._waiting.done():
            self._waiting.set_result(status)

    async def ask(self, request: bytes) -> int:
        """The answer's status."""
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._waiting


def requests(url: str, secret: str, first: int, count: int) -> list[bytes]:
    """Whole requests, ready to be written."""
    parts = urlsplit(url)
    entity = 900_000_001
    order = OrderMaker(1).make(entity, datetime.now(UTC), "several")
    number = order["increment_id"].encode()
    template = ENCODER.encode({"data": order})
    made = []
    for wanted in range(first, first + count):
        named = str(wanted).encode()
        quoted = b'"%s"' % named.rjust(len(number), b"0")
        body = template.replace(b'"%s"' % number, quoted).replace(str(entity).encode(), named)
        signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        head = (
            f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n"
            f"X-Magento-Signature: {signature}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        made.append(head.encode() + body)
    return made


async def load(arguments: argparse.Namespace) -> dict[str, object]:
    """All of them."""
    made = requests(arguments.url, arguments.secret, arguments.first, arguments.count)
    parts = urlsplit(arguments.url)
    loop = asyncio.get_running_loop()
    pool: asyncio.Queue[Connection] = asyncio.LifoQueue()

    async def connect() -> Connection:
        _, connection = await loop.create_connection(Connection, parts.hostname, parts.port)
        return connection

    for _ in range(arguments.connections):
        pool.put_nowait(await connect())
    waits: list[float] = []
    sent: dict[str, float] = {}
    good = 0

    async def ask(connection: Connection, number: int, due: float) -> None:
        nonlocal good
        sent[str(arguments.first + number)] = due
        status = await connection.ask(made[number])
        waits.append((time.monotonic() - due) * 1000)
        good += 200 <= status < 300

    async def drain(numbers: range) -> None:
        connection = await pool.get()
        for number in numbers:
            await ask(connection, number, time.monotonic())

    async def paced(number: int, due: float) -> None:
        connection = await pool.get()
        if connection.closed():
            connection = await connect()
        try:
            await ask(connection, number, due)
        finally:
            pool.put_nowait(connection)

    started = time.monotonic()
    if arguments.rate:
        tasks = []
        for number in range(len(made)):
            due = started + number / arguments.rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            tasks.append(asyncio.create_task(paced(number, due)))
        await asyncio.gather(*tasks)
    else:
        step = arguments.connections
        await asyncio.gather(*(drain(range(first, len(made), step)) for first in range(step)))
    seconds = time.monotonic() - started
    waits.sort()
    return {
        "good": good,
        "seconds": seconds,
        "p50_ms": waits[len(waits) // 2],
        "p99_ms": waits[int(len(waits) * 0.99)],
        "sent": sent,
    }


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--secret", default="bench-webhook-secret")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.out.write_text(json.dumps(uvloop.run(load(arguments))))


if __name__ == "__main__":
    main()
