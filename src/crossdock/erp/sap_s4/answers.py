"""The one table: what an answer of SAP Gateway means to us. Pure.

A refusal has the body `{"error": {"code": "V1/555", "message": {"lang": "en", "value": "..."}, "innererror": {...}}}`.
SAP says with 400 whatever its business rules refuse, locks too: there the message decides. Sources: SAP KBA 3514624
(428: no If-Match), 3539067 (412: an outdated ETag; 428), 3048103 (403: CSRF token), 2837726 (a refused change as a
business exception). That locks come as 400 with such words is not written down anywhere we know of: setting `passing`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
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
from crossdock.transport import told
from crossdock.transport.told import LONGEST_READ, NOTHING, limited, unclear
from crossdock.transport.wire import HttpResponse

LONGEST = 240  # of a message
USER = re.compile(r"\b(user) [A-Z0-9_.@-]+", re.IGNORECASE)  # who has it locked
TOLD = 3  # messages of one answer that are told
FATES: Mapping[int, type[DeliveryError]] = {
    401: Unauthorized,
    403: Unauthorized,  # the CSRF token is dealt with before: this user may not
    404: Misconfigured,
    405: Misconfigured,
    406: Misconfigured,
    408: Temporary,
    410: Misconfigured,
    412: Temporary,  # another changed it meanwhile: it is looked at again
    415: Misconfigured,
    423: Temporary,
    425: Temporary,
    428: Misconfigured,
    429: RateLimited,
    501: Misconfigured,
    503: Temporary,
}


class Reading(Record, frozen=True, kw_only=True):
    """What an answer is read with. `writes`: the request may have changed something.

    `personal`: texts that must not come back in an error's text. `quiet`: who is in it is not known, so messages are
    told by their codes alone. `passing`: codes or words of what passes by itself.
    """

    now: datetime
    writes: bool
    passing: tuple[str, ...] = ()
    personal: tuple[str, ...] = ()
    quiet: bool = False


class Told(Record, frozen=True, kw_only=True):
    """One message of a refusal."""

    code: str
    text: str


def wants_token(response: HttpResponse) -> bool:
    """Whether nothing was done for want of a CSRF token that holds."""
    return response.status == 403 and response.headers.get("x-csrf-token", "").lower() == "required"


def classify(response: HttpResponse, reading: Reading) -> DeliveryError | None:
    """What an answer comes to; None where it is a success: 204 without a body, or a 2xx with JSON."""
    status = response.status
    if status == 204 or (200 <= status < 300 and decode(response.body) is not NOTHING):
        return None
    if 200 <= status < 300:
        return unclear(f"HTTP {status} without the JSON that belongs to it", status, writes=reading.writes)
    return refusal(response, reading)


def refusal(response: HttpResponse, reading: Reading) -> DeliveryError:
    """What any status but 2xx comes to."""
    status, told = response.status, list(messages(response.body))
    text = f"HTTP {status}: {_said(told, reading) or 'no message'}"
    if 300 <= status < 400:
        return Misconfigured(f"HTTP {status}: redirects, base_url is not the final address", status=status)
    if busy := limited(response, text, reading.now):
        return busy
    if status in FATES:
        return FATES[status](text, status=status)
    if not 400 <= status < 500:
        return unclear(text, status, writes=reading.writes)
    return Temporary(text, status=status) if _passes(told, reading.passing) else Rejected(text, status=status)


def messages(body: bytes) -> Iterator[Told]:
    """The messages of a refusal, the main one first; none of a body that is no such JSON."""
    data = decode(body[: 50 * LONGEST_READ])
    error = data.get("error") if isinstance(data, Mapping) else None
    if not isinstance(error, Mapping):
        return
    yield Told(code=str(error.get("code") or ""), text=_text(error.get("message")))
    inner = error.get("innererror")
    details = inner.get("errordetails") if isinstance(inner, Mapping) else None
    for one in details if isinstance(details, list) else ():
        if isinstance(one, Mapping) and one.get("severity", "error") == "error":
            yield Told(code=str(one.get("code") or ""), text=_text(one.get("message")))


def decode(body: bytes) -> Any:
    """The JSON; NOTHING where it is none. Numbers stay as they are written."""
    return told.decode(body, fractions=str)


def entity(body: bytes) -> Mapping[str, Any] | None:
    """The one row of an answer (`{"d": {...}}`), or None."""
    data = decode(body)
    found = data.get("d") if isinstance(data, Mapping) else None
    return found if isinstance(found, Mapping) else None


def listed(body: bytes) -> tuple[tuple[Mapping[str, Any], ...], bool] | None:
    """The rows of an answer, and whether the server has more of them (`__next`); None where it is no list."""
    found = entity(body)
    rows = found.get("results") if found is not None else None
    if found is None or not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        return None
    return tuple(rows), bool(found.get("__next"))


def clean(text: str, personal: Sequence[str] = ()) -> str:
    """One line without e-mail addresses, phone numbers, secrets and the given texts, cut."""
    return told.clean(USER.sub(r"\1 ***", text), personal, longest=LONGEST)


def _said(told: Sequence[Told], reading: Reading) -> str:
    lines = dict.fromkeys(f"{one.code} {'' if reading.quiet else one.text}".strip() for one in told)
    return "; ".join(clean(line, reading.personal) for line in [*lines][:TOLD] if line)


def _text(message: Any) -> str:
    return str(message.get("value") or "") if isinstance(message, Mapping) else str(message or "")


def _passes(told: Sequence[Told], passing: Sequence[str]) -> bool:
    return any(word == one.code or word.lower() in one.text.lower() for one in told for word in passing)
