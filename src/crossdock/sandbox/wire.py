"""A small HTTP/1.1 server whose connections can be broken on purpose: before an effect, after it, or in mid-answer."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import httptools
import msgspec

from crossdock.model.base import Record

ENCODER = msgspec.json.Encoder(decimal_format="number")
JSON = "application/json; charset=utf-8"
LARGEST_BODY = 20_000_000


class Asked(Record, frozen=True, kw_only=True):
    """One request. Header names in lower case; of a repeated query name the last one counts.

    `writing`: how many requests other than GET are under way on this server, this one among them.
    """

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes = b""
    target: str = ""  # as it came, for signatures
    writing: int = 0

    def json(self) -> Any:
        """Raises ValueError."""
        return msgspec.json.decode(self.body)


class Answer(Record, frozen=True, kw_only=True):
    """What to send.

    `reset`: break the connection instead. `cut`: send all but the second half of the body, then break. `twice`: send
    it two times.
    `delay`: seconds until it is sent. `later`: makes the answer that is sent, when the delay is over; its effect
    happens then, whether anybody still waits or not.
    """

    status: int = 200
    body: Any = None
    raw: bytes | None = None
    headers: dict[str, str] = {}
    reset: bool = False
    cut: bool = False
    twice: bool = False
    delay: float = 0.0
    later: Callable[[], Answer] | None = None

    def content(self) -> bytes:
        """The body's bytes."""
        return self.raw if self.raw is not None else ENCODER.encode(self.body)


Handler = Callable[[Asked], Answer]


class WireServer:
    """Serves in a thread of its own; `url` and `port` are known at once."""

    def __init__(self, handler: Handler, clock: Callable[[], datetime], port: int = 0) -> None:
        self.handler = handler
        self.clock = clock
        self._socket = socket.create_server(("127.0.0.1", port), backlog=1024)
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.loop = _new_loop()
        self._ending = self.loop.create_future()
        self._serving = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sandbox", daemon=True)
        self.open: set[Connection] = set()
        self.writing = 0

    def start(self) -> None:
        """Serves when it returns."""
        self._thread.start()
        self._serving.wait()

    def stop(self) -> None:
        """Break what is open. Harmless on a server that was never started, or is stopped already."""
        if self._thread.is_alive():
            self.loop.call_soon_threadsafe(self._ending.set_result, None)
            self._thread.join()
        elif not self.loop.is_closed():
            self.loop.close()
        self._socket.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_until_complete(self._serve())
        finally:
            self._serving.set()  # after a failure too: nobody waits for it for ever
            self.loop.close()

    async def _serve(self) -> None:
        # one run of the loop from start to end: a stop that came between two runs would be forgotten
        server = await self.loop.create_server(lambda: Connection(self), sock=self._socket)
        self._serving.set()
        await self._ending
        server.close()
        await asyncio.sleep(0)  # who was let in a moment ago is among the open ones now
        while self.open:
            for one in list(self.open):
                one.abort()
            await asyncio.sleep(0)


class Connection(asyncio.Protocol):
    """One client's connection: its requests are answered one after the other."""

    def __init__(self, server: WireServer) -> None:
        self._server = server
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[Asked] = deque()
        self._busy = False
        self._transport: asyncio.Transport | None = None
        self._start()

    def _start(self) -> None:
        self._target = b""
        self._headers: dict[str, str] = {}
        self._body = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio."""
        self._transport = transport  # type: ignore[assignment]  # a stream server's transports are no other
        self._server.open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  asyncio's signature
        """Called by asyncio."""
        self._transport = None
        self._server.open.discard(self)

    def data_received(self, data: bytes) -> None:
        """Called by asyncio."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._write(Answer(status=400, body={"message": "not HTTP"}))
            self.close()
        self._advance()

    def on_url(self, url: bytes) -> None:
        """Called by the parser, perhaps in pieces."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by the parser."""
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1").strip()

    def on_headers_complete(self) -> None:
        """Called by the parser."""
        if self._headers.get("expect", "").lower() == "100-continue" and self._transport:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        """Called by the parser."""
        self._body += body
        if len(self._body) > LARGEST_BODY:
            self.abort()

    def on_message_complete(self) -> None:
        """Called by the parser: the request is whole."""
        target = self._target.decode("latin-1")
        parts = urlsplit(target)
        asked = Asked(
            method=self._parser.get_method().decode("ascii"),
            path=unquote(parts.path),
            query=dict(parse_qsl(parts.query, keep_blank_values=True)),
            headers=self._headers,
            body=bytes(self._body),
            target=target,
        )
        self._waiting.append(asked)
        self._start()

    def _advance(self) -> None:
        while self._waiting and not self._busy and self._transport:
            self._busy = True
            asked = self._waiting.popleft()
            self._server.writing += asked.method != "GET"
            self._send(asked, self._carried_out(asked))

    def _carried_out(self, asked: Asked) -> Answer:
        asked = msgspec.structs.replace(asked, writing=self._server.writing)
        try:
            return self._server.handler(asked)
        except Exception as error:  # noqa: BLE001  a stand-in's own bug must be seen, not hang its client
            return Answer(status=500, body={"message": f"sandbox: {type(error).__name__} {error}"})

    def _send(self, asked: Asked, answer: Answer) -> None:
        if answer.delay:
            self._server.loop.call_later(answer.delay, self._sent_later, asked, answer)
            return
        self._done(asked, answer)

    def _sent_later(self, asked: Asked, answer: Answer) -> None:
        settled = answer.later() if answer.later else msgspec.structs.replace(answer, delay=0)
        self._send(asked, settled)
        self._advance()

    def _done(self, asked: Asked, answer: Answer) -> None:
        self._server.writing -= asked.method != "GET"
        self._busy = False
        if answer.reset:
            self.abort()
            return
        self._write(answer, head=asked.method == "HEAD")
        if asked.headers.get("connection", "").lower() == "close":
            self.close()

    def _write(self, answer: Answer, *, head: bool = False) -> None:
        if self._transport is None:
            return
        whole = self._bytes(answer, head=head) * (2 if answer.twice else 1)
        if answer.cut:
            self._transport.write(whole[: -(len(answer.content()) // 2 + 1)])
            self.close()
            return
        self._transport.write(whole)

    def _bytes(self, answer: Answer, *, head: bool) -> bytes:
        content = answer.content()
        headers = {
            "Date": format_datetime(self._server.clock(), usegmt=True),
            "Content-Type": JSON,
            "Content-Length": str(len(content)),
        } | answer.headers
        return b"".join((_head(answer.status, headers.items()), b"" if head else content))

    def close(self) -> None:
        """After what is written already."""
        if self._transport:
            self._transport.close()

    def abort(self) -> None:
        """A real TCP reset: what is on its way is thrown away, the client reads an error."""
        if self._transport:
            raw = self._transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()


def _head(status: int, headers: Iterable[tuple[str, str]]) -> bytes:
    try:
        reason = HTTPStatus(status).phrase
    except ValueError:
        reason = "Answer"
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"HTTP/1.1 {status} {reason}\r\n{lines}\r\n".encode("latin-1")


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:  # there is none for Windows
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
