"""The one table: what an answer of Finance and Operations means to us. Pure.

Its error bodies have an empty code and a general message; what happened stands in the innermost error. The texts are in
the language of our user there, so few are gone by, and those are settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from crossdock.errors import (
    Conflict,
    DeliveryError,
    Misconfigured,
    Rejected,
    Temporary,
    Unauthorized,
)
from crossdock.model.base import Record
from crossdock.transport.odata import error_in
from crossdock.transport.told import NOTHING, clean, decode, limited, unclear
from crossdock.transport.wire import HttpResponse

SEGMENT = "resource not found for the segment"
FATES: Mapping[int, type[DeliveryError]] = {
    401: Unauthorized,
    403: Misconfigured,  # our user lacks a privilege on the entity
    404: Rejected,
    405: Misconfigured,
    408: Temporary,
    409: Temporary,
    412: Temporary,  # changed by somebody since it was read
    423: Temporary,
    425: Temporary,
    501: Misconfigured,
    503: Temporary,
}
PASSING = ("deadlock", "update conflict", "another user process has")


class Reading(Record, frozen=True, kw_only=True):
    """What an answer is read with. `writes`: the request may have changed something.

    `duplicate`: what a number used twice is told with. `personal`: texts that must not come back in an error's text.
    """

    now: datetime
    writes: bool
    duplicate: str
    personal: tuple[str, ...] = ()


def classify(response: HttpResponse, reading: Reading) -> DeliveryError | None:
    """What an answer comes to; None where it is a success.

    Whether its body is the one that belongs to it is asked where it is read: that of a batch is no JSON.
    """
    status = response.status
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return Misconfigured(f"HTTP {status}: redirects, url is not the final address", status=status)
    told = decode(response.body)
    error = error_in({} if told is NOTHING else told)
    message = error.inner or error.message
    text = f"HTTP {status}: {clean(message, reading.personal) or 'no message'}"
    if busy := limited(response, text, reading.now):
        return busy
    return _fate(f"{error.message} {error.inner}".lower(), text, status, reading)


def _fate(words: str, text: str, status: int, reading: Reading) -> DeliveryError:
    if reading.duplicate.lower() in words:
        return Conflict(text, status=status)
    if any(one in words for one in PASSING):
        return Temporary(text, status=status)
    if SEGMENT in words:
        return Misconfigured(f"{text} (sets: what is it called there?)", status=status)
    if status >= 500 and status not in FATES:
        return unclear(text, status, writes=reading.writes)
    return FATES.get(status, Rejected)(text, status=status)
