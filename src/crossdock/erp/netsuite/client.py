"""The only file of this end that sends HTTP; what an answer means stands in answers.py.

Record service, query service and asynchronous jobs of one account, in JSON.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import msgspec

from crossdock.erp.netsuite.answers import (
    Kind,
    Reading,
    classify,
    describe,
    is_absence,
    is_duplicate_job,
    read_error,
)
from crossdock.erp.netsuite.assertion import ASSERTION, build_assertion, build_claims, load_key
from crossdock.erp.netsuite.settings import AssertionLogin, NetsuiteSettings
from crossdock.errors import DeliveryError, OutcomeUnknown, RateLimited, Temporary, Unauthorized
from crossdock.model.base import Record
from crossdock.transport.auth import Auth
from crossdock.transport.oauth1 import OAuth1, OAuth1Keys
from crossdock.transport.oauth2 import fetch_token
from crossdock.transport.tokens import FetchedToken, Token
from crossdock.transport.told import clean, decode
from crossdock.transport.wire import HttpRequest, HttpResponse, Sender

TOKEN_PATH = "/services/rest/auth/oauth2/v1/token"  # noqa: S105  an address
RECORD, QUERY = "/services/rest/record/v1", "/services/rest/query/v1/suiteql"
JSON = MappingProxyType({"Content-Type": "application/json", "Accept": "application/json"})
# Strict about names and values: left to itself NetSuite only warns of a field that it does not know, and drops it.
STRICT = MappingProxyType({"X-NetSuite-PropertyNameValidation": "Error", "X-NetSuite-PropertyValueValidation": "Error"})
ENCODER = msgspec.json.Encoder(decimal_format="number")
Values = Mapping[str, Any]


def utc_now() -> datetime:
    """Our clock."""
    return datetime.now(UTC)


class Job(Record, frozen=True, kw_only=True):
    """An asynchronous request. `progress` as NetSuite says it: pending, processing, succeeded, failed."""

    location: str
    completed: bool = False
    progress: str = ""

    @property
    def number(self) -> str:
        """NetSuite's own."""
        return self.location.rpartition("/")[2]


class Rows(Record, frozen=True, kw_only=True):
    """What a query found, and when by NetSuite's own clock (the answer's Date)."""

    rows: tuple[dict[str, Any], ...]
    at: datetime


