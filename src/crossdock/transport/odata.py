"""Words of OData V4 that are no vendor's own: filters, pages, values, errors, JSON batches. Pure.

The form is that of OASIS' "OData Version 4.01" (Part 2, URL conventions; JSON format, section 19, batches).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urljoin, urlsplit

import msgspec

from crossdock.errors import Temporary
from crossdock.model.base import Record
from crossdock.transport.told import decode
from crossdock.transport.wire import HttpResponse

ENCODER = msgspec.json.Encoder(decimal_format="number")
LONGEST_CODE = 80
Row = dict[str, Any]


class BatchPart(Record, frozen=True, kw_only=True):
    """One request within a JSON batch. `path` is relative to the service's root; a read has no `values`."""

    method: str
    path: str
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    values: Any = None


class Told(Record, frozen=True, kw_only=True):
    """What an error body says: its code, its message, and the message of the innermost error that has one."""

    code: str = ""
    message: str = ""
    inner: str = ""


class Query(Record, frozen=True, kw_only=True):
    """What is asked of a set. `size`: rows in a page at most (`Prefer: odata.maxpagesize`); `expand`: lines with it."""

    where: str = ""
    order: str = ""
    select: tuple[str, ...] = ()
    expand: str = ""
    size: int = 0

    def pairs(self, within: str = "") -> tuple[tuple[str, str], ...]:
        """As query options. `within`: a filter that holds besides."""
        told = {
            "$filter": both(within, self.where),
            "$orderby": self.order,
            "$select": ",".join(self.select),
            "$expand": self.expand,
        }
        return tuple((name, value) for name, value in told.items() if value)

    def headers(self) -> dict[str, str]:
        """Of a read."""
        prefer = {"Prefer": f"odata.maxpagesize={self.size}"} if self.size else {}
        return {"Accept": "application/json", **prefer}


class Rows(Record, frozen=True, kw_only=True):
    """One page: its rows, where it goes on ("" at the end), and when by the server's own clock."""

    rows: tuple[Row, ...]
    next: str
    at: datetime


# filters --------------------------------------------------------------------------------------------------------------


def literal(value: Any) -> str:
    """A value as it stands in a filter or a key. Raises TypeError for what has no form there."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, int | Decimal):
        return f"{value:f}" if isinstance(value, Decimal) else str(value)
    raise TypeError(f"{type(value).__name__} is not put into a filter")


def moment(value: datetime) -> str:
    """Edm.DateTimeOffset in UTC, to the microsecond where it has any."""
    text = value.astimezone(UTC).isoformat(timespec="microseconds" if value.microsecond else "seconds")
    return text.replace("+00:00", "Z")


def eq(field: str, value: Any) -> str:
    """`field eq value`."""
    return f"{field} eq {literal(value)}"


def any_of(field: str, values: Iterable[Any]) -> str:
    """One of these, in brackets. Raises ValueError for none: that would find everything."""
    told = [eq(field, value) for value in values]
    if not told:
        raise ValueError("one of nothing")
    return told[0] if len(told) == 1 else "(" + " or ".join(told) + ")"


def both(*filters: str) -> str:
    """All of those that are not empty."""
    return " and ".join(one for one in filters if one)


def key_of(**parts: Any) -> str:
    """A key predicate of several parts: `(dataAreaId='usmf',Number='1')`."""
    return "(" + ",".join(f"{name}={literal(value)}" for name, value in parts.items()) + ")"


# bodies ---------------------------------------------------------------------------------------------------------------


def encode(value: Any) -> bytes:
    """JSON; a Decimal is a number with the digits that it has."""
    return ENCODER.encode(value)


def rows_of(told: Any) -> list[dict[str, Any]] | None:
    """The rows of a collection; None where it is none."""
    rows = told.get("value") if isinstance(told, dict) else None
    return rows if isinstance(rows, list) and all(isinstance(row, dict) for row in rows) else None


def page_in(response: HttpResponse, asked: str, now: datetime) -> Rows:
    """The page that an answer holds. Raises Temporary where it is none, or leads to another host: look again."""
    told = decode(response.body)
    rows = rows_of(told)
    if rows is None:
        raise Temporary("a set that cannot be read", status=response.status)
    try:
        goes_on = next_link(told, asked)
    except ValueError as error:
        raise Temporary(str(error)) from error
    return Rows(rows=tuple(rows), next=goes_on, at=response.date() or now)


def all_rows(page: Callable[[str], Rows]) -> Iterator[Row]:
    """Page after page by the server's own links; the first one is behind ""."""
    found = page("")
    yield from found.rows
    while found.next:
        found = page(found.next)
        yield from found.rows


