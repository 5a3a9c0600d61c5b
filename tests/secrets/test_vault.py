"""Secrets from a real OpenBao: logins that run out, are renewed, are refused; a vault that is away."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from crossdock.errors import ConfigurationError
from crossdock.security.places import Secrets
from crossdock.security.vault import VaultPlace
from crossdock.settings import VaultSettings
from tests.chaos.services import free_port
from tests.recorded_server import Asked, Reply, serve
from tests.secret_servers import Vault, vault_server

pytestmark = [pytest.mark.services, pytest.mark.slow]
CANARY = "s3cr3t-canary"
REF = "vault:erp/login#token"


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vault]:
    with vault_server(tmp_path_factory.mktemp("bao")) as url:
        made = Vault(url)
        made.put("erp/login", token=CANARY, user="jane")
        yield made


def keep(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(text)
    path.chmod(0o600)
    return f"file:{path}"


def settings_of(folder: Path, vault: Vault, role: tuple[str, str] | None = None, **more: Any) -> VaultSettings:
    role_id, secret_id = role or vault.role()
    auth = {"method": "approle", "role_id": keep(folder, "role", role_id), "secret_id": keep(folder, "id", secret_id)}
    return VaultSettings.model_validate({"address": vault.url, "auth": auth} | more)


def problem(place: VaultPlace, name: str, field: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        place.fetch(name, field)
    assert CANARY not in str(caught.value)
    return str(caught.value)


def test_a_field_by_app_role(tmp_path: Path, vault: Vault) -> None:
    secrets = Secrets({"vault": VaultPlace(settings_of(tmp_path, vault))})
    assert secrets(REF) == CANARY
    assert secrets("vault:erp/login#user") == "jane"


def test_what_is_not_there_is_told_without_anything_of_the_answer(tmp_path: Path, vault: Vault) -> None:
    place = VaultPlace(settings_of(tmp_path, vault))
    vault.put("erp/gone", token="x")
    vault.root.secrets.kv.v2.delete_latest_version_of_secret("erp/gone")
    assert "no secret at secret/erp/none" in problem(place, "erp/none", "token")
    assert "no secret at secret/erp/gone" in problem(place, "erp/gone", "token")
    assert "no text in a field nothing" in problem(place, "erp/login", "nothing")
    assert "wants a path and a field" in problem(place, "erp/login", "")
    elsewhere = VaultPlace(settings_of(tmp_path, vault, mount="nowhere"))
    assert "refuses to show a to this login" in problem(elsewhere, "a", "b"), "a policy hides what there is not"


def test_a_policy_that_does_not_allow_it(tmp_path: Path, vault: Vault) -> None:
    vault.root.sys.enable_secrets_engine("kv", path="other", options={"version": "2"})
    place = VaultPlace(settings_of(tmp_path, vault, mount="other"))
    assert "refuses to show x to this login" in problem(place, "x", "y")
    vault.root.sys.disable_secrets_engine("other")


def test_a_refusal_that_a_new_login_does_not_help_makes_no_login_each_time(tmp_path: Path, vault: Vault) -> None:
    vault.root.sys.enable_secrets_engine("kv", path="hidden", options={"version": "2"})
    place = VaultPlace(settings_of(tmp_path, vault, mount="hidden"))
    problem(place, "x", "y")
    there = vault.logins()
    for _ in range(5):
        problem(place, "x", "y")
    assert vault.logins() == there
    vault.root.sys.disable_secrets_engine("hidden")


def test_a_wrong_secret_id(tmp_path: Path, vault: Vault) -> None:
    place = VaultPlace(settings_of(tmp_path, vault, (vault.role()[0], "wrong")))
    assert "refuses the login by approle" in problem(place, "erp/login", "token")


def test_a_login_of_two_seconds_is_renewed_and_made_anew_at_its_end(tmp_path: Path, vault: Vault) -> None:
    place = VaultPlace(settings_of(tmp_path, vault, vault.role("short", ttl="2s", longest="5s")))
    tokens: list[str | None] = []
    begun = time.monotonic()
    while (taken := time.monotonic() - begun) < 8 or len(tokens) < 16:
        place.tend()
        assert place.fetch("erp/login", "token") == CANARY
        tokens.append(place._client.token)
        time.sleep(0.25)
    # renewed while that gives something (5 s), and made anew before it runs out: two or three logins in 8 s, not one a
    # read; where this process stands still a login runs out, yet after two seconds at the earliest
    assert 2 <= len(dict.fromkeys(tokens)) <= 1 + taken / 2


def test_a_login_that_ran_out_unwatched_is_made_anew(tmp_path: Path, vault: Vault) -> None:
    place = VaultPlace(settings_of(tmp_path, vault, vault.role("short", ttl="1s", longest="1s")))
    assert place.fetch("erp/login", "token") == CANARY
    first = place._client.token
    time.sleep(1.5)
    assert place.fetch("erp/login", "token") == CANARY
    assert place._client.token != first


def test_a_login_that_was_revoked_is_made_anew_after_the_refusal(tmp_path: Path, vault: Vault) -> None:
    place = VaultPlace(settings_of(tmp_path, vault))
    assert place.fetch("erp/login", "token") == CANARY
    first = place._client.token
    vault.revoke_all()
    assert place.fetch("erp/login", "token") == CANARY
    assert place._client.token != first


def test_a_token_from_elsewhere_is_renewed_and_read_anew_when_refused(tmp_path: Path, vault: Vault) -> None:
    def token(ttl: str) -> str:
        made = vault.root.auth.token.create(policies=["reader"], ttl=ttl, no_parent=True, display_name="agent")
        return str(made["auth"]["client_token"])

    first, second = token("6s"), token("1h")
    auth = {"method": "token", "token": keep(tmp_path, "token", first)}
    place = VaultPlace(VaultSettings.model_validate({"address": vault.url, "auth": auth}))
    assert place.fetch("erp/login", "token") == CANARY
    end = time.monotonic() + 8
    while time.monotonic() < end:
        place.tend()
        time.sleep(0.25)
    assert place.fetch("erp/login", "token") == CANARY, "it was kept alive beyond its six seconds"
    vault.root.auth.token.revoke(first)
    keep(tmp_path, "token", second)
    assert place.fetch("erp/login", "token") == CANARY


def test_a_vault_that_goes_away_and_comes_back(tmp_path: Path) -> None:
    port, clock = free_port(), Clock()
    with ExitStack() as first:
        vault = Vault(first.enter_context(vault_server(tmp_path, port)))
        vault.put("erp/login", token=CANARY)
        secrets = Secrets({"vault": VaultPlace(settings_of(tmp_path, vault, cache_s=60, timeout_s=1))}, clock)
        assert secrets(REF) == CANARY
    with structlog.testing.capture_logs() as told:
        assert secrets(REF) == CANARY, "it is not old yet: the vault is not asked"
        assert told == []
        clock.now += 61
        assert secrets(REF) == CANARY
        assert secrets.again(REF) == CANARY
        assert secrets.current(REF) == CANARY
        with pytest.raises(ConfigurationError, match=r"(does|did) not answer"):
            secrets("vault:erp/other#token")
    assert {one["log_level"] for one in told} == {"error"}
    assert CANARY not in str(told)
    with vault_server(tmp_path, port) as url:
        vault = Vault(url)
        vault.put("erp/login", token="another")
        role = vault.role()
        keep(tmp_path, "role", role[0])
        keep(tmp_path, "id", role[1])
        clock.now += 61
        assert secrets(REF) == "another"


def test_a_value_is_read_again_when_it_is_old_and_at_once_when_it_is_doubted(tmp_path: Path, vault: Vault) -> None:
    clock = Clock()
    vault.put("erp/turning", token="old")
    secrets = Secrets({"vault": VaultPlace(settings_of(tmp_path, vault, cache_s=60))}, clock)
    ref = "vault:erp/turning#token"
    assert secrets(ref) == "old"
    vault.put("erp/turning", token="new")
    clock.now += 59
    assert secrets(ref) == "old"
    clock.now += 0.5
    assert secrets.again(ref) == "new"
    vault.put("erp/turning", token="newer")
    clock.now += 59
    secrets.tend()
    assert secrets.current(ref) == "new"
    clock.now += 2
    secrets.tend()
    assert secrets.current(ref) == "newer"


def test_every_problem_at_once(tmp_path: Path, vault: Vault) -> None:
    secrets = Secrets({"vault": VaultPlace(settings_of(tmp_path, vault))})
    wanted = [("a", "vault:erp/none#x"), ("b", REF), ("c", "vault:erp/login#none"), ("d", "env:CROSSDOCK_NOT_SET")]
    assert [one.partition(":")[0] for one in secrets.missing(wanted)] == ["a", "c", "d"]


def unsigned(claims: dict[str, Any]) -> str:
    def part(one: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(one).encode()).decode().rstrip("=")

    return f"{part({'alg': 'RS256', 'typ': 'JWT', 'kid': 'k'})}.{part(claims)}.{'c2lnbmF0dXJl'}"


def authority() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "nobody")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    dated = made.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    return dated.sign(key, SHA256()).public_bytes(Encoding.PEM).decode()


def test_a_service_account_of_kubernetes_by_a_stand_in_of_its_api(tmp_path: Path, vault: Vault) -> None:
    """OpenBao's own Kubernetes method, and a server that answers its TokenReview as a cluster's API would."""
    reviewed: list[str] = []
    good = threading.Event()
    good.set()

    def review(asked: Asked) -> Reply:
        reviewed.append(asked.json()["spec"]["token"])
        user = {"username": "system:serviceaccount:shop:crossdock", "uid": "u-1", "groups": ["system:authenticated"]}
        status = {"authenticated": good.is_set(), "user": user if good.is_set() else {}}
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "status": status}
        return Reply(201, review)

    claims = {
        "iss": "kubernetes/serviceaccount",
        "sub": "system:serviceaccount:shop:crossdock",
        "exp": int(time.time()) + 3600,
        "nbf": int(time.time()) - 60,
        "iat": int(time.time()) - 60,
        "kubernetes.io": {"namespace": "shop", "serviceaccount": {"name": "crossdock", "uid": "u-1"}},
    }
    jwt = unsigned(claims)
    with serve(review) as cluster:
        vault.root.sys.enable_auth_method("kubernetes")
        config: dict[str, Any] = {
            "kubernetes_host": cluster.url,
            "token_reviewer_jwt": jwt,
            "disable_local_ca_jwt": True,
        }
        config["kubernetes_ca_cert"] = authority()  # asked for, not used: the stand-in speaks plain http
        vault.root.write_data("auth/kubernetes/config", data=config)
        vault.root.auth.kubernetes.create_role(
            "crossdock", bound_service_account_names="crossdock", bound_service_account_namespaces="shop",
            policies=["reader"],
        )  # fmt: skip
        auth = {"method": "kubernetes", "role": "crossdock", "jwt": keep(tmp_path, "jwt", jwt)}
        settings = VaultSettings.model_validate({"address": vault.url, "auth": auth})
        assert VaultPlace(settings).fetch("erp/login", "token") == CANARY
        assert reviewed == [jwt]
        good.clear()
        assert "refuses the login by kubernetes" in problem(VaultPlace(settings), "erp/login", "token")
