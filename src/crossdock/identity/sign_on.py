"""OpenID Connect, the part that asks the provider. Everything here waits: call it in a thread."""

from __future__ import annotations

import base64
import hmac
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from crossdock.errors import DeliveryError, SignatureError
from crossdock.identity.logins import Told
from crossdock.security import oidc
from crossdock.security.secrets import resolve as resolve_secret
from crossdock.settings import OidcSettings
from crossdock.transport.http import Http, HttpOptions
from crossdock.transport.wire import HttpRequest, Sender

log = structlog.get_logger("crossdock.identity")
DESCRIBED_FOR, KEYS_FOR, KEYS_AGAIN = 3600.0, 3600.0, 30.0  # seconds
LARGEST = 1_000_000  # bytes


class NoRole(SignatureError):
    """The provider vouches for them, but none of their groups has a role here."""


class SignOn:
    """One provider. Safe for many threads."""

    def __init__(
        self,
        settings: OidcSettings,
        clock: Callable[[], datetime],
        resolve: Callable[[str], str] = resolve_secret,
        *,
        http: Sender | None = None,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._secret = resolve(settings.client_secret) if settings.client_secret else ""
        options = HttpOptions(total_timeout=15, read_timeout=10, max_response_bytes=LARGEST, ca_file=settings.ca_file)
        self._http = http or Http(options)
        self._clock = clock
        self._steady = steady
        self._lock = threading.Lock()
        self._provider: tuple[float, oidc.Provider] | None = None
        self._keys: tuple[float, KeySet] | None = None
        self._redirect = settings.public_url + oidc.CALLBACK

    def begin(self) -> tuple[str, str]:
        """A secret for the browser's cookie, and where it goes. Raises SignatureError, DeliveryError."""
        secret = secrets.token_urlsafe(32)
        settings = self._settings
        proofs = oidc.proofs_of(secret)
        return secret, oidc.login_url(self._described(), settings.client_id, self._redirect, settings.scopes, proofs)

    def end(self, secret: str, answer: Mapping[str, str]) -> Told:
        """Who they are, by the query that the browser came back with. Raises SignatureError, NoRole, DeliveryError."""
        proofs, provider = oidc.proofs_of(secret), self._described()
        if not secret or not hmac.compare_digest(answer.get("state", "").encode(), proofs.state.encode()):
            raise SignatureError("the answer is of another login")
        if answer.get("iss", provider.issuer) != provider.issuer:
            raise SignatureError("the answer is of another provider")
        if not answer.get("code"):
            raise SignatureError("the provider has not let them in")
        token = self._exchanged(provider, answer["code"], proofs.verifier)
        return self._told(self._claims(provider, token, proofs.nonce))

    def _told(self, claims: Mapping[str, Any]) -> Told:
        settings = self._settings
        role = oidc.role_of(claims, settings.role_claim, settings.roles, settings.default_role)
        if role is None:
            raise NoRole("none of their groups has a role")
        return Told(identity=oidc.identity_of(claims), name=oidc.name_of(claims, settings.name_claim), role=role)

    def _claims(self, provider: oidc.Provider, token: str, nonce: str) -> dict[str, Any]:
        """Of the id token, by the keys that are known, or by fresh ones: a provider may change them at any time."""
        settings = self._settings
        expected = oidc.Expected(
            issuer=provider.issuer,
            client_id=settings.client_id,
            nonce=nonce,
            now=int(self._clock().timestamp()),
            leeway=settings.leeway_s,
        )
        try:
            return oidc.claims_of(token, self._keys_of(provider, KEYS_FOR), expected)
        except SignatureError:
            return oidc.claims_of(token, self._keys_of(provider, KEYS_AGAIN), expected)

    def _exchanged(self, provider: oidc.Provider, code: str, verifier: str) -> str:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect,
            "client_id": self._settings.client_id,
            "code_verifier": verifier,
        }
        headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        if self._secret:  # RFC 6749, 2.3.1: each part is encoded as in a form, then as Basic
            login = f"{quote(self._settings.client_id, safe='')}:{quote(self._secret, safe='')}"
            headers["authorization"] = "Basic " + base64.b64encode(login.encode()).decode()
        body = urlencode(form).encode()
        told = self._asked("POST", provider.token_endpoint, headers, body)
        token = told.get("id_token")
        if not isinstance(token, str):
            raise SignatureError("the provider has sent no id token")
        return token

    def _described(self) -> oidc.Provider:
        with self._lock:
            if self._provider is None or self._steady() > self._provider[0] + DESCRIBED_FOR:
                url = self._settings.issuer.rstrip("/") + "/.well-known/openid-configuration"
                found = oidc.read_provider(self._asked("GET", url), self._settings.issuer)
                self._provider = (self._steady(), found)
            return self._provider[1]

    def _keys_of(self, provider: oidc.Provider, age: float) -> KeySet:
        """At most so many seconds old."""
        with self._lock:
            if self._keys is None or self._steady() > self._keys[0] + age:
                self._keys = (self._steady(), _key_set(self._asked("GET", provider.jwks_uri)))
            return self._keys[1]

    def _asked(
        self, method: str, url: str, headers: dict[str, str] | None = None, body: bytes | None = None
    ) -> dict[str, Any]:
        request = HttpRequest(method=method, url=url, headers=headers or {}, body=body, private=True)
        response = self._http.send(request)
        if response.status != 200:
            raise SignatureError(f"the provider answers with HTTP {response.status}")
        try:
            return msgspec.json.decode(response.body, type=dict[str, Any])
        except msgspec.DecodeError as error:
            raise SignatureError("the provider answers with no JSON object") from error


def _key_set(document: Mapping[str, Any]) -> KeySet:
    """Those that sign; one of a kind that is not known is as if it were not there."""
    rows = document.get("keys")
    found = []
    for row in rows if isinstance(rows, list) else []:
        if isinstance(row, dict) and row.get("use", "sig") == "sig" and row.get("kty") in {"RSA", "EC", "OKP"}:
            try:
                found += KeySet.import_key_set({"keys": [row]}).keys
            except (JoseError, ValueError, TypeError, KeyError):
                log.warning("a key of the provider is not understood")
    return KeySet(found)


__all__ = ["DeliveryError", "NoRole", "SignOn"]
