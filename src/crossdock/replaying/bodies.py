"""What a request's body says, as one tree: JSON, or the JSON parts of a multipart batch. Pure."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import msgspec

DECODER = msgspec.json.Decoder(float_hook=Decimal)
REQUEST_LINE = re.compile(rb"(GET|POST|PUT|PATCH|MERGE|DELETE) \S+ HTTP/1\.1\r?\n", re.ASCII)
PARTED = re.compile(rb"\r?\n--")
HEAD_ENDS = re.compile(rb"\r?\n\r?\n")


def tree_of(body: bytes) -> Any:
    """None for what is neither.

    Of a batch: a list, for each part its request line and its body. Boundaries and lengths follow from those.
    """
    try:
        return DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _parts(body) if body.startswith(b"--") else None


def _parts(body: bytes) -> list[dict[str, Any]] | None:
    found = []
    for part in PARTED.split(body):
        if line := REQUEST_LINE.search(part):
            _, _, content = _cut(part[line.end() :])
            told = {"request": line[0].decode(errors="replace").split(" HTTP/")[0]}
            found.append(told | ({"body": tree_of(content.strip())} if content.strip() else {}))
    return found or None


def _cut(part: bytes) -> tuple[bytes, bytes, bytes]:
    end = HEAD_ENDS.search(part)
    return (part, b"", b"") if end is None else (part[: end.start()], end[0], part[end.end() :])


__all__ = ["tree_of"]