class NetsuiteClient:
    """Calls of one account. `about` gives the same client that keeps some texts out of its errors; it is cheap."""

    def __init__(
        self,
        http: Sender,
        auth: Auth,
        settings: NetsuiteSettings,
        *,
        clock: Callable[[], datetime] = utc_now,
        personal: tuple[str, ...] = (),
        taken: list[float] | None = None,
    ) -> None:
        self._http = http
        self._auth = auth
        self._settings = settings
        self._url = settings.address
        self._clock = clock
        self._personal = personal
        self._taken = [0.0] if taken is None else taken  # when a request was last let in, shared by all of one account

    def about(self, personal: Sequence[str]) -> NetsuiteClient:
        """The same, keeping these texts out of its errors."""
        return NetsuiteClient(
            self._http, self._auth, self._settings, clock=self._clock, personal=tuple(personal), taken=self._taken
        )

    def get(self, record: str, ident: str) -> dict[str, Any] | None:
        """A record with its sublists, by internal id or `eid:...`; None where NetSuite says that there is none."""
        query = (("expandSubResources", "true"),)
        request = HttpRequest(method="GET", url=self._path(record, ident), headers={**JSON}, query=query)
        response = self._looked(request, "read", absent=True)
        if response is None:
            return None
        found = decode(response.body)
        if response.status != 200 or not isinstance(found, dict) or "id" not in found:
            raise Temporary(f"a {record} that cannot be read", status=response.status)
        return found

    def put(self, record: str, external_id: str, values: Values, *, replace: str = "") -> str:
        """Create or replace by external id; the internal id, "" where the answer names it by its external id.

        `replace`: the sublist whose lines are replaced.
        """
        response = self._write("PUT", self._path(record, f"eid:{external_id}"), values, _replaced(replace))
        return _made(response, record)

    def create(self, record: str, values: Values) -> str:
        """The new record's internal id. Raises Conflict where its external id is taken."""
        return _made(self._write("POST", f"{self._url}{RECORD}/{record}", values), record)

    def patch(self, record: str, ident: str, values: Values) -> None:
        """Changes these fields. Whatever it says, only reading again tells what it did."""
        response = self._write("PATCH", self._path(record, ident), values)
        if response.status != 204:
            raise OutcomeUnknown(f"a {record} was changed, or not: HTTP {response.status}", status=response.status)

    def enqueue(self, record: str, external_id: str, values: Values, idempotency_key: str, *, replace: str) -> Job:
        """The same as `put`, as a job; a key that was used before leads to its first job."""
        headers = {"Prefer": "respond-async", "X-NetSuite-Idempotency-Key": idempotency_key}
        url = self._path(record, f"eid:{external_id}")
        response = self._write("PUT", url, values, _replaced(replace), headers, duplicate_jobs=True)
        location = response.headers.get("location", "")
        if "/async/" not in location:
            raise OutcomeUnknown("a job was taken, but the answer does not say which", status=response.status)
        return Job(location=location) if response.status == 202 else self.job(location)

    def job(self, location: str) -> Job:
        """How far it is."""
        request = HttpRequest(method="GET", url=f"{self._url}{_path_of(location)}", headers={**JSON})
        response = self._looked(request, "read", absent=False)
        found = decode(response.body) if response else None
        if not isinstance(found, dict) or "progress" not in found:
            raise Temporary("a job that cannot be read")
        return Job(location=location, completed=found.get("completed") is True, progress=str(found["progress"]))

    def job_reason(self, job: Job) -> str:
        """What its one task came to (help page subsect_161252889998), as it may stand in an error."""
        url = f"{self._url}{_path_of(job.location)}/task/1/result"
        response = self._send(HttpRequest(method="GET", url=url, headers={**JSON}))
        return describe(response.status, read_error(response.body), self._personal)

    def query(self, sql: str, limit: int = 1000) -> tuple[dict[str, Any], ...]:
        """Rows of SuiteQL, at most `limit` (NetSuite's most is 1000). Column names are in small letters."""
        return self.ask(sql, limit).rows

    def ask(self, sql: str, limit: int = 1000) -> Rows:
        """The same, and when it was."""
        request = HttpRequest(
            method="POST",
            url=f"{self._url}{QUERY}",
            headers={**JSON, "Prefer": "transient"},
            query=(("limit", str(limit)),),
            body=ENCODER.encode({"q": sql}),
            looks=True,
        )
        response = self._looked(request, "query", absent=False)
        found = decode(response.body) if response else None
        rows = found.get("items") if isinstance(found, dict) else None
        if response is None or not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise Temporary("an answer of SuiteQL that cannot be read")
        return Rows(rows=tuple(rows), at=response.date() or self._clock())

    def clean(self, text: str) -> str:
        """A text of NetSuite's as it may stand in an error."""
        return clean(text, self._personal)

    def _looked(self, request: HttpRequest, kind: Kind, *, absent: bool) -> HttpResponse | None:
        """Looking twice does no harm: what it came to is Temporary where nobody can tell."""
        try:
            response = self._send(request)
        except OutcomeUnknown as error:
            raise Temporary(str(error), status=error.status) from error
        if absent and is_absence(response):
            return None
        self._refuse(response, kind)
        return response

    def _write(
        self,
        method: str,
        url: str,
        values: Values,
        query: tuple[tuple[str, str], ...] = (),
        headers: Mapping[str, str] | None = None,
        *,
        duplicate_jobs: bool = False,
    ) -> HttpResponse:
        sent = {**JSON, **STRICT, **(headers or {})}
        request = HttpRequest(method=method, url=url, headers=sent, query=query, body=ENCODER.encode(values))
        response = self._send(request)
        if not (duplicate_jobs and is_duplicate_job(response)):
            self._refuse(response, "write")
        return response

    def _send(self, request: HttpRequest) -> HttpResponse:
        """With one more try after a 401: nothing was done, and token or nonce are new."""
        response = self._http.send(self._auth.apply(request))
        if response.status == 401:
            self._auth.refresh()
            response = self._http.send(self._auth.apply(request))
        return response

    def _refuse(self, response: HttpResponse, kind: Kind) -> None:
        reading = Reading(
            now=self._clock(),
            kind=kind,
            busy=self._settings.busy_codes,
            duplicates=self._settings.duplicate_texts,
            personal=self._personal,
        )
        error = classify(response, reading)
        if isinstance(error, Unauthorized):
            raise self._refused(error)
        self._taken[0] = time.monotonic()
        if error is not None:
            raise error

    def _refused(self, error: Unauthorized) -> DeliveryError:
        """A login that was good a moment ago may be refused for there being too many at once."""
        grace = self._settings.login_grace_s
        if grace and self._taken[0] and time.monotonic() - self._taken[0] < grace:
            return RateLimited(f"{error}; it was taken a moment ago", status=error.status)
        return error

    def _path(self, record: str, ident: str) -> str:
        return f"{self._url}{RECORD}/{record}/{ident}"


def build_auth(
    settings: NetsuiteSettings,
    sender: Sender,
    resolve: Callable[[str], str],
    clock: Callable[[], float] = time.monotonic,
) -> Auth:
    """The scheme that the settings ask for, with its secrets resolved. `clock` is what a token's age is told by.

    Raises ConfigurationError.
    """
    login = settings.auth
    if isinstance(login, AssertionLogin):
        return FetchedToken(_assertion_fetch(login, settings, sender, resolve), clock=clock)
    keys = OAuth1Keys(
        consumer_key=resolve(login.consumer_key),
        consumer_secret=resolve(login.consumer_secret),
        token=resolve(login.token),
        token_secret=resolve(login.token_secret),
    )
    return OAuth1(keys, realm=settings.realm)


def _assertion_fetch(
    login: AssertionLogin, settings: NetsuiteSettings, sender: Sender, resolve: Callable[[str], str]
) -> Callable[[], Token]:
    key = load_key(resolve(login.private_key), login.algorithm, "auth.private_key")
    client_id, url = resolve(login.client_id), f"{settings.address}{TOKEN_PATH}"

    def form() -> dict[str, str]:
        claims = build_claims(client_id, login.scope, url, time.time(), login.lifetime_s)
        signed = build_assertion(key, login.certificate_id, claims)
        return {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION,
            "client_assertion": signed,
        }

    return lambda: fetch_token(sender, url, form())


def _made(response: HttpResponse, record: str) -> str:
    """The internal id in `Location` (help page section_1545141395: 204, no body)."""
    found = re.search(rf"/{record}/(?:eid:|(\d+)$)", response.headers.get("location", ""), re.IGNORECASE)
    if response.status not in {200, 201, 204} or found is None:
        raise OutcomeUnknown(f"a {record} was taken, but the answer names no id", status=response.status)
    return found[1] or ""


def _replaced(sublist: str) -> tuple[tuple[str, str], ...]:
    return (("replace", sublist),) if sublist else ()


def _path_of(location: str) -> str:
    """A job's address is told as a path, or whole; the host in it is not followed."""
    path = location.split("://", 1)[-1].partition("/")[2] if "://" in location else location.lstrip("/")
    return f"/{path}"  # behind our own host, whatever it begins with
