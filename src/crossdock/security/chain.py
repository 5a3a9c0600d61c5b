"""The audit trail's hash chain: each row's link covers the row and the link before it.

A row that was changed, taken out, put in or moved breaks the chain at that place. Two holes are left open. Rows cut off
at the end leave a shorter chain that holds: `verify` takes the newest link known from elsewhere as `head` against that.
And the links have no key: who can rewrite the whole table can compute them anew, so an auditor keeps a head of his own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from hmac import compare_digest
from typing import Any

START = bytes(32)


def link(previous: bytes, row: Mapping[str, Any]) -> bytes:
    """The link (32 bytes) of `row` after the link `previous`; START for the first row.

    Columns may be text, whole numbers, Decimal, bytes, aware times, None, and lists and tables of these. A float or a
    naive time is a TypeError: neither comes back from every database as it went in.
    """
    if len(previous) != len(START):
        raise ValueError(f"a link has {len(START)} bytes")
    return sha256(previous + canonical(row)).digest()


def verify(
    rows: Iterable[tuple[Mapping[str, Any], bytes]], start: bytes = START, *, head: bytes | None = None
) -> int | None:
    """The index of the first (row, its recorded link) that does not hold, or None.

    With `head`, the last link that there should be, rows missing at the end are found too: their index is one past the
    last row.
    """
    last = start
    count = 0
    for row, recorded in rows:
        last = link(last, row)
        if not compare_digest(last, recorded):
            return count
        count += 1
    return count if head is not None and not compare_digest(last, head) else None


def canonical(row: Mapping[str, Any]) -> bytes:
    """JSON with sorted keys and no spaces, in ASCII: the same bytes for the same row from any database."""
    return json.dumps(_plain(row), sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, datetime):
        return {"$time": _utc(value).isoformat(timespec="microseconds")}
    if isinstance(value, Decimal):
        return {"$decimal": str(value)}
    if isinstance(value, bytes | bytearray | memoryview):
        return {"$bytes": bytes(value).hex()}
    if isinstance(value, Mapping):
        return {_text(key): _plain(part) for key, part in value.items()}
    if isinstance(value, Sequence):
        return [_plain(part) for part in value]
    raise TypeError(f"{type(value).__name__} has no canonical form")


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise TypeError("a naive time has no canonical form")
    return moment.astimezone(UTC)


def _text(key: Any) -> str:
    if not isinstance(key, str):
        raise TypeError("a key must be text")
    return key
