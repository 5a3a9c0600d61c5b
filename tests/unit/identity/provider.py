"""A small OpenID Connect provider: its description, its keys, its login and its tokens, over real HTTP.

It does what a good one does, and checks what it is sent; `spoil` makes it a bad one.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, Key, KeySet, OctKey, RSAKey

from tests.recorded_server import Asked, Reply, serve

CLIENT, SECRET = "crossdock", "cl1ent s3cret/+:"


class Provider:
    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self.url = ""
        self.keys: list[Key] = [RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})]
        self.algorithm = "RS256"
        self.codes: dict[str, dict[str, str]] = {}
        self.person: dict[str, Any] = {"sub": "u-1", "preferred_username": "Ada", "roles": ["crossdock-operators"]}
        self.spoil: dict[str, Any] = {}
        self.described: dict[str, Any] = {}
        self.signed_by: Key | None = None
        self.token: str | None = None
        self.others: list[Any] = []  # that its set of keys has too
        self.kid = True
        self.fetched: list[str] = []

    def answer(self, asked: Asked) -> Reply:
        self.fetched.append(asked.path)
        if asked.path == "/realm/.well-known/openid-configuration":
            return Reply(200, self.description() | self.described)
        if asked.path == "/keys":
            return Reply(200, {"keys": self.others + [key.as_dict(private=False) for key in self.keys]})
        if asked.path == "/token":
            return self.exchanged(asked)
        return Reply(404)

    def description(self) -> dict[str, Any]:
        return {
            "issuer": f"{self.url}/realm",
            "authorization_endpoint": f"{self.url}/login?theme=dark",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
        }

    def log_in(self, url: str) -> str:
        """As the browser would, there; the query with which it goes back."""
        parts = urlsplit(url)
        assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{self.url}/login"
        asked = dict(parse_qsl(parts.query, strict_parsing=True))
        assert asked["theme"] == "dark"
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT
        assert "openid" in asked["scope"].split()
        assert asked["code_challenge_method"] == "S256"
        assert len(asked["state"]) >= 43
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        return urlencode({"code": code, "state": asked["state"], "iss": f"{self.url}/realm"})

    def exchanged(self, asked: Asked) -> Reply:
        form = {name: values[0] for name, values in parse_qs(asked.body.decode(), strict_parsing=True).items()}
        login = base64.b64decode(asked.headers["authorization"].removeprefix("Basic ")).decode()
        known = [unquote(part) for part in login.split(":")] == [CLIENT, SECRET]
        begun = self.codes.pop(form["code"], None)  # once
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).decode()
        if not known or begun is None or challenge.rstrip("=") != begun["code_challenge"]:
            return Reply(400, {"error": "invalid_grant"})
        if form["redirect_uri"] != begun["redirect_uri"] or form["grant_type"] != "authorization_code":
            return Reply(400, {"error": "invalid_request"})
        return Reply(200, {"access_token": "a", "token_type": "Bearer", "id_token": self.made(begun["nonce"])})

    def made(self, nonce: str) -> str:
        if self.token is not None:
            return self.token
        now = int(self.clock().timestamp())
        claims: dict[str, Any] = {
            "iss": f"{self.url}/realm",
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": nonce,
        }
        kept = {name: value for name, value in (claims | self.person | self.spoil).items() if value is not None}
        key = self.signed_by or self.keys[0]
        head: dict[str, Any] = {"alg": self.algorithm} | ({"kid": key.kid} if self.kid else {})
        return jwt.encode(head, kept, key, algorithms=[self.algorithm])


@contextmanager
def provider_of(clock: Callable[[], datetime]) -> Iterator[Provider]:
    made = Provider(clock)
    with serve(made.answer) as server:
        made.url = server.url
        yield made


__all__ = ["CLIENT", "SECRET", "ECKey", "KeySet", "OctKey", "Provider", "RSAKey", "provider_of"]
