"""OAuth 1.0a signatures (RFC 5849) with HMAC-SHA256."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from urllib.parse import quote, unquote, urlsplit

from crossdock.model.base import Record
from crossdock.transport.auth import NoAuth, with_headers
from crossdock.transport.wire import HttpRequest


class OAuth1Keys(Record, frozen=True, kw_only=True):
    """The four credentials of an integration."""

    consumer_key: str
    consumer_secret: str
    token: str
    token_secret: str


class OAuth1(NoAuth):
    """Signs each request with a nonce and time stamp of its own.

    The address is signed without its port: a real Magento on port 8088 refused the standard's form with it. Where a
    proxy changes the address, `sign_as` says what the store believes `base_url` to be. A `realm` stands in the header
    and is not signed (RFC 5849, 3.4.1.3.1): NetSuite wants its account there.
    """

    def __init__(
        self,
        keys: OAuth1Keys,
        *,
        base_url: str = "",
        sign_as: str = "",
        realm: str = "",
        clock: Callable[[], float] = time.time,
        nonce: Callable[[], str] = lambda: secrets.token_hex(16),
    ) -> None:
        self._keys = keys
        self._base_url = base_url.rstrip("/")
        self._sign_as = sign_as.rstrip("/")
        self._realm = realm
        self._clock = clock
        self._nonce = nonce

    def apply(self, request: HttpRequest) -> HttpRequest:
        """With `Authorization: OAuth`. To be asked again for each try: a nonce is good once."""
        oauth = {
            "oauth_consumer_key": self._keys.consumer_key,
            "oauth_nonce": self._nonce(),
            "oauth_signature_method": "HMAC-SHA256",
            "oauth_timestamp": str(int(self._clock())),
            "oauth_token": self._keys.token,
            "oauth_version": "1.0",
        }
        base = base_string(request.method, self._signed_url(request), oauth)
        oauth["oauth_signature"] = sign(base, self._keys)
        pairs = [f'{name}="{encode(value)}"' for name, value in sorted(oauth.items())]
        named = [f'realm="{encode(self._realm)}"'] if self._realm else []
        return with_headers(request, {"Authorization": f"OAuth {', '.join(named + pairs)}"})

    def _signed_url(self, request: HttpRequest) -> str:
        url = request.full_url()
        if not self._sign_as or not url.startswith(self._base_url):
            return drop_port(url)
        return self._sign_as + url.removeprefix(self._base_url)


def sign(base: str, keys: OAuth1Keys) -> str:
    """Base64 HMAC-SHA256 of a signature base string."""
    key = f"{encode(keys.consumer_secret)}&{encode(keys.token_secret)}".encode()
    return base64.b64encode(hmac.new(key, base.encode(), hashlib.sha256).digest()).decode("ascii")


def base_string(method: str, url: str, oauth: dict[str, str]) -> str:
    """RFC 5849, 3.4.1: method, address without its query, all parameters sorted by their encoded form."""
    parts = urlsplit(url)
    queried = [pair.partition("=") for pair in parts.query.split("&") if pair]
    pairs = [(encode(unquote(name)), encode(unquote(value))) for name, _, value in queried]
    pairs += [(encode(name), encode(value)) for name, value in oauth.items()]
    joined = "&".join(f"{name}={value}" for name, value in sorted(pairs))
    address = f"{parts.scheme.lower()}://{parts.netloc.lower()}{parts.path or '/'}"
    return "&".join(encode(part) for part in (method.upper(), address, joined))


def drop_port(url: str) -> str:
    """The address without its port."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return parts._replace(netloc=f"[{host}]" if ":" in host else host).geturl()


def encode(text: str) -> str:
    """RFC 3986: everything but letters, digits, `-._~`."""
    return quote(text, safe="-._~")
