"""A small HTTP/1.1 server whose connections can be broken on purpose: before an effect, after it, or in mid-answer."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Awaitable, Callable
from datetime import datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from crossdock.model.base import Record

ENCODER = msgspec.json.Encoder(decimal_format="number")
REASONS = {200: "OK", 201: "Created", 202: "Accepted", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found"}


class Asked(Record, frozen=True, kw_only=True):
    """One request. Header names in lower case; of a repeated query name the last one counts."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes = b""

    def json(self) -> Any:
        """Raises ValueError."""
        return msgspec.json.decode(self.body)


class Answer(Record, frozen=True, kw_only=True):
    """What to send. `reset`: break the connection instead. `cut`: send only so many bytes, then break."""

    status: int = 200
    body: Any = None
    raw: bytes | None = None
    headers: dict[str, str] = {}
    reset: bool = False
    cut: int | None = None

    def content(self) -> bytes:
        """The body's bytes."""
        return self.raw if self.raw is not None else ENCODER.encode(self.body)


Handler = Callable[[Asked], Awaitable[Answer]]


class WireServer:
    """Serves in a thread of its own; `url` once started."""

    def __init__(self, handler: Handler, clock: Callable[[], datetime], port: int = 0) -> None:
        self._handler = handler
        self._clock = clock
        self._socket = socket.create_server(("127.0.0.1", port), backlog=1024)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="sandbox", daemon=True)
        self._open: set[asyncio.StreamWriter] = set()

    def start(self) -> None:
        """Begin to serve: the socket listens already, so nobody is refused."""
        self._thread.start()

    def stop(self) -> None:
        """Break what is open."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        server = self.loop.run_until_complete(asyncio.start_server(self._serve, sock=self._socket))
        self.loop.run_forever()
        server.close()
        for writer in list(self._open):
            writer.transport.abort()
        rest = asyncio.all_tasks(self.loop)
        for task in rest:
            task.cancel()
        self.loop.run_until_complete(asyncio.gather(*rest, return_exceptions=True))
        self.loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while (asked := await read_request(reader)) is not None:
                answer = await self._handler(asked)
                if answer.reset:
                    _reset(writer)
                    return
                whole = self._bytes(answer)
                writer.write(whole if answer.cut is None else whole[: answer.cut])
                await writer.drain()
                if answer.cut is not None:
                    _reset(writer)
                    return
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
            return  # the other side went away, or we stop: nobody is there to be told
        finally:
            self._open.discard(writer)
            writer.close()

    def _bytes(self, answer: Answer) -> bytes:
        content = answer.content()
        headers = {
            "Date": format_datetime(self._clock(), usegmt=True),
            "Content-Type": "application/json; charset=utf-8",
            "Content-Length": str(len(content)),
        } | answer.headers
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"HTTP/1.1 {answer.status} {REASONS.get(answer.status, 'Answer')}\r\n{lines}\r\n".encode() + content


async def read_request(reader: asyncio.StreamReader) -> Asked | None:
    """The next one on this connection; None at its end."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *rest = head.decode("latin-1").split("\r\n")
    method, target, _version = first.split(" ", 2)
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in rest if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    parts = urlsplit(target)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    return Asked(method=method, path=parts.path, query=query, headers=headers, body=body)


def _reset(writer: asyncio.StreamWriter) -> None:
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
