"""JSON as PHP writes it: one line of ASCII with escaped slashes. Readers that compare bytes must live with it."""

from __future__ import annotations

import re
from typing import Any

from crossdock.sandbox.wire import ENCODER

FOREIGN = re.compile(r"[^\x00-\x7f]")


def encode(value: Any) -> bytes:
    """Decimals stay numbers; text outside ASCII becomes an escape, or two beyond the first plane."""
    body = ENCODER.encode(value)
    if not body.isascii():
        body = FOREIGN.sub(_escaped, body.decode()).encode("ascii")
    return body.replace(b"/", b"\\/")  # a slash can stand in texts only


def _escaped(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be")
    return "".join(f"\\u{units[n] << 8 | units[n + 1]:04x}" for n in range(0, len(units), 2))
