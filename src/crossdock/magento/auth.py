"""Magento's own ways to a token, and the choice among them all."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import msgspec

from crossdock.errors import DeliveryError, OutcomeUnknown, Temporary, Unauthorized
from crossdock.magento.answers import classify, decode
from crossdock.magento.settings import AdminSettings, BearerSettings, ImsSettings, MagentoSettings, OAuth1Settings
from crossdock.transport.auth import Auth, Bearer
from crossdock.transport.oauth1 import OAuth1, OAuth1Keys
from crossdock.transport.renewal import Renewing, Resolve
from crossdock.transport.tokens import FetchedToken, Token
from crossdock.transport.wire import HttpRequest, Sender


def choose(settings: MagentoSettings, http: Sender, resolve: Resolve) -> Auth:
    """The scheme that the settings ask for; its secrets are resolved now, and anew once the store refuses them."""
    return Renewing(lambda known: _chosen(settings, http, known), resolve)


def _chosen(settings: MagentoSettings, http: Sender, resolve: Resolve) -> Auth:
    auth = settings.auth
    if isinstance(auth, OAuth1Settings):
        return _oauth1(auth, settings.base_url, resolve)
    if isinstance(auth, BearerSettings):
        return Bearer(resolve(auth.token))
    if isinstance(auth, AdminSettings):
        return _admin(auth, settings.base_url, http, resolve)
    return _ims(auth, http, resolve)


def _oauth1(auth: OAuth1Settings, base_url: str, resolve: Resolve) -> Auth:
    keys = OAuth1Keys(
        consumer_key=resolve(auth.consumer_key),
        consumer_secret=resolve(auth.consumer_secret),
        token=resolve(auth.token),
        token_secret=resolve(auth.token_secret),
    )
    return OAuth1(keys, base_url=base_url, sign_as=auth.oauth_base_url)


def _admin(auth: AdminSettings, base_url: str, http: Sender, resolve: Resolve) -> Auth:
    login = {"username": resolve(auth.username), "password": resolve(auth.password)}
    request = HttpRequest(
        method="POST",
        url=f"{base_url}/rest/V1/integration/admin/token",
        headers={"Content-Type": "application/json", "Accept": "application/json"},
        body=msgspec.json.encode(login),
        private=True,
    )

    def fetch() -> Token:
        value = _ask(http, request)
        if not isinstance(value, str) or not value:
            raise Unauthorized("the store gave no admin token")
        return Token(value=value, lifetime=auth.lifetime_s)

    return FetchedToken(fetch)


def _ims(auth: ImsSettings, http: Sender, resolve: Resolve) -> Auth:
    client_id = resolve(auth.client_id)
    form = {
        "grant_type": "client_credentials",
        "client_id": client_id,
        "client_secret": resolve(auth.client_secret),
        "scope": auth.scopes,
    }
    request = HttpRequest(
        method="POST",
        url=auth.token_url,
        headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
        body=urlencode(form).encode(),
        private=True,
    )

    def fetch() -> Token:
        answer = _ask(http, request)
        value = answer.get("access_token") if isinstance(answer, dict) else None
        if not isinstance(value, str) or not value:
            raise Unauthorized("Adobe IMS gave no access token")
        return Token(value=value, lifetime=float(answer.get("expires_in") or 86_400))

    return FetchedToken(fetch, extra={"x-api-key": client_id})


def _ask(http: Sender, request: HttpRequest) -> Any:
    """A login can be asked for twice without harm: an unknown outcome is merely temporary; a refusal is a login."""
    try:
        response = http.send(request)
    except OutcomeUnknown as error:
        raise Temporary(f"login: {error}") from error
    refused = classify("POST", response.status, response.headers, response.body)
    if refused is None:
        return decode(response.body)
    raise _login_error(refused)


def _login_error(error: DeliveryError) -> DeliveryError:
    if isinstance(error, OutcomeUnknown):
        return Temporary(f"login: {error}", status=error.status)
    if error.status == 400:
        return Unauthorized(f"login: {error}", status=error.status)
    return error
