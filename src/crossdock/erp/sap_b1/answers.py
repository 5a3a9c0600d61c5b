"""The one table: what an answer of the Service Layer means to us. Pure.

A refusal is `{"error": {"code": -5002, "message": {"lang": "en-us", "value": "..."}}}`, and from 10.00.210 on
`{"error": {"code": "-1000", "details": [...], "message": "..."}}` (github.com/syedhussim/php-sapb1, issue 14): both are
read. A session that is over is 401 with code 301, "Invalid session or session already timeout."
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from crossdock.errors import (
    DeliveryError,
    Misconfigured,
    RateLimited,
    Rejected,
    Temporary,
    Unauthorized,
)
from crossdock.model.base import Record
from crossdock.transport.told import LONGEST_READ, NOTHING, clean, decode, limited, unclear
from crossdock.transport.wire import HttpResponse

LONGEST = 240  # of a message
NEXT = ("@odata.nextLink", "odata.nextLink")  # v2, v1
FATES: Mapping[int, type[DeliveryError]] = {
    401: Unauthorized,
    403: Unauthorized,
    404: Misconfigured,
    405: Misconfigured,
    406: Misconfigured,
    408: Temporary,
    410: Misconfigured,
    412: Temporary,
    415: Misconfigured,
    423: Temporary,
    425: Temporary,
    429: RateLimited,
    501: Misconfigured,
    503: Temporary,
}


class Reading(Record, frozen=True, kw_only=True):
    """What an answer is read with. `writes`: the request may have changed something.

    `personal`: texts that must not come back in an error's text; None: who is in it is not known, only codes are told.
    """

    now: datetime
    writes: bool
    passing: tuple[str, ...] = ()
    personal: tuple[str, ...] | None = ()


def classify(response: HttpResponse, reading: Reading) -> DeliveryError | None:
    """What an answer comes to; None where it is a success: 204 without a body, or a 2xx with JSON."""
    status = response.status
    if status == 204 or (200 <= status < 300 and decode(response.body) is not NOTHING):
        return None
    if 200 <= status < 300:
        return unclear(f"HTTP {status} without the JSON that belongs to it", status, writes=reading.writes)
    return _refused(response, reading)


def _refused(response: HttpResponse, reading: Reading) -> DeliveryError:
    status = response.status
    if 300 <= status < 400:
        return Misconfigured(f"HTTP {status}: redirects, base_url is not the final address", status=status)
    code, message = refusal(response.body)
    told = "" if reading.personal is None else clean(message, reading.personal, longest=LONGEST)
    text = f"HTTP {status}: {' '.join(part for part in (code, told) if part) or 'no message'}"
    if busy := limited(response, text, reading.now):
        return busy
    if status in FATES:
        return FATES[status](text, status=status)
    if any(word == code or word.lower() in message.lower() for word in reading.passing):
        return Temporary(text, status=status)
    return Rejected(text, status=status) if 400 <= status < 500 else unclear(text, status, writes=reading.writes)


def refusal(body: bytes) -> tuple[str, str]:
    """Code and message of a refusal; both "" where the body is none."""
    data = decode(body[: 20 * LONGEST_READ])
    error = data.get("error") if isinstance(data, Mapping) else None
    if not isinstance(error, Mapping):
        return "", ""
    message = error.get("message")
    text = message.get("value") if isinstance(message, Mapping) else message
    return str(error.get("code") or ""), str(text or "")


def listed(body: bytes) -> tuple[tuple[Mapping[str, Any], ...], bool] | None:
    """The rows of an answer, and whether there are more of them; None where it is no list."""
    found = decode(body)
    rows = found.get("value") if isinstance(found, Mapping) else None
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        return None
    return tuple(rows), any(found.get(name) for name in NEXT)
