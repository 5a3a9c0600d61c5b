"""OAuth 2.0 tokens that a machine fetches for itself: client credentials, plain or with a signed assertion."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from crossdock.errors import DeliveryError, Misconfigured, RateLimited, Temporary, Unauthorized
from crossdock.transport.auth import Auth, Basic, Bearer, NoAuth
from crossdock.transport.connection import BasicLogin, BearerLogin, CertificateLogin, OAuthLogin
from crossdock.transport.renewal import Renewing, Resolve
from crossdock.transport.tokens import FetchedToken, Token
from crossdock.transport.wire import HttpRequest, HttpResponse, Sender, retry_after

SharedLogin = BasicLogin | BearerLogin | OAuthLogin | CertificateLogin
FORM = "application/x-www-form-urlencoded"
SHORTEST = 60.0  # seconds that a token lives where its answer says nothing (expires_in is only recommended, RFC 6749)


def fetch_token(sender: Sender, url: str, form: Mapping[str, str], auth: Auth | None = None) -> Token:
    """POST the form, read `access_token` and `expires_in`. Nothing of it is seen by an observer.

    A refused client is Unauthorized whatever the vendor's status (RFC 6749 says 400 or 401); what may pass is
    Temporary: a token that was issued and lost costs nothing.
    """
    request = HttpRequest(
        method="POST",
        url=url,
        headers={"Content-Type": FORM, "Accept": "application/json"},
        body=urlencode(dict(form)).encode(),
        private=True,
    )
    try:
        response = sender.send((auth or NoAuth()).apply(request))
    except Misconfigured:
        raise
    except DeliveryError as error:
        raise Temporary(f"token: {error}") from error
    return _read(response)


def client_credentials(login: OAuthLogin, sender: Sender, resolve: Resolve) -> FetchedToken:
    """The scheme of RFC 6749, section 4.4, with its secrets resolved now."""
    client, secret = resolve(login.client_id), resolve(login.client_secret)
    form = {"grant_type": "client_credentials"} | ({"scope": login.scope} if login.scope else {})
    if login.client_in == "header":
        return FetchedToken(lambda: fetch_token(sender, login.token_url, form, Basic(client, secret)))
    form |= {"client_id": client, "client_secret": secret}
    return FetchedToken(lambda: fetch_token(sender, login.token_url, form))


def auth_of(login: SharedLogin, sender: Sender, resolve: Resolve) -> Auth:
    """The scheme that the settings ask for; its secrets are resolved now, and anew once they are refused."""
    return Renewing(lambda known: scheme_of(login, sender, known), resolve)


def scheme_of(login: SharedLogin, sender: Sender, resolve: Resolve) -> Auth:
    """The scheme alone, with its secrets as they are now."""
    if isinstance(login, OAuthLogin):
        return client_credentials(login, sender, resolve)
    if isinstance(login, BasicLogin):
        return Basic(resolve(login.username), resolve(login.password))
    if isinstance(login, BearerLogin):
        return Bearer(resolve(login.token))
    return NoAuth()  # the certificate speaks for itself


def _read(response: HttpResponse) -> Token:
    told = _json(response.body)
    if response.status == 200 and isinstance(told.get("access_token"), str) and told["access_token"]:
        return Token(value=told["access_token"], lifetime=_lifetime(told.get("expires_in")))
    text = f"token: HTTP {response.status} {_word(told.get('error'))}".rstrip()
    if response.status == 429:
        raise RateLimited(text, retry_after=retry_after(response.headers, response.date()))
    if response.status in {400, 401, 403}:
        raise Unauthorized(text, status=response.status)
    if 300 <= response.status < 500 and response.status not in {408, 425}:
        raise Misconfigured(text, status=response.status)
    raise Temporary(text, status=response.status)


def _json(body: bytes) -> Mapping[str, Any]:
    try:
        told = json.loads(body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _lifetime(value: Any) -> float:
    """`expires_in` is seconds; some servers write it as text."""
    text = str(value)
    return float(text) if text.isascii() and text.isdigit() and int(text) > 0 else SHORTEST


def _word(value: Any) -> str:
    """RFC 6749's error code, and nothing that could be anything else."""
    text = str(value or "")
    return text if text.replace("_", "").isalnum() and text.isascii() and len(text) <= 40 else ""
