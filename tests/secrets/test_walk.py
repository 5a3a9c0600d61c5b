"""A secret is changed in the vault while Crossdock runs: nobody restarts it, nothing is lost, nothing stands still."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crossdock.api.serving import Serving
from crossdock.app import Crossdock
from crossdock.errors import ConfigurationError
from crossdock.settings import Settings
from tests.recorded_server import Asked, Reply, serve
from tests.secret_servers import Vault, vault_server
from tests.walk.world import Erp, Shop, recorded, settings, until

pytestmark = [pytest.mark.services, pytest.mark.slow]


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vault]:
    with vault_server(tmp_path_factory.mktemp("bao")) as url:
        yield Vault(url)


def with_vault(
    plain: Settings, folder: Path, vault: Vault, erp: dict[str, Any], cache_s: float = 1, **more: Any
) -> Settings:
    role_id, secret_id = vault.role(ttl="2s", longest="6s")
    auth = {"method": "approle"}
    for name, text in (("role_id", role_id), ("secret_id", secret_id)):
        path = folder / name
        path.write_text(text)
        path.chmod(0o600)
        auth[name] = f"file:{path}"
    told = plain.model_dump(mode="json", exclude_none=True)
    told["connections"]["erp"] |= erp
    told["secrets"] = {"vault": {"address": vault.url, "auth": auth, "cache_s": cache_s}}
    return Settings.model_validate(told | more)


class GuardedErp(Erp):
    """Lets in who has the token of today."""

    def __init__(self, token: str) -> None:
        super().__init__()
        self.token = token
        self.refused = 0

    def answer(self, asked: Asked) -> Reply:
        with self.lock:
            if asked.headers.get("authorization") != f"Bearer {self.token}":
                self.refused += 1
                return Reply(401, {"error": "unauthorized"})
            return super().answer(asked)


def order(number: int) -> dict[str, Any]:
    return recorded("001_smoke") | {"entity_id": number, "increment_id": f"{number:09}"}


def test_a_token_that_is_changed_in_the_vault_is_taken_after_the_refusal(tmp_path: Path, vault: Vault) -> None:
    vault.put("erp/login", token="monday")
    shop, erp = Shop(), GuardedErp("monday")
    auth = {"auth": {"scheme": "bearer", "token": "vault:erp/login#token"}}
    with serve(shop.answer) as store, serve(erp.answer) as target:
        # kept for an hour: else the new token may be read before the old one is refused
        told = with_vault(settings(tmp_path, store.url, target.url), tmp_path, vault, auth, cache_s=3600)
        crossdock = Crossdock(told)
        crossdock.start()
        try:
            shop.add(order(1))
            until(lambda: erp.numbers() == ["000000001"])
            vault.put("erp/login", token="tuesday")
            erp.token = "tuesday"
            shop.add(order(2))
            until(lambda: erp.numbers() == ["000000001", "000000002"])
            assert erp.refused == 1, "one refusal, then the new token"
            assert crossdock.store.paused() == []
            erp.token = "wednesday"  # the vault does not know it yet: the connection is paused, as for any wrong login
            shop.add(order(3))
            until(lambda: [one.connection for one in crossdock.store.paused()] == ["erp"])
            vault.put("erp/login", token="wednesday")
            crossdock.store.resume("erp", "test", crossdock.store.paused()[0].since)
            until(lambda: erp.numbers()[2:] == ["000000003"])
        finally:
            crossdock.stop()


def test_a_client_credential_is_taken_anew_where_the_token_endpoint_refuses_the_old_one(
    tmp_path: Path, vault: Vault
) -> None:
    vault.put("erp/client", id="crossdock", secret="monday")
    shop, erp = Shop(), GuardedErp("granted-to-monday")
    day = ["monday"]

    def answer(asked: Asked) -> Reply:
        if asked.path != "/token":
            return erp.answer(asked)
        if f"client_secret={day[0]}" not in asked.body.decode():
            return Reply(401, {"error": "invalid_client"})
        return Reply(200, {"access_token": f"granted-to-{day[0]}", "expires_in": 3600})

    with serve(shop.answer) as store, serve(answer) as target:
        login = {
            "scheme": "oauth2",
            "token_url": f"{target.url}/token",
            "client_id": "vault:erp/client#id",
            "client_secret": "vault:erp/client#secret",
        }
        crossdock = Crossdock(with_vault(settings(tmp_path, store.url, target.url), tmp_path, vault, {"auth": login}))
        crossdock.start()
        try:
            shop.add(order(1))
            until(lambda: erp.numbers() == ["000000001"])
            vault.put("erp/client", id="crossdock", secret="tuesday")
            day[0], erp.token = "tuesday", "granted-to-tuesday"
            shop.add(order(2))
            until(lambda: erp.numbers() == ["000000001", "000000002"])
            assert crossdock.store.paused() == []
        finally:
            crossdock.stop()


def test_the_token_of_a_caller_is_changed_while_we_serve(tmp_path: Path, vault: Vault) -> None:
    vault.put("callers/erp", token="monday")
    shop, erp = Shop(), Erp()
    api = {"port": 0, "clients": {"erp": {"token": "vault:callers/erp#token", "connection": "erp"}}}
    with serve(shop.answer) as store, serve(erp.answer) as target:
        serving = Serving(with_vault(settings(tmp_path, store.url, target.url), tmp_path, vault, {}, api=api))
        serving.start()

        def status(token: str) -> int:
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            asked = urllib.request.Request(f"{serving.url}/rest/V1/erp/inventory/update", b"{}", headers)
            try:
                with urllib.request.urlopen(asked, timeout=60) as answer:
                    return int(answer.status)
            except urllib.error.HTTPError as error:
                with error:
                    return error.code

        def read_anew() -> bool:
            time.sleep(1)  # who is refused too often a minute is answered 429
            return status("tuesday") != 401

        try:
            assert status("monday") != 401
            assert status("tuesday") == 401
            vault.put("callers/erp", token="tuesday")
            until(read_anew, 60)
            assert status("monday") == 401
        finally:
            serving.stop()


def test_all_that_is_missing_is_told_at_the_start(tmp_path: Path, vault: Vault) -> None:
    vault.put("erp/login", token="x")
    login = {"auth": {"scheme": "basic", "username": "vault:erp/login#user", "password": "vault:nowhere/at/all#x"}}
    plain = settings(tmp_path, "http://127.0.0.1:9", "http://127.0.0.1:9")
    with pytest.raises(ConfigurationError) as caught:
        Crossdock(with_vault(plain, tmp_path, vault, login))
    assert sorted(one.partition(":")[0] for one in caught.value.problems) == [
        "connections.erp.auth.password",
        "connections.erp.auth.username",
    ]
    assert not (tmp_path / "crossdock.sqlite").exists()
    assert json.dumps(caught.value.problems)
