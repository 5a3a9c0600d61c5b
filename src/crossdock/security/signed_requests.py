"""A request that is signed instead of carrying a token: nothing secret goes over the wire. Pure.

    X-Crossdock-Client: sap
    X-Crossdock-Timestamp: 1795656000                       seconds since 1970
    X-Crossdock-Nonce: 5f0c8e…                              new for each try, 16 to 64 of A-Z a-z 0-9 . _ -
    X-Crossdock-Signature: HMAC-SHA256 in hex of these, a line feed after each of the first four:
                           timestamp, nonce, METHOD, path?query, body

The method and the address are signed too: else a body could be sent again to another one.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from crossdock.errors import SignatureError
from crossdock.model.base import Record
from crossdock.security.signatures import verify_hex, verify_time

CLIENT, TIMESTAMP, NONCE, SIGNATURE = (
    "x-crossdock-client",
    "x-crossdock-timestamp",
    "x-crossdock-nonce",
    "x-crossdock-signature",
)
NONCES = re.compile(r"[A-Za-z0-9._-]{16,64}")


class Signed(Record, frozen=True, kw_only=True):
    """What the headers say of themselves."""

    client: str
    timestamp: str
    nonce: str
    signature: str


def read(headers: Mapping[str, str]) -> Signed:
    """From headers in small letters."""
    return Signed(
        client=headers.get(CLIENT, ""),
        timestamp=headers.get(TIMESTAMP, ""),
        nonce=headers.get(NONCE, ""),
        signature=headers.get(SIGNATURE, ""),
    )


def text_of(timestamp: str, nonce: str, method: str, target: str, body: bytes) -> bytes:
    """What is signed. `target` is path and query as they are sent, percent signs and all."""
    return f"{timestamp}\n{nonce}\n{method.upper()}\n{target}\n".encode() + body


def sign(secret: str, timestamp: str, nonce: str, method: str, target: str, body: bytes) -> str:
    """Lower-case hex."""
    return hmac.new(secret.encode(), text_of(timestamp, nonce, method, target, body), sha256).hexdigest()


def verify(
    signed: Signed,
    secrets: Sequence[str],
    method: str,
    target: str,
    body: bytes,
    now: datetime,
    tolerance: timedelta,
) -> None:
    """Raises SignatureError. Whether the nonce came before is not asked here."""
    verify_time(signed.timestamp, now, tolerance)
    if not NONCES.fullmatch(signed.nonce):
        raise SignatureError("the nonce is not 16 to 64 of A-Z a-z 0-9 . _ -")
    verify_hex(signed.signature, text_of(signed.timestamp, signed.nonce, method, target, body), secrets)
