"""The only file of this end that sends HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

import msgspec

from crossdock.errors import DeliveryError, OutcomeUnknown, Rejected, Temporary, Unauthorized
from crossdock.magento.answers import classify, decode
from crossdock.model.base import Record
from crossdock.transport.auth import Auth, with_headers
from crossdock.transport.wire import HttpRequest, HttpResponse, Sender

Query = Sequence[tuple[str, str]]
ENCODER = msgspec.json.Encoder(decimal_format="number")  # 19.990 goes as 19.990


class Answer(Record, frozen=True, kw_only=True):
    """A success: its JSON as bytes, and the store's clock (None where it sent no Date)."""

    body: bytes
    status: int = 200
    store_time: datetime | None = None
    elapsed_ms: int = 0

    def json(self) -> Any:
        """Decoded; numbers with a point come as float: take money from `body` by a typed decoder."""
        return decode(self.body)


class MagentoClient:
    """Calls of one store's REST API. Paths start behind the store code: `V1/orders/1`.

    Every call raises DeliveryError by the table in answers.py. A GET never ends unknown: it may be sent again.
    """

    def __init__(self, http: Sender, auth: Auth, *, base_url: str, store_code: str = "all", saas: bool = False) -> None:
        self._http = http
        self._auth = auth
        self._made_with: dict[str, Any] = {"base_url": base_url, "saas": saas}
        self._root = base_url.rstrip("/") if saas else f"{base_url.rstrip('/')}/rest/{quote(store_code, safe='')}"
        self._headers = {"Accept": "application/json", **({"Store": store_code} if saas else {})}

    def everywhere(self) -> MagentoClient:
        """The same for all store views: what a view's own code writes is that view's alone (recorded)."""
        return MagentoClient(self._http, self._auth, store_code="all", **self._made_with)

    def bulk(self, path: str, body: Sequence[Any]) -> Any:
        """Many bodies of one POST, accepted now and carried out later. Decoded JSON: `{bulk_uuid, request_items}`."""
        before = "V1/async/bulk/" if self._made_with["saas"] else "async/bulk/V1/"
        return self.post(before + path.removeprefix("V1/"), body)

    def get(self, path: str, query: Query = ()) -> Any:
        """Decoded JSON."""
        return self.fetch("GET", path, query).json()

    def post(self, path: str, body: Any) -> Any:
        """Decoded JSON."""
        return self.fetch("POST", path, body=body).json()

    def put(self, path: str, body: Any) -> Any:
        """Decoded JSON."""
        return self.fetch("PUT", path, body=body).json()

    def delete(self, path: str) -> Any:
        """Decoded JSON."""
        return self.fetch("DELETE", path).json()

    def ask(self, path: str, body: Any) -> Answer:
        """A POST that only reads: it never ends unknown, it may be sent again."""
        try:
            return self.fetch("POST", path, body=body)
        except OutcomeUnknown as error:
            raise Temporary(str(error), status=error.status) from error

    def find(self, path: str, query: Query = ()) -> Answer | None:
        """The answer to a GET, or None where the store has no such entity."""
        try:
            return self.fetch("GET", path, query)
        except Rejected as error:
            if error.status == 404:
                return None
            raise

    def fetch(self, method: str, path: str, query: Query = (), body: Any = None) -> Answer:
        """The answer with its raw bytes."""
        request = HttpRequest(
            method=method,
            url=f"{self._root}/{path}",
            headers=self._headers,
            query=tuple(query),
            body=None if body is None else ENCODER.encode(body),
        )
        if body is not None:
            request = with_headers(request, {"Content-Type": "application/json"})
        response, error = self._try(request)
        if isinstance(error, Unauthorized) and self._auth.refresh():
            response, error = self._try(request)
        if error is not None or response is None:
            raise error or OutcomeUnknown("no answer")
        return Answer(
            body=response.body, status=response.status, store_time=response.date(), elapsed_ms=response.elapsed_ms
        )

    def _try(self, request: HttpRequest) -> tuple[HttpResponse | None, DeliveryError | None]:
        try:
            response = self._http.send(self._auth.apply(request))
        except OutcomeUnknown as error:
            if request.method != "GET":
                raise
            raise Temporary(str(error)) from error
        return response, classify(request.method, response.status, response.headers, response.body)


def segment(text: str) -> str:
    """A value as one segment of a path: a SKU may hold a slash."""
    return quote(text, safe="")