def exactly(rows: Iterable[Mapping[str, Any]], field: str, value: str) -> list[dict[str, Any]]:
    """The rows whose field is this text, whatever its case.

    Some servers take * in a text that is asked for as anything at all: what they found may be another's.
    """
    return [dict(row) for row in rows if str(row.get(field) or "").strip().casefold() == value.strip().casefold()]


def next_link(told: Mapping[str, Any], asked: str) -> str:
    """Where the collection goes on, as a whole address; "" at its end.

    Raises ValueError for an address of another host: our token would go there.
    """
    link = told.get("@odata.nextLink") or ""
    if not link:
        return ""
    whole = urljoin(asked, str(link))
    if urlsplit(whole)[:2] != urlsplit(asked)[:2]:
        raise ValueError("the next page lies on another host")
    return whole


def time_in(value: Any) -> datetime | None:
    """A time as the server writes it, in UTC; None where it is none or has no zone."""
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else None


def error_in(told: Any) -> Told:
    """Of an error body, as far as it is one."""
    error = told.get("error") if isinstance(told, dict) else None
    if not isinstance(error, dict):
        return Told()
    inner, deepest = error.get("innererror"), ""
    while isinstance(inner, dict):
        deepest = _text(inner.get("message")) or deepest
        inner = inner.get("internalexception") or inner.get("innererror")
    return Told(code=_text(error.get("code"))[:LONGEST_CODE], message=_text(error.get("message")), inner=deepest)


def _text(value: Any) -> str:
    if isinstance(value, dict):  # {"lang": ..., "value": ...}, as older servers have it
        value = value.get("value")
    return value if isinstance(value, str) else ""


# batches --------------------------------------------------------------------------------------------------------------


def build_json_batch(parts: Sequence[BatchPart]) -> bytes:
    """The body of `$batch` as JSON; the parts are numbered from 1."""
    requests = []
    for number, part in enumerate(parts, start=1):
        headers = {"Accept": "application/json", **part.headers}
        one: dict[str, Any] = {"id": str(number), "method": part.method, "url": part.path}
        if part.values is not None:
            one["body"] = part.values
            headers["Content-Type"] = "application/json"
        requests.append(one | {"headers": headers})
    return encode({"requests": requests})


def parse_json_batch(body: bytes, count: int) -> list[HttpResponse]:
    """The answers in the order of the parts; fewer than `count` where the server stopped at one that failed.

    A server may leave the ids out: then its answers are taken as they come. Raises ValueError where it is no such
    answer: whatever was sent may have been done.
    """
    told = decode(body)
    answers = told.get("responses") if isinstance(told, dict) else None
    if not isinstance(answers, list) or not 0 < len(answers) <= count:
        raise ValueError("no answer to a batch")
    found = sorted((_placed(one, place, count) for place, one in enumerate(answers, start=1)), key=lambda one: one[0])
    if len({place for place, _ in found}) != len(found):
        raise ValueError("two answers to one part of a batch")
    return [answer for _, answer in found]


def _placed(one: Any, place: int, count: int) -> tuple[int, HttpResponse]:
    status = one.get("status") if isinstance(one, dict) else None
    if type(status) is not int:
        raise ValueError("an answer to a part of a batch that is none")
    ident = one.get("id")
    if ident is not None:
        if str(ident) not in {str(number) for number in range(1, count + 1)}:
            raise ValueError("an answer to a part that was not sent")
        place = int(ident)
    body = one.get("body")
    raw = b"" if body is None else body.encode() if isinstance(body, str) else encode(body)
    headers = one.get("headers")
    named = headers.items() if isinstance(headers, dict) else ()
    lower = {str(name).lower(): str(value) for name, value in named}
    return place, HttpResponse(status=status, headers=lower, body=raw)
