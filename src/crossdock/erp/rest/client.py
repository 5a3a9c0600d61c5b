"""The only file of this end that sends HTTP; what an answer means stands in answers.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from crossdock.erp.rest.answers import Reading, classify_read, classify_write
from crossdock.erp.rest.mapping import encode
from crossdock.erp.rest.settings import AnswerSettings
from crossdock.errors import DeliveryError, Misconfigured, OutcomeUnknown, Temporary
from crossdock.transport.auth import Auth
from crossdock.transport.calls import called
from crossdock.transport.told import NOTHING, decode
from crossdock.transport.wire import HttpRequest, HttpResponse, Sender

Classify = Callable[[HttpResponse, Reading], DeliveryError | None]
JSON = {"Content-Type": "application/json", "Accept": "application/json"}
PEOPLE = ("email", "addresses", "customer", "billing_address", "shipping_address", "note", "gift_message")
SHORTEST = 3  # shorter texts (a country) would take harmless words out of a message


def utc_now() -> datetime:
    """Our clock."""
    return datetime.now(UTC)


class RestClient:
    """Calls of one custom ERP. `root` is put before every path."""

    def __init__(
        self,
        http: Sender,
        auth: Auth,
        answers: AnswerSettings,
        *,
        root: str,
        key_header: str = "X-Idempotency-Key",
        clock: Callable[[], datetime] = utc_now,
        classify: Classify = classify_write,
    ) -> None:
        self._http = http
        self._auth = auth
        self._answers = answers
        self._root = root
        self._key_header = key_header
        self._clock = clock
        self._classify = classify

    def write(
        self,
        path: str,
        payload: Mapping[str, Any],
        key: str,
        *,
        followup: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> HttpResponse:
        """POST; the answer, where it is a success. OutcomeUnknown wherever it may have been done.

        `followup`: the call is about an order that the ERP should have; NotReady where it has not.
        """
        request = HttpRequest(
            method="POST",
            url=self._root + path,
            headers={**JSON, **(headers or {}), self._key_header: key},
            body=encode(payload),
        )
        reading = self._reading(followup=followup, personal=tuple(people_in(payload)))
        return self._call(request, lambda response: self._classify(response, reading))

    def look(self, path: str) -> Any:
        """GET; the decoded answer, or None where a path that names one thing has no such thing (404).

        A 404 that is no JSON, or to a path that searches by a query, is a wrong path: Misconfigured.
        """
        request = HttpRequest(method="GET", url=self._root + path, headers={"Accept": "application/json"})
        reading = self._reading()
        try:
            response = self._call(request, lambda response: _absent_is_fine(path, response, reading))
        except OutcomeUnknown as error:  # looking twice does no harm
            raise Temporary(str(error), status=error.status) from error
        return None if response.status == 404 else decode(response.body)

    def ask(self, path: str) -> HttpResponse:
        """GET; any 2xx, with whatever body."""
        request = HttpRequest(method="GET", url=self._root + path, headers={"Accept": "application/json"})
        reading = self._reading()
        return self._call(request, lambda one: None if 200 <= one.status < 300 else classify_read(one, reading))

    def read(self, path: str) -> HttpResponse:
        """GET; a success with its JSON. Raises Temporary, or what the answer says: Misconfigured for a wrong path."""
        request = HttpRequest(method="GET", url=self._root + path, headers={"Accept": "application/json"})
        reading = self._reading()
        try:
            return self._call(request, lambda response: classify_read(response, reading))
        except OutcomeUnknown as error:  # reading twice does no harm
            raise Temporary(str(error), status=error.status) from error

    def _call(self, request: HttpRequest, classify: Callable[[HttpResponse], DeliveryError | None]) -> HttpResponse:
        return called(self._http, self._auth, request, classify)

    def _reading(self, *, followup: bool = False, personal: tuple[str, ...] = ()) -> Reading:
        return Reading(answers=self._answers, now=self._clock(), followup=followup, personal=personal)


def fill(template: str, **places: str) -> str:
    """A path with its places filled in, each percent-encoded. A place without a value is Misconfigured."""
    try:
        return template.format(**{name: quote(value, safe="") for name, value in places.items() if value})
    except KeyError as error:
        raise Misconfigured(f"the path {template} needs {error.args[0]}, which this record has not") from error


def people_in(payload: Mapping[str, Any]) -> Iterator[str]:
    """Every text about a person in a payload: it must not come back in an error."""
    for part in PEOPLE:
        yield from _texts(payload.get(part))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str) and len(value) >= SHORTEST:
        yield value
    for inside in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        yield from _texts(inside)


def _absent_is_fine(path: str, response: HttpResponse, reading: Reading) -> DeliveryError | None:
    if response.status == 404 and "?" not in path and (not response.body or decode(response.body) is not NOTHING):
        return None
    return classify_read(response, reading)
