"""Figures of this machine, each against an alternative in the same run. Prints a table, writes results/latest.json."""

from __future__ import annotations

import base64
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from crossdock import log
from crossdock.api.serving import Serving
from crossdock.cli.demo import settings
from crossdock.sandbox.orders import OrderMaker
from crossdock.sandbox.run import ErpServer, StoreServer
from crossdock.sandbox.wire import ENCODER
from crossdock.security.signatures import hex_hmac
from crossdock.storage.payloads import Payloads
from crossdock.transport.http import Http, HttpOptions
from crossdock.transport.wire import HttpRequest

SECRET = "demo-webhook-secret"
Row = dict[str, Any]


def row(name: str, value: float, unit: str, peer: str = "", peer_value: float = 0.0) -> Row:
    ratio = round(value / peer_value, 2) if peer_value else None
    return {
        "name": name,
        "value": round(value, 1),
        "unit": unit,
        "goal": None,
        "met": None,
        "peer": peer,
        "peer_value": round(peer_value, 1) if peer_value else None,
        "ratio": ratio,
    }


def in_threads(count: int, total: int, act: Callable[[int], None]) -> float:
    """Seconds that `total` acts take in `count` threads."""
    numbers = iter(range(total))
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            act(number)

    threads = [threading.Thread(target=work) for _ in range(count)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - started


def intake(serving: Serving, total: int) -> Row:
    """Signed webhooks, answered after a durable commit; against the same server answering /health/live."""
    http = Http(HttpOptions())
    maker = OrderMaker(1)
    bodies = [ENCODER.encode({"data": maker.make(n + 10_000_000, datetime.now(UTC), "several")}) for n in range(total)]
    url = f"{serving.url}/webhooks/store/sales.order.created"

    def post(number: int) -> None:
        headers = {"content-type": "application/json", "x-magento-signature": hex_hmac(SECRET, bodies[number])}
        answer = http.send(HttpRequest(method="POST", url=url, headers=headers, body=bodies[number]))
        assert answer.status == 202, answer

    def live(_number: int) -> None:
        http.send(HttpRequest(method="GET", url=f"{serving.url}/health/live"))

    durable = total / in_threads(32, total, post)
    bare = total / in_threads(32, total, live)
    return row("signed intake, durable", durable, "webhooks/s", "same server, no work", bare)


def orders(shop: StoreServer, erp: ErpServer, total: int) -> list[Row]:
    """Store -> ERP -> acknowledged, stand-ins beside it; against one thread that GETs and POSTs and keeps nothing."""
    cpu = time.process_time()
    started = time.perf_counter()
    first = len(erp.erp.orders)
    shop.do(lambda store: [store.place("simple") for _ in range(total)])
    while shop.do(lambda store: sum(1 for one in store.orders.values() if one.get("ext_order_id"))) < total:
        time.sleep(0.05)
    seconds = time.perf_counter() - started
    spent = time.process_time() - cpu
    assert len(erp.erp.orders) - first == total
    naive = total / naive_seconds(shop, erp, total)
    return [
        row("orders, store to ERP to acknowledgement", total / seconds, "orders/s", "GET + POST in a loop", naive),
        row("CPU per order, both stand-ins included", spent / total * 1000, "ms"),
    ]


def naive_seconds(shop: StoreServer, erp: ErpServer, total: int) -> float:
    """What a loop without any guarantee takes."""
    headers = {"Authorization": "Bearer sandbox"}
    with httpx.Client(headers=headers) as client:
        started = time.perf_counter()
        for number in range(1, total + 1):
            order = client.get(f"{shop.url}/rest/V1/orders/{number}").json()
            client.post(f"{erp.url}/orders", json={"order_number": "naive" + order["increment_id"]})
        return time.perf_counter() - started


def audit(total: int = 2000) -> Row:
    """Compress, encrypt and hash one body; what the row itself costs is in the orders' figure."""
    from crossdock.security.envelope import Envelope

    envelope = Envelope(b"k" * 32)
    payloads = Payloads(envelope)
    body = ENCODER.encode(OrderMaker(1).make(1, datetime.now(UTC), "several"))
    wrapped = envelope.new_subject_key()
    started = time.process_time()
    for _ in range(total):
        payloads.hash_of(body)
        envelope.seal(wrapped, body, b"subject")
    seconds = time.process_time() - started
    started = time.process_time()
    for _ in range(total):
        base64.b64encode(body)
    plain = time.process_time() - started
    return row("audit: one body sealed and hashed", seconds / total * 1e6, "us", "base64 of it", plain / total * 1e6)


def main() -> None:
    total = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    log.configure("error", json=True)
    os.environ |= {"CROSSDOCK_DEMO_TOKEN": "sandbox", "CROSSDOCK_DEMO_WEBHOOK": SECRET}
    rows = [audit()]
    with tempfile.TemporaryDirectory() as folder:
        shop, erp = StoreServer(), ErpServer()
        auth = {"scheme": "bearer", "token": "env:CROSSDOCK_DEMO_TOKEN"}
        connection = {"kind": "rest", "base_url": erp.url, "auth": auth, "dedupes": False, "settling_s": 1}
        serving = Serving(settings(Path(folder), shop.url, connection))
        servers: tuple[StoreServer | ErpServer | Serving, ...] = (shop, erp, serving)
        for server in servers:
            server.start()
        rows += orders(shop, erp, total)
        rows.append(intake(serving, total * 4))
        for server in reversed(servers):
            server.stop()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    found = {
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "commit": commit.stdout.strip(),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "rows": rows,
    }
    results = Path(__file__).parent / "results"
    results.mkdir(exist_ok=True)
    (results / "latest.json").write_text(json.dumps(found, indent=1) + "\n")
    for one in rows:
        against = f"   {one['peer']}: {one['peer_value']}  ratio {one['ratio']}" if one["peer"] else ""
        print(f"{one['name']}: {one['value']} {one['unit']}{against}")


if __name__ == "__main__":
    main()
