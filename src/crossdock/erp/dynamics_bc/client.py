"""The only file of this end that sends HTTP; what an answer means stands in answers.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import quote, urljoin

from crossdock.erp.dynamics_bc.answers import Reading, classify
from crossdock.erp.dynamics_bc.settings import MOST_OPERATIONS
from crossdock.errors import Misconfigured, OutcomeUnknown, Temporary
from crossdock.transport.auth import Auth
from crossdock.transport.calls import called, looked
from crossdock.transport.odata import (
    BatchPart,
    Query,
    Row,
    Rows,
    all_rows,
    build_json_batch,
    encode,
    page_in,
    parse_json_batch,
)
from crossdock.transport.told import decode
from crossdock.transport.wire import HttpRequest, HttpResponse, Sender, encode_query

JSON = {"Accept": "application/json", "Content-Type": "application/json"}
LONGEST_ADDRESS = 2000  # what any gateway between us takes


def utc_now() -> datetime:
    """Our clock."""
    return datetime.now(UTC)


class BcClient:
    """Calls of one environment. `about` gives the same client that keeps these texts out of errors; it is cheap."""

    def __init__(
        self,
        http: Sender,
        auth: Auth,
        root: str,
        *,
        clock: Callable[[], datetime] = utc_now,
        personal: tuple[str, ...] = (),
    ) -> None:
        self._http = http
        self._auth = auth
        self._root = root
        self._clock = clock
        self._personal = personal

    def about(self, personal: Sequence[str]) -> BcClient:
        """The same about these people."""
        return BcClient(self._http, self._auth, self._root, clock=self._clock, personal=tuple(personal))

    def page(self, path: str, query: Query, link: str = "") -> Rows:
        """A page of a set, or the one behind `link`. Raises Temporary where it cannot tell: a look may be repeated."""
        url = link or self._address(path)
        asked = HttpRequest(method="GET", url=url, headers=query.headers(), query=() if link else query.pairs())
        return page_in(self._call(asked, writes=False), url, self._clock())

    def every(self, path: str, query: Query) -> Iterator[Row]:
        """All rows, page after page by the server's own links."""
        return all_rows(partial(self.page, path, query))

    def create(self, path: str, values: Mapping[str, Any]) -> Row:
        """The new record. Raises OutcomeUnknown where the answer does not name it."""
        told = self.post(path, values)
        if not told.get("id"):
            raise OutcomeUnknown("a new record, but the answer names no id")
        return told

    def post(self, path: str, values: Mapping[str, Any]) -> Row:
        """Whatever comes back."""
        told = decode(self._call(self._write("POST", path, values), writes=True).body)
        return told if isinstance(told, dict) else {}

    def change(self, path: str, etag: str, values: Mapping[str, Any]) -> Row:
        """The record as it is then. Raises Temporary where somebody has changed it since `etag`."""
        response = self._call(self._write("PATCH", path, values, etag), writes=True)
        told = decode(response.body)
        return told if isinstance(told, dict) else {}

    def delete(self, path: str, etag: str) -> None:
        """One record."""
        self._call(
            HttpRequest(method="DELETE", url=f"{self._root}/{path}", headers={**JSON, "If-Match": etag}), writes=True
        )

    def batch(self, parts: Sequence[BatchPart], *, writes: bool) -> list[HttpResponse]:
        """The parts' answers, all of them successes: the first one that is none is raised.

        A batch that writes is one transaction (`Isolation: snapshot`): where one part fails, nothing was done.
        """
        if len(parts) > MOST_OPERATIONS:
            raise Misconfigured(f"a batch of {len(parts)}, and {MOST_OPERATIONS} are allowed")
        headers = dict(JSON) | ({"Isolation": "snapshot"} if writes else {})
        request = HttpRequest(
            method="POST", url=f"{self._root}/$batch", headers=headers, body=build_json_batch(parts), looks=not writes
        )
        response = self._call(request, writes=writes)
        unclear = OutcomeUnknown if writes else Temporary
        try:
            answers = parse_json_batch(response.body, len(parts))
        except ValueError as error:
            raise unclear(str(error), status=response.status) from error
        for answer in answers:
            if failed := classify(answer, self._reading(writes=writes)):
                raise failed
        if len(answers) < len(parts):
            raise unclear(f"{len(answers)} answers to a batch of {len(parts)}", status=response.status)
        return answers

    def _address(self, path: str) -> str:
        """Of a set; `../` leads to another API of the same environment."""
        return urljoin(f"{self._root}/", path) if path.startswith("../") else f"{self._root}/{path}"

    def _write(self, method: str, path: str, values: Mapping[str, Any], etag: str = "") -> HttpRequest:
        headers = dict(JSON) | ({"If-Match": etag} if etag else {})
        return HttpRequest(method=method, url=f"{self._root}/{path}", headers=headers, body=encode(dict(values)))

    def _call(self, request: HttpRequest, *, writes: bool) -> HttpResponse:
        reading = self._reading(writes=writes)
        ask = called if writes else looked
        return ask(self._http, self._auth, request, lambda response: classify(response, reading))

    def _reading(self, *, writes: bool) -> Reading:
        return Reading(now=self._clock(), writes=writes, personal=self._personal)


def read_part(path: str, query: Query) -> BatchPart:
    """A read within a batch."""
    told = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.pairs())
    return BatchPart(method="GET", path=f"{path}?{told}" if told else path)


def chunks(values: Sequence[str], field: str) -> Iterator[tuple[str, ...]]:
    """So many at a time as an address bears, where each is asked for as `field eq 'value' or`."""
    some: list[str] = []
    length = 0
    for value in values:
        cost = len(encode_query(((field, value),))) + 20
        if some and length + cost > LONGEST_ADDRESS:
            yield tuple(some)
            some, length = [], 0
        some.append(value)
        length += cost
    if some:
        yield tuple(some)
