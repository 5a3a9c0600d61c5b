"""A whole served Crossdock, and one caller of each kind that there is: roles, scopes, and those who are nobody."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from litestar import Litestar

from crossdock.api.serving import Serving
from crossdock.app import ALL
from crossdock.app import Role as Part
from crossdock.security.access import Role
from crossdock.security.passwords import Passwords
from crossdock.security.tokens import NewToken, hash_of, new_token
from crossdock.security.users import KeptUser, csrf_of
from crossdock.settings import Settings
from tests.access.table import PEOPLE, SCOPES
from tests.unit.operations.desks import CLOSED, Bench
from tests.walk.world import settings

NOW = datetime(2026, 11, 26, tzinfo=UTC)
PASSWORD = "correct horse battery"
COOKIE = "crossdock"
BACK = (
    *("inventory", "prices", "products", "customers"),
    *("shipments", "tracks", "invoices", "credit_memos", "order_updates"),
)


class Callers:
    """`app` is what is served at `url`; `headers_of` makes each caller known, `csrf` for what a person changes."""

    def __init__(self, serving: Serving) -> None:
        assert serving.app is not None
        self.app: Litestar = serving.app
        self.url = serving.url
        self.crossdock = serving.crossdock
        self.bench = Bench(serving.crossdock)
        self._http = httpx.Client(base_url=self.url, timeout=60)
        self._headers: dict[str, dict[str, str]] = {"anonymous": {}, "client": _bearer("t0ken")}

    def headers_of(self, caller: str, *, csrf: bool = True) -> dict[str, str]:
        found = self._headers[caller]
        return found if csrf else {name: value for name, value in found.items() if name != "X-CSRF-Token"}

    def ask(
        self,
        caller: str,
        method: str,
        path: str,
        *,
        csrf: bool = True,
        more: Mapping[str, str] | None = None,
        **content: Any,
    ) -> httpx.Response:
        headers = {**self.headers_of(caller, csrf=csrf), **(more or {})}
        with self._http.stream(method, path, headers=headers, **content) as told:
            if "text/event-stream" not in told.headers.get("content-type", ""):
                told.read()  # what does not end is not waited for
        self._http.cookies.clear()
        return told

    def close(self) -> None:
        self._http.close()

    def done_by(self, caller: str) -> list[str]:
        """What the audit trail says that they did, besides logging in."""
        actor = f"user:{caller}" if caller in PEOPLE else caller
        rows = self.crossdock.store.audit_export(bodies=False)
        return [
            row["operation_type"]
            for row in rows
            if row["actor"] == actor and row["operation_type"] not in {"login", "logout"}
        ]

    def known(self) -> None:
        """Everybody of the table."""
        access = self.crossdock.store.access
        for scope in (*SCOPES, "revoked"):
            secret = new_token()
            scopes = ("admin", "erp:*", "intake") if scope == "revoked" else (scope,)
            name = scope.replace(":", "-").replace("*", "all")
            access.add_token(
                NewToken(name=name, hash=hash_of(secret), scopes=scopes, connection="erp"), "cli:test", NOW
            )
            self._headers["revoked" if scope == "revoked" else f"token:{scope}"] = _bearer(secret)
        access.revoke_token("revoked", "cli:test", "test", NOW)
        hashed = Passwords().hash(PASSWORD)
        for name in (*PEOPLE, "disabled"):
            role = Role.ADMIN if name == "disabled" else Role(name)
            user = KeptUser(id=0, name=name, role=role, password=hashed, created_at=NOW)
            assert self.crossdock.store.users.add(user, "cli:test", NOW)
            self._headers[name] = self._session(name)
        self.crossdock.store.users.disable("disabled", "cli:test", "test", NOW)

    def _session(self, name: str) -> dict[str, str]:
        with httpx.Client(base_url=self.url, timeout=60) as http:
            shown = http.get("/console/login").text
            found = re.search(r'name="csrf" value="([^"]+)"', shown)
            assert found, shown
            entered = http.post("/console/login", data={"name": name, "password": PASSWORD, "csrf": found[1]})
            assert entered.status_code == 303, entered.text
            secret = http.cookies[COOKIE]
        kept = self.crossdock.store.users.session(hash_of(secret))
        assert kept is not None
        return {"Cookie": f"{COOKIE}={secret}", "X-CSRF-Token": csrf_of(secret)}


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def opened_settings(folder: Path, shop: str = CLOSED, erp: str = CLOSED, **tables: Any) -> Settings:
    """Every flow has a road, nobody is counted out, and what is pushed waits for nobody."""
    plain = settings(folder, shop, erp)
    told = plain.model_dump(exclude_unset=True)
    token = plain.connections["erp"]["auth"]["token"] if "auth" in plain.connections["erp"] else f"file:{folder}/token"
    free = {"per_minute": 0}
    groups = {"erp": free, "operations": free, "console": free, "failures_per_minute": 1_000_000}
    told["api"] = {
        "port": 0,
        "wait_s": 0,
        "groups": groups,
        "clients": {"client": {"token": token, "connection": "erp"}},
    }
    told["login"] = {"plain_http": True}
    told["lookups"] = {"payment_terms": {"missing": "ask", "entries": {"checkmo": "NET30"}}}
    options: dict[str, Any] = {"inventory": {"warehouses": {"MI": "default"}}, "customers": {"website": "base"}}
    told["routes"] = [*told["routes"], {"source": "erp", "target": "store", "flows": BACK, "options": options}]
    return Settings.model_validate(told | tables)


@contextmanager
def served(told: Settings, roles: frozenset[Part] = ALL) -> Iterator[Callers]:
    """One that runs, with everybody known to it."""
    serving = Serving(told, roles=roles)
    serving.start()
    try:
        with closing(Callers(serving)) as made:
            made.known()
            yield made
    finally:
        serving.stop()


@contextmanager
def callers_in(folder: Path, changes: Mapping[str, Any] | None = None) -> Iterator[Callers]:
    """A process that serves and does no work of its own, with letters in its database."""
    with served(opened_settings(folder, **(changes or {})), frozenset({Part.API})) as made:
        for number in range(1, 4):
            made.bench.dead(number)
        yield made
