"""The company over HTTP."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime, timedelta
from typing import TypeVar
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import msgspec

from crossdock.sandbox.clock import Clock
from crossdock.sandbox.erps.dynamics_bc.books import Books
from crossdock.sandbox.erps.dynamics_bc.contract import (
    BLANKS,
    CLIENT,
    COMPANY,
    LINES,
    OWN,
    ROOT,
    SECRET,
    SHOWN,
    TAKEN,
    TOKEN,
    TOKEN_PATH,
    checked,
)
from crossdock.sandbox.erps.odata import Asking, Filter, Found, Refusal, Row, found
from crossdock.sandbox.faults import NONE, Faults, Lottery
from crossdock.sandbox.wire import Answer, Asked, WireServer

T = TypeVar("T")
WAIT_SECONDS = 30


class BcServer:
    """The stand-in over HTTP. `do` runs something on its books in its own thread, where nothing races."""

    def __init__(self, *, seed: int = 1, faults: Faults = NONE, page: int = 20_000) -> None:
        self.clock = Clock()
        self.lottery = Lottery(faults, seed)
        self.books = Books(self.clock)
        self.page = page
        self.received: dict[str, datetime] = {}
        self.requests: list[Asked] = []
        self.tokens: set[str] = set()  # those that are good
        self.issued = 0
        self.refuse: list[Answer] = []  # instead of the next writes
        self._server = WireServer(self.answer, self.clock)
        self.url = self._server.url

    def start(self) -> None:
        """Begin to serve."""
        self._server.start()

    def stop(self) -> None:
        """Break what is open."""
        self._server.stop()

    def do(self, act: Callable[[Books], T]) -> T:
        """The result of `act(books)`."""
        done: Future[T] = Future()

        def run() -> None:
            try:
                done.set_result(act(self.books))
            except Exception as error:  # noqa: BLE001  the caller gets it
                done.set_exception(error)

        self._server.loop.call_soon_threadsafe(run)
        return done.result(WAIT_SECONDS)

    def answer(self, asked: Asked) -> Answer:
        """One request, with what the lottery has in store for it."""
        if asked.path == TOKEN_PATH:
            return self._token(asked)
        self.requests.append(asked)
        if asked.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            return told(Refusal(401, "Authentication_InvalidCredentials", "The server has rejected the credentials."))
        kind, what = kind_of(asked), f"{asked.method} {asked.path}"
        if kind != "find" and self.refuse:
            return self.refuse.pop(0)
        if (instead := self.lottery.before(kind, what, self.clock(), writes=False)) is not None:
            return instead
        return self.lottery.around(kind, what, lambda: self._safely(asked))

    def _safely(self, asked: Asked) -> Answer:
        before = self.books.copied()
        try:
            return self._batch(asked) if asked.path.endswith("/$batch") else self._taken(asked)
        except Refusal as refusal:
            self.books.tables = before
            return told(refusal)

    def _token(self, asked: Asked) -> Answer:
        form = dict(parse_qsl(asked.body.decode()))
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT, SECRET) or "scope" not in form:
            return Answer(status=401, body={"error": "invalid_client"})
        self.issued += 1
        token = f"{TOKEN}-{self.issued}"
        self.tokens.add(token)
        return Answer(body={"access_token": token, "expires_in": 3599, "token_type": "Bearer"})

    def _batch(self, asked: Asked) -> Answer:
        before = self.books.copied()
        whole = asked.headers.get("isolation") == "snapshot"
        requests = asked.json().get("requests", [])
        if not 0 < len(requests) <= 100:
            raise Refusal(400, "BadRequest", "a batch has 1 to 100 requests")
        answers: list[Row] = []
        for one in requests:
            answer = self._inner(one)
            answers.append({"id": one.get("id"), "status": answer.status, "headers": {}, "body": answer.body})
            if whole and answer.status >= 400:
                self.books.tables = before
                break
        return Answer(body={"responses": answers})

    def _inner(self, one: Row) -> Answer:
        parts = urlsplit(one["url"])
        body = msgspec.json.encode(one["body"]) if "body" in one else b""
        inner = Asked(
            method=one["method"],
            path=f"{ROOT}/{unquote(parts.path).removeprefix('/')}",
            query=dict(parse_qsl(parts.query)),
            headers={name.lower(): value for name, value in one.get("headers", {}).items()},
            body=body,
        )
        try:
            return self._taken(inner)
        except Refusal as refusal:
            return told(refusal)

    def _taken(self, asked: Asked) -> Answer:
        if asked.path == f"{OWN}/companies({COMPANY})/entries" and asked.method == "GET":
            return self._listed("entries", asked)
        path = asked.path.removeprefix(f"{ROOT}/")
        if path == asked.path:
            raise Refusal(404, "BadRequest_ResourceNotFound", "Resource not found for the segment")
        if path.startswith(("companies(", "companies")) and "/" in path:
            head, _, path = path.partition("/")
            if head != f"companies({COMPANY})":
                raise Refusal(404, "Internal_CompanyNotFound", "The company does not exist.")
        match = re.fullmatch(r"(\w+)(?:\('?([\w-]+)'?\))?", path)
        if match is None or match[1] not in SHOWN:
            raise Refusal(404, "BadRequest_ResourceNotFound", f"Resource not found for the segment '{path}'")
        table, ident = match[1], match[2]
        if asked.method == "GET" and not ident:
            return self._listed(table, asked)
        if asked.method == "POST" and not ident and table in TAKEN:
            return Answer(status=201, body=shown(table, self._made(table, checked(table, asked.json()))))
        if asked.method in {"PATCH", "DELETE"} and ident:
            return self._changed(table, ident, asked)
        raise Refusal(405, "BadRequest_MethodNotAllowed", f"'{asked.method}' requests for '{table}' are not allowed")

    def _listed(self, table: str, asked: Asked) -> Answer:
        fields = SHOWN[table]
        asking = Asking.of(asked.query, asked.headers, fields)
        if table == "salesOrderLines" and "documentId" not in asking.where:
            raise Refusal(
                400, "Application_DialogException", "You must specify an Id or a Document Id to get the lines."
            )
        asking = msgspec.structs.replace(asking, size=min(asking.size, self.page))
        test = Filter(asking.where, fields, same_field=True).test if asking.where else (lambda _row: True)
        rows_there = self.books.tables["itemLedgerEntries" if table == "entries" else table]
        page: Found = found(rows_there, asking, test)
        expand = asked.query.get("$expand", "")
        if expand and expand != LINES.get(table):
            raise Refusal(400, "BadRequest", f"Could not find a property named '{expand}'.")
        rows = [shown(table, row, asking.select, expand) for row in page.rows]
        body: Row = {"@odata.context": f"{self.url}{ROOT}/$metadata#{table}", "value": rows}
        if page.next is not None:
            query = urlencode({**asked.query, "$skiptoken": str(page.next)})
            body["@odata.nextLink"] = f"{self.url}{asked.path}?{query}"
        return Answer(body=body)

    def _made(self, table: str, values: Row) -> Row:
        if table == "customers":
            return self.books.add_customer(values)
        if table == "salesOrders":
            order = self.books.add_order(values)
            self.received.setdefault(order.get("externalDocumentNumber", ""), self.clock.real())
            return order
        if table == "subscriptions":
            ident, ends = uuid.uuid4().hex, self._in_three_days()
            return self.books.add(table, subscriptionId=ident, expirationDateTime=ends, **values)
        raise Refusal(405, "BadRequest_MethodNotAllowed", f"'POST' requests for '{table}' are not allowed")

    def _in_three_days(self) -> str:
        return (self.clock() + timedelta(days=3)).isoformat().replace("+00:00", "Z")

    def _changed(self, table: str, ident: str, asked: Asked) -> Answer:
        key = "subscriptionId" if table == "subscriptions" else "id"
        row = next((one for one in self.books.tables[table] if one.get(key) == ident), None)
        if row is None:
            raise Refusal(404, "Internal_RecordNotFound", "The record does not exist.")
        etag = asked.headers.get("if-match")
        if etag is None:
            raise Refusal(400, "BadRequest_InvalidToken", "Could not validate the client concurrency token.")
        if etag not in {"*", row["_etag"]}:
            raise Refusal(409, "Request_EntityChanged", "Another user has already changed the record.")
        if asked.method == "DELETE":
            self.books.tables[table].remove(row)
            return Answer(status=204, raw=b"")
        values = checked(table, asked.json())
        if values.get("number", row.get("number")) != row.get("number"):
            raise Refusal(400, "BadRequest_InvalidOperation", "Control 'No.' is read-only")
        if table == "subscriptions":
            values |= {"expirationDateTime": self._in_three_days()}
        return Answer(body=shown(table, self.books.replace(table, row, values)))


def kind_of(asked: Asked) -> str:
    """The class of endpoint that faults go by: find, create, change."""
    if asked.method == "GET":
        return "find"
    if asked.path.endswith("/$batch"):
        return "create" if b'"POST"' in asked.body else "find"
    return "create" if asked.method == "POST" else "change"


def shown(table: str, row: Row, select: tuple[str, ...] = (), expand: str = "") -> Row:
    """As the API tells it: every field, a blank one as its type has it."""
    kinds = SHOWN[table]
    told = {name: row.get(name, BLANKS[kinds[name][0]]) for name in select or kinds}
    body: Row = {"@odata.etag": row.get("_etag", 'W/"0"'), **told}
    if expand:
        body[LINES[table]] = [shown(LINES[table], line) for line in row["_lines"]]
    return body


def told(refusal: Refusal) -> Answer:
    """An error's body."""
    message = f"{refusal.message}  CorrelationId:  {uuid.uuid4()}."
    return Answer(status=refusal.status, body={"error": {"code": refusal.code, "message": message}})
