"""How NetSuite knows us: signed assertions, tokens that end, token-based authentication; and its limit of requests."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from crossdock.erp.netsuite.assertion import build_assertion, build_claims, load_key
from crossdock.erp.netsuite.client import NetsuiteClient, build_auth
from crossdock.erp.netsuite.connector import build
from crossdock.errors import ConfigurationError, RateLimited, Unauthorized
from crossdock.flows import FLOWS
from crossdock.sandbox.erps.netsuite.records import error
from crossdock.transport.http import Http
from tests.erp.netsuite.conftest import Netsuite
from tests.erp.netsuite.samples import key_of, order

PLAIN = NoEncryption()


def secret_of(reference: str) -> str:
    return os.environ[reference.removeprefix("env:")]


HOST = "suitetalk.api.netsuite.com"


@pytest.fixture
def over_rsa() -> Iterator[Netsuite]:
    there = Netsuite(algorithm="PS256")
    yield there
    there.stand_in.stop()


def pem(key: Any, encryption: Any = PLAIN) -> str:
    return str(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption).decode())


def settings(**more: Any) -> dict[str, Any]:
    auth = {"scheme": "oauth2", "client_id": "env:C", "certificate_id": "cert-1", "private_key": "env:K"}
    return {"account": "1234567_SB1", "auth": auth, "taxes": {"mode": "details"}} | more


def test_an_assertion_says_what_the_help_page_wants() -> None:
    key = load_key(pem(ec.generate_private_key(ec.SECP256R1())), "ES256", "auth.private_key")
    claims = build_claims("client", "rest_webservices", "https://x/token", 1_700_000_000.9, 300)
    header, payload, signature = build_assertion(key, "cert-1", claims).split(".")
    assert json.loads(base64.urlsafe_b64decode(header + "==")) == {"typ": "JWT", "alg": "ES256", "kid": "cert-1"}
    assert json.loads(base64.urlsafe_b64decode(payload + "==")) == {
        "iss": "client",
        "scope": "rest_webservices",
        "aud": "https://x/token",
        "iat": 1_700_000_000,
        "exp": 1_700_000_300,
    }
    assert len(base64.urlsafe_b64decode(signature + "==")) == 64


@pytest.mark.parametrize(
    ("text", "algorithm"),
    [
        ("no key", "PS256"),
        (pem(ec.generate_private_key(ec.SECP256R1())), "PS256"),
        (pem(ec.generate_private_key(ec.SECP384R1())), "ES256"),
        (pem(rsa.generate_private_key(public_exponent=65537, key_size=2048)), "ES256"),
        (pem(ec.generate_private_key(ec.SECP256R1()), BestAvailableEncryption(b"x")), "ES256"),
    ],
)
def test_a_key_of_another_kind_is_refused_at_the_start_and_not_shown(text: str, algorithm: str) -> None:
    auth = settings()["auth"] | {"algorithm": algorithm}
    with pytest.raises(ConfigurationError, match=r"auth\.private_key") as caught:
        build("erp", settings(auth=auth), resolve=lambda _: text)
    assert "BEGIN" not in str(caught.value)


@pytest.mark.parametrize("wrong", [{"algorithm": "RS256"}, {"lifetime_s": 3600}, {"private_key": "plain"}])
def test_what_netsuite_would_not_take_is_no_setting(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        build("erp", settings(auth=settings()["auth"] | wrong))


def test_an_account_is_at_its_own_address_and_is_the_realm_as_it_is() -> None:
    auth = {
        "scheme": "tba",
        "consumer_key": "env:A",
        "consumer_secret": "env:B",
        "token": "env:C",
        "token_secret": "env:D",
    }
    built = build("erp", settings(auth=auth), resolve=lambda _: "x").settings
    assert (built.address, built.realm) == (f"https://1234567-sb1.{HOST}", "1234567_SB1")
    other = build(
        "erp", settings(auth=auth, account="td-99", url="https://erp.example.com/"), resolve=lambda _: "x"
    ).settings
    assert (other.address, other.realm) == ("https://erp.example.com", "TD_99")


def test_an_rsa_key_lets_us_in(over_rsa: Netsuite) -> None:
    health = over_rsa.connector().probe()
    assert health.ok, health.detail


def test_a_token_is_fetched_once_and_anew_when_it_is_refused(netsuite: Netsuite) -> None:
    now = [0.0]
    checked = netsuite.connector().settings
    http = Http()
    client = NetsuiteClient(http, build_auth(checked, http, secret_of, clock=lambda: now[0]), checked)
    for _ in range(2):
        client.query("SELECT id FROM item")
    assert netsuite.account.door.issued == 1
    netsuite.stand_in.do(lambda account: account.door.tokens.clear())
    now[0] = 60.0  # so old that no other thread has just fetched it
    client.query("SELECT id FROM item")
    assert netsuite.account.door.issued == 2
    now[0] += 3600
    client.query("SELECT id FROM item")
    assert netsuite.account.door.issued == 3, "a token too old is renewed before anybody complains"


def test_a_wrong_certificate_is_unauthorized(netsuite: Netsuite) -> None:
    auth = netsuite.table()["auth"] | {"certificate_id": "another"}
    health = netsuite.connector(auth=auth).probe()
    assert not health.ok
    assert health.detail.startswith("unauthorized: token: HTTP 400 invalid_client")


def test_tokens_are_signed_with_the_accounts_realm_and_the_query(netsuite: Netsuite) -> None:
    assert netsuite.connector(auth=netsuite.tba()).probe().ok
    wrong = netsuite.connector(auth=netsuite.tba(), account="1234567_SB2").probe()
    assert wrong.detail.startswith("unauthorized")


def test_a_login_refused_a_moment_after_it_was_taken_can_count_as_a_limit(netsuite: Netsuite) -> None:
    refused = error(401, "INVALID_LOGIN", "Invalid login attempt.")
    patient, plain = netsuite.connector(login_grace_s=60), netsuite.connector()
    for connector, wanted in ((patient, RateLimited), (plain, Unauthorized)):
        assert connector.probe().ok
        netsuite.stand_in.do(lambda account: account.injected.extend([lambda _: refused] * 2))
        with pytest.raises(wanted):
            connector.sink(FLOWS["orders"]).put(order(1), key_of(1))
    assert netsuite.orders() == []
