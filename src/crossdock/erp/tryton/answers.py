"""The one table: what an answer of Tryton's means to us, and how its values are written. Pure.

Tryton has no error codes. Over REST what a user did wrong is 400 with a message, what a programmer did wrong (an
unknown field, an unknown model) is 500 in HTML naming a Python key, nothing is committed then. Over JSON-RPC both come
with HTTP 200 and `{"error": [kind, [message, ...]]}`. Messages come in the language asked for: we ask for English.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
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
from crossdock.transport import told
from crossdock.transport.told import NOTHING, clean, limited, page_words, unclear
from crossdock.transport.wire import HttpResponse

CLOCK = ("year", "month", "day", "hour", "minute", "second", "microsecond")
PASSING = (
    "code on party must be unique",  # two parties were given one number at the same moment
    "database is locked",
    "could not serialize",
    "deadlock",
    "could not obtain lock",
)
FORBIDDEN = ("you are not allowed",)
FATES: Mapping[int, type[DeliveryError]] = {
    401: Unauthorized,
    403: Misconfigured,  # an unknown button, or a right that our user lacks
    404: Misconfigured,
    405: Misconfigured,
    408: Temporary,
    409: Rejected,  # a warning that a person would have to confirm
    410: Misconfigured,
    423: Temporary,  # changed by somebody meanwhile
    425: Temporary,
    429: RateLimited,
    503: Temporary,  # the database did not take it, nothing was committed
}
KINDS: Mapping[str, type[DeliveryError]] = {
    "UserError": Rejected,
    "UserWarning": Rejected,
    "ConcurrencyException": Temporary,
    "LoginException": Unauthorized,
    "RateLimitException": RateLimited,
}


class Reading(Record, frozen=True, kw_only=True):
    """What an answer is read with. `writes`: the call may have changed something.

    `personal`: texts that must not come back in an error's text. `duplicate`: what a reference used twice is told with.
    """

    now: datetime
    writes: bool
    duplicate: str
    personal: tuple[str, ...] = ()


def classify_rest(response: HttpResponse, reading: Reading) -> DeliveryError | None:
    """What an answer over REST comes to; None where it is a success."""
    status, data = response.status, decode(response.body)
    if status == 200 and data is not NOTHING:
        return None
    if status == 204 and not response.body:
        return None
    if 200 <= status < 300:
        return unclear(f"HTTP {status} without the JSON that belongs to it", status, writes=reading.writes)
    message = data.get("message") if isinstance(data, dict) else page_words(response.body, element="p")
    return classify_status(response, str(message or ""), reading)


def classify_rpc(response: HttpResponse, reading: Reading) -> DeliveryError | None:
    """What an answer over JSON-RPC comes to; None where it holds a result."""
    status, data = response.status, decode(response.body)
    if status != 200:
        return classify_status(response, page_words(response.body, element="p"), reading)
    if not isinstance(data, dict) or not ("result" in data or "error" in data):
        return unclear("HTTP 200 without a result", status, writes=reading.writes)
    return _fault(data["error"], status, reading) if "error" in data else None


def classify_status(response: HttpResponse, message: str, reading: Reading) -> DeliveryError:
    """What any other status comes to."""
    status, text = response.status, f"HTTP {response.status}: {clean(message, reading.personal) or 'no message'}"
    if 300 <= status < 400:
        return Misconfigured(f"HTTP {status}: redirects, url is not the final address", status=status)
    if busy := limited(response, text, reading.now):
        return busy
    if told := _told(message, text, status, reading):
        return told
    if status in FATES:
        return FATES[status](text, status=status)
    if status == 500 and _is_key(message):
        return Misconfigured(f"HTTP 500: Tryton has no {clean(message)} (is the series right?)", status=status)
    return Rejected(text, status=status) if 400 <= status < 500 else unclear(text, status, writes=reading.writes)


def _fault(error: Any, status: int, reading: Reading) -> DeliveryError:
    kind, rest = (error[0], error[1]) if isinstance(error, list) and len(error) > 1 else (str(error), "")
    if kind not in KINDS:
        if _is_key(str(kind)):
            return Misconfigured(f"Tryton has no {clean(str(kind))} (is the series right?)", status=status)
        return unclear(f"Tryton failed: {clean(str(kind), reading.personal)}", status, writes=reading.writes)
    message = " ".join(str(one) for one in rest if one) if isinstance(rest, list) else str(rest)
    text = f"{kind}: {clean(message, reading.personal) or 'no message'}"
    return _told(message, text, status, reading) or KINDS[kind](text, status=status)


def _told(message: str, text: str, status: int, reading: Reading) -> DeliveryError | None:
    """What the words alone say."""
    words = message.lower()
    if reading.duplicate.lower() in words:
        return Conflict(text, status=status)
    if any(one in words for one in PASSING):
        return Temporary(text, status=status)
    return Misconfigured(text, status=status) if any(one in words for one in FORBIDDEN) else None


def _is_key(message: str) -> bool:
    """Python's text of a KeyError: one quoted name and nothing else."""
    return re.fullmatch(r"'[\w.]+'", message.strip()) is not None


# values -----------------------------------------------------------------------------------------------------------


def decode(body: bytes) -> Any:
    """The JSON with Tryton's own classes as ours; NOTHING where it is none."""
    try:
        return told.decode(body, hook=_value)
    except (TypeError, KeyError):
        return NOTHING


def encode(value: Any) -> bytes:
    """JSON as Tryton reads it: Decimal and times by their class, other numbers as they are."""
    return json.dumps(value, default=_plain, separators=(",", ":")).encode()


def _value(found: dict[str, Any]) -> Any:
    match found.get("__class__"):
        case "Decimal":
            return Decimal(found["decimal"])
        case "datetime":
            year, month, day = (int(found[part]) for part in ("year", "month", "day"))
            clock = timedelta(**{f"{part}s": int(found[part]) for part in ("hour", "minute", "second", "microsecond")})
            return datetime(year, month, day, tzinfo=UTC) + clock
        case _:
            return found


def _plain(value: object) -> Any:
    if isinstance(value, Decimal):
        return {"__class__": "Decimal", "decimal": f"{value:f}"}
    if isinstance(value, datetime):
        return {"__class__": "datetime"} | {part: getattr(value.astimezone(UTC), part) for part in CLOCK}
    raise TypeError(f"{type(value).__name__} is not sent to Tryton")
