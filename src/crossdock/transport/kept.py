"""What of an exchange is kept in front of its answer, so that a replay can be answered. Pure.

It is sealed with the answer, and holds no credential: of headers only those of `HEADERS`, of the address only a hash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from crossdock.model.base import Record

HEAD, BODY = b"\x01", b"\x02"  # "start of heading", "start of text": no text or JSON begins so
# what a connector reads in an answer to a write: where the new record is, and how the parts of a batch are divided
HEADERS = frozenset({"location", "content-type"})


class Beside(Record, frozen=True, kw_only=True, omit_defaults=True):
    """`asked`: a hash of the whole address. `looks`: a POST that changes nothing. `private`: a login."""

    asked: str = ""
    looks: bool = False
    private: bool = False
    headers: dict[str, str] = msgspec.field(default_factory=dict)


NOTHING = Beside()


def asked_of(url: str) -> str:
    """A hash of an address without its host: what stands in a query may be about a person."""
    parts = urlsplit(url)
    return hashlib.sha256(f"{parts.path}?{parts.query}".encode()).hexdigest()[:16]


def headers_of(headers: Mapping[str, str]) -> dict[str, str]:
    """Those that are kept: a place without its query, a type only where it says how parts are divided."""
    found = {name: value for name, value in headers.items() if name in HEADERS}
    if "location" in found:
        found["location"] = found["location"].partition("?")[0]
    if not found.get("content-type", "").lower().startswith("multipart/"):
        found.pop("content-type", None)
    return found


def joined(beside: Beside, body: bytes) -> bytes:
    """As it is kept."""
    if beside == NOTHING and not body.startswith(HEAD):
        return body
    return HEAD + msgspec.json.encode(beside) + BODY + body


def parted(kept: bytes) -> tuple[Beside, bytes]:
    """What `joined` has made. What was kept before there was anything beside it is a body alone."""
    head, found, body = kept.partition(BODY)
    if not kept.startswith(HEAD) or not found:
        return NOTHING, kept
    try:
        return msgspec.json.decode(head[len(HEAD) :], type=Beside), body
    except msgspec.DecodeError:
        return NOTHING, kept


__all__ = ["HEADERS", "NOTHING", "Beside", "asked_of", "headers_of", "joined", "parted"]
