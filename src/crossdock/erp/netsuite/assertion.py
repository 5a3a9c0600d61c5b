"""The assertion with which we ask for a token: a JWT that we sign. Pure but for the signature's own randomness.

Header typ, alg, kid (the certificate's id); payload iss, scope, aud, iat, exp, less than 60 minutes apart; PS* or ES*,
never RS256: NetSuite's help page section_162790605110.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from crossdock.errors import ConfigurationError

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SHORTEST_RSA = 2048
P256_BYTES = 32
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def load_key(pem: str, algorithm: str, setting: str) -> Key:
    """Raises ConfigurationError where it is no key, or none for this algorithm; the key never stands in the text."""
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError) as error:
        raise ConfigurationError([f"{setting}: is no private key in PEM, or one with a password"]) from error
    if algorithm == "PS256" and isinstance(key, rsa.RSAPrivateKey) and key.key_size >= SHORTEST_RSA:
        return key
    if algorithm == "ES256" and isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name == "secp256r1":
        return key
    raise ConfigurationError([f"{setting}: is no key for {algorithm} (PS256: RSA of 2048 bits and more, ES256: P-256)"])


def build_assertion(key: Key, certificate_id: str, claims: Mapping[str, Any]) -> str:
    """The JWT, signed by what the key is good for."""
    algorithm = "PS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256"
    header = {"typ": "JWT", "alg": algorithm, "kid": certificate_id}
    signed = f"{_part(header)}.{_part(claims)}"
    return f"{signed}.{_plain(_signature(key, signed.encode()))}"


def build_claims(client_id: str, scope: str, audience: str, now: float, lifetime: int) -> dict[str, Any]:
    """`now` in seconds since 1970."""
    issued = int(now)
    return {"iss": client_id, "scope": scope, "aud": audience, "iat": issued, "exp": issued + lifetime}


def _signature(key: Key, signed: bytes) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        salted = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.DIGEST_LENGTH)
        return key.sign(signed, salted, hashes.SHA256())
    r, s = decode_dss_signature(key.sign(signed, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(P256_BYTES) + s.to_bytes(P256_BYTES)  # RFC 7518, 3.4: not the DER form


def _part(value: Mapping[str, Any]) -> str:
    return _plain(json.dumps(value, separators=(",", ":")).encode())


def _plain(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
