"""How a request says who we are: schemes that are no vendor's own."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Protocol

import msgspec

from crossdock.transport.wire import HttpRequest


class Auth(Protocol):
    """Puts the credentials on a request."""

    def apply(self, request: HttpRequest) -> HttpRequest:
        """The request with its credentials. A scheme that fetches a token may raise DeliveryError."""

    def refresh(self) -> bool:
        """After a 401: whether there are new credentials, worth one more try."""


class NoAuth:
    """Says nothing."""

    def apply(self, request: HttpRequest) -> HttpRequest:
        """As it came."""
        return request

    def refresh(self) -> bool:
        """Nothing to renew."""
        return False


class Bearer(NoAuth):
    """A fixed token. `extra` are further fixed headers (an API key)."""

    def __init__(self, token: str, extra: dict[str, str] | None = None) -> None:
        self._headers = {"Authorization": f"Bearer {token}", **(extra or {})}

    def apply(self, request: HttpRequest) -> HttpRequest:
        """With `Authorization: Bearer`."""
        return with_headers(request, self._headers)


class Basic(NoAuth):
    """RFC 7617, in UTF-8."""

    def __init__(self, user: str, password: str) -> None:
        self._token = base64.b64encode(f"{user}:{password}".encode()).decode("ascii")

    def apply(self, request: HttpRequest) -> HttpRequest:
        """With `Authorization: Basic`."""
        return with_headers(request, {"Authorization": f"Basic {self._token}"})


class HmacBody(NoAuth):
    """Lower-case hex HMAC-SHA256 of the raw body, in a header of one's choice."""

    def __init__(self, secret: str, header: str, prefix: str = "") -> None:
        if not secret:
            raise ValueError("an empty secret signs nothing")
        self._secret = secret.encode()
        self._header = header
        self._prefix = prefix

    def apply(self, request: HttpRequest) -> HttpRequest:
        """With the signature of this very body."""
        signature = hmac.new(self._secret, request.body or b"", hashlib.sha256).hexdigest()
        return with_headers(request, {self._header: self._prefix + signature})


def with_headers(request: HttpRequest, headers: dict[str, str]) -> HttpRequest:
    """The request with further headers; a new value replaces an old one of the same name, whatever its case."""
    names = {name.lower() for name in headers}
    kept = {name: value for name, value in request.headers.items() if name.lower() not in names}
    return msgspec.structs.replace(request, headers={**kept, **headers})
