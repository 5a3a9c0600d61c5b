"""A small custom ERP over real HTTP, with its faults on demand."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from crossdock.conformance.faults import DONE, RETRY_AFTER, Fault

REFUSALS: dict[Fault, tuple[int, dict[str, str]]] = {
    Fault.REFUSED: (422, {}),
    Fault.UNAUTHORIZED: (401, {}),
    Fault.LIMITED: (429, {"Retry-After": str(int(RETRY_AFTER))}),
    Fault.UNAVAILABLE: (503, {}),
    Fault.REDIRECT: (302, {"Location": "http://127.0.0.1:9/"}),
}


class Call:
    """One request as it came."""

    def __init__(self, method: str, target: str, headers: dict[str, str], body: bytes) -> None:
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body

    def json(self) -> Any:
        return json.loads(self.body)


class Erp:
    """What the ERP has. `dedupes` by the key's header; `answers` overrule the next answers, one each."""

    def __init__(self, *, dedupes: bool = True, key_header: str = "x-idempotency-key") -> None:
        self.dedupes = dedupes
        self.key_header = key_header
        self.url = ""
        self.rows: list[dict[str, Any]] = []
        self.calls: list[Call] = []
        self.faults: list[Fault] = []
        self.answers: list[tuple[int, dict[str, str], bytes]] = []
        self.lock = threading.Lock()

    def count(self, key: str) -> int:
        return sum(row["idempotency_key"] == key for row in self.rows)

    def inject(self, fault: Fault) -> bool:
        self.faults.append(fault)
        return True

    def take(self, call: Call) -> dict[str, Any]:
        """The new row, or the one that this key has already."""
        key = call.headers.get(self.key_header, "")
        with self.lock:
            known = [row for row in self.rows if row["idempotency_key"] == key]
            if known and self.dedupes:
                return known[0]
            row = {**call.json(), "idempotency_key": key, "erp_order_id": f"SO-{len(self.rows) + 1}"}
            row["customer_number"] = f"C-{len(self.rows) + 1}"
            row["path"] = urlsplit(call.target).path
            self.rows.append(row)
            return row

    def listed(self, call: Call) -> list[dict[str, Any]]:
        wanted = parse_qs(urlsplit(call.target).query)
        with self.lock:
            return [row for row in self.rows if all(str(row.get(name)) in values for name, values in wanted.items())]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    erp: Erp

    def log_message(self, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        call = self.heard()
        fault = self.erp.faults.pop(0) if self.erp.faults else None
        if fault in REFUSALS:
            status, headers = REFUSALS[fault]
            quoted = {"message": f"wrong data: {self.erp_quote(call)}"}
            return self.answer(status, json.dumps(quoted).encode(), headers)
        if self.erp.answers:
            status, headers, body = self.erp.answers.pop(0)
            return self.answer(status, body, headers)
        row = self.erp.take(call)
        if fault in DONE:
            return self.spoil(fault)
        named = {
            "success": True,
            "customer_number": row["customer_number"],
            "erp_order_id": row["erp_order_id"],
            "order_number": row.get("order_number"),
        }
        return self.answer(201, json.dumps(named).encode())

    def do_GET(self) -> None:
        call = self.heard()
        if self.erp.answers:
            status, headers, body = self.erp.answers.pop(0)
            return self.answer(status, body, headers)
        return self.answer(200, json.dumps({"orders": self.erp.listed(call)}).encode())

    def heard(self) -> Call:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        call = Call(self.command, unquote(self.path), headers, body)
        self.erp.calls.append(call)
        return call

    def erp_quote(self, call: Call) -> str:
        """An ERP that repeats what it was told about people."""
        return json.dumps(
            [call.json().get("customer"), call.json().get("billing_address"), call.json().get("addresses")]
        )

    def spoil(self, fault: Fault | None) -> None:
        if fault is Fault.RESET_AFTER:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()
        elif fault is Fault.GARBAGE:
            self.answer(200, b"<html>welcome</html>")
        elif fault is Fault.NAMELESS:
            self.answer(200, b'{"success": true}')
        else:
            self.answer(500, b'{"message": "oops"}')

    def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def finish(self) -> None:
        with suppress(OSError, ValueError):  # the connection was cut on purpose
            super().finish()


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # cut on purpose


@contextmanager
def serving(erp: Erp) -> Iterator[Erp]:
    server = Server(("127.0.0.1", 0), type("Bound", (Handler,), {"erp": erp}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    erp.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield erp
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
