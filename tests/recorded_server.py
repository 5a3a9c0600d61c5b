"""A tiny real HTTP server for tests: answers by a function, keeps what it was asked, checks it against the contract."""

from __future__ import annotations

import importlib.util
import json
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.material import SHARED

DATE = "Mon, 23 Nov 2026 06:00:00 GMT"


class Asked:
    """One request as it came."""

    def __init__(self, method: str, target: str, headers: dict[str, str], body: bytes) -> None:
        parts = urlsplit(target)
        self.method = method
        self.path = parts.path
        self.query = dict(parse_qsl(parts.query, keep_blank_values=True))
        self.raw_query = parts.query
        self.headers = {name.lower(): value for name, value in headers.items()}
        self.body = body

    def json(self) -> Any:
        return json.loads(self.body)


class Reply:
    """What to answer. `body` is bytes, or anything that becomes JSON."""

    def __init__(self, status: int = 200, body: Any = b"", headers: dict[str, str] | None = None) -> None:
        self.status = status
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.headers = {"Date": DATE, "Content-Type": "application/json", **(headers or {})}


class Recorded:
    """The running server: `url`, and `asked` in the order of coming."""

    def __init__(self, url: str, asked: list[Asked]) -> None:
        self.url = url
        self.asked = asked

    def named(self) -> list[str]:
        return [f"{one.method} {one.path}" for one in self.asked]


@contextmanager
def serve(answer: Callable[[Asked], Reply]) -> Iterator[Recorded]:
    asked: list[Asked] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            one = Asked(self.command, self.path, dict(self.headers.items()), self.rfile.read(length))
            asked.append(one)
            reply = answer(one)
            self.send_response_only(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 - http.server calls them by these names

        def log_message(self, *_args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128  # several workers begin at once; five would be turned away

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that gave up is no fault of a test's; told on standard error it would stand in whatever a
            command line prints meanwhile."""
            if not isinstance(sys.exc_info()[1], ConnectionError):
                super().handle_error(request, client_address)

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield Recorded(f"http://127.0.0.1:{server.server_address[1]}", asked)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@cache
def contract() -> Any:
    """Adobe's own schema as a checker, or None where the shared material is absent."""
    path = SHARED / "testbed" / "magento_contract.py"
    if not path.is_file():
        return None
    spec = importlib.util.spec_from_file_location("magento_contract", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # it leaves its file to the collector
        return module.Magento(SHARED / "contracts" / "magento" / "admin-2.4.7.trimmed.swagger.json")


def against_contract(asked: list[Asked]) -> list[str]:
    """What Adobe's schema says against these requests. Left out: a whole order's `required` list (the narrow save
    sends two fields, as seen to work on a real store) and the module's own routes, which Adobe does not know."""
    checker = contract()
    if checker is None:
        return []
    problems: list[str] = []
    for one in asked:
        if "/V1/async_event" in one.path:
            continue
        body = json.loads(one.body) if one.body else None
        said = checker.check(one.method, one.path, one.query, body)
        narrow = one.method == "POST" and one.path.endswith("/V1/orders")
        problems += [text for text in said if not (narrow and "is a required property" in text)]
    return problems
