"""What being let in costs a request, without any network: `python -m benchmarks.door [DATABASE_URL]`.

Medians of five rounds; the addresses behind the door do nothing. Without an address a SQLite file is made.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any

from prometheus_client import CollectorRegistry

from crossdock import log
from crossdock.api.application import create_app
from crossdock.api.webhooks import Webhooks
from crossdock.identity.compose import gated
from crossdock.identity.cookies import Cookies
from crossdock.identity.doorman import Client, Doorman, Limits
from crossdock.identity.logins import LoginRules, Logins
from crossdock.security.access import Role
from crossdock.security.envelope import Envelope
from crossdock.security.users import KeptUser
from crossdock.settings import ApiSettings
from crossdock.storage.engine import open_engine
from crossdock.storage.migrate import migrate
from crossdock.storage.sql import SqlStore
from tests.unit.identity.house import CHEAP, PASSWORD, START, House, own_routes

UNLIMITED = ApiSettings.model_validate({"groups": {"console": {"per_minute": 0}}})
ROUNDS, REQUESTS = 5, 300
Event = MutableMapping[str, Any]


async def cost(app: Any, path: str, headers: list[tuple[bytes, bytes]]) -> float:
    """Microseconds a request."""

    async def receive() -> Event:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(event: Event) -> None:
        assert event.get("status", 200) in {200, 401, 404}

    scope: dict[str, Any] = {"type": "http", "http_version": "1.1", "method": "GET", "scheme": "http"}
    scope |= {"path": path, "raw_path": path.encode(), "root_path": "", "query_string": b""}
    scope |= {"headers": [(b"host", b"x"), *headers]}
    scope |= {"client": ("127.0.0.1", 5000), "server": ("x", 80), "asgi": {"version": "3.0"}}
    begun = time.perf_counter()
    for _ in range(REQUESTS):
        await app(dict(scope), receive, send)
    return (time.perf_counter() - begun) / REQUESTS * 1e6


async def measure(house: House, registry: CollectorRegistry) -> None:
    def now() -> datetime:
        return datetime.now(UTC)

    users = house.store.users
    user = KeptUser(id=0, name="ada", role=Role.VIEWER, password=CHEAP.hash(PASSWORD), created_at=START)
    users.add(user, "benchmark", START)
    logins = Logins(users, CHEAP, LoginRules(), now)
    session = (logins.log_in("ada", PASSWORD, "127.0.0.1") or "").encode()
    sap = Client(name="sap", connection="erp", token="t0ken")
    cookie = Cookies(secure=False).session
    limits = Limits(known={}, failures=1_000_000)
    doorman = Doorman(lambda: (sap,), house.store.access, limits, now, sessions=logins, cookie=cookie)
    hooks = Webhooks({}, house, now, body_limit=1000, registry=registry)  # type: ignore[arg-type]  # nothing is taken
    app = create_app(hooks, lambda: {"status": "ok"}, registry, own_routes(), doorman)
    gate = gated(app, UNLIMITED, doorman, registry)
    rows: list[tuple[str, Any, str, list[tuple[bytes, bytes]]]] = [
        ("a webhook for nobody, no gate", app, "/webhooks/a/b", []),
        ("the same behind the gate", gate, "/webhooks/a/b", []),
        ("a page for everybody", gate, "/console/bare", []),
        ("nobody's token", gate, "/api/v1/look", [(b"authorization", b"Bearer xd_" + b"A" * 43)]),
        ("a token", gate, "/api/v1/look", [(b"authorization", b"Bearer " + house.token("read").encode())]),
        ("a session", gate, "/api/v1/look", [(b"cookie", f"{cookie}=".encode() + session)]),
    ]
    await cost(gate, "/webhooks/a/b", [])  # what is only slow the first time
    for name, served, path, headers in rows:
        rounds = [await cost(served, path, headers) for _ in range(ROUNDS)]
        print(f"{name:32} {statistics.median(rounds):7.0f} us")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        log.configure("warning")
        engine = open_engine(sys.argv[1] if len(sys.argv) > 1 else f"sqlite:///{folder}/door.sqlite")
        migrate(engine)
        house = House(SqlStore(engine, Envelope(b"k" * 32)))
        asyncio.run(measure(house, CollectorRegistry()))
        house.store.close()


if __name__ == "__main__":
    main()
