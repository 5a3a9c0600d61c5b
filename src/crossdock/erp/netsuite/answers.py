"""The one table: what an answer of NetSuite's means to us. Pure.

Bodies are `{type, title, status, o:errorDetails: [{detail, o:errorCode, o:errorPath?}]}` (help page
section_156570709583). That page promises 4xx for the user's faults and 5xx for the system's; which codes there are is
listed nowhere, so what is known is a setting or stands here with its reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

from crossdock.errors import (
    Conflict,
    DeliveryError,
    Misconfigured,
    RateLimited,
    Rejected,
    Temporary,
    Unauthorized,
)
from crossdock.model.base import Record
from crossdock.transport.told import clean, decode, page_words, unclear
from crossdock.transport.wire import HttpResponse, retry_after

CHANGED = frozenset({"RCRD_HAS_BEEN_CHANGED", "RECORD_HAS_BEEN_CHANGED", "CANT_UPDATE_RECORD_DUE_TO_LOCK"})
FORBIDDEN = frozenset({"INSUFFICIENT_PERMISSION", "INSUFFICIENT_PERMISSIONS", "FEATURE_DISABLED"})
LIMIT_WORDS = ("concurrent request limit", "request limit exceeded", "too many requests")
Kind = Literal["write", "read", "query"]
FATES: Mapping[int, type[DeliveryError]] = {
    403: Misconfigured,  # the role lacks a permission, or the feature is off
    404: Misconfigured,
    405: Misconfigured,
    406: Misconfigured,
    408: Temporary,
    409: Conflict,
    412: Conflict,
    423: Temporary,
    425: Temporary,
    503: Temporary,
}


class Reading(Record, frozen=True, kw_only=True):
    """What an answer is read with.

    `kind`: a write may have changed something; a query's fault is one of our own settings. `personal`: texts that
    must not come back in an error's text.
    """

    now: datetime
    kind: Kind
    busy: frozenset[str] = frozenset()
    duplicates: tuple[str, ...] = ()
    personal: tuple[str, ...] = ()


class Told(Record, frozen=True, kw_only=True):
    """An error's body: codes and words of all its details, and where in the request it is."""

    codes: tuple[str, ...] = ()
    words: str = ""
    path: str = ""
    is_netsuites: bool = False  # a proxy's page is none


def classify(response: HttpResponse, reading: Reading) -> DeliveryError | None:
    """What an answer comes to; None where it is a success."""
    status, told = response.status, read_error(response.body)
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return Misconfigured(f"HTTP {status}: redirects, url is not the account's address", status=status)
    text = describe(status, told, reading.personal)
    if is_busy(status, told, reading.busy):
        pause = retry_after(response.headers, response.date() or reading.now)
        return RateLimited(text, retry_after=pause, status=status)
    if status == 401:
        return Unauthorized(text, status=status)
    return _by_words(told, text, status, reading) or _by_status(text, status, reading)


def is_busy(status: int, told: Told, codes: frozenset[str]) -> bool:
    """Too many requests at once, whatever the status: of RESTlets it is 400 (help page bridgehead_1525252812)."""
    if status == 429:
        return True
    words = told.words.lower()
    return status >= 400 and (any(one in codes for one in told.codes) or any(one in words for one in LIMIT_WORDS))


def is_absence(response: HttpResponse) -> bool:
    """NetSuite's own word that it has no such record: a 404 of anything else in between proves nothing."""
    return response.status == 404 and read_error(response.body).is_netsuites


def is_duplicate_job(response: HttpResponse) -> bool:
    """This idempotency key was used before (help page subsect_164494900632: status 400 titled Conflict)."""
    return response.status in {400, 409} and "IDEMPOTENCY_ERROR" in read_error(response.body).codes


def read_error(body: bytes) -> Told:
    """The details of an error; empty where it is none of NetSuite's."""
    found = decode(body)
    details = found.get("o:errorDetails") if isinstance(found, dict) else None
    if not isinstance(details, list):
        return Told(words=page_words(body))
    rows = [one for one in details if isinstance(one, dict)]
    return Told(
        codes=tuple(str(one["o:errorCode"]) for one in rows if one.get("o:errorCode")),
        words=" ".join(str(one["detail"]) for one in rows if one.get("detail")),
        path=" ".join(str(one["o:errorPath"]) for one in rows if one.get("o:errorPath")),
        is_netsuites=True,
    )


def describe(status: int, told: Told, personal: Sequence[str]) -> str:
    """One line: status, codes, where, and NetSuite's words without people."""
    where = f" at {clean(told.path)}" if told.path else ""
    named = f" {clean(' '.join(told.codes))}" if told.codes else ""
    return f"HTTP {status}{named}{where}: {clean(told.words, personal) or 'no message'}"


def _by_words(told: Told, text: str, status: int, reading: Reading) -> DeliveryError | None:
    codes = set(told.codes)
    if reading.kind == "query" and 400 <= status < 500:
        return Misconfigured(f"SuiteQL: {text}", status=status)
    if codes & FORBIDDEN:
        return Misconfigured(text, status=status)
    if codes & CHANGED:
        return Temporary(text, status=status)
    said = f"{told.words} {' '.join(told.codes)}".lower()
    if 400 <= status < 500 and any(one.lower() in said for one in reading.duplicates):
        return Conflict(text, status=status)
    return None


def _by_status(text: str, status: int, reading: Reading) -> DeliveryError:
    if status in FATES:
        return FATES[status](text, status=status)
    if 400 <= status < 500:
        return Rejected(text, status=status)
    return unclear(text, status, writes=reading.kind == "write")
