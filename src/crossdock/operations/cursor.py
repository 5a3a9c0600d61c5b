"""Where a page ended, as an opaque word. Pure."""

from __future__ import annotations

import base64
import binascii

import msgspec

from crossdock.errors import MappingError
from crossdock.storage.listing import LARGEST, Spot

LONGEST = 200


def encode(spot: Spot | None) -> str | None:
    """None at the end of the list."""
    if spot is None:
        return None
    return base64.urlsafe_b64encode(msgspec.json.encode(spot)).decode().rstrip("=")


def decode(cursor: str) -> Spot:
    """Raises MappingError for what `encode` has not made."""
    try:
        told = base64.urlsafe_b64decode(cursor[:LONGEST] + "=" * (-len(cursor[:LONGEST]) % 4))
        moment, number = msgspec.json.decode(told, type=tuple[int, int])
    except (binascii.Error, ValueError, msgspec.DecodeError) as error:
        raise MappingError("cursor", "is not one that a page has told as its next") from error
    return (min(max(moment, 0), LARGEST), min(max(number, -1), LARGEST))
