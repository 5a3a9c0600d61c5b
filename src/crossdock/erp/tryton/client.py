"""The only file of this end that sends HTTP; what an answer means stands in answers.py.

Two wires say the same: REST with an application key, JSON-RPC with a session. Records are rows of plain fields: a
reference to another record is its id, Decimal is Decimal, a time is aware.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Protocol

from crossdock.erp.tryton.answers import Reading, classify_rest, classify_rpc, decode, encode
from crossdock.errors import DeliveryError, OutcomeUnknown, Temporary, Unauthorized
from crossdock.model.base import Record
from crossdock.transport.auth import Auth, with_headers
from crossdock.transport.calls import called
from crossdock.transport.told import clean
from crossdock.transport.wire import HttpRequest, HttpResponse, Sender

Row = Mapping[str, Any]
Domain = Sequence[Any]
Context = Mapping[str, Any]
ENGLISH: Context = MappingProxyType({"language": "en"})  # the table of answers knows no other
JSON = {"Content-Type": "application/json", "Accept": "application/json", "Accept-Encoding": "gzip"}
REHEARSED = HttpResponse(status=200, body=b'{"result":[1,"rehearsed"]}')
Classify = Callable[[HttpResponse, Reading], DeliveryError | None]


def utc_now() -> datetime:
    """Our clock."""
    return datetime.now(UTC)


class Rows(Record, frozen=True, kw_only=True):
    """What a search found, and when by the server's own clock."""

    rows: tuple[dict[str, Any], ...]
    at: datetime


class Query(Record, frozen=True, kw_only=True):
    """What is looked for, oldest first where `order` says nothing else."""

    model: str
    domain: tuple[Any, ...]
    fields: tuple[str, ...]
    limit: int = 1000
    order: tuple[tuple[str, str], ...] = (("id", "ASC"),)


class Wire(Protocol):
    """How a call is put into HTTP, and its result read."""

    classify: Classify

    def search(self, query: Query, context: Context) -> HttpRequest:
        """Rows by id."""

    def create(self, model: str, values: Row, context: Context) -> HttpRequest:
        """One record, with everything inside it, or nothing."""

    def write(self, model: str, ident: int, values: Row, context: Context) -> HttpRequest:
        """A change of one record and of what is inside it, whole or not at all."""

    def press(self, model: str, ident: int, button: str, context: Context) -> HttpRequest:
        """A button."""

    def delete(self, model: str, ident: int, context: Context) -> HttpRequest:
        """One record."""

    def result(self, response: HttpResponse) -> Any:
        """Of a search a list of rows; of a create the id, or a list of one, or a row with it."""


class RestWire:
    """Tryton's REST interface, 8.2 on."""

    classify: Classify = staticmethod(classify_rest)

    def __init__(self, url: str, database: str) -> None:
        self._root = f"{url}/{database}/rest/model"

    def search(self, query: Query, context: Context) -> HttpRequest:
        """Rows by id."""
        pairs = (("d", _packed(query.domain)), ("o", _packed(query.order)), ("s", str(query.limit)))
        fields = tuple(("f", field) for field in query.fields)
        return self._request("GET", query.model, context, query=pairs + fields)

    def create(self, model: str, values: Row, context: Context) -> HttpRequest:
        """One record, with everything inside it, or nothing."""
        return self._request("POST", model, context, body=encode(values))

    def write(self, model: str, ident: int, values: Row, context: Context) -> HttpRequest:
        """A change of one record and of what is inside it, whole or not at all."""
        return self._request("PUT", f"{model}/{ident}", context, body=encode(values))

    def press(self, model: str, ident: int, button: str, context: Context) -> HttpRequest:
        """A button."""
        return self._request("POST", f"{model}/{ident}/{button}", context, body=b"{}")

    def delete(self, model: str, ident: int, context: Context) -> HttpRequest:
        """One record."""
        return self._request("DELETE", f"{model}/{ident}", context)

    def result(self, response: HttpResponse) -> Any:
        """The body itself."""
        return decode(response.body)

    def _request(self, method: str, path: str, context: Context, **more: Any) -> HttpRequest:
        headers = {**JSON, "X-Tryton-Context": _packed(dict(context))}
        return HttpRequest(method=method, url=f"{self._root}/{path}", headers=headers, **more)


class RpcWire:
    """JSON-RPC, any series."""

    classify: Classify = staticmethod(classify_rpc)

    def __init__(self, url: str, database: str) -> None:
        self._url = f"{url}/{database}/rpc/"

    def search(self, query: Query, context: Context) -> HttpRequest:
        """Rows by id."""
        what = [list(query.domain), 0, query.limit, query.order, list(query.fields)]
        return self._request(f"model.{query.model}.search_read", what, context, looks=True)

    def create(self, model: str, values: Row, context: Context) -> HttpRequest:
        """One record, with everything inside it, or nothing."""
        return self._request(f"model.{model}.create", [[values]], context)

    def write(self, model: str, ident: int, values: Row, context: Context) -> HttpRequest:
        """A change of one record and of what is inside it, whole or not at all."""
        return self._request(f"model.{model}.write", [[ident], values], context)

    def press(self, model: str, ident: int, button: str, context: Context) -> HttpRequest:
        """A button."""
        return self._request(f"model.{model}.{button}", [[ident]], context)

    def delete(self, model: str, ident: int, context: Context) -> HttpRequest:
        """One record."""
        return self._request(f"model.{model}.delete", [[ident]], context)

    def result(self, response: HttpResponse) -> Any:
        """What stands under `result`."""
        return decode(response.body)["result"]

    def _request(self, method: str, params: list[Any], context: Context, *, looks: bool = False) -> HttpRequest:
        # exactly these three: with any other key Tryton answers errors as HTML
        body = encode({"id": 0, "method": method, "params": [*params, dict(context)]})
        return HttpRequest(method="POST", url=self._url, headers=JSON, body=body, looks=looks)


