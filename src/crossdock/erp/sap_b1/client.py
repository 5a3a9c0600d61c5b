"""The only file of this end that sends HTTP; what an answer means stands in answers.py.

A session is made by `POST Login` (the path is case-sensitive: github.com/NangoHQ/nango, pull request 6638) and shown by
the cookies that came with it, B1SESSION and ROUTEID. It is shared by all threads, since each one uses a licence.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import msgspec

from crossdock.erp.sap_b1.answers import Reading, classify, listed
from crossdock.errors import Misconfigured, OutcomeUnknown, Temporary, Unauthorized
from crossdock.model.base import Record
from crossdock.transport.auth import with_headers
from crossdock.transport.told import decode
from crossdock.transport.wire import HttpRequest, HttpResponse, Sender

Row = Mapping[str, Any]
Query = Sequence[tuple[str, str]]
JSON = {"Content-Type": "application/json", "Accept": "application/json"}
REHEARSED = HttpResponse(status=200, body=b"{}", cookies=("B1SESSION=rehearsed",))
SAFE = "-._~'()/$,:*"  # OData writes these into addresses as they are
ENCODER = msgspec.json.Encoder(decimal_format="number")


def utc_now() -> datetime:
    """Our clock."""
    return datetime.now(UTC)


class Listed(Record, frozen=True, kw_only=True):
    """Rows, whether the server has more of them, and when by its own clock."""

    rows: tuple[dict[str, Any], ...]
    more: bool
    at: datetime


class Login(Record, frozen=True, kw_only=True):
    """Who we are."""

    company: str
    username: str
    password: str


class Session:
    """The cookies of a login, made when first needed. Safe between threads."""

    def __init__(self, http: Sender, root: str, login: Login) -> None:
        self._http = http
        self._root = root
        self._login = login
        self._lock = threading.Lock()
        self._cookies = ""

    def cookies(self) -> str:
        """For the header `Cookie`. Raises Unauthorized, Temporary."""
        with self._lock:
            self._cookies = self._cookies or self._logged_in()
            return self._cookies

    def drop(self, used: str) -> None:
        """Forgets the session that was used, unless another thread has a newer one already."""
        with self._lock:
            if self._cookies == used:
                self._cookies = ""

    def _logged_in(self) -> str:
        told = {"CompanyDB": self._login.company, "UserName": self._login.username, "Password": self._login.password}
        body = ENCODER.encode(told)
        url = f"{self._root}/Login"
        request = HttpRequest(method="POST", url=url, headers=JSON, body=body, private=True, rehearsed=REHEARSED)
        reading = Reading(now=utc_now(), writes=False, personal=(self._login.username, self._login.password))
        try:
            response = self._http.send(request)
        except OutcomeUnknown as error:  # a session that nobody uses ends by itself
            raise Temporary(f"login: {error}") from error
        if problem := classify(response, reading):
            refused = 400 <= response.status < 500 and response.status not in {408, 429}
            raise Unauthorized(f"login: {problem}", status=response.status) if refused else problem
        pairs = [cookie.split(";", 1)[0].strip() for cookie in response.cookies]
        if not any(pair.startswith("B1SESSION=") for pair in pairs):
            raise Misconfigured("a login without the cookie B1SESSION: is that a Service Layer?")
        return "; ".join(pairs)


class B1Client:
    """Calls of one company. `about` gives the same client that keeps texts out of its errors."""

    def __init__(
        self,
        http: Sender,
        session: Session,
        *,
        root: str,
        passing: tuple[str, ...] = (),
        clock: Callable[[], datetime] = utc_now,
        personal: tuple[str, ...] | None = None,
    ) -> None:
        self._http = http
        self._session = session
        self._root = root
        self._passing = passing
        self._clock = clock
        self._personal = personal

    def about(self, personal: Sequence[str]) -> B1Client:
        """The same, keeping these texts out of its errors; the session is shared."""
        return B1Client(
            self._http,
            self._session,
            root=self._root,
            passing=self._passing,
            clock=self._clock,
            personal=tuple(personal),
        )

    def rows(self, entity_set: str, query: Query, page_size: int) -> Listed:
        """Some rows. Raises Temporary where it cannot tell: looking twice does no harm."""
        told = "&".join(f"{name}={quote(value, safe=SAFE)}" for name, value in query)
        headers = {"Accept": "application/json", "Prefer": f"odata.maxpagesize={page_size}"}
        request = HttpRequest(method="GET", url=f"{self._root}/{entity_set}?{told}", headers=headers)
        try:
            response = self._called(request, writes=False)
        except OutcomeUnknown as error:
            raise Temporary(str(error), status=error.status) from error
        found = listed(response.body)
        if found is None:
            raise Temporary("a list that cannot be read", status=response.status)
        rows, more = found
        return Listed(rows=tuple(dict(row) for row in rows), more=more, at=response.date() or self._clock())

    def create(self, entity_set: str, body: Row) -> Row:
        """The new row as it is answered. OutcomeUnknown wherever it may be there and nobody says so."""
        request = HttpRequest(method="POST", url=f"{self._root}/{entity_set}", headers=JSON, body=ENCODER.encode(body))
        response = self._called(request, writes=True)
        found = decode(response.body) if response.body else None
        if not isinstance(found, Mapping):
            raise OutcomeUnknown(f"HTTP {response.status} without the new row", status=response.status)
        return found

    def act(self, path: str) -> None:
        """A bound action: POST Orders(12)/Cancel."""
        self._called(HttpRequest(method="POST", url=f"{self._root}/{path}", headers=JSON, body=b"{}"), writes=True)

    def _called(self, request: HttpRequest, *, writes: bool) -> HttpResponse:
        """A 401 did nothing: the session is made anew and the request sent once more."""
        reading = Reading(now=self._clock(), writes=writes, passing=self._passing, personal=self._personal)
        cookies = self._session.cookies()
        response = self._http.send(with_headers(request, {"Cookie": cookies}))
        if response.status == 401:
            self._session.drop(cookies)
            response = self._http.send(with_headers(request, {"Cookie": self._session.cookies()}))
        if error := classify(response, reading):
            raise error
        return response


def text(value: str) -> str:
    """A text in a filter."""
    return "'" + value.replace("'", "''") + "'"
