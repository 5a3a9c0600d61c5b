"""The one table: what an answer of a custom ERP means to us. Pure.

A success needs a status that is accepted and a body that says so; everything else is an error, and whatever leaves open
whether a write was done is OutcomeUnknown, so that it is looked up and not sent again.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import jmespath

from crossdock.contract.message import Receipt
from crossdock.erp.rest.settings import AnswerSettings, Fate
from crossdock.errors import (
    Conflict,
    DeliveryError,
    Misconfigured,
    NotReady,
    OutcomeUnknown,
    Rejected,
    Temporary,
    Unauthorized,
)
from crossdock.model.base import Record
from crossdock.transport.told import NOTHING, clean, decode, limited
from crossdock.transport.wire import HttpResponse

ERRORS: dict[Fate, type[DeliveryError]] = {
    "temporary": Temporary,
    "not_ready": NotReady,
    "unknown": OutcomeUnknown,
    "rejected": Rejected,
    "conflict": Conflict,
    "misconfigured": Misconfigured,
    "unauthorized": Unauthorized,
}
FATES: dict[int, Fate] = {
    401: "unauthorized",
    403: "unauthorized",
    404: "misconfigured",
    405: "misconfigured",
    408: "temporary",
    409: "conflict",
    410: "misconfigured",
    412: "conflict",
    423: "temporary",
    425: "temporary",
    429: "temporary",
    503: "temporary",
}
LOCKED = ("deadlock", "lock wait timeout", "could not obtain lock", "serialization failure", "snapshot isolation")


class Reading(Record, frozen=True, kw_only=True):
    """What an answer is read with. `personal`: texts of the record that must not come back in an error's text.

    `followup`: the call is about an order that the ERP should have, and needs no id in its answer.
    """

    answers: AnswerSettings
    now: datetime
    followup: bool = False
    personal: tuple[str, ...] = ()


def classify_write(response: HttpResponse, reading: Reading) -> DeliveryError | None:
    """What the answer to a write comes to; None where it is a success."""
    data = decode(response.body)
    told = _told(response, data, reading)
    if told is not None:
        return told
    status = response.status
    if status in reading.answers.accepted or (status == 204 and reading.followup):
        empty = status == 204 and not response.body
        return None if empty or isinstance(data, dict) else _unknown(status, "without the JSON that belongs to it")
    if 200 <= status < 300:
        return _unknown(status, "is not among the accepted statuses")
    if status == 409 and "retry-after" in response.headers:
        return _unknown(status, "the first request under this key is still at work")
    if status == 404 and reading.followup and isinstance(data, dict):
        return NotReady(_text(response, data, reading), status=status)
    return _refused(response, data, reading) or _unknown(status, describe(data, reading))


def classify_read(response: HttpResponse, reading: Reading) -> DeliveryError | None:
    """What the answer to a GET comes to: it never ends unknown, and it is our settings that ask wrongly."""
    data = decode(response.body)
    status = response.status
    if 200 <= status < 300:
        return Temporary(f"HTTP {status} without JSON", status=status) if data is NOTHING else None
    error = _told(response, data, reading) or _refused(response, data, reading)
    if isinstance(error, Rejected | Conflict):
        return Misconfigured(str(error), status=status)
    if error is None or isinstance(error, OutcomeUnknown):
        return Temporary(_text(response, data, reading), status=status)
    return error


def read_receipt(response: HttpResponse, answers: AnswerSettings, *, reference: str) -> Receipt:
    """The receipt in a successful answer to a new order. OutcomeUnknown where it names no id, or another order's."""
    data = decode(response.body)
    theirs = as_id(search(answers.reference_field, data))
    if theirs and theirs != reference:
        raise _unknown(response.status, "the answer is about another order")
    name = as_id(search(answers.id_field, data))
    if not name and response.status == 202 and answers.handle_field:
        name = as_id(search(answers.handle_field, data))
        if name:
            return Receipt(external_id=name, status=202, detail="taken; the ERP will say its number later")
    if not name:
        raise _unknown(response.status, "the answer names no id")
    return Receipt(
        external_id=name,
        number=as_id(search(answers.number_field, data)) or name,
        found=response.status == 409,
        links=read_links(data, answers),
        status=response.status,
    )


def read_links(data: Any, answers: AnswerSettings) -> dict[str, str]:
    """Our line id -> theirs, as far as the answer tells."""
    pairs = search(answers.lines_field, data)
    if not isinstance(pairs, list):
        return {}
    named = [(as_id(pair[0]), as_id(pair[1])) for pair in pairs if isinstance(pair, list) and len(pair) == 2]
    return {ours: theirs for ours, theirs in named if ours and theirs}


def search(expression: str, data: Any) -> Any:
    """What the expression finds, None where it finds nothing or does not fit the data."""
    if not expression or data is NOTHING:
        return None
    try:
        return jmespath.search(expression, data)
    except jmespath.exceptions.JMESPathError:
        return None


def as_id(value: Any) -> str:
    """An id as text; "" for what cannot be one."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return ""
    return str(value).strip()


def describe(data: Any, reading: Reading) -> str:
    """The ERP's own message, cleaned, or why there is none."""
    if data is NOTHING:
        return "not JSON"
    message = search(reading.answers.message_field, data)
    return clean(message, reading.personal, shortest=1) if isinstance(message, str) and message else "no message"


def _told(response: HttpResponse, data: Any, reading: Reading) -> DeliveryError | None:
    """What the connection's own tables say, then a fault inside a success."""
    answers, status = reading.answers, response.status
    code = as_id(search(answers.fault_code, data))
    fate = answers.fault_codes.get(code) or answers.statuses.get(status)
    success = 200 <= status < 300
    fault = success and isinstance(data, dict) and bool(search(answers.fault, data))
    if fate and (fault or not success):
        return ERRORS[fate](_text(response, data, reading), status=status)
    if not fault:
        return None
    kind = Temporary if _locked(data, reading) else Rejected
    return kind(f"{_text(response, data, reading)} (a fault inside a success)", status=status)


def _refused(response: HttpResponse, data: Any, reading: Reading) -> DeliveryError | None:
    """None where it stays unknown whether anything was done."""
    status, text = response.status, _text(response, data, reading)
    if 300 <= status < 400:
        return Misconfigured(f"HTTP {status}: redirects, base_url is not the final address", status=status)
    if busy := limited(response, text, reading.now):
        return busy
    if _locked(data, reading):
        return Temporary(text, status=status)
    if status in FATES:
        return ERRORS[FATES[status]](text, status=status)
    return Rejected(text, status=status) if 400 <= status < 500 else None


def _locked(data: Any, reading: Reading) -> bool:
    return any(words in describe(data, reading).lower() for words in LOCKED)


def _text(response: HttpResponse, data: Any, reading: Reading) -> str:
    return f"HTTP {response.status}: {describe(data, reading)}"


def _unknown(status: int, why: str) -> OutcomeUnknown:
    return OutcomeUnknown(f"HTTP {status}: {why}", status=status)
