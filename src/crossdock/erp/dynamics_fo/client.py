"""The only file of this end that sends HTTP; what an answer means stands in answers.py.

Every request sees all companies (`cross-company=true`) and names the one that it means: without that only our user's
default company is seen, and what is asked for would silently not be there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import quote

from crossdock.erp.dynamics_fo.answers import Reading, classify
from crossdock.errors import OutcomeUnknown
from crossdock.transport.auth import Auth
from crossdock.transport.calls import called, looked
from crossdock.transport.multipart import ChangeSet, ChangeSetAnswer, Operation, build_batch, parse_batch
from crossdock.transport.odata import Query, Row, Rows, all_rows, encode, eq, key_of, page_in
from crossdock.transport.told import decode
from crossdock.transport.wire import HttpRequest, HttpResponse, Sender

JSON = {"Accept": "application/json", "Content-Type": "application/json"}
ALL_COMPANIES = ("cross-company", "true")


def utc_now() -> datetime:
    """Our clock."""
    return datetime.now(UTC)


class FoClient:
    """Calls of one company. `about` gives the same client that keeps these texts out of errors; it is cheap."""

    def __init__(
        self,
        http: Sender,
        auth: Auth,
        root: str,
        company: str,
        *,
        duplicate: str,
        clock: Callable[[], datetime] = utc_now,
        personal: tuple[str, ...] = (),
    ) -> None:
        self._http = http
        self._auth = auth
        self._root = root
        self.company = company
        self._duplicate = duplicate
        self._clock = clock
        self._personal = personal

    def about(self, personal: Sequence[str]) -> FoClient:
        """The same about these people."""
        return FoClient(
            self._http,
            self._auth,
            self._root,
            self.company,
            duplicate=self._duplicate,
            clock=self._clock,
            personal=tuple(personal),
        )

    def page(self, entity: str, query: Query, link: str = "") -> Rows:
        """A page of a set, or the one behind `link`. Raises Temporary where it cannot tell: a look may be repeated."""
        url = link or f"{self._root}/data/{entity}"
        pairs = () if link else (*query.pairs(eq("dataAreaId", self.company)), ALL_COMPANIES)
        asked = HttpRequest(method="GET", url=url, headers=query.headers(), query=pairs)
        return page_in(self._call(asked, writes=False), url, self._clock())

    def every(self, entity: str, query: Query) -> Iterator[Row]:
        """All rows, page after page by the server's own links."""
        return all_rows(partial(self.page, entity, query))

    def create(self, entity: str, values: Mapping[str, Any]) -> Row:
        """The new record. Raises OutcomeUnknown where the answer does not show it."""
        response = self._call(self._write("POST", entity, {"dataAreaId": self.company, **values}), writes=True)
        return _record(response)

    def change(self, path: str, etag: str, values: Mapping[str, Any]) -> None:
        """Raises Temporary where somebody has changed it since `etag`."""
        self._call(self._write("PATCH", path, values, etag), writes=True)

    def delete(self, path: str, etag: str) -> None:
        """One record, with what belongs to it."""
        self._call(self._write("DELETE", path, None, etag), writes=True)

    def create_all(self, records: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Row]:
        """All of them in one change set, or none; the new records in their order.

        Raises OutcomeUnknown where the answer does not show each of them.
        """
        operations = tuple(
            Operation(
                method="POST",
                path=f"{self._root}/data/{entity}?cross-company=true",
                headers=dict(JSON),
                body=encode({"dataAreaId": self.company, **values}),
            )
            for entity, values in records
        )
        batch = build_batch([ChangeSet(operations=operations)])
        headers = {"Content-Type": batch.content_type, "Accept": "multipart/mixed"}
        url = f"{self._root}/data/$batch"
        response = self._call(HttpRequest(method="POST", url=url, headers=headers, body=batch.body), writes=True)
        try:
            (answer,) = parse_batch(response.headers.get("content-type", ""), response.body)
        except ValueError as error:
            raise OutcomeUnknown(str(error), status=response.status) from error
        return [_record(one) for one in self._answers(answer, len(operations))]

    def path(self, entity: str, **key: str) -> str:
        """One record by its whole key."""
        return entity + quote(key_of(dataAreaId=self.company, **key), safe="(),='")

    def _answers(self, answer: HttpResponse | ChangeSetAnswer, count: int) -> Sequence[HttpResponse]:
        answers = answer.answers if isinstance(answer, ChangeSetAnswer) else (answer,)
        for one in answers:
            if failed := classify(one, self._reading(writes=True)):
                raise failed
        if len(answers) != count:
            raise OutcomeUnknown(f"{len(answers)} answers to a change set of {count}")
        return answers

    def _write(self, method: str, path: str, values: Mapping[str, Any] | None, etag: str = "") -> HttpRequest:
        headers = dict(JSON) | ({"If-Match": etag} if etag else {})
        body = None if values is None else encode(dict(values))
        url = f"{self._root}/data/{path}"
        return HttpRequest(method=method, url=url, headers=headers, query=(ALL_COMPANIES,), body=body)

    def _call(self, request: HttpRequest, *, writes: bool) -> HttpResponse:
        reading = self._reading(writes=writes)
        ask = called if writes else looked
        return ask(self._http, self._auth, request, lambda response: classify(response, reading))

    def _reading(self, *, writes: bool) -> Reading:
        return Reading(now=self._clock(), writes=writes, duplicate=self._duplicate, personal=self._personal)


def _record(response: HttpResponse) -> Row:
    told = decode(response.body)
    if not isinstance(told, dict) or not told.get("dataAreaId"):
        raise OutcomeUnknown("a new record, but the answer does not show it", status=response.status)
    return told
