"""The one table: what an answer of Oracle Fusion's means to us. Pure.

From REST framework version 4 on an error is `application/vnd.oracle.adf.error+json`: `title`, `status`, `detail`,
`o:errorCode` and `o:errorDetails`, a list of such; below it is plain text. A gateway answers HTML. What stays open (504
above all: "the order may still be processed") is OutcomeUnknown after a write.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

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
from crossdock.transport.told import clean, decode, limited, page_words, unclear
from crossdock.transport.wire import HttpResponse

# Oracle, "Use REST API to Apply and Release Holds": the order is being worked on, send it again
PASSING = ("FOM-4515574", "deadlock", "resource busy", "changed by another user")
FATES: Mapping[int, type[DeliveryError]] = {
    401: Unauthorized,
    403: Misconfigured,  # the user lacks a privilege
    404: Misconfigured,  # of a list, or of what was there a moment ago: a wrong path, or business unit data security
    405: Misconfigured,
    406: Misconfigured,
    408: Temporary,
    409: Conflict,
    410: Misconfigured,
    412: Conflict,
    415: Misconfigured,
    423: Temporary,
    425: Temporary,
    429: RateLimited,
    503: Temporary,
}


class Reading(Record, frozen=True, kw_only=True):
    """What an answer is read with. `writes`: the request may have changed something.

    `personal`: texts that must not come back in an error's text.
    """

    now: datetime
    writes: bool
    personal: tuple[str, ...] = ()


def classify(response: HttpResponse, reading: Reading) -> DeliveryError | None:
    """What an answer comes to; None where it is a success: a status of 200 or 201 with a JSON object."""
    status = response.status
    if status in {200, 201} and isinstance(decode(response.body), dict):
        return None
    if 200 <= status < 300:
        return unclear(f"HTTP {status} without the JSON that belongs to it", status, writes=reading.writes)
    if 300 <= status < 400:
        return Misconfigured(f"HTTP {status}: redirects, url is not the final address", status=status)
    return _refused(response, reading)


def is_absent(response: HttpResponse) -> bool:
    """Whether a resource says that it has no such row, and not a gateway that there is no such path."""
    body = response.body.lstrip()
    return response.status == 404 and not body.startswith(b"<")


def _refused(response: HttpResponse, reading: Reading) -> DeliveryError:
    status, message = response.status, said(response.body)
    text = f"HTTP {status}: {clean(message, reading.personal) or 'no message'}"
    if busy := limited(response, text, reading.now):
        return busy
    if status < 500 and any(words.lower() in message.lower() for words in PASSING):
        return Temporary(text, status=status)
    if status in FATES:
        return FATES[status](text, status=status)
    if status >= 500:
        return unclear(text, status, writes=reading.writes)
    return (Rejected if reading.writes else Misconfigured)(text, status=status)


def said(body: bytes) -> str:
    """An error's words with their codes, whatever its format; "" for none."""
    told = decode(body)
    if not isinstance(told, dict):
        return page_words(body)
    inside = told.get("o:errorDetails")
    parts = [told, *(inside if isinstance(inside, list) else [])]
    found = [one for part in parts if isinstance(part, dict) for one in _words(part)]
    return "; ".join(dict.fromkeys(found))


def _words(part: Mapping[str, Any]) -> list[str]:
    named = [part.get(name) for name in ("o:errorCode", "title", "detail")]
    return [str(one) for one in named if isinstance(one, str | int) and str(one).strip() not in {"", "0"}]
