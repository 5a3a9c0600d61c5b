"""The one table: what a Magento answer means to us. Pure; checked against answers recorded from a real 2.4.7.

Magento's statuses alone mislead: lock time-outs come as 400, a bad token and a missing right are the same 401, a wrong
store code is a 400, failed rows stand in a 200, and maintenance answers in HTML.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from crossdock.errors import (
    Conflict,
    DeliveryError,
    Misconfigured,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Temporary,
    Unauthorized,
)
from crossdock.transport import told
from crossdock.transport.wire import parse_http_date, retry_after

NO_ROUTE = "Request does not match any route."
NONCE_USED = "The nonce is already being used"
BAD_PATH = "Specified request cannot be processed."  # an unknown store code, GET on an asynchronous route
LOCK_CODES = frozenset({"1205", "1213"})
LOCK_TEXTS = (
    "lock wait timeout",
    "deadlock",
    "could not save source item",  # also for an unknown source: a few tries, then a person looks
    "could not save prices",  # these: whatever the database said (Catalog/Model/Product/Price/*Persistence.php)
    "could not save tier prices",
    "could not replace tier prices",
    "could not delete prices",
    "could not delete tier prices",
    "serialization failure",
)
OUR_SETTINGS = ("Signature method", "Server cannot understand Content-Type", "Server cannot understand Accept")
TITLE = re.compile(r"<title>(.*?)</title>", re.IGNORECASE | re.DOTALL)
PLACEHOLDER = re.compile(r"%(?:\d+|[A-Za-z_]\w*)")
FATES: dict[int, type[DeliveryError]] = {
    403: Unauthorized,  # never Magento's own: a firewall or a proxy in front of it
    405: Misconfigured,
    408: Temporary,
    409: Conflict,
    412: Conflict,
    423: Temporary,
    425: Temporary,
    503: Temporary,
}
_NOTHING = object()


class RowsRejected(Rejected):
    """Some rows of a call, the others were kept. `rows` are the errors as they came."""

    def __init__(self, message: str, *, rows: Sequence[Mapping[str, Any]], status: int | None = None) -> None:
        super().__init__(message, status=status)
        self.rows = tuple(rows)


def classify(method: str, status: int, headers: Mapping[str, str], body: bytes) -> DeliveryError | None:
    """What the answer comes to, or None where it is a plain success. `headers` in lower case."""
    writes = method.upper() not in {"GET", "HEAD"}
    data = decode(body)
    if 200 <= status < 300:
        return _success(data, status, writes=writes)
    text = f"HTTP {status}: {describe(data, body)}"
    if 300 <= status < 400:
        return Misconfigured(f"HTTP {status}: the store redirects, its base_url is not the final one", status=status)
    if _locked(data, body):
        return Temporary(text, status=status)
    if status in {400, 401, 404}:
        return _refused(status, text, data, writes=writes)
    return _by_status(status, text, dict(headers), writes=writes)


def decode(body: bytes) -> Any:
    """The JSON of a body; a value that is no JSON, told by `is_json`, where it is none."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _NOTHING


def is_json(data: Any) -> bool:
    """Whether `decode` found JSON."""
    return data is not _NOTHING


def describe(data: Any, body: bytes = b"") -> str:
    """The vendor's message with its placeholders filled in, cleaned of e-mail addresses, at most 200 characters."""
    if not is_json(data):
        found = TITLE.search(body[:4000].decode("utf-8", "replace"))
        return clean(f"not JSON ({html.unescape(found[1])})" if found else "not JSON")
    if not isinstance(data, dict):
        return clean("no message")
    texts = [fill(str(data.get("message") or "no message"), data.get("parameters"))]
    nested = data.get("errors")
    for error in nested if isinstance(nested, list) else ():
        if isinstance(error, dict):
            text = fill(str(error.get("message", "")), error.get("parameters"))
            texts += [] if text in texts[0] else [text]
    return clean("; ".join(texts[:4]))


def fill(message: str, parameters: Any) -> str:
    """`%name` from an object, `%1` from a list; a list given for names is taken in the order in which they stand."""
    if isinstance(parameters, dict):
        for name in sorted(parameters, key=len, reverse=True):
            message = message.replace(f"%{name}", str(parameters[name]))
        return message
    if not isinstance(parameters, list):
        return message
    left: Iterator[Any] = iter(parameters)

    def value(match: re.Match[str]) -> str:
        name = match[0][1:]
        if name.isdigit():
            return str(parameters[int(name) - 1]) if 0 < int(name) <= len(parameters) else match[0]
        return str(next(left, match[0]))

    return PLACEHOLDER.sub(value, message)


def clean(text: str) -> str:
    """One line without e-mail addresses, phone numbers and secrets, cut at 200 characters."""
    return told.clean(text)


def row_errors(data: Any) -> list[str]:
    """The failed rows that stand in a 200: `[{"message", "parameters"}, ...]`. Empty where it is something else."""
    if not isinstance(data, list) or not all(isinstance(row, dict) and row.get("message") for row in data):
        return []
    return [describe(row) for row in data]


def page_size_limit(error: DeliveryError) -> int | None:
    """The store's own limit, where the answer was that the page is too large for it."""
    found = re.search(r"Maximum SearchCriteria pageSize is (\d+)", str(error))
    return int(found[1]) if found else None


def _success(data: Any, status: int, *, writes: bool) -> DeliveryError | None:
    if not is_json(data):
        text = f"HTTP {status} without the JSON that belongs to it"
        return OutcomeUnknown(text, status=status) if writes else Temporary(text, status=status)
    if writes and (failed := row_errors(data)):
        return RowsRejected(clean(f"{len(failed)} rows: {failed[0]}"), rows=data, status=status)
    return None


def _refused(status: int, text: str, data: Any, *, writes: bool) -> DeliveryError:
    message = str(data.get("message", "")) if isinstance(data, dict) else ""
    if status == 401 and message.startswith(NONCE_USED):  # our nonces are random: something on the way sent it twice
        return OutcomeUnknown(text, status=status) if writes else Temporary(text, status=status)
    if status == 401:
        return Unauthorized(text, status=status)
    if not isinstance(data, dict) or message in {NO_ROUTE, BAD_PATH} or message.startswith(OUR_SETTINGS):
        return Misconfigured(text, status=status)
    return Rejected(text, status=status)


def _by_status(status: int, text: str, headers: dict[str, str], *, writes: bool) -> DeliveryError:
    if status in {429, 503}:
        pause = retry_after(headers, parse_http_date(headers.get("date", "")))
        if status == 429 or pause is not None:
            return RateLimited(text, retry_after=pause, status=status)
    if status in FATES:
        return FATES[status](text, status=status)
    if status >= 500 or status < 200:
        return OutcomeUnknown(text, status=status) if writes else Temporary(text, status=status)
    return Rejected(text, status=status)


def _locked(data: Any, body: bytes) -> bool:
    if isinstance(data, dict):
        if str(data.get("code")) in LOCK_CODES:
            return True
        text = str(data.get("message", ""))
    else:
        text = body[:2000].decode("utf-8", "replace")
    return any(words in text.lower() for words in LOCK_TEXTS)
