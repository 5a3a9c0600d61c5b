"""OpenID Connect, the pure part: what is sent to a provider, and what of its word is believed.

Authorization code with PKCE (RFC 7636, S256), OpenID Connect Core 1.0, the issuer in the answer (RFC 9207).
Nothing is kept here between the two halves: state, nonce and verifier are all derived from one random text that only
the browser has, in a cookie. An answer that another browser brings fits none of them.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, TypeGuard
from urllib.parse import urlencode, urlsplit

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from crossdock.errors import SignatureError
from crossdock.model.base import Record
from crossdock.security.access import Role

# asymmetric ones alone: with the others the client's secret would be the key, and `none` is no signature
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"]
CALLBACK = "/console/oidc/callback"
HIGHEST = (Role.ADMIN, Role.APPROVER, Role.OPERATOR, Role.VIEWER)
LONGEST_SUBJECT = 255  # OpenID Connect Core, section 2


class Provider(Record, frozen=True, kw_only=True):
    """What its description tells."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


class Expected(Record, frozen=True, kw_only=True):
    """What an id token must say. `now` in seconds since 1970."""

    issuer: str
    client_id: str
    nonce: str
    now: int
    leeway: float


class Proofs(Record, frozen=True, kw_only=True):
    """What binds an answer to the browser that asked."""

    state: str
    nonce: str
    verifier: str

    @property
    def challenge(self) -> str:
        """S256."""
        return _text(sha256(self.verifier.encode()).digest())


def proofs_of(secret: str) -> Proofs:
    """Each for its one purpose; from none of them another can be told."""
    made = {name: _text(hmac.new(secret.encode(), name.encode(), sha256).digest()) for name in Proofs.__struct_fields__}
    return Proofs(**made)


def read_provider(document: Mapping[str, Any], issuer: str) -> Provider:
    """From its description. Raises SignatureError where it speaks for another one, or says too little."""
    wanted = {name: document.get(name) for name in Provider.__struct_fields__}
    texts = {name: value for name, value in wanted.items() if isinstance(value, str) and urlsplit(value).scheme}
    if len(texts) != len(wanted):
        raise SignatureError("the provider's description is incomplete")
    if texts["issuer"] != issuer:
        raise SignatureError("the provider's description is of another issuer")
    return Provider(**texts)


def login_url(provider: Provider, client_id: str, redirect: str, scopes: Sequence[str], proofs: Proofs) -> str:
    """Where the browser goes to."""
    query = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect,
        "scope": " ".join(scopes),
        "state": proofs.state,
        "nonce": proofs.nonce,
        "code_challenge": proofs.challenge,
        "code_challenge_method": "S256",
    }
    glue = "&" if urlsplit(provider.authorization_endpoint).query else "?"
    return provider.authorization_endpoint + glue + urlencode(query)


def claims_of(id_token: str, keys: KeySet, expected: Expected) -> dict[str, Any]:
    """What a good id token claims. Raises SignatureError, whose text is of no person."""
    try:
        claims = jwt.decode(id_token, keys, algorithms=ALGORITHMS).claims
    except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise SignatureError(f"the id token is not signed by the provider ({type(error).__name__})") from None
    if problem := _wrong(claims, expected):
        raise SignatureError(f"the id token {problem}")
    return dict(claims)


def role_of(claims: Mapping[str, Any], path: str, roles: Mapping[str, str], otherwise: str | None) -> Role | None:
    """The highest role of a claim's groups. None: no role at all."""
    found: Any = claims.get(path)
    if found is None:
        found = claims
        for part in path.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    groups = [found] if isinstance(found, str) else found if isinstance(found, list) else []
    given: set[str | None] = {roles[one] for one in groups if isinstance(one, str) and one in roles}
    given = given or {otherwise}
    return next((one for one in HIGHEST if one in given), None)


def name_of(claims: Mapping[str, Any], claim: str) -> str:
    """For people to read; the subject where the claim says nothing."""
    found = claims.get(claim)
    text = found if isinstance(found, str) and found.strip() else str(claims["sub"])
    return "".join(one for one in text.strip().lower() if one.isprintable())[:64]


def identity_of(claims: Mapping[str, Any]) -> str:
    """For ever theirs, at whatever length: the issuer's name and the subject, hashed."""
    return sha256(f"{claims['iss']}\n{claims['sub']}".encode()).hexdigest()


def _wrong(claims: Mapping[str, Any], expected: Expected) -> str:
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    subject, ends, made, begins = (claims.get(name) for name in ("sub", "exp", "iat", "nbf"))
    checks = {
        "is of another issuer": claims.get("iss") == expected.issuer,
        "is for another client": expected.client_id in audiences,
        "is for several clients, and another one asked for it": (
            claims.get("azp", expected.client_id) == expected.client_id and (len(audiences) == 1 or "azp" in claims)
        ),
        "answers another login": _same(claims.get("nonce"), expected.nonce),
        "has no subject": isinstance(subject, str) and 0 < len(subject) <= LONGEST_SUBJECT,
        "has expired": _is_time(ends) and expected.now < ends + expected.leeway,
        "is from the future": _is_time(made) and made <= expected.now + expected.leeway,
        "does not hold yet": not _is_time(begins) or begins <= expected.now + expected.leeway,
    }
    return next((problem for problem, holds in checks.items() if not holds), "")


def _is_time(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _same(given: Any, wanted: str) -> bool:
    return isinstance(given, str) and hmac.compare_digest(given.encode(), wanted.encode())


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