class Session:
    """A login over JSON-RPC, made when first needed and again after a 401. Safe between threads."""

    def __init__(self, http: Sender, url: str, database: str, username: str, password: str) -> None:
        self._http = http
        self._url = f"{url}/{database}/rpc/"
        self._username = username
        self._password = password
        self._lock = threading.Lock()
        self._token = ""

    def apply(self, request: HttpRequest) -> HttpRequest:
        """With `Authorization: Session`."""
        with self._lock:
            token = self._token = self._token or self._login()
        return with_headers(request, {"Authorization": f"Session {token}"})

    def refresh(self) -> bool:
        """Forgets the session: the next request logs in again."""
        with self._lock:
            self._token = ""
        return True

    def _login(self) -> str:
        params = [self._username, {"password": self._password}, "en"]
        body = encode({"id": 0, "method": "common.db.login", "params": params})
        request = HttpRequest(method="POST", url=self._url, headers=JSON, body=body, private=True, rehearsed=REHEARSED)
        response = self._http.send(request)
        reading = Reading(now=utc_now(), writes=False, duplicate="\0", personal=(self._username,))
        error = classify_rpc(response, reading)
        if error is not None:
            raise error
        found = decode(response.body)["result"]
        if not isinstance(found, list) or len(found) < 2:
            raise Unauthorized("Tryton takes neither this login nor this password")
        return base64.b64encode(f"{self._username}:{found[0]}:{found[1]}".encode()).decode("ascii")


class TrytonClient:
    """Calls of one database. `about` and `within` give the same client with other settings; it is cheap and frozen."""

    def __init__(
        self,
        http: Sender,
        auth: Auth,
        wire: Wire,
        *,
        duplicate: str,
        clock: Callable[[], datetime] = utc_now,
        context: Context = ENGLISH,
        personal: tuple[str, ...] = (),
    ) -> None:
        self._http = http
        self._auth = auth
        self._wire = wire
        self._duplicate = duplicate
        self._clock = clock
        self._context = context
        self._personal = personal

    def about(self, personal: Sequence[str], *, company: int) -> TrytonClient:
        """The same within a company, keeping these texts out of its errors."""
        return self._with({"company": company}, tuple(personal))

    def within(self, context: Context) -> TrytonClient:
        """The same with more said of where it looks: a place for quantities."""
        return self._with(context, self._personal)

    def _with(self, context: Context, personal: tuple[str, ...]) -> TrytonClient:
        return TrytonClient(
            self._http,
            self._auth,
            self._wire,
            duplicate=self._duplicate,
            clock=self._clock,
            context={**self._context, **context},
            personal=personal,
        )

    def search(self, query: Query) -> Rows:
        """All rows that match. Raises Temporary where it cannot tell: looking twice does no harm."""
        try:
            response = self._call(self._wire.search(query, self._context), writes=False)
        except OutcomeUnknown as error:
            raise Temporary(str(error), status=error.status) from error
        found = self._wire.result(response)
        if not isinstance(found, list) or not all(isinstance(row, dict) and "id" in row for row in found):
            raise Temporary("a search that cannot be read", status=response.status)
        return Rows(rows=tuple(found), at=response.date() or self._clock())

    def create(self, model: str, values: Row) -> int:
        """The new record's id. Raises Conflict where its reference is there already."""
        response = self._call(self._wire.create(model, values, self._context), writes=True)
        found = self._wire.result(response) if response.body else None
        ident = found[0] if isinstance(found, list) and len(found) == 1 else found
        ident = ident.get("id") if isinstance(ident, dict) else ident
        if not isinstance(ident, int) or isinstance(ident, bool):
            raise OutcomeUnknown(f"a new {model}, but the answer names no id", status=response.status)
        return ident

    def write(self, model: str, ident: int, values: Row) -> None:
        """A change of one record, which must be active. Raises OutcomeUnknown where the answer is about another."""
        response = self._call(self._wire.write(model, ident, values, self._context), writes=True)
        found = self._wire.result(response) if response.body else None
        if found is not None and not (isinstance(found, dict) and found.get("id") == ident):
            raise OutcomeUnknown(f"a change of a {model}, but the answer names another", status=response.status)

    def press(self, model: str, ident: int, button: str) -> None:
        """A button. Whatever it says, only reading again tells what it did."""
        self._call(self._wire.press(model, ident, button, self._context), writes=True)

    def delete(self, model: str, ident: int) -> None:
        """One record."""
        self._call(self._wire.delete(model, ident, self._context), writes=True)

    def clean(self, text: str) -> str:
        """A text of Tryton's as it may stand in an error."""
        return clean(text, self._personal)

    def _call(self, request: HttpRequest, *, writes: bool) -> HttpResponse:
        reading = Reading(now=self._clock(), writes=writes, duplicate=self._duplicate, personal=self._personal)
        return called(self._http, self._auth, request, lambda response: self._wire.classify(response, reading))


def _packed(value: Any) -> str:
    return base64.urlsafe_b64encode(encode(value)).decode("ascii")
