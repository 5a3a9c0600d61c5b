"""The only file of this end that sends HTTP; what an answer means stands in answers.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import msgspec

from crossdock.erp.oracle_fusion.answers import Reading, classify, is_absent
from crossdock.errors import Misconfigured, OutcomeUnknown, Temporary
from crossdock.model.base import Record
from crossdock.transport.auth import Auth
from crossdock.transport.calls import answered
from crossdock.transport.told import clean, decode
from crossdock.transport.wire import HttpRequest, HttpResponse, Sender

Row = Mapping[str, Any]
ENCODER = msgspec.json.Encoder(decimal_format="number")
JSON = "application/json"
ACTION = "application/vnd.oracle.adf.action+json"
ACCEPT = f"{JSON}, application/vnd.oracle.adf.error+json"
MOST_PAGES = 1000


def utc_now() -> datetime:
    """Our clock."""
    return datetime.now(UTC)


class Query(Record, frozen=True, kw_only=True):
    """What is asked of a collection. `q` in the syntax of framework version 2 on."""

    q: str = ""
    order: str = ""
    limit: int
    offset: int = 0
    fields: tuple[str, ...] = ()
    expand: str = ""

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """For the address. `fields` and `expand` do not go together: Oracle then looks at `fields` alone."""
        named = {
            "q": self.q,
            "orderBy": self.order,
            "fields": ",".join(self.fields),
            "expand": self.expand,
            "limit": str(self.limit),
            "offset": str(self.offset) if self.offset else "",
            "onlyData": "true",
        }
        return tuple((name, value) for name, value in named.items() if value)


class Listed(Record, frozen=True, kw_only=True):
    """A page. `more`: whether there are rows behind it. `at`: the server's own clock."""

    rows: tuple[dict[str, Any], ...]
    more: bool
    at: datetime


class FusionClient:
    """Calls of one environment. `about` gives the same client with texts to keep out of its errors."""

    def __init__(
        self,
        http: Sender,
        auth: Auth,
        *,
        root: str,
        version: int,
        clock: Callable[[], datetime] = utc_now,
        personal: tuple[str, ...] = (),
    ) -> None:
        self._http = http
        self._auth = auth
        self._root = root
        self._version = version
        self._clock = clock
        self._personal = personal

    def about(self, personal: Sequence[str]) -> FusionClient:
        """The same, keeping these texts out of its errors."""
        return FusionClient(
            self._http,
            self._auth,
            root=self._root,
            version=self._version,
            clock=self._clock,
            personal=tuple(personal),
        )

    def clean(self, text: str) -> str:
        """A text of Oracle's as it may stand in an error."""
        return clean(text, self._personal)

    def one(self, path: str, fields: Sequence[str] = (), expand: str = "") -> Row | None:
        """One row, with these fields alone or whole with these children; None where Oracle answers that there is none.

        A gateway's 404 is Misconfigured.
        """
        named = ("expand", expand) if expand else ("fields", ",".join(fields))
        query = (named, ("onlyData", "true"))
        response = self._read(HttpRequest(method="GET", url=self._root + path, query=query), absent=True)
        found: Row | None = None if response.status == 404 else decode(response.body)
        return found

    def listed(self, path: str, query: Query) -> Listed:
        """A page of a collection. Raises Temporary where it cannot tell."""
        response = self._read(HttpRequest(method="GET", url=self._root + path, query=query.pairs()))
        body = decode(response.body)
        rows = body.get("items")
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise Temporary("a collection without its list of items", status=response.status)
        # a page as long as was asked for may have rows behind it whatever `hasMore` says
        more = body.get("hasMore") is True or len(rows) >= query.limit
        return Listed(rows=tuple(rows), more=more, at=response.date() or self._clock())

    def children(self, path: str, query: Query) -> Iterator[Row]:
        """All rows of a small collection that stands still: by offset, as far as there are any."""
        for _ in range(MOST_PAGES):
            page = self.listed(path, query)
            yield from page.rows
            if not page.more or not page.rows:
                return
            query = msgspec.structs.replace(query, offset=query.offset + len(page.rows))
        raise Temporary("a collection that does not end")

    def create(self, path: str, body: Row) -> Row:
        """The new row, as Oracle answers it."""
        return self._write("POST", path, body)

    def update(self, path: str, body: Row) -> Row:
        """The row after it."""
        return self._write("PATCH", path, body)

    def act(self, path: str, body: Row) -> Row:
        """An action. What it answers is not relied upon: look at the row afterwards."""
        return self._write("POST", path, body, kind=ACTION)

    def _write(self, method: str, path: str, body: Row, kind: str = JSON) -> Row:
        request = HttpRequest(
            method=method,
            url=self._root + path,
            headers={**self._headers(), "Content-Type": kind},
            body=ENCODER.encode(body),
        )
        answered: Row = decode(self._call(request, writes=True).body)
        return answered

    def _read(self, request: HttpRequest, *, absent: bool = False) -> HttpResponse:
        request = msgspec.structs.replace(request, headers=self._headers())
        try:
            return self._call(request, writes=False, absent=absent)
        except OutcomeUnknown as error:  # looking twice does no harm
            raise Temporary(str(error), status=error.status) from error

    def _headers(self) -> dict[str, str]:
        return {"Accept": ACCEPT, "REST-Framework-Version": str(self._version)}

    def _call(self, request: HttpRequest, *, writes: bool, absent: bool = False) -> HttpResponse:
        reading = Reading(now=self._clock(), writes=writes, personal=self._personal)
        response, error = answered(self._http, self._auth, request, lambda told: classify(told, reading))
        if absent and isinstance(error, Misconfigured) and is_absent(response):
            return response
        if error is not None:
            raise error
        return response


def quoted(value: str) -> str:
    """A text in a query."""
    return "'" + value.replace("'", "''") + "'"


def placed(value: str) -> str:
    """A text in a path; a colon stays, it parts system and id."""
    return quote(value, safe=":-._~")
