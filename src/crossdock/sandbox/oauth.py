"""Who may call the store: integration bearer, admin token, OAuth 1.0a with HMAC-SHA256. Answers as recorded.

The signature is checked by this module's own reading of RFC 5849, not by the code that signs: a mistake there would
otherwise agree with itself.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from urllib.parse import quote, unquote, urlsplit

from crossdock.model.base import Record
from crossdock.sandbox.faults import DEADLOCK, Lottery
from crossdock.sandbox.wire import Answer, Asked

NOT_ALLOWED = "The consumer isn't authorized to access %resources."
SIGN_IN = "The account sign-in was incorrect or your account is disabled temporarily. Please wait and try again later."
PAIR = re.compile(r'(\w+)="([^"]*)"')


class Credentials(Record, frozen=True, kw_only=True):
    """What the stand-in store knows. The integration's bearer token is also OAuth's access token."""

    token: str = "sandbox"  # noqa: S105  a toy's, as are those below
    consumer_key: str = "consumer-key"
    consumer_secret: str = "consumer-secret"  # noqa: S105
    token_secret: str = "token-secret"  # noqa: S105
    admin: str = "admin"
    password: str = "admin-password"  # noqa: S105
    admin_token_s: float = 4 * 3600


class Gate:
    """Lets calls in, or says why not."""

    def __init__(self, credentials: Credentials, clock: Callable[[], datetime], lottery: Lottery) -> None:
        self.credentials = credentials
        self._clock = clock
        self._lottery = lottery
        self._nonces: set[str] = set()
        self._signed: deque[datetime] = deque()  # calls of the last second
        self._admin_tokens: dict[str, datetime] = {}

    def refuse(self, asked: Asked, resource: str) -> Answer | None:
        """None for a caller that may."""
        if resource in self._lottery.faults.house.denied:
            return _not_allowed(resource)
        scheme, _, rest = asked.headers.get("authorization", "").partition(" ")
        if scheme == "Bearer" and self._bearer(rest):
            return None
        if scheme == "OAuth":
            return self._oauth(asked, {name: unquote(value) for name, value in PAIR.findall(rest)}, resource)
        return _not_allowed(resource)

    def admin_token(self, told: Mapping[str, str]) -> Answer:
        """Answer to POST integration/admin/token: a new token as a JSON string."""
        known = self.credentials
        if (told.get("username"), told.get("password")) != (known.admin, known.password):
            return Answer(status=401, body={"message": SIGN_IN})
        token = sha256(f"{known.token_secret} {len(self._admin_tokens)}".encode()).hexdigest()
        self._admin_tokens[token] = self._clock() + timedelta(seconds=known.admin_token_s)
        return Answer(body=token)

    def expire_admin_tokens(self) -> None:
        """As if their hours were over."""
        self._admin_tokens.clear()

    def _bearer(self, token: str) -> bool:
        until = self._admin_tokens.get(token)
        return token == self.credentials.token or (until is not None and self._clock() < until)

    def _oauth(self, asked: Asked, told: Mapping[str, str], resource: str) -> Answer | None:
        known = self.credentials
        method = told.get("oauth_signature_method", "")
        if method != "HMAC-SHA256":
            return Answer(status=400, body={"message": "Signature method %1 is not supported", "parameters": [method]})
        if (told.get("oauth_consumer_key"), told.get("oauth_token")) != (known.consumer_key, known.token):
            return _not_allowed(resource)
        if self._nonces_deadlock():
            return Answer(status=400, body=DEADLOCK)
        nonce = told.get("oauth_nonce", "")
        if nonce in self._nonces:
            text = "The nonce is already being used by the consumer with ID %1"
            return Answer(status=401, body={"message": text, "parameters": ["1"]})
        self._nonces.add(nonce)
        if not hmac.compare_digest(self.signature(asked, told), told.get("oauth_signature", "")):
            return Answer(status=401, body={"message": "The signature is invalid. Verify and try again."})
        return None

    def _nonces_deadlock(self) -> bool:
        limit = self._lottery.faults.bugs.nonce_deadlock_above
        if not limit:
            return False
        now = self._clock()
        while self._signed and now - self._signed[0] > timedelta(seconds=1):
            self._signed.popleft()
        self._signed.append(now)
        if len(self._signed) > limit:
            self._lottery.count("nonce_deadlock_above")
            return True
        return False

    def signature(self, asked: Asked, told: Mapping[str, str]) -> str:
        """What a right signature of this call would be."""
        key = f"{_percent(self.credentials.consumer_secret)}&{_percent(self.credentials.token_secret)}"
        text = base_string(asked, {name: value for name, value in told.items() if name != "oauth_signature"})
        return base64.b64encode(hmac.new(key.encode(), text.encode(), sha256).digest()).decode()


def base_string(asked: Asked, told: Mapping[str, str]) -> str:
    """RFC 5849, 3.4.1, but without the port, as a real store on port 8088 wanted it."""
    parts = urlsplit(asked.target)
    pairs = [(unquote(name), unquote(value)) for name, _, value in (p.partition("=") for p in parts.query.split("&"))]
    pairs = [pair for pair in pairs if pair[0]] + [*told.items()]
    normal = "&".join(f"{name}={value}" for name, value in sorted((_percent(a), _percent(b)) for a, b in pairs))
    host = re.sub(r":\d+$", "", asked.headers.get("host", "")).lower()
    return "&".join(_percent(part) for part in (asked.method.upper(), f"http://{host}{parts.path}", normal))


def _percent(text: str) -> str:
    return quote(text, safe="-._~")


def _not_allowed(resource: str) -> Answer:
    return Answer(status=401, body={"message": NOT_ALLOWED, "parameters": {"resources": resource}})
