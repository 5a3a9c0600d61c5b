"""Who sent this? Pure: bodies, headers and the time come in; SignatureError goes out.

Every comparison takes the same time whatever is compared. Several secrets may be in force at once, so that one can be
changed without a gap. An empty secret verifies nothing: the Mage-OS module signs with the empty key where none is set.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from crossdock.errors import SignatureError

TOLERANCE = timedelta(minutes=5)
PREFIX = "whsec_"
RSA_BITS = range(2048, 8192 + 1)


def hex_hmac(secret: str, body: bytes) -> str:
    """Lower-case hex HMAC-SHA256 of the raw body: the spec's and the Mage-OS module's."""
    return hmac.new(secret.encode(), body, sha256).hexdigest()


def verify_hex(signature: str, body: bytes, secrets: Sequence[str]) -> None:
    """Raises SignatureError unless one of the secrets made it."""
    given = signature.strip().lower().encode()
    known = [hex_hmac(secret, body).encode() for secret in secrets if secret]
    matches = [hmac.compare_digest(given, one) for one in known]
    if True not in matches:
        raise SignatureError("the body's signature is of no secret that we know")


def sign_standard(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """One `v1,…` entry of Standard Webhooks: HMAC-SHA256 of `id.timestamp.body` under the decoded secret."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(_standard_key(secret), signed, sha256).digest()).decode()


def verify_standard(
    header: str,
    message_id: str,
    timestamp: str,
    body: bytes,
    secrets: Sequence[str],
    now: datetime,
    tolerance: timedelta = TOLERANCE,
) -> None:
    """Raises SignatureError unless one entry of the header fits one secret and the time stamp is recent."""
    if not message_id:
        raise SignatureError("there is no webhook-id")
    seconds = verify_time(timestamp, now, tolerance)
    known = [sign_standard(secret, message_id, seconds, body).encode() for secret in secrets if secret]
    given = [one.encode() for one in header.split()[:16]]
    matches = [hmac.compare_digest(one, mine) for one in given for mine in known]
    if True not in matches:
        raise SignatureError("no signature is of a secret that we know")


def verify_time(timestamp: str, now: datetime, tolerance: timedelta = TOLERANCE) -> int:
    """The signed time stamp in Unix seconds. Raises SignatureError where it is none, or too far off."""
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 11):
        raise SignatureError("the time stamp is no number of seconds")
    if abs(now - datetime.fromtimestamp(int(timestamp), UTC)) > tolerance:
        raise SignatureError("the time stamp is too far from now")
    return int(timestamp)


def read_rsa_key(pem: bytes) -> RSAPublicKey:
    """Raises SignatureError for anything but a PEM with an RSA public key of 2048 to 8192 bits."""
    try:
        key = load_pem_public_key(pem)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SignatureError("no public key in PEM") from error
    if not isinstance(key, RSAPublicKey) or key.key_size not in RSA_BITS:
        raise SignatureError("no RSA key of a safe length")
    return key


def has_signed(key: RSAPublicKey, signature: bytes, body: bytes) -> bool:
    """Whether the key's owner signed these bytes: RSA, PKCS #1 v1.5, SHA-256."""
    try:
        key.verify(signature, body, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def _standard_key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error as error:
        raise SignatureError("a secret of Standard Webhooks is base64 after whsec_") from error
