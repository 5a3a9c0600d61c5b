"""Stands between the connector and a real Tryton, and lets the next new sale meet a fault."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import msgspec

from crossdock.conformance.faults import DONE, RETRY_AFTER, Fault
from tests.erp.tryton.samples import PERSONAL

REFUSAL = f"The customer {' '.join(PERSONAL)} is not wanted."
HOP = {"transfer-encoding", "content-length", "connection", "server", "date"}


class Proxy:
    """`meet` is the fault that the next new sale meets; `calls` are the writes that were let through."""

    def __init__(self, upstream: str, model: str = "sale.sale") -> None:
        self._model = model
        self._upstream = urlsplit(upstream).netloc
        self._lock = threading.Lock()
        self._fault: tuple[str, Fault] | None = None
        self._renewed = False
        self.calls: list[str] = []
        self.url = ""

    def inject(self, fault: Fault, write: str = "create") -> bool:
        """`write` is create, write or a button: the next one on a record of the model meets the fault."""
        self._fault = (write, fault)
        return True

    def taken(self, method: str, path: str, body: bytes) -> Fault | None:
        with self._lock:
            write = _write_of(self._model, method, path, body)
            if write:
                self.calls.append(write)
            if self._fault is None or write != self._fault[0]:
                return None
            fault = self._fault[1]
            # a session is renewed once after a 401: a login that is refused stays refused
            again = fault is Fault.UNAUTHORIZED and b'"model.' in body and not self._renewed
            self._renewed = again
            self._fault = self._fault if again else None
            return fault

    def forward(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, list[Any], bytes]:
        connection = http.client.HTTPConnection(self._upstream, timeout=60)
        try:
            connection.request(method, path, body or None, headers)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()


def _write_of(model: str, method: str, path: str, body: bytes) -> str:
    for button in ("quote", "confirm", "post"):
        if path.endswith(f"/{button}") or f'"model.{model}.{button}"'.encode() in body:
            return button
    if (method == "PUT" and f"/rest/model/{model}/" in path) or f'"model.{model}.write"'.encode() in body:
        return "write"
    rest = path.endswith(f"/rest/model/{model}") and bool(body)
    return "create" if rest or f'"model.{model}.create"'.encode() in body else ""


@contextmanager
def between(upstream: str, model: str = "sale.sale") -> Iterator[Proxy]:
    proxy = Proxy(upstream, model)

    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            return

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            fault = proxy.taken(self.command, self.path, body)
            if fault is not None and fault not in DONE:
                return self._say(*_instead(fault))
            headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            status, told, answer = proxy.forward(self.command, self.path, headers, body)
            if fault is Fault.RESET_AFTER:
                self.close_connection = True
                return None
            if fault is not None:
                return self._say(*_garbled(fault, self.path))
            return self._say(status, dict(told), answer)

        do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815  the library's names

        def _say(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128  # eight racers come at once; five would be let in, and the others wait for seconds

    server = Server(("127.0.0.1", 0), Answers)
    proxy.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _instead(fault: Fault) -> tuple[int, dict[str, str], bytes]:
    refused = msgspec.json.encode({"status": 400, "message": REFUSAL, "description": ""})
    return {
        Fault.REFUSED: (400, {"Content-Type": "application/json"}, refused),
        Fault.UNAUTHORIZED: (401, {"Content-Type": "text/html"}, b"<p>who are you</p>"),
        Fault.LIMITED: (429, {"Retry-After": str(int(RETRY_AFTER))}, b""),
        Fault.UNAVAILABLE: (503, {"Content-Type": "text/html"}, b"<p>database is locked</p>"),
        Fault.REDIRECT: (302, {"Location": "http://127.0.0.1:9/"}, b""),
    }[fault]


def _garbled(fault: Fault, path: str) -> tuple[int, dict[str, str], bytes]:
    nameless = b"{}" if "/rest/" in path else b'{"id": 0, "result": []}'
    return {
        Fault.GARBAGE: (200, {"Content-Type": "text/html"}, b"<html>welcome"),
        Fault.NAMELESS: (200, {"Content-Type": "application/json"}, nameless),
        Fault.ERROR_AFTER: (500, {"Content-Type": "text/html"}, b"<p>out of memory</p>"),
    }[fault]
