"""A sender that takes its time is cut off; a handler that does is not."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from crossdock.api.server import ApiServer

HEAD = b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"
WHOLE = HEAD + b"0123456789"


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        while (event := await receive())["type"] != "lifespan.shutdown":
            await send({"type": f"{event['type']}.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    while (event := await receive()).get("more_body"):
        pass
    if event["type"] == "http.disconnect":
        return
    if scope["path"] == "/slow":
        await asyncio.sleep(2.5)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture(scope="module")
def server() -> Iterator[ApiServer]:
    made = ApiServer(app, "127.0.0.1", 0, request_s=1)
    made.start()
    yield made
    made.stop()


@contextmanager
def wire(server: ApiServer) -> Iterator[socket.socket]:
    parts = urlsplit(server.url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=20) as found:
        yield found


def read(line: socket.socket) -> bytes:
    """An answer, in however many pieces it comes; what there was of it where the connection is closed before."""
    found = b""
    while not found.endswith(b"ok") and (more := line.recv(1000)):
        found += more
    return found


def drip(line: socket.socket, data: bytes, stop: threading.Event) -> None:
    try:
        for byte in data * 100:
            if stop.wait(0.05):
                return
            line.sendall(bytes([byte]))
    except OSError:
        return  # it was cut off


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (b"", b""),
        (b"GET /", b"a"),
        (b"POST /x HTTP/1.1\r\n", b"X-A: b\r\n"),
        (HEAD, b""),
        (HEAD[:-4] + b"0000\r\n\r\n", b"x"),
    ],
    ids=["nothing", "letters", "headers", "no body", "body"],
)
def test_a_request_that_does_not_come_is_not_waited_for(server: ApiServer, first: bytes, then: bytes) -> None:
    stop = threading.Event()
    with wire(server) as line:
        line.sendall(first)
        dripping = threading.Thread(target=drip, args=(line, then, stop), daemon=True)
        dripping.start()
        try:
            answer = line.recv(1000)
        except ConnectionResetError:  # closed just as well, while more was on its way
            answer = b""
        finally:
            stop.set()
            dripping.join(20)
        assert answer == b"", "the connection is closed without an answer"


def test_the_second_request_of_a_connection_is_no_more_waited_for(server: ApiServer) -> None:
    with wire(server) as line:
        line.sendall(WHOLE)
        assert read(line).endswith(b"ok")
        line.sendall(HEAD)
        assert line.recv(1000) == b""


def test_an_answer_may_take_longer(server: ApiServer) -> None:
    with wire(server) as line:
        line.sendall(WHOLE.replace(b"/x", b"/slow"))
        assert read(line).endswith(b"ok")


def test_of_two_requests_sent_at_once_the_second_waits_for_the_first_ones_answer(server: ApiServer) -> None:
    with wire(server) as line:
        line.sendall(WHOLE.replace(b"/x", b"/slow") + WHOLE)
        answers = b""
        while answers.count(b"ok") < 2:
            answers += line.recv(1000) or pytest.fail("cut off")
