"""The one table: what an answer of Business Central's means to us. Pure.

Codes are those of the vendor's own list (api-reference/v1.0/dynamics_error_codes.md, which v2.0 has none of): a prefix
says whose fault it is. Statuses of some codes are not told there; where code and status differ, the code counts.
A message may quote what was sent, so texts about people are taken out of it.
"""

from __future__ import annotations

import re
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

CORRELATION = re.compile(r"\s*CorrelationId:.*$", re.DOTALL)
CODES: Mapping[str, type[DeliveryError]] = {
    "Request_EntityChanged": Temporary,  # somebody else was faster: read again
    "Internal_EntityWithSameKeyExists": Conflict,
    "Internal_CompanyNotFound": Misconfigured,
    "Internal_TenantUnavailable": Temporary,
    "Internal_RecordNotFound": Rejected,
    "Internal_DataNotFoundFilter": Rejected,
    "Internal_InvalidTableRelation": Rejected,
    "BadRequest_ResourceNotFound": Misconfigured,  # a segment of the address
    "BadRequest_InvalidRequestUrl": Misconfigured,
    "BadRequest_MethodNotAllowed": Misconfigured,
    "BadRequest_MethodNotImplemented": Misconfigured,
    "BadRequest_InvalidToken": Temporary,  # the concurrency token, not the login
    "Authentication_InvalidCredentials": Unauthorized,
}
PREFIXES: Mapping[str, type[DeliveryError]] = {
    "Authentication": Unauthorized,
    "Authorization": Misconfigured,  # our user lacks a right
    "Application": Rejected,
    "BadRequest": Rejected,
}
FATES: Mapping[int, type[DeliveryError]] = {
    401: Unauthorized,
    403: Misconfigured,
    404: Rejected,
    405: Misconfigured,
    408: Temporary,
    409: Temporary,
    412: Temporary,
    413: Misconfigured,  # a page that is too large
    423: Temporary,
    425: Temporary,
    428: Misconfigured,
    501: Misconfigured,
    503: Temporary,
}
PASSING = ("deadlock", "locked by another user", "lock timeout", "another user has already changed the record")


class Reading(Record, frozen=True, kw_only=True):
    """What an answer is read with. `writes`: the request may have changed something.

    `personal`: texts that must not come back in an error's text.
    """

    now: datetime
    writes: bool
    personal: tuple[str, ...] = ()


def classify(response: HttpResponse, reading: Reading) -> DeliveryError | None:
    """What an answer comes to; None where it is a success with the body that belongs to it."""
    status, told = response.status, decode(response.body)
    if 200 <= status < 300:
        right = isinstance(told, dict) or (status == 204 and not response.body)
        return (
            None
            if right
            else unclear(f"HTTP {status} without the JSON that belongs to it", status, writes=reading.writes)
        )
    if 300 <= status < 400:
        return Misconfigured(f"HTTP {status}: redirects, url is not the final address", status=status)
    error = error_in({} if told is NOTHING else told)
    message = CORRELATION.sub("", error.message)
    text = f"HTTP {status} {error.code}: {clean(message, reading.personal) or 'no message'}"
    if busy := limited(response, text, reading.now):
        return busy
    if status == 504:  # it ran for 10 minutes, and nobody says how that ended
        return unclear(text, status, writes=reading.writes)
    return _fate(error.code, message, text, status, reading)


def _fate(code: str, message: str, text: str, status: int, reading: Reading) -> DeliveryError:
    if any(word in message.lower() for word in PASSING) and (status < 500 or code.startswith("Internal")):
        return Temporary(text, status=status)
    if code in CODES and (status < 500 or code != "Internal_RecordNotFound"):
        return CODES[code](text, status=status)
    if status >= 500 and status not in FATES:
        return unclear(text, status, writes=reading.writes)
    kind = PREFIXES.get(code.partition("_")[0]) if status not in {401, 403} else None
    return (kind or FATES.get(status) or Rejected)(text, status=status)
