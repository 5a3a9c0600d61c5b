"""The settings' own words on who may what, through a whole served Crossdock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from crossdock.api.serving import Serving
from crossdock.security.access import Role
from crossdock.security.passwords import Passwords
from crossdock.security.signed_requests import sign
from crossdock.security.tokens import NewToken, hash_of, new_token
from crossdock.security.users import KeptUser
from crossdock.settings import Settings
from tests.databases import postgres_url, sqlite_url

NOW = datetime(2026, 11, 26, tzinfo=UTC)
STOCK = "/rest/V1/erp/inventory/update"


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield sqlite_url(tmp_path)
        return
    with postgres_url() as url:
        yield url


def settings_of(folder: Path, url: str, **tables: Any) -> Settings:
    for name, text in {"key": "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=", "token": "t0ken", "hmac": "hm4c"}.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o600)
    api = {
        "port": 0,
        "clients": {
            "sap": {"token": f"file:{folder}/token", "connection": "erp"},
            "wms": {"secrets": [f"file:{folder}/hmac"], "connection": "erp"},
        },
    }
    return Settings.model_validate(
        {
            "database": {"url": url},
            "security": {"master_key": f"file:{folder}/key"},
            "connections": {"erp": {"kind": "rest", "base_url": "http://127.0.0.1:9", "auth": {"scheme": "none"}}},
        }
        | tables
        | {"api": api | tables.get("api", {})}
    )


@contextmanager
def served(settings: Settings) -> Iterator[tuple[Serving, httpx.Client]]:
    serving = Serving(settings)
    serving.start()
    try:
        with httpx.Client(base_url=serving.url, timeout=30) as client:
            yield serving, client
    finally:
        serving.stop()


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_tokens_signatures_lists_and_logins_as_the_settings_say(tmp_path: Path, database: str) -> None:
    groups = {"metrics": {"allow": ["192.0.2.0/24"], "token": True}, "console": {"per_minute": 4}}
    api = {"groups": groups, "trusted_proxies": ["127.0.0.1"]}
    tables: dict[str, Any] = {"api": api, "login": {"plain_http": True, "tries": 2}}
    with served(settings_of(tmp_path, database, **tables)) as (serving, client):
        access, users = serving.crossdock.store.access, serving.crossdock.store.users
        secret = new_token()
        new = NewToken(name="live", hash=hash_of(secret), scopes=("erp:prices:write", "read"), connection="erp")
        access.add_token(new, "cli:ada", NOW)
        assert client.post(STOCK, json={"items": []}, headers=bearer("t0ken")).status_code == 422, "there is no route"
        assert client.post(STOCK, json={"items": []}, headers=bearer(secret)).status_code == 403
        assert (
            client.post(STOCK.replace("inventory", "prices"), json={"items": []}, headers=bearer(secret)).status_code
            == 422
        )
        stamp = str(int(datetime.now(UTC).timestamp()))
        told = {"Client": "wms", "Timestamp": stamp, "Nonce": new_token()}
        told["Signature"] = sign("hm4c", stamp, told["Nonce"], "POST", STOCK, b'{"items": []}')
        headers = {f"X-Crossdock-{name}": value for name, value in told.items()}
        assert client.post(STOCK, content=b'{"items": []}', headers=headers).status_code == 422
        assert client.post(STOCK, content=b'{"items": []}', headers=headers).status_code == 401

        from_there = {"X-Forwarded-For": "192.0.2.7"}
        assert client.get("/metrics", headers=bearer(secret)).status_code == 403
        assert client.get("/metrics", headers=from_there).status_code == 401
        assert client.get("/metrics", headers=from_there | bearer(secret)).status_code == 200
        assert client.get("/health/ready").status_code == 200
        counted = client.get("/metrics", headers=from_there | bearer(secret)).text
        assert 'crossdock_refused_total{group="metrics",status="403"} 1.0' in counted
        assert 'crossdock_refused_total{group="erp",status="401"} 1.0' in counted

        made = Passwords().hash("correct horse battery")
        users.add(KeptUser(id=0, name="ada", role=Role.VIEWER, password=made, created_at=NOW), "cli:ada", NOW)
        page = client.get("/console/login")
        csrf = page.text.partition('name="csrf" value="')[2].partition('"')[0]
        form = {"name": "ada", "password": "correct horse battery", "csrf": csrf}
        entered = client.post("/console/login", data=form)
        assert (entered.status_code, entered.headers["location"]) == (303, "/console")
        assert client.cookies.get("crossdock")
        assert [client.get("/console/login").status_code for _ in range(3)] == [200, 200, 429]


@pytest.mark.parametrize(
    "tables",
    [
        {"api": {"trusted_proxies": ["10.0.0.1/8"]}},
        {"api": {"groups": {"erp": {"allow": ["everybody"]}}}},
        {"api": {"groups": {"health": {"allow": []}}}},
        {"api": {"clients": {"sap": {"connection": "erp"}}}},
        {"api": {"clients": {"sap": {"connection": "erp", "token": "plain text"}}}},
        {"login": {"oidc": {"issuer": "id.example", "client_id": "x", "public_url": "https://x.example"}}},
        {"login": {"oidc": {"issuer": "https://id.example", "client_id": "x", "public_url": "https://x.example/y"}}},
        {"login": {"oidc": {"issuer": "https://id.example", "client_id": "x", "public_url": "https://x.example", "roles": {"a": "owner"}}}},
        {"login": {"oidc": {"issuer": "https://id.example", "client_id": "x", "public_url": "https://x.example", "scopes": ["profile"]}}},
    ],
)  # fmt: skip
def test_settings_that_cannot_be_meant_are_refused(tmp_path: Path, tables: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        settings_of(tmp_path, "sqlite:///x", **tables)
