"""Who may call the account: OAuth 2.0 with a signed assertion, or OAuth 1.0a with the account as realm.

Assertions and signatures are checked by this module's own reading of RFC 7518 and RFC 5849, not by the code that signs:
a mistake there would otherwise agree with itself.
"""

from __future__ import annotations

import base64
import hmac
import json
import re
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from crossdock.sandbox.clock import Clock
from crossdock.sandbox.wire import Answer, Asked

PAIR = re.compile(r'(\w+)="([^"]*)"')
HOUR = 3600
SKEW = 300  # seconds by which a time stamp may be off
Public = rsa.RSAPublicKey | ec.EllipticCurvePublicKey


class Door:
    """The account's integration: client, certificate, tokens; all of them are toys."""

    account = "1234567_SB1"
    client_id = "sandbox-client"
    certificate_id = "sandbox-certificate"
    consumer_key, consumer_secret, token, token_secret = "ck", "c&s", "tk", "t s"

    def __init__(self, clock: Clock, url: str, algorithm: str = "ES256") -> None:
        self._clock = clock
        self._url = url
        self.algorithm = algorithm
        self._key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = (
            ec.generate_private_key(ec.SECP256R1())
            if algorithm == "ES256"
            else rsa.generate_private_key(public_exponent=65537, key_size=2048)
        )
        self.private_key = self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        self.tokens: dict[str, float] = {}
        self.issued = 0
        self.lifetime = HOUR
        self._nonces: set[str] = set()

    def issue(self, asked: Asked) -> Answer:
        """The token endpoint: RFC 6749's errors for what is wrong."""
        form = {name: values[0] for name, values in parse_qs(asked.body.decode("latin-1")).items()}
        if form.get("grant_type") != "client_credentials":
            return Answer(status=400, body={"error": "unsupported_grant_type"})
        if form.get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer":
            return Answer(status=400, body={"error": "invalid_request"})
        if wrong := self._wrong(form.get("client_assertion", "")):
            return Answer(status=400, body={"error": "invalid_client", "error_description": wrong})
        self.issued += 1
        token = f"token-{self.issued}"
        self.tokens[token] = self._clock.real().timestamp() + self.lifetime
        return Answer(body={"access_token": token, "expires_in": str(self.lifetime), "token_type": "bearer"})

    def knows(self, asked: Asked) -> bool:
        """Whether a call may go in."""
        scheme, _, rest = asked.headers.get("authorization", "").partition(" ")
        if scheme == "Bearer":
            return self.tokens.get(rest, 0) > self._clock.real().timestamp()
        return scheme == "OAuth" and self._signed(asked, {name: unquote(value) for name, value in PAIR.findall(rest)})

    def _wrong(self, assertion: str) -> str:
        parts = assertion.split(".")
        if len(parts) != 3:
            return "no JWT"
        header, claims = json.loads(_raw(parts[0])), json.loads(_raw(parts[1]))
        if (header.get("typ"), header.get("alg"), header.get("kid")) != ("JWT", self.algorithm, self.certificate_id):
            return "header"
        if not _verified(self._key.public_key(), f"{parts[0]}.{parts[1]}".encode(), _raw(parts[2])):
            return "signature"
        return self._wrong_claims(claims)

    def _wrong_claims(self, claims: dict[str, Any]) -> str:
        now, issued, expires = self._clock.real().timestamp(), claims.get("iat", 0), claims.get("exp", 0)
        if claims.get("iss") != self.client_id or "rest_webservices" not in str(claims.get("scope")).split(","):
            return "iss or scope"
        if claims.get("aud") != f"{self._url}/services/rest/auth/oauth2/v1/token":
            return "aud"
        return "" if issued <= now + SKEW and now < expires and expires - issued < HOUR else "iat or exp"

    def _signed(self, asked: Asked, told: dict[str, str]) -> bool:
        now = self._clock.real().timestamp()
        wanted = {
            "realm": self.account,
            "oauth_consumer_key": self.consumer_key,
            "oauth_token": self.token,
            "oauth_signature_method": "HMAC-SHA256",
            "oauth_version": "1.0",
        }
        fresh = told.get("oauth_nonce", "") not in self._nonces
        if not fresh or any(told.get(name) != value for name, value in wanted.items()):
            return False
        if abs(now - float(told.get("oauth_timestamp", 0))) > SKEW:
            return False
        self._nonces.add(told["oauth_nonce"])
        return hmac.compare_digest(self._signature(asked, told), told.get("oauth_signature", ""))

    def _signature(self, asked: Asked, told: dict[str, str]) -> str:
        """The address without its port, as behind the account's own name there is none."""
        parts = urlsplit(f"{self._url}{asked.target}")
        pairs = [tuple(map(unquote, pair.split("=", 1))) for pair in parts.query.split("&") if pair]
        pairs += [(name, value) for name, value in told.items() if name not in {"realm", "oauth_signature"}]
        joined = "&".join(f"{name}={value}" for name, value in sorted((_quoted(a), _quoted(b)) for a, b in pairs))
        base = "&".join(map(_quoted, (asked.method, f"{parts.scheme}://{parts.hostname}{parts.path}", joined)))
        key = f"{_quoted(self.consumer_secret)}&{_quoted(self.token_secret)}"
        return base64.b64encode(hmac.new(key.encode(), base.encode(), sha256).digest()).decode()


def _verified(key: Public, signed: bytes, signature: bytes) -> bool:
    try:
        if isinstance(key, rsa.RSAPublicKey):
            salted = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
            key.verify(signature, signed, salted, hashes.SHA256())
        else:
            half = len(signature) // 2
            r, s = int.from_bytes(signature[:half]), int.from_bytes(signature[half:])
            key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def _raw(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _quoted(text: str) -> str:
    return quote(text, safe="-._~")
