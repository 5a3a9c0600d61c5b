"""Orders out of files, as an integrator has them: saved from the store's API, by whatever shell."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

import msgspec

from crossdock.errors import InvalidPayload

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),  # what PowerShell makes of `>`
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def orders_in(saved: bytes) -> Iterator[bytes]:
    """Each order's own bytes, its numbers untouched.

    A file holds one order, a list of them, a search result with `items`, or `{"order": ...}`. Raises InvalidPayload.
    """
    raw = _as_utf8(saved)
    try:
        if raw.lstrip()[:1] == b"[":
            yield from _listed(raw)
            return
        found = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
        if "entity_id" in found:
            yield raw
        elif "items" in found:
            yield from _listed(bytes(found["items"]))
        else:
            yield bytes(found.get("order", found.get("data", msgspec.Raw(raw))))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise InvalidPayload("neither an order, nor a list of orders, nor a search result in JSON") from problem


def _listed(raw: bytes) -> Iterator[bytes]:
    # an empty result's items are null where the request had a `fields` filter
    yield from (bytes(one) for one in msgspec.json.decode(raw, type=list[msgspec.Raw] | None) or ())


def _as_utf8(saved: bytes) -> bytes:
    for mark, encoding in _MARKS:
        if saved.startswith(mark):
            try:
                return saved.decode(encoding).encode()
            except UnicodeDecodeError as problem:
                raise InvalidPayload(f"not {encoding}, though it begins so") from problem
    return saved
