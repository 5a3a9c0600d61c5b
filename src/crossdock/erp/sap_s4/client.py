"""The only file of this end that sends HTTP; what an answer means stands in answers.py.

A write needs a CSRF token and the cookies that came with it (SAP KBA 3048103: the token is compared with the session's
cookie). Both are fetched by a GET with `x-csrf-token: Fetch`, kept, and fetched anew after a 403 that says `Required`:
nothing was done by that one, so it is sent once more.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from crossdock.erp.sap_s4.answers import (
    Reading,
    classify,
    decode,
    entity,
    listed,
    refusal,
    wants_token,
)
from crossdock.errors import DeliveryError, Misconfigured, OutcomeUnknown, Temporary, Unauthorized
from crossdock.model.base import Record
from crossdock.transport.auth import Auth, with_headers
from crossdock.transport.multipart import ChangeSet, ChangeSetAnswer, Operation, build_batch, parse_batch
from crossdock.transport.told import NOTHING
from crossdock.transport.wire import HttpRequest, HttpResponse, Sender

Row = Mapping[str, Any]
Query = Sequence[tuple[str, str]]
ACCEPT = {"Accept": "application/json", "Accept-Language": "en"}
JSON = {"Content-Type": "application/json", **ACCEPT}
REHEARSED = HttpResponse(status=200, headers={"x-csrf-token": "rehearsed"})
SAFE = "-._~'()/$,:*"  # OData writes these into addresses as they are


def utc_now() -> datetime:
    """Our clock."""
    return datetime.now(UTC)


class Listed(Record, frozen=True, kw_only=True):
    """Rows, whether the server has more of them, and when by its own clock."""

    rows: tuple[dict[str, Any], ...]
    more: bool
    at: datetime


class Write(Record, frozen=True, kw_only=True):
    """One change within a change set. `etag`: what it was when we looked; "" where SAP tells none."""

    path: str
    body: dict[str, Any] | None = None
    etag: str = ""
    method: str = "PATCH"


class Tokens:
    """CSRF tokens with their cookies, one for each service. Safe between threads."""

    def __init__(self, fetch: Callable[[str], dict[str, str]]) -> None:
        self._fetch = fetch
        self._lock = threading.Lock()
        self._kept: dict[str, dict[str, str]] = {}

    def headers(self, service: str) -> dict[str, str]:
        """`x-csrf-token`, and the cookies. Raises what the fetch raises."""
        with self._lock:
            if service not in self._kept:
                self._kept[service] = self._fetch(service)
            return self._kept[service]

    def drop(self, service: str, used: Mapping[str, str]) -> None:
        """Forgets the one that was used, unless another thread has a newer one already."""
        with self._lock:
            if self._kept.get(service) == used:
                del self._kept[service]


class SapClient:
    """Calls of one S/4HANA. `about` gives the same client that keeps texts out of its errors.

    Where it was not told what to keep out, it tells SAP's messages by their codes alone.
    """

    def __init__(
        self,
        http: Sender,
        auth: Auth,
        *,
        root: str,
        sap_client: str = "",
        passing: tuple[str, ...] = (),
        clock: Callable[[], datetime] = utc_now,
        personal: tuple[str, ...] | None = None,
        tokens: Tokens | None = None,
    ) -> None:
        self._http = http
        self._auth = auth
        self._root = root
        self._client = sap_client
        self._passing = passing
        self._clock = clock
        self._personal = personal
        self._tokens = tokens or Tokens(self._fetch_token)

    def about(self, personal: Sequence[str]) -> SapClient:
        """The same, keeping these texts out of its errors; token and cookies are shared."""
        return SapClient(
            self._http,
            self._auth,
            root=self._root,
            sap_client=self._client,
            passing=self._passing,
            clock=self._clock,
            personal=tuple(personal),
            tokens=self._tokens,
        )

    def now(self) -> datetime:
        """Our clock."""
        return self._clock()

    def rows(self, service: str, entity_set: str, query: Query) -> Listed:
        """Some rows. Raises Temporary where it cannot tell: looking twice does no harm."""
        response = self._read(service, entity_set, query)
        found = listed(response.body)
        if found is None:
            raise Temporary("a list that cannot be read", status=response.status)
        rows, more = found
        return Listed(rows=tuple(dict(row) for row in rows), more=more, at=response.date() or self._clock())

    def one(self, service: str, path: str, query: Query = ()) -> Row | None:
        """One row by its key; None where there is none (404 with SAP's own body)."""
        try:
            response = self._read(service, path, query)
        except Misconfigured as error:
            if error.status == 404 and isinstance(error, Absent):
                return None
            raise
        found = entity(response.body)
        if found is None:
            raise Temporary("a row that cannot be read", status=response.status)
        return found

    def create(self, service: str, entity_set: str, body: Row) -> Row:
        """The new row as SAP answers. OutcomeUnknown wherever it may be there and nobody says so."""
        response = self._write(service, "POST", entity_set, JSON, _bytes(body))
        found = entity(response.body)
        if found is None:
            raise OutcomeUnknown(f"HTTP {response.status} without the new row", status=response.status)
        return found

    def change(self, service: str, write: Write) -> None:
        """One change; with its ETag, where there is one."""
        self._write(service, write.method, write.path, _matching(write), _content(write))

    def change_all(self, service: str, sets: Sequence[Sequence[Write]]) -> None:
        """Change sets in one request, each done whole or not at all.

        Raises the first refusal; with several sets those before it may have been done.
        """
        parts = [ChangeSet(operations=tuple(map(_operation, writes))) for writes in sets]
        batch = build_batch(parts)
        headers = {"Content-Type": batch.content_type, "Accept": "multipart/mixed", "Accept-Language": "en"}
        reading = self._reading(writes=True)
        response = self._write(service, "POST", "$batch", headers, batch.body, read=_batch_answer)
        try:
            answers = parse_batch(response.headers.get("content-type", ""), response.body)
        except ValueError as error:
            raise OutcomeUnknown(str(error), status=response.status) from error
        if len(answers) != len(parts):
            raise OutcomeUnknown(f"{len(answers)} answers to {len(parts)} change sets", status=response.status)
        for answer in answers:
            if problem := _problem(answer, reading):
                raise problem

    def _read(self, service: str, path: str, query: Query) -> HttpResponse:
        request = HttpRequest(method="GET", url=self._url(service, path, query), headers=ACCEPT)
        try:
            return self._called(request, self._reading(writes=False), classify_read)
        except OutcomeUnknown as error:
            raise Temporary(str(error), status=error.status) from error

    def _write(
        self,
        service: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        read: Callable[[HttpResponse, Reading], DeliveryError | None] = classify,
    ) -> HttpResponse:
        request = HttpRequest(method=method, url=self._url(service, path, ()), headers=headers, body=body)
        token = self._tokens.headers(service)
        try:
            return self._called(with_headers(request, token), self._reading(writes=True), read)
        except StaleToken:
            self._tokens.drop(service, token)
        fresh = with_headers(request, self._tokens.headers(service))
        return self._called(fresh, self._reading(writes=True), read)

    def _called(
        self,
        request: HttpRequest,
        reading: Reading,
        read: Callable[[HttpResponse, Reading], DeliveryError | None],
    ) -> HttpResponse:
        response = self._http.send(self._auth.apply(request))
        if response.status == 401 and self._auth.refresh():
            response = self._http.send(self._auth.apply(request))
        if wants_token(response):
            raise StaleToken("HTTP 403: the CSRF token was not taken", status=403)
        if error := read(response, reading):
            raise error
        return response

    def _fetch_token(self, service: str) -> dict[str, str]:
        """What it says besides does not matter, as long as it has the token (a 404 may have it too)."""
        headers = {**ACCEPT, "x-csrf-token": "Fetch"}
        url = self._url(service, "", ())
        request = HttpRequest(method="GET", url=url, headers=headers, private=True, rehearsed=REHEARSED)
        try:
            response = self._http.send(self._auth.apply(request))
            if response.status == 401 and self._auth.refresh():
                response = self._http.send(self._auth.apply(request))
        except OutcomeUnknown as error:  # nothing is changed by a fetch
            raise Temporary(f"CSRF token: {error}") from error
        token = response.headers.get("x-csrf-token", "")
        if response.status < 400 and token and token.lower() != "required":
            pairs = [cookie.split(";", 1)[0].strip() for cookie in response.cookies]
            return {"x-csrf-token": token} | ({"Cookie": "; ".join(pairs)} if pairs else {})
        if response.status < 300:
            raise Misconfigured("a GET with `x-csrf-token: Fetch` brings no token: is that SAP Gateway?")
        raise refusal(response, self._reading(writes=False))

    def _reading(self, *, writes: bool) -> Reading:
        return Reading(
            now=self._clock(),
            writes=writes,
            passing=self._passing,
            personal=self._personal or (),
            quiet=self._personal is None,
        )

    def _url(self, service: str, path: str, query: Query) -> str:
        pairs = [*query, *((("sap-client", self._client),) if self._client else ())]
        told = "&".join(f"{name}={quote(value, safe=SAFE)}" for name, value in pairs)
        return f"{self._root}/{service}/{path}" + (f"?{told}" if told else "")


class StaleToken(Unauthorized):
    """The CSRF token does not hold (any more): nothing was done."""


class Absent(Misconfigured):
    """404 with a body of SAP Gateway's: the service is there, the row is not."""


def classify_read(response: HttpResponse, reading: Reading) -> DeliveryError | None:
    """As `classify`; a 404 that says so in OData's own form is Absent."""
    error = classify(response, reading)
    if error is not None and response.status == 404 and decode(response.body) is not NOTHING:
        return Absent(str(error), status=404)
    return error


def key(entity_set: str, **parts: str) -> str:
    """The address of one row: A_SalesOrderItem(SalesOrder='1',SalesOrderItem='10')."""
    quoted = {name: "'" + quote(value.replace("'", "''"), safe="-._~'") + "'" for name, value in parts.items()}
    if len(quoted) == 1:
        return f"{entity_set}({next(iter(quoted.values()))})"
    return f"{entity_set}({','.join(f'{name}={value}' for name, value in quoted.items())})"


def _matching(write: Write) -> dict[str, str]:
    return {**JSON, **({"If-Match": write.etag} if write.etag else {})}


def _operation(write: Write) -> Operation:
    return Operation(method=write.method, path=write.path, headers=_matching(write), body=_content(write))


def _content(write: Write) -> bytes:
    return b"" if write.body is None else _bytes(write.body)


def _problem(answer: HttpResponse | ChangeSetAnswer, reading: Reading) -> DeliveryError | None:
    """A change set that failed is answered by one plain part."""
    if isinstance(answer, ChangeSetAnswer):
        return next((error for one in answer.answers if (error := classify(one, reading))), None)
    return classify(answer, reading) or OutcomeUnknown("one answer to a whole change set", status=answer.status)


def _batch_answer(response: HttpResponse, reading: Reading) -> DeliveryError | None:
    return None if 200 <= response.status < 300 else refusal(response, reading)


def _bytes(body: Row) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
