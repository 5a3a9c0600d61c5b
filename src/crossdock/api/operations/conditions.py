"""Entity tags and the conditions that requests make with them (RFC 9110, 13.1). Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from litestar.exceptions import HTTPException

ANY = "*"
TAG = re.compile(r'(?:W/)?"([\x21\x23-\x7e]*)"')


class PreconditionRequired(HTTPException):
    """Two people may change this: say which version is meant."""

    status_code = 428
    detail = "this may be changed by two people at once: send If-Match with the ETag that you have seen"


class PreconditionFailed(HTTPException):
    """It is another version by now."""

    status_code = 412
    detail = "it is not the version any more that If-Match or If-None-Match names"


def quoted(tag: str) -> str:
    """As an ETag header has it."""
    return f'"{tag}"'


def tags(header: str) -> tuple[str, ...]:
    """Those of an If-Match or If-None-Match; `*` stands for any."""
    return (ANY,) if header.strip() == ANY else tuple(TAG.findall(header))


def is_unchanged(headers: Mapping[str, str], tag: str) -> bool:
    """Whether the caller has this version already: 304."""
    given = tags(headers.get("if-none-match", ""))
    return tag in given or ANY in given


def wanted(headers: Mapping[str, str], *, absent: str = "") -> tuple[str, ...]:
    """The versions that may be changed; `("*",)` for any that is there, `(absent,)` to make a new one only.

    Raises PreconditionRequired where the request names none.
    """
    if "if-match" in headers:
        return tags(headers["if-match"])
    if absent and headers.get("if-none-match", "").strip() == ANY:
        return (absent,)
    raise PreconditionRequired


__all__ = ["ANY", "PreconditionFailed", "PreconditionRequired", "is_unchanged", "quoted", "tags", "wanted"]
