"""The console in this process, over a desk with letters, as people of every role see it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from litestar import Litestar
from litestar.testing import TestClient
from prometheus_client import CollectorRegistry

from crossdock.api.application import create_app
from crossdock.api.operations.pulse import Pulse
from crossdock.api.operations.routes import operation_routes
from crossdock.api.server import ApiServer
from crossdock.app import Crossdock, utc_now
from crossdock.console.routes import Console
from crossdock.identity.compose import cookies_of, doorman_of, gated, logins_of
from crossdock.identity.logins import Logins
from crossdock.identity.logins import Told as Vouched
from crossdock.identity.pages import login_routes
from crossdock.operations.desk import Desk
from crossdock.operations.overview import counts
from crossdock.security.access import Role
from crossdock.security.passwords import Passwords
from crossdock.security.users import KeptUser
from crossdock.settings import LoginSettings, LookupSettings
from tests.unit.operations.desks import Bench, bench

PASSWORD = "correct horse battery"


def app_of(desk: Desk) -> tuple[Litestar, Any, Pulse]:
    """The application, the same behind the gate, and its pulse."""
    crossdock, registry = desk.crossdock, CollectorRegistry()
    logins = logins_of(crossdock)
    doorman = doorman_of(crossdock, logins)
    console, pulse = Console(desk), Pulse(partial(counts, desk), every_s=0.1, heartbeat_s=0.5)
    people = login_routes(logins, cookies_of(crossdock.settings), None, console.looks)
    routes = [*people, *console.routes, operation_routes(desk, pulse)]
    app = create_app(None, lambda: {"status": "ok"}, registry, routes, doorman, console.looks.refused)
    return app, gated(app, crossdock.settings.api, doorman, registry), pulse


def session(logins: Logins, name: str, role: Role) -> str:
    """A cookie's value, without the cost of a password."""
    secret = logins.let_in(Vouched(identity=name, name=name, role=role))
    assert secret
    return secret


def add_user(crossdock: Crossdock, name: str, role: Role) -> None:
    made = Passwords().hash(PASSWORD)
    crossdock.store.users.add(
        KeptUser(id=0, name=name, role=role, password=made, created_at=utc_now()), "test", utc_now()
    )


class Room:
    """Asks for pages as somebody of a role. `at` is the desk behind them."""

    def __init__(self, client: TestClient[Litestar], at: Bench) -> None:
        self.client, self.at = client, at
        self._logins = logins_of(at.crossdock)
        self._sessions: dict[str, str] = {}

    def ask(
        self, method: str, path: str, *, by: str = "viewer", headers: dict[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        """`by` is a role, or "" for nobody."""
        if by and by not in self._sessions:
            self._sessions[by] = session(self._logins, by, Role(by))
        cookie = {"Cookie": f"crossdock={self._sessions[by]}"} if by else {}
        return self.client.request(method, path, headers=cookie | (headers or {}), follow_redirects=False, **more)

    def page(self, path: str, *, by: str = "viewer", status: int = 200, **more: Any) -> str:
        answer = self.ask("GET", path, by=by, **more)
        assert answer.status_code == status, answer.text
        return answer.text

    def csrf(self, by: str) -> str:
        found = re.search(r'name="csrf" value="([^"]+)"', self.page("/console", by=by))
        assert found
        return found[1]

    def send(self, path: str, *, by: str = "operator", status: int = 303, **form: Any) -> httpx.Response:
        """A form, as the page of this session would send it."""
        answer = self.ask("POST", path, by=by, data={"csrf": self.csrf(by)} | form)
        assert answer.status_code == status, answer.text
        return answer


LOOKUPS = {"payment_terms": LookupSettings(missing="ask", entries={"checkmo": "NET30"})}
LOGIN = LoginSettings(plain_http=True, tries=3)


@contextmanager
def opened(folder: Path, **changes: Any) -> Iterator[Room]:
    told: dict[str, Any] = {"lookups": LOOKUPS, "login": LOGIN} | changes
    with bench(folder, **told) as at, TestClient(app_of(at.desk)[0]) as client:
        yield Room(client, at)


@contextmanager
def served(at: Bench) -> Iterator[str]:
    """The same over a real socket, for browsers: its address."""
    _, gate, pulse = app_of(at.desk)
    server = ApiServer(gate, "127.0.0.1", 0)
    server.start()
    try:
        yield server.url
    finally:
        pulse.close()
        server.stop()
