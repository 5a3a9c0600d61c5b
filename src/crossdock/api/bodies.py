"""What comes and goes as one thing a request: its body, and the word for its state."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from crossdock.delivery.records import State
from crossdock.errors import MappingError

DECODER = msgspec.json.Decoder(float_hook=Decimal)


def object_of(body: bytes, what: str) -> dict[str, Any]:
    """A JSON object; numbers with a point are Decimals. Raises MappingError, which says `what` it is not."""
    try:
        raw = DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, InvalidOperation) as error:
        raise MappingError("body", "is no JSON") from error
    if not isinstance(raw, dict):
        raise MappingError("body", f"is not {what}, a JSON object")
    return raw


def told_as(state: str) -> str:
    """Whether one of our workers has it just now is nobody's business."""
    return str(State.PENDING if state == State.LEASED else state)
