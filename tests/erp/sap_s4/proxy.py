"""Stands between the connector and a server: keeps every request, and lets the next write meet a fault."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from crossdock.conformance.faults import DONE, RETRY_AFTER, Fault
from tests.erp.sap_s4.samples import PERSONAL

HOP = {"transfer-encoding", "content-length", "connection", "server", "date"}
HTML = {"Content-Type": "text/html"}
QUOTED = {"error": {"code": "V1/555", "message": {"lang": "en", "value": f"No order for {' '.join(PERSONAL)}."}}}
INSTEAD: dict[Fault, tuple[int, dict[str, str], bytes]] = {
    Fault.REFUSED: (400, {"Content-Type": "application/json"}, json.dumps(QUOTED).encode()),
    Fault.UNAUTHORIZED: (401, HTML, b"<html>who are you"),
    Fault.LIMITED: (429, {"Retry-After": str(int(RETRY_AFTER))}, b""),
    Fault.UNAVAILABLE: (503, HTML, b"<html>closed"),
    Fault.REDIRECT: (302, {"Location": "http://127.0.0.1:9/"}, b""),
}
GARBLED: dict[Fault, tuple[int, dict[str, str], bytes]] = {
    Fault.GARBAGE: (200, HTML, b"<html>welcome"),
    Fault.NAMELESS: (201, {"Content-Type": "application/json"}, b'{"d":{}}'),
    Fault.ERROR_AFTER: (500, HTML, b"<html>an unknown internal server error occurred"),
}


class Seen:
    """One request as it came; header names in lower case."""

    def __init__(self, method: str, target: str, headers: dict[str, str], body: bytes) -> None:
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body

    @property
    def writes(self) -> bool:
        return self.method != "GET"


class Proxy:
    """`seen` are all requests that were let through. `rewrite` stands for what S/4 does and the server behind does not."""

    def __init__(self, upstream: str, rewrite: Callable[[bytes], bytes] = bytes) -> None:
        self.upstream = urlsplit(upstream).netloc
        self.seen: list[Seen] = []
        self.url = ""
        self.lock = threading.Lock()
        self.rewrite = rewrite
        self.spared = ""  # writes to paths that end so meet no fault
        self.refusals = 1  # of a login, until it is taken again
        self._fault: Fault | None = None

    def inject(self, fault: Fault) -> bool:
        """The next write meets it."""
        self._fault = fault
        return True

    def taken(self, seen: Seen) -> Fault | None:
        with self.lock:
            self.seen.append(seen)
            spared = bool(self.spared) and seen.target.endswith(self.spared)
            fault = self._fault if seen.writes and not spared else None
            if fault is Fault.UNAUTHORIZED and self.refusals > 1:
                self.refusals -= 1
                return fault
            self._fault = None if fault else self._fault
            return fault

    def forward(self, seen: Seen) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection(self.upstream, timeout=60)
        try:
            headers = {name: value for name, value in seen.headers.items() if name != "host"}
            body = self.rewrite(seen.body) if seen.method == "POST" and seen.body[:1] == b"{" else seen.body
            headers |= {"content-length": str(len(body))} if body else {}
            connection.request(seen.method, seen.target, body or None, headers)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()


@contextmanager
def between(upstream: str, rewrite: Callable[[bytes], bytes] = bytes) -> Iterator[Proxy]:
    proxy = Proxy(upstream, rewrite)

    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            return

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            seen = Seen(self.command, self.path, headers, body)
            fault = proxy.taken(seen)
            if fault is not None and fault not in DONE:
                status, told, answer = INSTEAD[fault]
                return self._say(status, [*told.items()], answer)
            status, passed, answer = proxy.forward(seen)
            if fault is Fault.RESET_AFTER:
                self.close_connection = True
                return None
            if fault is not None:
                status, told, answer = GARBLED[fault]
                return self._say(status, [*told.items()], answer)
            return self._say(status, passed, answer)

        do_POST = do_PATCH = do_DELETE = do_HEAD = do_GET  # noqa: N815  the library's names

        def _say(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers:
                if name.lower() not in HOP:
                    self.send_header(name, value)
            if status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if status != 204:
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


def told(seen: Seen) -> Any:
    """The body's JSON."""
    return json.loads(seen.body)
