"""SAP's own CAP server on SAP's own service definitions: a server that we did not write.

It is installed from npm and built outside of the tree, where it is not there yet: nothing of SAP's is kept here. It
knows forms, names and keys; what S/4 does with an order (numbers, prices, taxes, refusals) it does not.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.chaos.services import free_port
from tests.databases import missing
from tests.material import SHARED

RECIPE = SHARED / "testbed" / "odata" / "up.sh"
SERVICES = (
    "API_SALES_ORDER_SRV API_PRODUCT_SRV API_MATERIAL_STOCK_SRV API_SLSPRICINGCONDITIONRECORD_SRV API_BUSINESS_PARTNER"
)
ROOT = "/sap/opu/odata/sap"
PATIENCE_S = 240


class Cap:
    """A running server, and what tests ask it directly."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._token = ""

    def rows(self, service: str, entity_set: str, **query: str) -> list[dict[str, Any]]:
        """What it has; `filter="..."` for `$filter`."""
        told = "&".join(f"${name}={quote(value)}" for name, value in query.items())
        status, body = self._ask("GET", f"{service}/{entity_set}?{told}")
        assert status == 200, body
        rows: list[dict[str, Any]] = json.loads(body)["d"]["results"]
        return rows

    def put(self, service: str, entity_set: str, row: Mapping[str, Any]) -> None:
        """A new row, as a person in SAP would make it."""
        status, body = self._ask("POST", f"{service}/{entity_set}", row)
        assert status == 201, body

    def set(self, service: str, entity_set: str, key: Mapping[str, str], row: Mapping[str, Any]) -> None:
        """The row of a key, new or changed."""
        filtered = " and ".join(f"{name} eq '{value}'" for name, value in key.items())
        found = self.rows(service, entity_set, filter=filtered)
        if not found:
            return self.put(service, entity_set, {**key, **row})
        told = ",".join(f"{name}='{value}'" for name, value in key.items())
        status, body = self._ask(
            "PATCH", f"{service}/{entity_set}({told})", row, found[0]["__metadata"].get("etag", "")
        )
        assert status in {200, 204}, body
        return None

    def reset(self) -> None:
        """Empties it. Its tokens are forgotten too."""
        request = urllib.request.Request(f"{self.url}/__reset", method="POST", data=b"")
        urllib.request.urlopen(request, timeout=30).close()
        self._token = ""

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None, etag: str = "") -> tuple[int, bytes]:
        headers = {"Accept": "application/json", "Content-Type": "application/json", "x-csrf-token": "Fetch"}
        if method != "GET" and not self._token:
            with urllib.request.urlopen(
                urllib.request.Request(f"{self.url}{ROOT}/API_SALES_ORDER_SRV/", headers=headers), timeout=30
            ) as answer:
                self._token = answer.headers["x-csrf-token"]
        headers |= {"If-Match": etag} if etag else {}
        data = json.dumps(body).encode() if body is not None else None
        headers["x-csrf-token"] = self._token or "Fetch"
        request = urllib.request.Request(f"{self.url}{ROOT}/{path}", data=data, headers=headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read()


def numbered(body: bytes) -> bytes:
    """A new order with what S/4 numbers by itself, and CAP does not: the steps of its pricing elements."""
    told = json.loads(body)
    for item in told.get("to_Item", ()):
        for place, element in enumerate(item.get("to_PricingElement", ()), start=1):
            element |= {"PricingProcedureStep": str(10 * place), "PricingProcedureCounter": "1"}
    return json.dumps(told).encode()


@contextmanager
def start_cap() -> Iterator[Cap]:
    """Skips loudly where it cannot be had."""
    if not RECIPE.is_file():
        missing("SAP's service definitions are not here")
    if shutil.which("npm") is None:
        missing("there is no npm for SAP's CAP server")
    named = os.environ.get("CROSSDOCK_CACHE", "")
    cache = (Path(named) if named else Path.home() / ".cache" / "crossdock") / "sap" / "cap"
    port = free_port()
    server = _started(port, cache)
    try:
        yield Cap(port)
    finally:
        _end(server)


def _started(port: int, cache: Path) -> subprocess.Popen[bytes]:
    """One at a time sets it up. What a run that was broken off has left half made is made anew, once."""
    cache.mkdir(parents=True, exist_ok=True)
    ready, log = cache / "ready", cache.parent / "log"
    with (cache.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for last in (ready.exists(), True):
            server = _begun(port, cache, log)
            if _answers(server, port):
                ready.touch()
                return server
            _end(server)
            if last:
                break
            shutil.rmtree(cache)
            cache.mkdir()
    missing(f"SAP's CAP server does not start: {log.read_text(errors='replace')[-400:]}")
    raise AssertionError("missing() does not return")


def _begun(port: int, cache: Path, log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as story:
        return subprocess.Popen(
            ["bash", str(RECIPE), str(port), str(cache)],
            stdout=story,
            stderr=subprocess.STDOUT,
            env={**os.environ, "SERVICES": SERVICES},
        )


def _answers(server: subprocess.Popen[bytes], port: int) -> bool:
    ends = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.2)
    return False


def _end(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    server.wait(60)
