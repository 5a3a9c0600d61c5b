"""What goes over the wire and comes back, free of any client library."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Protocol
from urllib.parse import quote, urlsplit

import msgspec

from crossdock.model.base import Record
from crossdock.transport.kept import NOTHING, Beside


class HttpRequest(Record, frozen=True, kw_only=True):
    """One request. `url` without a query where `query` is given; `query` is encoded by RFC 3986, never with `+`.

    `private` keeps its bodies, and the answer's, out of what an observer sees: a login, a token. `rehearsed`: what a
    replay takes for its answer, since none is kept; it holds no secret. `looks`: it changes nothing, whatever its
    method says.
    """

    method: str
    url: str
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    query: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    private: bool = False
    rehearsed: HttpResponse | None = None
    looks: bool = False

    def full_url(self) -> str:
        """The address with its query, as it is sent and as it is signed."""
        if not self.query:
            return self.url
        return self.url + ("&" if urlsplit(self.url).query else "?") + encode_query(self.query)


class HttpResponse(Record, frozen=True, kw_only=True):
    """One answer, whatever its status. Header names are lower case; of a repeated header the first one counts.

    `cookies`: every `Set-Cookie`, as it came.
    """

    status: int
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    body: bytes = b""
    elapsed_ms: int = 0
    cookies: tuple[str, ...] = ()

    def date(self) -> datetime | None:
        """The other side's clock (header Date), in UTC."""
        return parse_http_date(self.headers.get("date", ""))


class Exchange(Record, frozen=True, kw_only=True):
    """One request and what became of it, without logins: of headers the answer's `date` and what `beside` keeps."""

    method: str
    url_path: str
    request_body: bytes | None = None
    response_body: bytes | None = None
    status: int | None = None
    elapsed_ms: int = 0
    error: str = ""
    beside: Beside = NOTHING
    date: str = ""


Observer = Callable[[Exchange], None]


class Sender(Protocol):
    """What sends a request: `Http`, or a test's stand-in."""

    def send(self, request: HttpRequest) -> HttpResponse:
        """The answer, whatever its status. Raises Unreachable, OutcomeUnknown, Misconfigured."""


def encode_query(pairs: tuple[tuple[str, str], ...]) -> str:
    """RFC 3986 percent encoding of every character that is not unreserved; OAuth 1.0a signs the same form."""
    return "&".join(f"{quote(name, safe='-._~')}={quote(value, safe='-._~')}" for name, value in pairs)


def parse_http_date(text: str) -> datetime | None:
    """An HTTP date in UTC; None where it is none."""
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def retry_after(headers: dict[str, str], now: datetime | None) -> float | None:
    """Seconds that the answer asks us to wait (a number, or an HTTP date seen from `now`), or None."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    moment = parse_http_date(text)
    return None if moment is None or now is None else max(0.0, (moment - now).total_seconds())
